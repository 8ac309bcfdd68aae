"""Jobs as pages show them: in words, with what can be asked of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.dependencies import Services
from app.schemas import moment
from store.jobs import Job
from store.phases import DESCRIPTIONS
from store.states import JobState
from store.telling import tell_left, tell_minute

_PAUSED_SHOWN, FINISHED_SHOWN = 50, 20
_CAN_PAUSE = {JobState.QUEUED, JobState.RUNNING}
_CAN_RESUME = {JobState.PAUSED, JobState.PAUSING}


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job. share: of its steps, from 0 to 1. phase: what it does at work, and left: how long
    it will go on, both in words; empty where nobody knows.
    """

    id: str
    state: JobState
    family: str
    preset: str
    dataset: str
    step: int
    total: int
    share: float
    phase: str
    left: str
    priority: int
    place: int | None
    attempt: int
    max_attempts: int
    since: str

    @classmethod
    def of(cls, job: Job, place: int | None) -> "JobRow":
        """Describe a job. place: in the queue, from 1; None where it does not wait there."""
        seconds = job.remaining_seconds
        return cls(
            id=job.id,
            state=job.state,
            family=job.family,
            preset=job.preset,
            dataset=job.dataset,
            step=job.step,
            total=job.total_steps,
            share=job.step / job.total_steps,
            phase="" if job.phase is None else DESCRIPTIONS[job.phase],
            left="" if seconds is None else tell_left(seconds),
            priority=job.priority,
            place=place,
            attempt=job.attempt,
            max_attempts=job.max_attempts,
            since=tell_minute(moment(job.created_at)),
        )

    @property
    def can_pause(self) -> bool:
        """Whether a pause can be asked for."""
        return self.state in _CAN_PAUSE

    @property
    def can_resume(self) -> bool:
        """Whether it can be asked to go on."""
        return self.state in _CAN_RESUME

    @property
    def can_cancel(self) -> bool:
        """Whether it can be asked to end."""
        return not self.state.is_finished and self.state is not JobState.CANCELLING


@dataclass(frozen=True, slots=True)
class Jobs:
    """What is at work and waits, in the order of its claim; what is paused, and the last that finished."""

    active: Sequence[JobRow]
    paused: Sequence[JobRow]
    finished: Sequence[JobRow]


def read_jobs(given: Services) -> Jobs:
    """Return what the lists of jobs show."""
    active = given.jobs.queue()
    paused = given.jobs.list([JobState.PAUSED], limit=_PAUSED_SHOWN).items
    finished = given.jobs.list([one for one in JobState if one.is_finished], limit=FINISHED_SHOWN).items
    places = given.jobs.positions([job.id for job in active])
    return Jobs(_rows(active, places), _rows(paused, {}), _rows(finished, {}))


def read_row(job: Job, given: Services) -> JobRow:
    """Return one job."""
    return _rows([job], given.jobs.positions([job.id]))[0]


def _rows(jobs: Sequence[Job], places: Mapping[str, int]) -> Sequence[JobRow]:
    return [JobRow.of(job, places[job.id] + 1 if job.id in places else None) for job in jobs]
