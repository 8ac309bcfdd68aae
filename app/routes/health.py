"""Whether the service lives, whether it can answer, and what it has done."""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Query
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from app.dependencies import Given, Services
from app.errors import tell
from app.openapi import refuses
from app.pictures.catalogue import DEFAULT_ALIAS
from app.refusals import NoSuchCheckpointError, NotReadyError
from app.schemas import Readiness
from checkpoints.format import CheckpointError
from store.errors import DatabaseUnavailableError

router = APIRouter(tags=["health"])

_VERBOSE = Query(description="given, with any value or none: tell what was looked at")


@router.get("/livez", operation_id="livez")
def livez() -> Readiness:
    """Answer as long as the process lives."""
    return Readiness(status="alive")


@router.get("/readyz", operation_id="readyz", response_model_exclude_none=True, responses=refuses(422, 503))
def readyz(given: Given, verbose: Annotated[str | None, _VERBOSE] = None) -> Readiness:
    """Answer 200 when the database does, and the default checkpoint, where there is one, can be drawn from.

    A broker that is away is told and does no harm: jobs are queued, and begin when it is back.
    """
    checks = {name: check(given) for name, check in _CHECKS.items()}
    if any(found.startswith(_FAILED) for found in checks.values()):
        raise NotReadyError(checks)
    return Readiness(status="ready", checks=None if verbose is None else checks)


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus' text format",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
)
def metrics(given: Given) -> Response:
    """Tell Prometheus what was done."""
    return Response(given.metrics.text(), media_type=CONTENT_TYPE_LATEST)


_FAILED = "failed"


def _check_database(given: Services) -> str:
    try:
        given.database.ping()
    except DatabaseUnavailableError as error:
        return f"{_FAILED}: {tell(error)}"
    return "ok"


def _check_checkpoint(given: Services) -> str:
    """Load the default checkpoint, which the first picture will need anyway."""
    try:
        checkpoint = given.catalogue.resolve(DEFAULT_ALIAS)
        given.engine.load(checkpoint)
    except NoSuchCheckpointError:
        return "none yet: train one, and promote it"
    except (CheckpointError, DatabaseUnavailableError) as error:
        return f"{_FAILED}: {tell(error)}"
    return f"ok: {checkpoint.id}"


def _check_broker(given: Services) -> str:
    return "ok" if given.doorbell.reaches_broker() else "away: jobs are queued, and begin when it is back"


_CHECKS: Mapping[str, Callable[[Services], str]] = {
    "database": _check_database,
    "checkpoint": _check_checkpoint,
    "broker": _check_broker,
}
