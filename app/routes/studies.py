"""Studies: many trainings asked for at once, and the distribution of what comes of them for each family."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.caching import REVALIDATE, answer
from app.dependencies import Given, Services, TakesJson
from app.idempotency import IdempotencyKey, digest
from app.openapi import UNCHANGED, refuses, tells
from app.ranking import BETTER, choose_metric
from app.schemas import Page, PageQuery
from app.study_findings import FindingsQuery, find_distribution, view_study
from app.study_schemas import StudySummary, StudyView
from store.errors import DatabaseUnavailableError
from store.jobs import Job
from store.studies import Study
from store.study_plot import MEDIA_TYPE, draw
from store.study_requests import StudyWish, count_trainings, plan_study
from store.telling import tell_thousands

router = APIRouter(tags=["studies"])

_POLL_SECONDS = "10"


Findings = Annotated[FindingsQuery, Query()]


@router.post(
    "/studies",
    operation_id="create_study",
    status_code=202,
    response_model=StudyView,
    dependencies=[TakesJson],
    responses={
        202: {
            "description": "Queued",
            "headers": tells(Location="the study", Retry_After="seconds after which to look"),
        },
        **refuses(400, 413, 415, 422, 429, 503),
    },
)
def create_study(
    wish: StudyWish, given: Given, response: Response, idempotency_key: IdempotencyKey = None
) -> StudyView:
    """Train families with random hyperparameters at one budget, as ordinary jobs, to compare the distributions."""
    study = _create(wish, given, idempotency_key)
    response.headers["Location"] = f"/studies/{study.id}"
    response.headers["Retry-After"] = _POLL_SECONDS
    return view_study(study, FindingsQuery(), given)


@router.get("/studies", operation_id="list_studies", responses=refuses(422, 503))
def list_studies(query: Annotated[PageQuery, Query()], given: Given) -> Page[StudySummary]:
    """List studies, the newest first."""
    page = given.studies.list(limit=query.limit, cursor=query.cursor)
    counts = given.studies.counts([study.id for study in page.items])
    return Page(items=[StudySummary.of(one, counts[one.id]) for one in page.items], next_cursor=page.next_cursor)


@router.get(
    "/studies/{study_id}",
    operation_id="get_study",
    response_model=StudyView,
    responses={**UNCHANGED, **refuses(404, 422, 503)},
)
def get_study(study_id: str, query: Findings, request: Request, given: Given) -> Response:
    """Tell how a study stands: its jobs, and of each family the distribution, the failures and the best trial."""
    document = view_study(given.studies.get(study_id), query, given).model_dump_json()
    return answer(request, document, "application/json", caching=REVALIDATE)


@router.get(
    "/studies/{study_id}/plot.svg",
    operation_id="plot_study",
    response_class=Response,
    responses={
        200: {"description": "A picture", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
        **UNCHANGED,
        **refuses(404, 422, 503),
    },
)
def plot_study(study_id: str, query: Findings, request: Request, given: Given) -> Response:
    """Draw a study: a box for each family, a dot for each trial, a cross for each that failed."""
    study, metric = given.studies.get(study_id), choose_metric(query.metric)
    rows, _ = find_distribution(study, metric, query, given)
    title = study.name or f"{tell_thousands(study.request.images)} pictures of {study.request.dataset} each"
    which = "at the whole budget" if query.value == "final" else "of the best checkpoint"
    picture = draw(rows, title=title, axis_title=f"{metric.title} {which}; {BETTER[metric.better]}")
    return answer(request, picture, MEDIA_TYPE, caching=REVALIDATE)


@router.post(
    "/studies/{study_id}/cancel",
    operation_id="cancel_study",
    response_model=StudyView,
    responses=refuses(404, 422, 503),
)
def cancel_study(study_id: str, given: Given) -> StudyView:
    """End a study: what waits at once, what is at work after its checkpoint is on disk; what has ended stays."""
    given.studies.cancel(study_id)
    return view_study(given.studies.get(study_id), FindingsQuery(), given)


def _create(wish: StudyWish, given: Services, key: str | None) -> Study:
    """Queue a study, or find the one of a repeat. What cannot be queued is refused before it is planned."""
    body_digest, limit = digest(wish), given.settings.study_queue_limit
    trainings = count_trainings(wish)
    first = given.studies.admit(trainings, idempotency_key=key, body_digest=body_digest, queue_limit=limit)
    if first is not None:
        return first
    plan = plan_study(wish)
    created = given.studies.create(plan, idempotency_key=key, body_digest=body_digest, queue_limit=limit)
    _ring(created.jobs, given)
    return created.study


def _ring(jobs: Sequence[Job], given: Services) -> None:
    """Wake workers, as many as there are jobs, unless no bell is there: the sweeper rings later."""
    rung = []
    for job in jobs:
        if not given.doorbell.ring(job.id):
            break
        rung.append(job.id)
    if rung:
        with suppress(DatabaseUnavailableError):
            given.jobs.mark_rung(*rung)
