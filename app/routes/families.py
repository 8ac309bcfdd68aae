"""What can be trained: the zoo, and the data sets."""

from fastapi import APIRouter

from app.openapi import refuses
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
def list_datasets() -> Page[DatasetView]:
    """List the data sets."""
    views = [DatasetView(**spec.model_dump(), has_classifier=has_judge(name)) for name, spec in DATASETS.items()]
    return Page(items=views, next_cursor=None)
