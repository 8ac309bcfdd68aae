"""The states of a job, and everything that moves it from one to another.

    queued ──claim──▸ running ──▸ succeeded | failed
      ▴ ▾               ▴ ▾
      │ pause           │ pause                     cancel: queued, paused ──▸ cancelled
    resume              resume                              running, pausing ──▸ cancelling ──▸ cancelled
      │ ▾               │ ▾
    paused ◂──────── pausing

The table TRANSITIONS below says what a change makes of each state; a state that a change does not name refuses
it. Only the claim is not there, because it must compare and set at once: JobStore.claim.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_held(self) -> bool:
        """Whether a worker has the job, by a lease."""
        return self in HELD

    @property
    def is_finished(self) -> bool:
        """Whether the job will never change again."""
        return self in FINISHED


HELD = frozenset({JobState.RUNNING, JobState.PAUSING, JobState.CANCELLING})
FINISHED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


class Change(StrEnum):
    """What may happen to a job."""

    CANCEL = "cancel"  # asked by a person
    PAUSE = "pause"
    RESUME = "resume"
    SUCCEED = "succeed"  # said by the worker
    FAIL = "fail"
    ACKNOWLEDGE_CANCEL = "acknowledge cancel"
    YIELD = "yield"  # the training stopped, its checkpoint is on disk
    LOSE = "lose"  # the worker or its training process died, or met a fault that may pass; attempts are left
    LOSE_LAST = "lose the last attempt"


_QUEUED, _RUNNING, _PAUSING, _PAUSED = JobState.QUEUED, JobState.RUNNING, JobState.PAUSING, JobState.PAUSED
_CANCELLING, _CANCELLED = JobState.CANCELLING, JobState.CANCELLED
_SUCCEEDED, _FAILED = JobState.SUCCEEDED, JobState.FAILED
# A worker that stops, or is lost, has obeyed the wish it may have been told: cancel wins over pause.
_STOPPED = {_PAUSING: _PAUSED, _CANCELLING: _CANCELLED}

TRANSITIONS: Mapping[Change, Mapping[JobState, JobState]] = {
    Change.CANCEL: {
        _QUEUED: _CANCELLED,
        _PAUSED: _CANCELLED,
        _RUNNING: _CANCELLING,
        _PAUSING: _CANCELLING,
        _CANCELLING: _CANCELLING,
        **{state: state for state in FINISHED},
    },
    Change.PAUSE: {_QUEUED: _PAUSED, _PAUSED: _PAUSED, _RUNNING: _PAUSING, _PAUSING: _PAUSING},
    Change.RESUME: {_QUEUED: _QUEUED, _PAUSED: _QUEUED, _RUNNING: _RUNNING, _PAUSING: _RUNNING},
    Change.SUCCEED: dict.fromkeys(HELD, _SUCCEEDED),  # it was done before it read the wish
    Change.FAIL: dict.fromkeys(HELD, _FAILED),
    Change.ACKNOWLEDGE_CANCEL: {_CANCELLING: _CANCELLED},
    Change.YIELD: {_RUNNING: _QUEUED, **_STOPPED},
    Change.LOSE: {_RUNNING: _QUEUED, **_STOPPED},
    Change.LOSE_LAST: {_RUNNING: _FAILED, **_STOPPED},
}


class Wish(StrEnum):
    """What the worker is asked to do at its next heartbeat."""

    NONE = "none"
    CANCEL = "cancel"
    PAUSE = "pause"
    PREEMPT = "preempt"  # this worker shuts down: save, and let another go on


def wish_of(state: JobState, preempt: bool) -> Wish:
    """The wish that a held job's row expresses: cancel before pause before preempt."""
    asked = {JobState.CANCELLING: Wish.CANCEL, JobState.PAUSING: Wish.PAUSE}
    return asked.get(state, Wish.PREEMPT if preempt else Wish.NONE)


@dataclass(frozen=True, slots=True)
class Succeeded:
    """All steps are done."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The training cannot go on, and another attempt would fail alike. error: {"type": ..., "detail": ...}.

    A fault that the next attempt may not meet is no outcome: the claim is released, and the attempt counted.
    """

    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The cancel wish was obeyed, the checkpoint is on disk."""


@dataclass(frozen=True, slots=True)
class Paused:
    """The pause wish was obeyed, the checkpoint is on disk. Was it withdrawn meanwhile, the job is queued."""


@dataclass(frozen=True, slots=True)
class Preempted:
    """The worker shuts down, the checkpoint is on disk. The job is queued, this attempt not counted."""


Outcome = Succeeded | Failed | Cancelled | Paused | Preempted

CHANGE_OF_OUTCOME: Mapping[type[Outcome], Change] = {
    Succeeded: Change.SUCCEED,
    Failed: Change.FAIL,
    Cancelled: Change.ACKNOWLEDGE_CANCEL,
    Paused: Change.YIELD,
    Preempted: Change.YIELD,
}
