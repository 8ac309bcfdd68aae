"""Trainings: ask for one, look at it, steer it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import ConfigDict, Field
from starlette.responses import Response

from app.caching import IMMUTABLE, REVALIDATE, answer
from app.dependencies import Given, Services, TakesJson
from app.idempotency import IdempotencyKey
from app.openapi import UNCHANGED, draws, refuses, tells
from app.refusals import SampleNotFoundError
from app.schemas import Document, JobView, MetricsPoint, Page, PageQuery, Plan, PriorityChange, QueueMove
from app.submissions import resume, submit
from store.events import EventKind
from store.faults import RULE
from store.jobs import Job
from store.requests import TrainRequest, complete
from store.settings import sample_name
from store.states import JobState

router = APIRouter(tags=["jobs"])

_POLL_SECONDS = "1"


class JobsQuery(PageQuery):
    """Which jobs to list."""

    state: list[JobState] = Field(default_factory=list, description="in one of these states; in any where left out")
    study: str | None = Field(None, max_length=100, description="of this study")


@router.post(
    "/train",
    operation_id="train",
    status_code=202,
    response_model=JobView,
    dependencies=[TakesJson],
    responses={
        202: {
            "description": "Queued",
            "headers": tells(Location="the job", Retry_After="seconds after which to look"),
        },
        **refuses(400, 413, 415, 422, 429, 503),
    },
)
def train(wish: TrainRequest, given: Given, response: Response, idempotency_key: IdempotencyKey = None) -> JobView:
    """Queue a training. Every field has a default: `{}` trains the flagship on MNIST."""
    job = submit(wish, given, idempotency_key=idempotency_key)
    response.headers["Location"] = f"/jobs/{job.id}"
    response.headers["Retry-After"] = _POLL_SECONDS
    return _view(job, given)


@router.post(
    "/train/plan",
    operation_id="plan_training",
    dependencies=[TakesJson],
    responses=refuses(400, 413, 415, 422),
)
def plan_training(wish: TrainRequest) -> Plan:
    """Tell what `POST /train` would queue for this body, every default filled in, and queue nothing."""
    request, total_steps = complete(wish)
    return Plan(request=request, total_steps=total_steps)


@router.get("/jobs", operation_id="list_jobs", response_model=Page[JobView], responses=refuses(422, 503))
def list_jobs(query: Annotated[JobsQuery, Query()], given: Given) -> Page[JobView]:
    """List jobs, the newest first."""
    page = given.jobs.list(query.state or None, study_id=query.study, limit=query.limit, cursor=query.cursor)
    return Page(items=_views(page.items, given), next_cursor=page.next_cursor)


class QueueQuery(Document):
    """How much of the queue to show."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=100, description="the most items")


@router.get("/queue", operation_id="list_queue", responses=refuses(422, 503))
def list_queue(query: Annotated[QueueQuery, Query()], given: Given) -> Page[JobView]:
    """List the jobs at work, and then those that wait, in the order in which they will be begun."""
    return Page(items=_views(given.jobs.queue(limit=query.limit), given), next_cursor=None)


@router.get(
    "/jobs/{job_id}",
    operation_id="get_job",
    response_model=JobView,
    responses={**UNCHANGED, **refuses(404, 422, 503)},
)
def get_job(job_id: str, request: Request, given: Given) -> Response:
    """Tell how a job stands. A failed job is no failed request."""
    document = _view(given.jobs.get(job_id), given).model_dump_json()
    return answer(request, document, "application/json", caching=REVALIDATE)


@router.get(
    "/jobs/{job_id}/samples/{step}.png",
    operation_id="get_sample",
    response_class=Response,
    responses={**draws("A grid"), **UNCHANGED, **refuses(404, 422, 503)},
)
def get_sample(job_id: str, step: int, request: Request, given: Given) -> Response:
    """Return the grid that the job drew after a step, always from the same noise."""
    job = given.jobs.get(job_id)
    try:
        png = (given.settings.samples(job.id) / sample_name(step)).read_bytes()
    except OSError:
        raise SampleNotFoundError(job_id, step) from None
    return answer(request, png, "image/png", caching=IMMUTABLE)


class MetricsQuery(PageQuery):
    """Which points of the curves to tell."""

    limit: int = Field(1000, ge=1, le=1000, description="the most points")
    cursor: str | None = Field(
        None,
        pattern=r"^[0-9]{1,18}$",
        description="the next_cursor of the page before",
        json_schema_extra={RULE: "the next_cursor of the page before, a whole number"},
    )


@router.get("/jobs/{job_id}/metrics", operation_id="get_metrics", responses=refuses(404, 422, 503))
def get_metrics(job_id: str, query: Annotated[MetricsQuery, Query()], given: Given) -> Page[MetricsPoint]:
    """Tell the curves of a job: its losses, and what its pictures were like, in the order of their steps.

    Of a job at work, ask again with the last `next_cursor` for what has come since; it is null where nothing came yet,
    and where the job is finished and nothing will.
    """
    is_finished = given.jobs.get(job_id).state.is_finished
    after = int(query.cursor or 0)
    events = given.events.after(job_id, after, [EventKind.METRIC, EventKind.QUALITY], limit=query.limit)
    last = str(events[-1].sequence) if events else query.cursor
    is_all = is_finished and len(events) < query.limit
    return Page(items=[MetricsPoint.of(event) for event in events], next_cursor=None if is_all else last)


@router.post(
    "/jobs/{job_id}/cancel",
    operation_id="cancel_job",
    response_model=JobView,
    responses=refuses(404, 422, 503),
)
def cancel_job(job_id: str, given: Given) -> JobView:
    """End a job: at once if it waits, after its checkpoint is on disk if it is at work."""
    return _view(given.jobs.request_cancel(job_id), given)


@router.post(
    "/jobs/{job_id}/pause",
    operation_id="pause_job",
    response_model=JobView,
    responses=refuses(404, 409, 422, 503),
)
def pause_job(job_id: str, given: Given) -> JobView:
    """Hold a job until it is resumed."""
    return _view(given.jobs.request_pause(job_id), given)


@router.post(
    "/jobs/{job_id}/resume",
    operation_id="resume_job",
    response_model=JobView,
    responses=refuses(404, 409, 422, 503),
)
def resume_job(job_id: str, given: Given) -> JobView:
    """Let a paused job go on where it stopped."""
    return _view(resume(job_id, given), given)


@router.patch(
    "/jobs/{job_id}",
    operation_id="change_job",
    response_model=JobView,
    dependencies=[TakesJson],
    responses=refuses(400, 404, 409, 413, 415, 422, 503),
)
def change_job(job_id: str, change: PriorityChange, given: Given) -> JobView:
    """Give a job another priority: it is claimed before all that wait with a lower one."""
    return _view(given.jobs.set_priority(job_id, change.priority), given)


@router.post(
    "/jobs/{job_id}/move",
    operation_id="move_job",
    response_model=JobView,
    dependencies=[TakesJson],
    responses=refuses(400, 404, 409, 413, 415, 422, 503),
)
def move_job(job_id: str, move: QueueMove, given: Given) -> JobView:
    """Move a job to the front or to the back of the queue. One that is there already stays as it is."""
    return _view(given.jobs.move(job_id, move.to), given)


def _view(job: Job, given: Services) -> JobView:
    return _views([job], given)[0]


def _views(jobs: Sequence[Job], given: Services) -> list[JobView]:
    ids = [job.id for job in jobs]
    positions, checkpoints = given.jobs.positions(ids), given.catalogue.ids_of_jobs(ids)
    return [JobView.of(job, position=positions.get(job.id), checkpoints=checkpoints[job.id]) for job in jobs]
