"""A request for pictures made complete: every choice is named, so that its URL repeats it to the last byte."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from app.pictures.catalogue import BEST_ALIAS, DEFAULT_ALIAS, Catalogue, KnownCheckpoint
from app.refusals import ParameterError
from app.schemas import FormQuery
from checkpoints.format import CheckpointUnusableError
from checkpoints.library import has_judge
from models import (
    BURN_IN,
    Conditioning,
    Controls,
    DatasetSpec,
    Family,
    NiceMethod,
    ScoreKind,
    UnknownClassError,
    UnknownDatasetError,
    UnknownFamilyError,
    families,
    find_dataset,
    find_family,
    known_controls,
)
from store.requests import DEFAULT_DATASET, DRAWN_SEEDS, LARGEST_SEED

MOST_PICTURES = 1024
"""In a grid."""

LARGEST_SCALE = 64
"""Pixels of the side of the square that each pixel becomes."""

Truncation = Annotated[
    float,
    Field(gt=0, le=1, allow_inf_nan=False, description="shrinks the noise: smaller is more typical and less varied"),
]

MOST_BURNT_CLASSES = 50
"""Rejection sampling draws some hundred candidates of a class before the first picture of it."""

_NICE_FACTOR = 20
_DIGITS = tuple("0123456789")
TYPICAL_CLASSES = 10
"""Finding a class takes about as many candidates for each picture as there are classes; the limit is for so many."""


def _steered_by(control: str) -> str:
    """Return the families that have the control, for a sentence."""
    steered = {name: family.steering for name, family in families().items() if family.steering is not None}
    return ", ".join(name for name, one in steered.items() if control in one.controls.model_fields)


def _offered_by(name: str, field: FieldInfo) -> FieldInfo:
    """Return a control's field with the families that offer it in its description."""
    return FieldInfo.merge_field_infos(field, description=f"{field.description} ({_steered_by(name)})")


class CheckpointQuery(FormQuery):
    """Which checkpoint is meant. An empty value counts as left out: so does a form send it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description=f"the id, name or alias of a checkpoint; {BEST_ALIAS!r}: that with the best pictures, of `family` "
        f"where it is given, on `dataset` or else {DEFAULT_DATASET}; default {DEFAULT_ALIAS!r}",
    )
    family: str | None = Field(
        None, min_length=1, max_length=100, description="take the newest checkpoint of this family"
    )
    dataset: str | None = Field(
        None, min_length=1, max_length=100, description="take the newest checkpoint that was trained on this data set"
    )


class UnsteeredQuery(CheckpointQuery):
    """The parameters of GET /generate that every family has a use for."""

    digit: int | None = Field(None, ge=0, le=9, description="the digit to draw; without it, every class in turn")
    label: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="the class to draw, by its name or index: `digit` in general",
    )
    seed: int | None = Field(
        None, ge=0, le=LARGEST_SEED, description="the same seed, the same pictures; drawn where left out"
    )
    count: int = Field(
        16, ge=1, le=MOST_PICTURES, description="pictures; picture i of a seed is the same whatever the count"
    )
    columns: int | None = Field(
        None, ge=1, le=MOST_PICTURES, description="pictures in a row; default the floor of the root of count"
    )
    index: int | None = Field(
        None,
        ge=0,
        lt=MOST_PICTURES,
        description="draw only this picture of the grid, from 0; it is the same whatever the count and the columns",
    )
    nice: bool = Field(False, description="keep of each `nice_factor` candidates one that looks real")
    nice_factor: int | None = Field(
        None, ge=2, le=100, description=f"candidates for each picture, with nice=true; default {_NICE_FACTOR}"
    )
    nice_method: NiceMethod | None = Field(
        None,
        description="with nice=true: `top` keeps the best of the candidates; `drs` the first that discriminator "
        "rejection sampling accepts, for scores that are logits; default top",
    )
    truncation: Truncation = 1.0
    scale: int = Field(1, ge=1, le=LARGEST_SCALE, description="each pixel becomes a square of so many")
    metadata: bool = Field(True, description="whether the PNG tells in text how it was made")

    @property
    def controls(self) -> Mapping[str, object]:
        """The controls that were given, by name."""
        return controls_of(self)


def controls_of(query: BaseModel) -> Mapping[str, object]:
    """Return the controls that a query was given, by name; it has a field for each that there is."""
    given = {name: getattr(query, name) for name in known_controls()}
    return {name: value for name, value in given.items() if value is not None}


def control_fields() -> Mapping[str, Any]:
    """Return a field for each control of any family, as `create_model` takes them."""
    return {name: (field.annotation, _offered_by(name, field)) for name, field in known_controls().items()}


if TYPE_CHECKING:
    GenerateQuery = UnsteeredQuery
else:
    GenerateQuery = create_model(
        "GenerateQuery",
        __base__=UnsteeredQuery,
        __doc__="The parameters of GET /generate: the controls of all families among them.",
        **control_fields(),
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest grid that is drawn, and the most candidates that it may be chosen from."""

    pixels: int
    candidates: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a grid depends on. label: None draws picture i of class i mod classes.

    index: the one picture that is shown, the last of count; None shows them all.
    """

    checkpoint: KnownCheckpoint
    dataset: DatasetSpec
    seed: int
    count: int
    columns: int
    index: int | None
    scale: int
    label: int | None
    nice_factor: int
    nice_method: NiceMethod
    truncation: float
    controls: Controls | None
    describes_itself: bool
    is_conditional: bool

    @property
    def is_nice(self) -> bool:
        """Whether the discriminator chooses."""
        return self.nice_factor > 1

    @property
    def by_rejection(self) -> bool:
        """Whether it chooses by rejection sampling, and not the best."""
        return self.nice_method is NiceMethod.DRS

    @property
    def burnt_classes(self) -> int:
        """Of how many classes rejection sampling draws a burn-in first: of a network without labels, one for all.

        They count among the candidates of each grid, kept or not: another truncation or control needs others.
        """
        if not self.by_rejection:
            return 0
        return len(set(self.labels)) if self.is_conditional else 1

    @property
    def by_classifier(self) -> bool:
        """Whether a classifier must find the class, since the network takes no labels."""
        return self.label is not None and not self.is_conditional

    @property
    def labels(self) -> list[int]:
        """The class of each picture that is asked of the network."""
        if self.label is not None:
            return [self.label] * self.count
        return [place % len(self.dataset.classes) for place in range(self.count)]

    @property
    def shown(self) -> slice:
        """The places of the pictures that are shown."""
        return slice(self.index, self.count)

    @property
    def shown_count(self) -> int:
        """How many pictures are shown."""
        return self.count if self.index is None else 1

    @property
    def classes(self) -> list[str] | None:
        """The class of each picture that is shown, where there was one to ask for."""
        if self.label is None and not self.is_conditional:
            return None
        return [self.dataset.classes[label] for label in self.labels[self.shown]]

    @property
    def url(self) -> str:
        """The one URL of this grid, relative to the service: its parameters complete, and in order."""
        chosen: dict[str, object] = {
            "checkpoint": self.checkpoint.id,
            "seed": self.seed,
        }
        chosen |= {"columns": self.columns, "count": self.count} if self.index is None else {"index": self.index}
        if self.label is not None:
            chosen[name_of_label(self.dataset)] = self.dataset.classes[self.label]
        if self.is_nice:
            chosen |= {"nice": "true", "nice_factor": self.nice_factor}
        if self.by_rejection:
            chosen["nice_method"] = self.nice_method
        if self.truncation != 1:
            chosen["truncation"] = self.truncation
        if self.scale != 1:
            chosen["scale"] = self.scale
        if self.controls is not None:
            chosen |= self.controls.model_dump(exclude_none=True)
        if not self.describes_itself:
            chosen["metadata"] = "false"
        return f"/generate?{urlencode(sorted(chosen.items()))}"


def complete(query: GenerateQuery, catalogue: Catalogue, limits: Limits) -> Recipe:
    """Make a request complete, drawing a seed where none is given.

    Raises ParameterError, NoSuchCheckpointError, NoCheckpointOfFamilyError, CheckpointCorruptError.
    """
    checkpoint = choose_checkpoint(query, catalogue)
    dataset, family = find_parts(checkpoint)
    index = _index(query)
    recipe = Recipe(
        checkpoint=checkpoint,
        dataset=dataset,
        seed=secrets.randbelow(DRAWN_SEEDS) if query.seed is None else query.seed,
        count=query.count if index is None else index + 1,
        columns=(query.columns or isqrt(query.count)) if index is None else 1,
        index=index,
        scale=query.scale,
        label=_label(query, dataset),
        nice_factor=_nice_factor(query),
        nice_method=_nice_method(query),
        truncation=query.truncation,
        controls=choose_controls(query.controls, family),
        describes_itself=query.metadata,
        is_conditional=family.conditioning is Conditioning.LABEL,
    )
    if recipe.is_nice and family.score is None:
        raise ParameterError("nice", f"{family.name} has no score to choose by: leave out nice")
    if recipe.by_rejection and family.score_kind is not ScoreKind.LOGIT:
        raise ParameterError(
            "nice_method",
            f"the score of {family.name} is of the kind {family.score_kind}, from which does not follow how often to "
            f"accept: use nice_method=top, or a checkpoint of {_with_logits()}",
        )
    if recipe.by_classifier and not has_judge(dataset.name):
        raise ParameterError(
            name_of_label(dataset),
            f"{checkpoint.id} takes no labels, and no classifier ships for {dataset.name} to find the class by: "
            "leave it out, or name a checkpoint of a conditional family",
        )
    _check_size(recipe, limits)
    return recipe


def choose_controls(given: Mapping[str, object], family: Family[Any]) -> Controls | None:
    """Return what the pictures are steered by; None where nothing was given. Raises ParameterError for another's."""
    if not given:
        return None
    offered = family.steering.controls if family.steering is not None else Controls
    for name in given:
        if name not in offered.model_fields:
            raise ParameterError(
                name, f"{family.name} has no such control, but {_steered_by(name)}: name the family, or leave it out"
            )
    return offered.model_validate(given)


def choose_checkpoint(query: CheckpointQuery, catalogue: Catalogue) -> KnownCheckpoint:
    """Return the checkpoint that is meant.

    Raises ParameterError, NoSuchCheckpointError, NoCheckpointOfFamilyError, CheckpointCorruptError.
    """
    require_known(query.family, query.dataset)
    if query.checkpoint == BEST_ALIAS:
        return catalogue.best(query.dataset or DEFAULT_DATASET, family=query.family)
    if query.checkpoint is None and (query.family or query.dataset):
        return catalogue.newest(query.family, dataset=query.dataset)
    found = catalogue.resolve(query.checkpoint or DEFAULT_ALIAS)
    for name in ("family", "dataset"):
        wanted, there = getattr(query, name), getattr(found, name)
        if wanted not in {None, there}:
            raise ParameterError(
                name, f"checkpoint {found.id} is of {there}, not of {wanted}: leave out one of the two"
            )
    return found


def require_known(family: str | None, dataset: str | None) -> None:
    """Raise ParameterError for a family or a data set that there is not; None is neither."""
    try:
        if family is not None:
            find_family(family)
        if dataset is not None:
            find_dataset(dataset)
    except UnknownFamilyError as error:
        raise ParameterError("family", str(error)) from None
    except UnknownDatasetError as error:
        raise ParameterError("dataset", str(error)) from None


def find_parts(checkpoint: KnownCheckpoint) -> tuple[DatasetSpec, Family[Any]]:
    """Return what the checkpoint was trained on, and its family. Raises CheckpointUnusableError for unknown ones."""
    try:
        return find_dataset(checkpoint.dataset), find_family(checkpoint.family)
    except (UnknownDatasetError, UnknownFamilyError) as error:
        raise CheckpointUnusableError(checkpoint.family, checkpoint.step, str(error)) from error


def is_pinned(query: GenerateQuery, recipe: Recipe) -> bool:
    """Whether the request itself named all that could change: the seed, and a checkpoint by its id."""
    return query.seed is not None and query.checkpoint == recipe.checkpoint.id


def _index(query: GenerateQuery) -> int | None:
    if query.index is not None and "count" in query.model_fields_set and query.index >= query.count:
        raise ParameterError("index", f"a grid of {query.count} has the pictures 0 to {query.count - 1}")
    return query.index


def _label(query: GenerateQuery, dataset: DatasetSpec) -> int | None:
    by_label = by_digit = None
    if query.label is not None:
        try:
            by_label = dataset.label(query.label)
        except UnknownClassError as error:
            raise ParameterError("label", str(error)) from None
    if query.digit is not None:
        if name_of_label(dataset) != "digit":
            raise ParameterError("digit", f"the classes of {dataset.name} are no digits: use label")
        by_digit = query.digit
    if by_label is not None and by_digit is not None and by_label != by_digit:
        raise ParameterError(
            "label",
            f"digit={query.digit} and label={query.label} name different classes: leave out one of the two",
        )
    return by_digit if by_label is None else by_label


def name_of_label(dataset: DatasetSpec) -> str:
    """Return the parameter that names a class: `digit` where the classes are digits."""
    return "digit" if dataset.classes == _DIGITS else "label"


def _nice_factor(query: GenerateQuery) -> int:
    if query.nice:
        return query.nice_factor or _NICE_FACTOR
    if query.nice_factor is not None:
        raise ParameterError("nice_factor", f"nice_factor={query.nice_factor} means nothing without nice=true")
    return 1


def _nice_method(query: GenerateQuery) -> NiceMethod:
    if query.nice_method is not None and not query.nice:
        raise ParameterError("nice_method", f"nice_method={query.nice_method} means nothing without nice=true")
    return query.nice_method or NiceMethod.TOP


def _with_logits() -> str:
    """Return the families that rejection sampling can choose by, for a sentence."""
    return ", ".join(name for name, family in families().items() if family.score_kind is ScoreKind.LOGIT)


def _check_size(recipe: Recipe, limits: Limits) -> None:
    burnt_classes = recipe.burnt_classes
    if burnt_classes > MOST_BURNT_CLASSES:
        raise ParameterError(
            "nice_method",
            f"drs draws {BURN_IN} candidates of each class first; these pictures are of {burnt_classes}, and at most "
            f"{MOST_BURNT_CLASSES} may be: ask for one by {name_of_label(recipe.dataset)}, or for nice_method=top",
        )
    candidates, burn_in = recipe.count * recipe.nice_factor, BURN_IN * burnt_classes
    most = max(0, limits.candidates - burn_in)
    if recipe.by_classifier:
        most = most * TYPICAL_CLASSES // len(recipe.dataset.classes)
        most //= 2  # a class may come up half as often as the others
    if candidates > most:
        first = f" beside the {burn_in} that drs draws first" if burn_in else ""
        raise ParameterError(
            "nice_factor" if recipe.is_nice else "count" if recipe.index is None else "index",
            f"{recipe.count} pictures of {recipe.nice_factor} candidates each are {candidates} candidates{first}; "
            f"at most {most} are drawn for such a grid: that is {most // recipe.nice_factor} pictures",
        )
    require_pixels(recipe.shown_count, recipe.columns, side=recipe.dataset.size, scale=recipe.scale, limits=limits)


def require_pixels(count: int, columns: int, *, side: int, scale: int, limits: Limits) -> None:
    """Raise ParameterError if so many pictures in so many columns have too many pixels together."""
    rows = -(-count // columns)
    pixels = rows * columns * (side * scale) ** 2
    if pixels > limits.pixels:
        raise ParameterError(
            "scale",
            f"{rows} rows of {columns} pictures at scale {scale} are {pixels} pixels; "
            f"at most {limits.pixels} are drawn: ask for a smaller scale, or fewer pictures",
        )
