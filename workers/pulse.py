"""The heartbeat of a training process: a thread keeps the lease while the process loads, trains and saves.

A stopped process has no pulse either, so its lease is really lost.
"""

import logging
import os
import threading
import time
from collections import deque
from types import TracebackType
from typing import Self

from store.errors import DatabaseUnavailableError
from store.events import EventKind, NewEvent
from store.jobs import Claim, JobStore
from store.states import Wish

logger = logging.getLogger(__name__)

_RATE_BEATS = 10
_PROGRESS_EVENTS = 200


class Pulse:
    """Beats from entering to leaving. step: what the training has reached, which each beat tells."""

    def __init__(self, jobs: JobStore, claim: Claim, *, interval_seconds: float) -> None:
        self.step = claim.job.step
        self._jobs, self._claim = jobs, claim
        self._interval_seconds = interval_seconds
        self._parent = os.getppid()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._stopped = threading.Event()
        self._beats: deque[tuple[float, int]] = deque(maxlen=_RATE_BEATS)
        self._told_step = self.step
        self._told_wish = Wish.NONE
        self._failure: Exception | None = None
        self._is_preempted = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    @property
    def is_beating(self) -> bool:
        """Whether nothing has ended the pulse."""
        return self._failure is None

    @property
    def wish(self) -> Wish:
        """What the last beat brought, or else PREEMPT if this process was asked to go or lost its parent.

        Raises what ended the pulse: LeaseLostError, or a fault of ours.
        """
        if self._failure is not None:
            raise self._failure
        is_to_go = self._is_preempted or os.getppid() != self._parent
        return Wish.PREEMPT if self._told_wish is Wish.NONE and is_to_go else self._told_wish

    def preempt(self) -> None:
        """Wish that the training saves and lets another go on: for a signal handler."""
        self._is_preempted = True

    def _run(self) -> None:
        while self.is_beating:
            try:
                self._beat()
            except DatabaseUnavailableError as error:
                logger.warning("no heartbeat: %s", error)
            except Exception as error:
                self._failure = error
            if self._stopped.wait(self._interval_seconds):
                return

    def _beat(self) -> None:
        step, rate = self.step, self._rate()
        self._told_wish = self._jobs.heartbeat(self._claim, step=step, rate=rate)
        if step - self._told_step >= self._claim.job.total_steps / _PROGRESS_EVENTS:
            progress = {"total_steps": self._claim.job.total_steps, "rate": rate}
            self._jobs.record(self._claim, [NewEvent(EventKind.PROGRESS, progress, step)])
            self._told_step = step

    def _rate(self) -> float | None:
        """Steps per second over the last beats; None until something moves: loading is not counted."""
        now, step = time.monotonic(), self.step
        if self._beats and step == self._beats[0][1]:
            self._beats.clear()
        self._beats.append((now, step))
        first, begin = self._beats[0]
        return (step - begin) / (now - first) if step > begin else None
