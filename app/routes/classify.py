"""Classes of pictures: POST /classify."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from torch import Tensor

from app.dependencies import PNG, PNG_BODY, Given
from app.openapi import refuses
from app.pictures.catalogue import Catalogue, KnownCheckpoint, read_again
from app.pictures.recipes import CheckpointQuery, choose_checkpoint, find_parts
from app.pictures.uploads import read_picture
from app.refusals import NoCheckpointOfFamilyError, ParameterError
from app.schemas import Classification
from models import families

router = APIRouter(tags=["pictures"])

CLASSIFY = "/classify"


class ClassifyQuery(CheckpointQuery):
    """Which checkpoint is asked."""

    checkpoint: str | None = Field(
        None, min_length=1, max_length=100, description="the id, name or alias of a checkpoint; default the newest able"
    )


@router.post(CLASSIFY, operation_id="classify", openapi_extra=PNG_BODY, responses=refuses(404, 413, 415, 422, 503))
def classify(query: Annotated[ClassifyQuery, Query()], picture: PNG, given: Given) -> Classification:
    """Tell the class of a picture by the discriminator of a family that learnt classes, such as ACGAN.

    The body is a PNG like those of the data set: for MNIST white on black, and brought to its size. Without
    `checkpoint` and `family` the newest checkpoint is asked that can tell.
    """

    def ask() -> tuple[KnownCheckpoint, Tensor]:
        found = _checkpoint(query, given.catalogue)
        with given.metrics.drawn(CLASSIFY, found.family):
            return found, given.engine.classify(found, partial(read_picture, picture))

    checkpoint, probabilities = read_again(ask)
    dataset, _ = find_parts(checkpoint)
    return Classification(
        checkpoint=checkpoint.id,
        family=checkpoint.family,
        dataset=dataset.name,
        label=dataset.classes[int(probabilities.argmax())],
        probabilities=dict(zip(dataset.classes, probabilities.tolist(), strict=True)),
    )


def _checkpoint(query: CheckpointQuery, catalogue: Catalogue) -> KnownCheckpoint:
    able = [name for name, family in families().items() if family.classify is not None]
    if query.checkpoint is None and query.family is None:
        return _newest(able, catalogue)
    chosen = choose_checkpoint(query, catalogue)
    _, family = find_parts(chosen)
    if family.classify is None:
        name = "family" if query.checkpoint is None else "checkpoint"
        raise ParameterError(name, f"{chosen.family} does not classify pictures; {', '.join(able)} can")
    return chosen


def _newest(able: list[str], catalogue: Catalogue) -> KnownCheckpoint:
    found = []
    for name in able:
        try:
            found.append(catalogue.newest(name))
        except NoCheckpointOfFamilyError:
            continue
    if not found:
        raise NoCheckpointOfFamilyError(" or ".join(able))
    return max(found, key=lambda one: one.created_at.timestamp() if one.created_at else 0.0)
