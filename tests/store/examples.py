"""Jobs in every state, reached as in life."""

from collections.abc import Callable

from sqlalchemy import update

from store import tables
from store.checkpoints import NewCheckpoint
from store.database import Database
from store.jobs import Claim, JobRequest, JobStore
from store.states import Failed, JobState, Succeeded

TOTAL_STEPS = 1000

REQUEST = JobRequest(
    family="dcgan",
    preset="tutorial",
    dataset="mnist",
    seed=2**63 - 1,
    images=64_000,
    batch_size=64,
    hyperparameters={"learning_rate": 0.0005, "nested": {"layers": [1, 2, None]}, "name": "ä"},
    checkpoint_interval=100,
    sample_interval=100,
    metrics_interval=10,
)


def new_job(jobs: JobStore, *, priority: int = 0) -> str:
    job_id = jobs.create(REQUEST, total_steps=TOTAL_STEPS).job.id
    return jobs.set_priority(job_id, priority).id if priority else job_id


def claimed(jobs: JobStore, owner: str = "worker") -> Claim:
    """The claim of a new job, which comes before all that wait."""
    job_id = new_job(jobs, priority=100)
    claim = jobs.claim(owner)
    assert claim is not None
    assert claim.job.id == job_id
    return claim


def held(jobs: JobStore, state: JobState) -> Claim:
    """The claim of a job that is at work, with this wish."""
    claim = claimed(jobs)
    wish: dict[JobState, Callable[[str], object]] = {
        JobState.RUNNING: jobs.get,
        JobState.PAUSING: jobs.request_pause,
        JobState.CANCELLING: jobs.request_cancel,
    }
    wish[state](claim.job.id)
    return claim


def job_in(jobs: JobStore, state: JobState) -> str:
    """A job in this state."""
    if state.is_held:
        return held(jobs, state).job.id
    if state is JobState.SUCCEEDED:
        return jobs.settle(claimed(jobs), Succeeded()).id
    if state is JobState.FAILED:
        return jobs.settle(claimed(jobs), Failed({"type": "diverged", "detail": "loss is not finite"})).id
    job_id = new_job(jobs)
    if state is JobState.PAUSED:
        jobs.request_pause(job_id)
    if state is JobState.CANCELLED:
        jobs.request_cancel(job_id)
    return job_id


def end_lease(database: Database, claim: Claim) -> None:
    """Lets the lease be over, as if the worker had been silent for long."""
    over = update(tables.jobs).where(tables.jobs.c.id == claim.job.id).values(lease_until=1.0)
    with database.begin() as connection:
        connection.execute(over)


def checkpoint(step: int) -> NewCheckpoint:
    path = f"checkpoints/job/{step:08d}-1"
    return NewCheckpoint(step, step * 64, path, f"sha256:{step}", {"frechet_distance": 12.5})
