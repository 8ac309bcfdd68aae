"""How far the events of a job go: asked of the database once for all who listen."""

import asyncio
import time

from starlette.concurrency import run_in_threadpool

from store.events import EventStore


class Feed:
    """Knows the last event of the jobs that somebody listens to, as it was at most `pause_seconds` ago."""

    def __init__(self, events: EventStore, *, pause_seconds: float) -> None:
        self._events, self._pause_seconds = events, pause_seconds
        self._known: dict[str, tuple[float, int]] = {}
        self._asking: dict[str, asyncio.Task[int]] = {}

    async def last(self, job_id: str) -> int:
        """Return the sequence number of the job's last event; 0 if it has none."""
        asked_at, sequence = self._known.get(job_id, (-self._pause_seconds, 0))
        if time.monotonic() - asked_at < self._pause_seconds:
            return sequence
        if job_id not in self._asking:
            self._asking[job_id] = asyncio.create_task(self._ask(job_id))
        return await asyncio.shield(self._asking[job_id])  # one who leaves does not stop the others

    async def _ask(self, job_id: str) -> int:
        try:
            asked_at, sequence = time.monotonic(), await run_in_threadpool(self._events.last, job_id)
        finally:
            del self._asking[job_id]
        oldest = asked_at - self._pause_seconds
        self._known = {name: known for name, known in self._known.items() if known[0] > oldest}
        self._known[job_id] = asked_at, sequence
        return sequence
