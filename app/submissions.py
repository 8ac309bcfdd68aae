"""A training that is asked for, whoever asks: as JSON, or by a form of a page."""

from contextlib import suppress

from app.dependencies import Services
from app.idempotency import digest
from store.errors import DatabaseUnavailableError
from store.jobs import Job
from store.requests import TrainRequest, complete
from store.states import JobState


def submit(wish: TrainRequest, given: Services, *, idempotency_key: str | None = None) -> Job:
    """Queue a training and wake a worker. A repeat with the same key and wish gets the first one's job.

    Raises RequestError, QueueFullError, IdempotencyConflictError.
    """
    request, total_steps = complete(wish)
    created = given.jobs.create(
        request,
        total_steps=total_steps,
        idempotency_key=idempotency_key,
        body_digest=digest(wish),
        queue_limit=given.settings.queue_limit,
    )
    if created.created:
        ring(created.job, given)
    return created.job


def ring(job: Job, given: Services) -> None:
    """Wake a worker. Whatever fails here, the job is queued, and the sweeper rings again."""
    if given.doorbell.ring(job.id):
        with suppress(DatabaseUnavailableError):
            given.jobs.mark_rung(job.id)


def resume(job_id: str, given: Services) -> Job:
    """Let a paused job go on, and wake a worker. Raises JobNotFoundError, JobStateError."""
    job = given.jobs.resume(job_id)
    if job.state is JobState.QUEUED:
        ring(job, given)
    return job
