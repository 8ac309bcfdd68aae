"""What the types of problems mean: where the `type` of a refusal leads."""

from fastapi import APIRouter

from app.errors import ALL_KINDS, TYPES, Kind
from app.openapi import refuses
from app.refusals import ProblemTypeNotFoundError
from app.schemas import Page, ProblemType

router = APIRouter(tags=["pages"])


@router.get(TYPES, operation_id="list_problem_types")
def list_problem_types() -> Page[ProblemType]:
    """List what a refusal may say it is."""
    return Page(items=[_describe(kind) for kind in ALL_KINDS.values()], next_cursor=None)


@router.get(f"{TYPES}/{{name}}", operation_id="get_problem_type", responses=refuses(404, 422))
def get_problem_type(name: str) -> ProblemType:
    """Tell what a problem's type means."""
    if name not in ALL_KINDS:
        raise ProblemTypeNotFoundError(name)
    return _describe(ALL_KINDS[name])


def _describe(kind: Kind) -> ProblemType:
    return ProblemType(type=f"{TYPES}/{kind.name}", title=kind.title, status=kind.status)
