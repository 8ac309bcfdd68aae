"""How a training spends its time, and how long it will go on.

Steps and interruptions are counted apart: what is left is so many steps at the speed of late, and so many judgements
and checkpoints, each as long as those before it. So the time left neither jumps when a judgement begins nor says that
a second is left while the last one takes a minute.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from store.jobs import JobRequest
from store.phases import Phase

_LATE_SECONDS = 60.0
"""Of training, from which its speed of late is taken."""

_PATIENCE_SECONDS = 60.0
"""After so long a training, the time left is told though an interruption that is due was never measured."""


class Pace:
    """Knows how fast one attempt of a training is. Its training tells the phase; another thread may ask."""

    def __init__(self, request: JobRequest, total_steps: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._clock = total_steps, clock
        self._intervals: Mapping[Phase, int] = {
            phase: interval
            for phase, interval in (
                (Phase.JUDGING, request.quality_interval),
                (Phase.SAVING, request.checkpoint_interval),
            )
            if interval is not None
        }
        self._phase, self._since = Phase.STARTING, clock()
        self._trained = 0.0
        self._interruptions: Mapping[Phase, list[float]] = {Phase.JUDGING: [], Phase.SAVING: []}
        self._looks: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()

    @property
    def phase(self) -> Phase:
        """What the training does."""
        return self._phase

    def turn(self, phase: Phase) -> None:
        """Note that the training does something else from now on."""
        with self._lock:
            now = self._clock()
            if self._phase is Phase.TRAINING:
                self._trained += now - self._since
            elif self._phase in self._interruptions and phase is not self._phase:
                self._interruptions[self._phase].append(now - self._since)
            self._phase, self._since = phase, now

    def look(self, step: int) -> None:
        """Note the step that the training has reached: now and then."""
        with self._lock:
            if self._phase is not Phase.TRAINING:
                return
            trained = self._spent_training()
            self._looks.append((trained, step))
            while self._looks[0][0] < trained - _LATE_SECONDS:
                self._looks.popleft()

    @property
    def rate(self) -> float | None:
        """Steps per second of training, of late; None before a step was seen."""
        with self._lock:
            return self._rate()

    def _rate(self) -> float | None:
        if not self._looks:
            return None
        (began, first), (ended, last) = self._looks[0], self._looks[-1]
        return (last - first) / (ended - began) if last > first and ended > began else None

    def remaining(self, step: int) -> float | None:
        """Return how many seconds a training at this step will go on; None while nobody can know."""
        with self._lock:
            rate = self._rate()
            if rate is None:
                return None
            ahead = [self._ahead(phase, interval, step) for phase, interval in self._intervals.items()]
            if None in ahead and self._spent_training() < _PATIENCE_SECONDS:
                return None
            return (self._total - step) / rate + sum(filter(None, ahead))

    def _spent_training(self) -> float:
        """Return the seconds of all training so far, with what it does just now."""
        return self._trained + (self._clock() - self._since if self._phase is Phase.TRAINING else 0.0)

    def _ahead(self, phase: Phase, interval: int, step: int) -> float | None:
        """Return the seconds of the interruptions of a kind that are to come; None if one was never measured."""
        measured = self._interruptions[phase]
        due = math.ceil(self._total / interval) - step // interval if step < self._total else 0
        if not measured:
            return None if due or self._phase is phase else 0.0
        later = measured[1:] or measured  # the first prepares what the others find ready
        usual, last = sum(later) / len(later), max(measured)  # the last is always a thorough one
        elapsed = self._clock() - self._since if self._phase is phase else None
        under_way = 0.0 if elapsed is None else max(0.0, (usual if due else last) - elapsed)
        return under_way + ((due - 1) * usual + last if due else 0.0)
