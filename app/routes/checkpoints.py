"""Trained models, and the names that people give to them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from app.dependencies import Given, Services, TakesJson
from app.openapi import refuses
from app.pictures.catalogue import BEST_ALIAS, read_again
from app.refusals import FieldError, NoSuchCheckpointError, ParameterError
from app.schemas import AliasChange, AliasView, CheckpointView, Page, PageQuery, Promotion
from store.faults import RULE

router = APIRouter(tags=["checkpoints"])

AliasName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9][a-z0-9._-]*$",
        description="the name that is meant",
        json_schema_extra={
            RULE: "1 to 64 small letters, digits, dots, dashes and underscores, a letter or digit first"
        },
    ),
]


class CheckpointsQuery(PageQuery):
    """Which checkpoints to list."""

    family: str | None = Field(None, max_length=100, description="of this family")
    dataset: str | None = Field(None, max_length=100, description="trained on this data set")
    job_id: str | None = Field(None, max_length=100, description="trained by this job")


@router.get("/checkpoints", operation_id="list_checkpoints", responses=refuses(422, 503))
def list_checkpoints(query: Annotated[CheckpointsQuery, Query()], given: Given) -> Page[CheckpointView]:
    """List what pictures can be drawn from: the shipped ones, then the trained ones, the newest first."""
    page = given.catalogue.page(**dict(query))
    return Page(items=[CheckpointView.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/checkpoints/{checkpoint_id}", operation_id="get_checkpoint", responses=refuses(404, 422, 503))
def get_checkpoint(checkpoint_id: str, given: Given) -> CheckpointView:
    """Tell what a checkpoint is; a shipped one is found by its name too."""
    return CheckpointView.of(given.catalogue.find(checkpoint_id))


@router.get("/aliases", operation_id="list_aliases", responses=refuses(503))
def list_aliases(given: Given) -> Page[AliasView]:
    """List the names that checkpoints have; `default` is drawn from where none is named."""
    views = [AliasView(name=name, checkpoint=meant) for name, meant in given.catalogue.aliases().items()]
    return Page(items=views, next_cursor=None)


@router.put(
    "/aliases/{name}",
    operation_id="set_alias",
    dependencies=[TakesJson],
    responses=refuses(400, 404, 413, 415, 422, 503),
)
def set_alias(name: AliasName, change: AliasChange, given: Given) -> Promotion:
    """Let a name mean a checkpoint. Put back what `previous` says to undo it."""
    return read_again(lambda: _set_alias(name, change, given))


def _set_alias(name: str, change: AliasChange, given: Services) -> Promotion:
    try:
        checkpoint = given.catalogue.find(change.checkpoint)
    except NoSuchCheckpointError:
        detail = f"there is no checkpoint {change.checkpoint!r}: GET /checkpoints lists them"
        raise FieldError("checkpoint", detail) from None
    if name == BEST_ALIAS:
        raise ParameterError("name", f"{name} always means the checkpoint with the best pictures: choose another name")
    if given.catalogue.exists(name):
        raise ParameterError("name", f"{name} is the id or name of a checkpoint, and always means that one")
    given.engine.load(checkpoint)  # a damaged one is refused here, and not at the next picture
    previous = given.catalogue.aliases().get(name)
    given.catalogue.set_alias(name, checkpoint)
    return Promotion(name=name, checkpoint=checkpoint.id, previous=previous)
