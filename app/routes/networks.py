"""What networks look like: of a family before it is trained, and of a job."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from app.dependencies import Given
from app.openapi import refuses
from app.refusals import ParameterError
from app.schemas import Document, NetworkView, Page
from models import NetworkOutline, UnknownDatasetError, UnknownPresetError, UnsupportedShapeError, find_family
from store.requests import DEFAULT_DATASET

router = APIRouter()


class NetworksQuery(Document):
    """Of which preset, for which pictures."""

    model_config = ConfigDict(extra="forbid")

    preset: str | None = Field(None, max_length=100, description="a preset of the family; its first where left out")
    dataset: str = Field(DEFAULT_DATASET, max_length=100, description="the data set whose pictures they are for")


@router.get(
    "/families/{name}/networks", operation_id="get_networks_of_family", tags=["zoo"], responses=refuses(404, 422, 503)
)
def get_networks_of_family(name: str, query: Annotated[NetworksQuery, Query()], given: Given) -> Page[NetworkView]:
    """Tell the layers of a family's networks, with the shapes that a picture takes and the numbers of parameters."""
    family = find_family(name)
    try:
        preset = family.preset(query.preset or family.default_preset)
        values = preset.hyperparameters.model_dump(mode="json")
        return _page(given.networks.outline(family.name, values, query.dataset))
    except UnknownPresetError as error:
        raise ParameterError("preset", str(error)) from None
    except (UnknownDatasetError, UnsupportedShapeError) as error:
        raise ParameterError("dataset", str(error)) from None


@router.get(
    "/jobs/{job_id}/networks", operation_id="get_networks_of_job", tags=["jobs"], responses=refuses(404, 422, 503)
)
def get_networks_of_job(job_id: str, given: Given) -> Page[NetworkView]:
    """Tell the layers of the networks that a job trains."""
    request = given.jobs.get(job_id).request
    return _page(given.networks.outline(request.family, request.hyperparameters, request.dataset))


def _page(networks: tuple[NetworkOutline, ...]) -> Page[NetworkView]:
    return Page(items=[NetworkView.of(one) for one in networks], next_cursor=None)
