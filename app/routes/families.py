"""What can be trained: the zoo, and the data sets."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.caching import REVALIDATE, answer
from app.dependencies import Given
from app.openapi import UNCHANGED, draws, refuses
from app.schemas import DatasetView, FamilyView, Page
from checkpoints.library import has_judge
from models import DATASETS, families, find_family

router = APIRouter(tags=["zoo"])


@router.get("/families", operation_id="list_families")
def list_families() -> Page[FamilyView]:
    """List the GAN families with their presets and hyperparameters."""
    return Page(items=[FamilyView.of(family) for family in families().values()], next_cursor=None)


@router.get("/families/{name}", operation_id="get_family", responses=refuses(404, 422))
def get_family(name: str) -> FamilyView:
    """Tell what a family takes."""
    return FamilyView.of(find_family(name))


@router.get("/datasets", operation_id="list_datasets")
def list_datasets(given: Given) -> Page[DatasetView]:
    """List the data sets."""
    views = [
        DatasetView(**spec.model_dump(), has_classifier=has_judge(name), is_here=given.previews.is_here(name))
        for name, spec in DATASETS.items()
    ]
    return Page(items=views, next_cursor=None)


@router.get(
    "/datasets/{name}/preview",
    operation_id="get_preview",
    response_class=Response,
    responses={**draws("A grid"), **UNCHANGED, **refuses(404, 422, 503)},
)
def get_preview(name: str, request: Request, given: Given) -> Response:
    """Return training pictures of a data set, always the same: a row of each class, of ten where there are more.

    Nothing is fetched for it: `is_here` of `GET /datasets` says whether the pictures are on this machine.
    """
    return answer(request, given.previews.draw(name), "image/png", caching=REVALIDATE)
