"""What a training tells: events and checkpoints, as long as its claim holds."""

import logging
from collections.abc import Mapping
from contextlib import suppress

from models import Symptom
from store.checkpoints import NewCheckpoint
from store.errors import JobStateError
from store.events import EventKind, EventStore, NewEvent
from store.jobs import Claim, JobStore
from workers.patience import patiently
from workers.watch import Look, Past

logger = logging.getLogger(__name__)


class Reporter:
    """Writes in the name of a claim, waiting out a database that is away. All that writes raises LeaseLostError."""

    def __init__(self, jobs: JobStore, claim: Claim, events: EventStore) -> None:
        self._jobs, self._claim, self._events = jobs, claim, events
        self._announced: set[Symptom] = set()

    def log(self, line: str) -> None:
        """Tell a line of progress for a person to read."""
        logger.info(line)
        self._record(NewEvent(EventKind.LOG, {"message": line}))

    def warn(self, line: str) -> None:
        """Tell what went wrong and did not end the training."""
        logger.warning(line)
        self._record(NewEvent(EventKind.WARNING, {"message": line}))

    def metric(self, step: int, terms: Mapping[str, float]) -> None:
        """Tell the means of the terms since the last metrics."""
        self._record(NewEvent(EventKind.METRIC, terms, step))

    def quality(self, step: int, data: Mapping[str, object]) -> None:
        """Tell what the pictures of a step look like."""
        self._record(NewEvent(EventKind.QUALITY, data, step))

    def collapse(self, step: int, symptom: Symptom, warning: str) -> None:
        """Tell that the training collapses, and what to do about it."""
        logger.warning(warning)
        if symptom not in self._announced:  # by an attempt that ended before it could act on it
            self._record(NewEvent(EventKind.WARNING, {"message": warning, "symptom": symptom}, step))

    def ask_pause(self) -> None:
        """Ask for the pause of the job, as a person would; one that is to be cancelled stays so."""
        self.confirm()
        with suppress(JobStateError):
            patiently(lambda: self._jobs.request_pause(self._claim.job.id))

    def past(self, step: int) -> Past:
        """Return what earlier attempts saw up to a step, and what they told until then.

        What they told after it, the training will come to again; then it is acted on, but not told twice.
        """
        told = patiently(
            lambda: self._events.after(self._claim.job.id, 0, [EventKind.QUALITY, EventKind.WARNING], limit=10_000)
        )
        looks = [
            Look.of(event.step, event.data["progress"], event.data["signs"])
            for event in told
            if event.kind is EventKind.QUALITY and event.step is not None and event.step <= step
        ]
        symptoms = {Symptom(event.data["symptom"]): event.step or 0 for event in told if "symptom" in event.data}
        self._announced = set(symptoms)
        return Past(tuple(looks), frozenset(one for one, told_at in symptoms.items() if told_at <= step))

    def sample(self, step: int, data: Mapping[str, int]) -> None:
        """Tell that the grid of a step is on disk."""
        self._record(NewEvent(EventKind.SAMPLE, data, step))

    def register(self, checkpoint: NewCheckpoint) -> None:
        """Make a checkpoint on disk known."""
        patiently(lambda: self._jobs.register_checkpoint(self._claim, checkpoint))

    def disqualify(self, step: int) -> None:
        """Let the checkpoint of a step, which is damaged, be nobody's best."""
        patiently(lambda: self._jobs.forget_headline(self._claim, step))

    def retire(self, newest: int) -> list[str]:
        """Forget the checkpoints before this step that the job does not keep; return where they lie."""
        return patiently(lambda: self._jobs.retire_checkpoints(self._claim, newest))

    def confirm(self) -> None:
        """Make sure that the job is still ours: before a file is written, which no database can fence."""
        patiently(lambda: self._jobs.heartbeat(self._claim))

    def _record(self, event: NewEvent) -> None:
        patiently(lambda: self._jobs.record(self._claim, [event]))
