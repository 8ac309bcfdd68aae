"""What choosing costs: GET /checkpoints/{checkpoint_id}/nice-report."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import ConfigDict, Field
from starlette.responses import Response

from app.caching import REVALIDATE
from app.dependencies import Given, Services
from app.openapi import UNCHANGED, refuses, tells
from app.pictures.catalogue import KnownCheckpoint, read_again
from app.pictures.drawing import answer_drawn, draw_once
from app.pictures.inference import find_judge
from app.pictures.recipes import MOST_BURNT_CLASSES, find_parts
from app.refusals import ParameterError
from app.schemas import Document, NiceReportView
from checkpoints.library import has_judge
from models import BURN_IN, NICE_FACTORS, Conditioning, NiceReport
from store.requests import LARGEST_SEED

router = APIRouter(tags=["checkpoints"])

NICE_REPORT = "/checkpoints/{checkpoint_id}/nice-report"


class NiceReportQuery(Document):
    """Which pictures are judged."""

    model_config = ConfigDict(extra="forbid")

    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="the same seed, the same report")
    count: int = Field(200, ge=10, le=500, description="pictures of each manner of choosing, of every class in turn")


@router.get(
    NICE_REPORT,
    operation_id="get_nice_report",
    response_model=NiceReportView,
    responses={
        200: {"headers": tells(ETag="a function of all that the report depends on")},
        **UNCHANGED,
        **refuses(404, 422, 503),
    },
)
def get_nice_report(
    checkpoint_id: str, query: Annotated[NiceReportQuery, Query()], request: Request, given: Given
) -> Response:
    """Tell what `nice=true` is worth with a checkpoint, and what it costs: quality and diversity by `nice_factor`.

    Draws and judges some thousand pictures, so the first answer may take ten seconds or more; then it is kept.
    """
    return read_again(lambda: _answer(checkpoint_id, query, request, given))


def _answer(checkpoint_id: str, query: NiceReportQuery, request: Request, given: Services) -> Response:
    checkpoint = given.catalogue.find(checkpoint_id)
    _require_reportable(checkpoint)
    _check_size(query.count, given.settings.max_candidates)
    _check_burn_in(checkpoint, query.count)
    tag = given.nice_reports.tag(checkpoint, seed=query.seed, count=query.count)
    headers = {"ETag": tag, "Cache-Control": REVALIDATE}

    def draw() -> NiceReport:
        make = partial(given.nice_reports.make, checkpoint, tag, seed=query.seed, count=query.count)
        return draw_once(given, given.nice_reports.cached(tag), make, route=NICE_REPORT, family=checkpoint.family)

    def show(report: NiceReport) -> Response:
        judge = find_judge(checkpoint.dataset).name
        view = NiceReportView.of(report, checkpoint=checkpoint.id, seed=query.seed, judge=judge)
        return Response(view.model_dump_json(), media_type="application/json")

    return answer_drawn(request, given, headers, route=NICE_REPORT, draw=draw, show=show)


def _require_reportable(checkpoint: KnownCheckpoint) -> None:
    """Raise ParameterError where nothing can choose, or nobody could judge what was chosen."""
    dataset, family = find_parts(checkpoint)
    if family.score is None:
        detail = f"{family.name} has no score to choose by, so nothing can be told of nice: name another checkpoint"
        raise ParameterError("checkpoint_id", detail)
    if not has_judge(dataset.name):
        detail = f"no classifier ships for {dataset.name} to judge by: `ganery judge train {dataset.name}` makes one"
        raise ParameterError("checkpoint_id", detail)


def _check_burn_in(checkpoint: KnownCheckpoint, count: int) -> None:
    dataset, family = find_parts(checkpoint)
    classes = min(count, len(dataset.classes)) if family.conditioning is Conditioning.LABEL else 1
    if classes > MOST_BURNT_CLASSES:
        detail = (
            f"rejection sampling draws {BURN_IN} candidates of each class first; {count} pictures are of {classes}: "
            f"ask for {MOST_BURNT_CLASSES} pictures"
        )
        raise ParameterError("count", detail)


def _check_size(count: int, most: int) -> None:
    largest = max(NICE_FACTORS)
    if count * largest > most:
        detail = (
            f"{count} pictures of {largest} candidates each are {count * largest} candidates; "
            f"at most {most} are drawn at once: that is {most // largest} pictures"
        )
        raise ParameterError("count", detail)
