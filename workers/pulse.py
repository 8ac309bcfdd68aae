"""The heartbeat of a training process: a thread keeps the lease while the process loads, trains and saves.

A stopped process has no pulse either, so its lease is really lost.
"""

import logging
import os
import threading
from types import TracebackType
from typing import Self

from store.errors import DatabaseUnavailableError
from store.events import EventKind, NewEvent
from store.jobs import Claim, JobStore
from store.phases import Phase
from store.states import Wish
from workers.pace import Pace

logger = logging.getLogger(__name__)

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
        self._pace = Pace(claim.job.request, claim.job.total_steps)
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
    def phase(self) -> Phase:
        """What the training does, which each beat tells."""
        return self._pace.phase

    @phase.setter
    def phase(self, phase: Phase) -> None:
        self._pace.turn(phase)

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
        step = self.step
        self._pace.look(step)
        rate, remaining = self._pace.rate, self._pace.remaining(step)
        self._told_wish = self._jobs.heartbeat(
            self._claim, step=step, rate=rate, phase=self.phase, remaining_seconds=remaining
        )
        if step - self._told_step >= self._claim.job.total_steps / _PROGRESS_EVENTS:
            progress = {"total_steps": self._claim.job.total_steps, "rate": rate}
            self._jobs.record(self._claim, [NewEvent(EventKind.PROGRESS, progress, step)])
            self._told_step = step
