"""What the latent tools can be asked for, made complete so that its URL repeats it to the last byte.

A latent is named by the seed that it was drawn for and its number under it, or by its address, which stands where a
seed does. Of a network that takes labels, a label says of which class its picture is.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, TypeVar
from urllib.parse import urlencode

from pydantic import Field, create_model

from app.pictures.archive import MEDIA_TYPE
from app.pictures.catalogue import Catalogue, KnownCheckpoint
from app.pictures.films import MOST_FRAMES_PER_SECOND, FilmFormat
from app.pictures.recipes import (
    LARGEST_SCALE,
    CheckpointQuery,
    Limits,
    Truncation,
    choose_checkpoint,
    choose_controls,
    control_fields,
    controls_of,
    find_parts,
)
from app.refusals import ParameterError
from models import ADDRESS_MARK, MOST_MATCHES, Conditioning, Controls, DatasetSpec, Family, UnknownClassError
from store.faults import RULE
from store.requests import DRAWN_SEEDS, LARGEST_SEED

MOST_LETTERS = 4096
"""Of an address: enough for 3071 coordinates."""

FILM_SCALE = 8
"""Of a film where none is asked for: browsers smooth what they enlarge themselves."""

PICTURE_PATH = "/latent/picture"

MOST_STEPS = 240
"""Of a walk: twenty seconds of a film."""

MOST_CLASSES = 20
"""Columns of a matrix: of more classes so many are shown, spread evenly."""

Seed = Annotated[
    str,
    Field(
        pattern=rf"^([0-9]{{1,19}}|{ADDRESS_MARK}[A-Za-z0-9_-]+)$",
        max_length=MOST_LETTERS,
        json_schema_extra={
            RULE: f"a whole number from 0 on, or the address of a latent, which begins with {ADDRESS_MARK}"
        },
    ),
]
Index = Annotated[int, Field(ge=0, lt=2**31)]
Label = Annotated[str, Field(min_length=1, max_length=100)]

_SEED = "a seed, or the address of a latent as an answer told it; drawn where left out"
_INDEX = "the number of the picture under the seed"
_LABEL = "the class of the picture, by its name or index, where the network takes labels; default that of GET /generate"


class WalkFormat(StrEnum):
    """How the pictures of a walk are sent."""

    STRIP = "strip"
    GIF = "gif"
    WEBM = "webm"
    ZIP = "zip"

    @property
    def film(self) -> FilmFormat | None:
        """As what a film is encoded; None for what is none."""
        return {WalkFormat.GIF: FilmFormat.GIF, WalkFormat.WEBM: FilmFormat.WEBM}.get(self)

    @property
    def media_type(self) -> str:
        """How HTTP calls it."""
        if self.film is not None:
            return self.film.media_type
        return MEDIA_TYPE if self is WalkFormat.ZIP else "image/png"


class VariationsFormat(StrEnum):
    """How variations are told."""

    GRID = "grid"
    JSON = "json"


class LatentQuery(CheckpointQuery):
    """What every latent tool takes.

    POINTS: the prefixes of the latents that are asked for. COUNTED: the parameter that says how many pictures it takes.
    """

    POINTS: ClassVar[tuple[str, ...]] = ("",)
    COUNTED: ClassVar[str] = "scale"

    def named(self, point: str, what: str) -> Any:
        """Return the seed, index or label of one of the points; None where it was left out."""
        return getattr(self, point + what)

    def pictures(self, dataset: DatasetSpec) -> int:
        """Return how many pictures it takes, at most."""
        return 1

    @property
    def enlargement(self) -> int:
        """The side of the square that each pixel becomes."""
        return 1

    @property
    def is_told(self) -> bool:
        """Whether the answer tells of pictures in words, and is none itself."""
        return False


if TYPE_CHECKING:
    _SteeredQuery = LatentQuery
else:
    _SteeredQuery = create_model("SteeredQuery", __base__=LatentQuery, **control_fields())


class DrawnQuery(_SteeredQuery):
    """How pictures are drawn: the controls of all families are among its fields, as those of GET /generate."""

    truncation: Truncation = 1.0
    scale: int | None = Field(
        None,
        ge=1,
        le=LARGEST_SCALE,
        description=f"each pixel becomes a square of so many; default 1, of films {FILM_SCALE}",
    )

    @property
    def enlargement(self) -> int:
        """The side of the square that each pixel becomes."""
        return self.scale or 1

    @property
    def controls(self) -> Mapping[str, object]:
        """The controls that were given, by name."""
        return controls_of(self)

    @property
    def is_png(self) -> bool:
        """Whether a PNG answers it, and nothing else."""
        return True


class PictureQuery(DrawnQuery):
    """One picture."""

    seed: Seed | None = Field(None, description=_SEED)
    index: Index = Field(0, description=_INDEX)
    label: Label | None = Field(None, description=_LABEL)


class VariationsQuery(PictureQuery):
    """Pictures around one."""

    COUNTED: ClassVar[str] = "count"

    spread: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        0.3, description="how far: 0 is the picture itself, 1 any other"
    )
    count: int = Field(16, ge=1, le=100, description="pictures; the first is the one that the others vary")
    columns: int | None = Field(
        None, ge=1, le=100, description="pictures in a row; default the floor of the root of count"
    )
    format: VariationsFormat = Field(
        VariationsFormat.GRID, description="a PNG, or JSON that tells the address of each latent"
    )

    def pictures(self, dataset: DatasetSpec) -> int:
        """Return how many pictures it takes."""
        return self.count

    @property
    def is_told(self) -> bool:
        """Whether addresses are asked for."""
        return self.format is VariationsFormat.JSON

    @property
    def is_png(self) -> bool:
        """Whether a PNG answers it, and nothing else."""
        return self.format is VariationsFormat.GRID


class WalkQuery(DrawnQuery):
    """Pictures on the way from one latent to another."""

    POINTS: ClassVar[tuple[str, ...]] = ("from_", "to_")
    COUNTED: ClassVar[str] = "steps"

    from_seed: Seed | None = Field(None, description=f"where the walk begins: {_SEED}")
    from_index: Index = Field(0, description=_INDEX)
    label: Label | None = Field(None, description=f"where the walk begins: {_LABEL}")
    to_seed: Seed | None = Field(
        None, description="where the walk ends; default `from_seed`, so that a walk can change the class alone"
    )
    to_index: Index | None = Field(None, description=f"{_INDEX}, or `from_index` where `to_seed` is left out")
    to_label: Label | None = Field(None, description="where the walk ends: the class; default `label`")
    steps: int = Field(16, ge=2, le=MOST_STEPS, description="pictures from the beginning to the end, both among them")
    loop: bool = Field(False, description="whether the walk goes back to its beginning, so that a film closes")
    index: Index | None = Field(None, description="draw only this picture of the walk, from 0")
    format: WalkFormat = Field(WalkFormat.STRIP, description="a PNG, a film, or a zip of a PNG for each picture")
    columns: int | None = Field(None, ge=1, le=MOST_STEPS, description="pictures in a row of a PNG; default all")
    fps: Annotated[float, Field(ge=1, le=MOST_FRAMES_PER_SECOND, allow_inf_nan=False)] = Field(
        12, description="pictures a second of a film"
    )

    def named(self, point: str, what: str) -> Any:
        """Return the seed, index or label of one of the points: of the end where it was left out, of the beginning."""
        if (point, what) == ("from_", "label"):
            return self.label
        own = super().named(point, what)
        if point == "from_" or own is not None:
            return own
        return 0 if what == "index" and self.to_seed is not None else self.named("from_", what)

    def alone(self, place: int) -> "WalkQuery":
        """Return what draws the one picture of this place as a PNG."""
        unsaid = {name: type(self).model_fields[name].default for name in ("format", "columns", "fps")}
        return self.model_copy(update={**unsaid, "index": place})

    def pictures(self, dataset: DatasetSpec) -> int:
        """Return how many pictures it takes."""
        return 2 * self.steps - 2 if self.loop else self.steps

    @property
    def enlargement(self) -> int:
        """The side of the square that each pixel becomes."""
        return self.scale or (1 if self.format.film is None else FILM_SCALE)

    @property
    def is_png(self) -> bool:
        """Whether a PNG answers it, and nothing else."""
        return self.format is WalkFormat.STRIP


class SweepQuery(PictureQuery):
    """One thing changed evenly, the rest of the noise fixed."""

    COUNTED: ClassVar[str] = "rows"

    direction: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(
        None, description="what changes: a direction of GET /latent/directions, in steps of length 1"
    )
    coordinate: int | None = Field(
        None, ge=0, lt=2**31, description="what changes: one coordinate of the latent, in deviations of its draws"
    )
    control: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(
        None, description="what changes: one of the family's controls of GET /generate, as InfoGAN's `c1`"
    )
    start: Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)] | None = Field(
        None, description="the first value; default -3, of a control its least"
    )
    stop: Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)] | None = Field(
        None, description="the last value; default 3, of a control its largest"
    )
    steps: int = Field(13, ge=2, le=64, description="values, a column each; of a whole-numbered control every one")
    rows: int = Field(1, ge=1, le=64, description="pictures that are changed, a row each, from `index` on")

    def pictures(self, dataset: DatasetSpec) -> int:
        """Return how many pictures it takes, at most."""
        return self.steps * self.rows


class MatrixQuery(DrawnQuery):
    """Every class in the same handwriting."""

    COUNTED: ClassVar[str] = "rows"

    seed: Seed | None = Field(None, description=_SEED)
    index: Index = Field(0, description=_INDEX)
    rows: int = Field(8, ge=1, le=64, description="noises, a row each, from `index` on; the columns are the classes")

    def pictures(self, dataset: DatasetSpec) -> int:
        """Return how many pictures it takes, at most."""
        return self.rows * len(dataset.spread_labels(MOST_CLASSES))


class ArithmeticQuery(DrawnQuery):
    """a - b + c."""

    POINTS: ClassVar[tuple[str, ...]] = ("a_", "b_", "c_")

    a_seed: Seed | None = Field(None, description=_SEED)
    a_index: Index = Field(0, description=_INDEX)
    a_label: Label | None = Field(None, description=_LABEL)
    b_seed: Seed | None = Field(None, description=_SEED)
    b_index: Index = Field(0, description=_INDEX)
    b_label: Label | None = Field(None, description=_LABEL)
    c_seed: Seed | None = Field(None, description=_SEED)
    c_index: Index = Field(0, description=_INDEX)
    c_label: Label | None = Field(None, description=_LABEL)

    def pictures(self, dataset: DatasetSpec) -> int:
        """Return how many pictures it takes."""
        return 4


class ProjectQuery(LatentQuery):
    """Which latents are looked for."""

    POINTS: ClassVar[tuple[str, ...]] = ()

    label: Label | None = Field(None, description="the class to look in, where the network takes labels; default all")
    count: int = Field(MOST_MATCHES, ge=1, le=MOST_MATCHES, description="latents to tell, the best first")
    centre: bool = Field(
        False, description="bring what is drawn to the size and the place that the digits of MNIST have, first"
    )


Q = TypeVar("Q", bound=LatentQuery)


@dataclass(frozen=True, slots=True)
class LatentRecipe(Generic[Q]):
    """All that an answer depends on. query: complete, its checkpoint by id, its seeds drawn, its labels by name.

    controls: what all its pictures are steered by; None where nothing was given.
    is_drawn: whether a seed was drawn for it; is_pinned: whether the request itself named all that could change.
    """

    path: str
    query: Q
    checkpoint: KnownCheckpoint
    dataset: DatasetSpec
    family: Family[Any]
    controls: Controls | None
    is_drawn: bool
    is_pinned: bool

    @property
    def url(self) -> str:
        """The one URL of this answer, relative to the service: its parameters complete, and in order."""
        chosen = self.query.model_dump(mode="json", exclude_defaults=True)
        return f"{self.path}?{urlencode(sorted((name, _written(value)) for name, value in chosen.items()))}"

    def of_picture(self, address: str, label: str | None, truncation: float = 1.0) -> "LatentRecipe[PictureQuery]":
        """Return the recipe of the picture of a latent of the same checkpoint."""
        steered = {} if self.controls is None else self.controls.model_dump(exclude_none=True)
        named = {"checkpoint": self.checkpoint.id, "seed": address, "label": label, "truncation": truncation}
        return LatentRecipe(
            path=PICTURE_PATH,
            query=PictureQuery.model_validate(named | steered),
            checkpoint=self.checkpoint,
            dataset=self.dataset,
            family=self.family,
            controls=self.controls,
            is_drawn=False,
            is_pinned=True,
        )


def complete_latent(path: str, query: Q, catalogue: Catalogue, limits: Limits) -> LatentRecipe[Q]:
    """Make a request complete, drawing a seed where none is given.

    Raises ParameterError, NoSuchCheckpointError, NoCheckpointOfFamilyError, CheckpointCorruptError.
    """
    checkpoint = choose_checkpoint(query, catalogue)
    dataset, family = find_parts(checkpoint)
    chosen: dict[str, object] = {"checkpoint": checkpoint.id, "family": None, "dataset": None}
    given = query.model_dump(exclude_none=True)
    seeds = {name: _whole(name, value) for name, value in given.items() if name.endswith("seed")}
    drawn = {name: str(secrets.randbelow(DRAWN_SEEDS)) for name in seeds_of(query) if name not in seeds}
    labels = {name: _class_of(name, value, dataset, family) for name, value in given.items() if name.endswith("label")}
    _refuse_numbers_of_addresses(query)
    _check_size(query, dataset, limits)
    return LatentRecipe(
        path=path,
        query=query.model_copy(update={**chosen, **seeds, **drawn, **labels}),
        checkpoint=checkpoint,
        dataset=dataset,
        family=family,
        controls=choose_controls(query.controls, family) if isinstance(query, DrawnQuery) else None,
        is_drawn=bool(drawn),
        is_pinned=not drawn and query.checkpoint == checkpoint.id,
    )


def seeds_of(query: LatentQuery) -> list[str]:
    """Return the parameters without which nothing could be drawn; a walk that names no end stays at its beginning."""
    return [f"{point}seed" for point in query.POINTS if point != "to_"]


def _whole(name: str, seed: str) -> str:
    """Return a seed without leading zeros, or an address as it is."""
    if seed.startswith(ADDRESS_MARK):
        return seed
    if int(seed) > LARGEST_SEED:
        raise ParameterError(name, f"a seed is at most {LARGEST_SEED}, and {seed} came")
    return str(int(seed))


def _class_of(name: str, label: str, dataset: DatasetSpec, family: Family[Any]) -> str:
    if family.conditioning is not Conditioning.LABEL:
        raise ParameterError(
            name, f"{family.name} takes no labels: leave it out, or name a checkpoint of a conditional family"
        )
    try:
        return dataset.classes[dataset.label(label)]
    except UnknownClassError as error:
        raise ParameterError(name, str(error)) from None


def _refuse_numbers_of_addresses(query: LatentQuery) -> None:
    for point in query.POINTS:
        seed, index = query.named(point, "seed"), query.named(point, "index")
        if index and seed is not None and seed.startswith(ADDRESS_MARK):
            raise ParameterError(f"{point}index", f"an address is of one latent: leave out {point}index={index}")


def _check_size(query: LatentQuery, dataset: DatasetSpec, limits: Limits) -> None:
    pictures, pixels = query.pictures(dataset), (dataset.size * query.enlargement) ** 2
    if pictures > min(limits.candidates, limits.pixels // pixels):
        raise ParameterError(
            query.COUNTED,
            f"{pictures} pictures at scale {query.enlargement} are {pictures * pixels} pixels; at most {limits.pixels} "
            f"pixels and {limits.candidates} pictures are drawn at once: ask for fewer, or a smaller scale",
        )


def _written(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
