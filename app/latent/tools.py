"""What each of the latent tools draws, from the latents of one checkpoint."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isqrt
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from app.latent.queries import (
    MOST_CLASSES,
    PICTURE_PATH,
    ArithmeticQuery,
    DrawnQuery,
    LatentQuery,
    LatentRecipe,
    MatrixQuery,
    PictureQuery,
    SweepQuery,
    VariationsQuery,
    WalkQuery,
)
from app.refusals import ParameterError
from models import (
    ADDRESS_MARK,
    CLASS_CONTROL,
    DIRECTION_NAMES,
    Conditioning,
    ControlError,
    Controls,
    Direction,
    Family,
    LatentAddressError,
    LatentSpace,
    combine,
    derive_seed,
    families,
    mix,
    to_pixels,
    vary,
    walk,
)

_AROUND = 3.0
"""How far a sweep goes to both sides where nothing is said: within lie 99.7 % of the draws of a coordinate."""


class Bench:
    """What a tool works with: the latents of a checkpoint, and its directions once they are needed."""

    def __init__(self, space: LatentSpace, directions: Callable[[], Sequence[Direction]]) -> None:
        self.space, self.directions = space, directions

    def point(self, query: LatentQuery, prefix: str = "", *, later: int = 0) -> Tensor:
        """Return one of the points that are asked for, or the one so many numbers later: (d,).

        Raises ParameterError for an address of another checkpoint, or for what comes after one.
        """
        name, seed = f"{prefix}seed", query.named(prefix, "seed")
        if not seed.startswith(ADDRESS_MARK):
            return self.space.find(int(seed), [query.named(prefix, "index") + later])[0]
        if later:
            raise ParameterError(name, "an address is of one latent, so that there is one row")
        try:
            return self.space.locate(seed)
        except LatentAddressError as error:
            raise ParameterError(name, str(error)) from None

    def label(self, query: LatentQuery, prefix: str = "", *, later: int = 0) -> int:
        """Return the label of such a point: where none was given the one that GET /generate draws at its number."""
        dataset, label = self.space.sampler.config.dataset, query.named(prefix, "label")
        if label is not None:
            return dataset.label(label)
        return int(query.named(prefix, "index") + later) % len(dataset.classes)

    def weights(self, query: LatentQuery, prefix: str = "", *, later: int = 0) -> Tensor:
        """Return the label as weights of the classes: (classes,)."""
        return self.space.weigh([self.label(query, prefix, later=later)])[0]

    def draw(
        self, recipe: LatentRecipe[Any], points: Tensor, weights: Tensor, controls: Controls | None = None
    ) -> Tensor:
        """Draw the pictures of points (n, d) with labels of weights (n, classes): (n, c, h, w) uint8.

        controls: default, those of the recipe. A smaller picture, as a control may ask for, is enlarged to the data
        set's side. Raises ControlError.
        """
        steered = controls or recipe.controls
        images = self.space.draw(points, weights, truncation=recipe.query.truncation, controls=steered)
        pixels = to_pixels(images)
        larger = self.space.sampler.config.dataset.size // pixels.shape[-1]
        return pixels.repeat_interleave(larger, 2).repeat_interleave(larger, 3) if larger > 1 else pixels


@dataclass(frozen=True, slots=True)
class Drawn:
    """Pictures (n, c, h, w) uint8, and how many of them are in a row."""

    pixels: Tensor
    columns: int


# --- What each draws ----------------------------------------------------------------------------------------------


def draw_picture(bench: Bench, recipe: LatentRecipe[PictureQuery]) -> Drawn:
    """Draw the picture of one latent."""
    query = recipe.query
    return Drawn(bench.draw(recipe, bench.point(query)[None], bench.weights(query)[None]), 1)


def draw_walk(bench: Bench, recipe: LatentRecipe[WalkQuery]) -> Drawn:
    """Draw what lies between two latents and two classes. Raises ParameterError for a place that is not on the way."""
    query = recipe.query
    shares = torch.linspace(0, 1, query.steps, dtype=torch.float64)
    points = walk(bench.point(query, "from_"), bench.point(query, "to_"), shares)
    weights = mix(bench.weights(query, "from_"), bench.weights(query, "to_"), shares)
    pixels = bench.draw(recipe, points, weights)
    if query.loop:
        pixels = torch.cat([pixels, pixels[1:-1].flip(dims=(0,))])
    if query.index is not None:
        pixels = _only(pixels, query.index)
    return Drawn(pixels, query.columns or len(pixels))


def _only(pixels: Tensor, index: int) -> Tensor:
    if index >= len(pixels):
        raise ParameterError("index", f"this walk has the pictures 0 to {len(pixels) - 1}, {index} came")
    return pixels[index : index + 1]


def find_variations(bench: Bench, recipe: LatentRecipe[VariationsQuery]) -> Tensor:
    """Return a point and others around it, which have addresses: (count, d)."""
    query = recipe.query
    point = bench.point(query)
    seed = derive_seed("variations", str(query.seed), query.index)
    others = bench.space.find(seed, range(query.count))[1:]
    return torch.cat([point[None], bench.space.settle(vary(point, others, query.spread))])


def draw_variations(bench: Bench, recipe: LatentRecipe[VariationsQuery]) -> Drawn:
    """Draw a picture and others around it."""
    query, points = recipe.query, find_variations(bench, recipe)
    pixels = bench.draw(recipe, points, bench.weights(query).expand(len(points), -1))
    return Drawn(pixels, query.columns or isqrt(query.count))


def draw_arithmetic(bench: Bench, recipe: LatentRecipe[ArithmeticQuery]) -> Drawn:
    """Draw a, b, c, and a - b + c, the classes combined as the latents are."""
    query = recipe.query
    a, b, c = (bench.point(query, point) for point in query.POINTS)
    of_a, of_b, of_c = (bench.weights(query, point) for point in query.POINTS)
    points = torch.stack([a, b, c, combine(a, b, c)])
    return Drawn(bench.draw(recipe, points, torch.stack([of_a, of_b, of_c, of_a - of_b + of_c])), 4)


def draw_matrix(bench: Bench, recipe: LatentRecipe[MatrixQuery]) -> Drawn:
    """Draw every class by each of some noises. Raises ParameterError for a family that knows no classes."""
    query = recipe.query
    points = torch.stack([bench.point(query, later=row) for row in range(query.rows)])
    if bench.space.sampler.is_conditional:
        of_class = bench.space.weigh(recipe.dataset.spread_labels(MOST_CLASSES))
        return _beside([bench.draw(recipe, points, one.expand(len(points), -1)) for one in of_class])
    control, weights = _find_class_control(recipe.family), bench.space.weigh([0] * len(points))
    return _by_control(partial(bench.draw, recipe, points, weights), recipe, control, control.values(MOST_CLASSES))


def draw_sweep(bench: Bench, recipe: LatentRecipe[SweepQuery]) -> Drawn:
    """Draw some pictures while one thing of them changes evenly.

    Raises ParameterError unless exactly one thing is named that there is; ControlError.
    """
    query, values = recipe.query, list_values(recipe.query, recipe.family)
    rows = range(query.rows)
    points = torch.stack([bench.point(query, later=row) for row in rows])
    weights = torch.stack([bench.weights(query, later=row) for row in rows])
    if query.control is not None:
        control = _find_control(recipe.family, query.control)
        return _by_control(partial(bench.draw, recipe, points, weights), recipe, control, values)
    move = _along(bench, query)
    return _beside([bench.draw(recipe, move(points, value), weights) for value in values])


Q = TypeVar("Q", bound=DrawnQuery)


@dataclass(frozen=True, slots=True)
class Tool(Generic[Q]):
    """What an endpoint takes, and what it draws."""

    query: type[Q]
    draw: Callable[[Bench, LatentRecipe[Q]], Drawn]


TOOLS: Mapping[str, Tool[Any]] = {
    PICTURE_PATH: Tool(PictureQuery, draw_picture),
    "/latent/variations": Tool(VariationsQuery, draw_variations),
    "/latent/walk": Tool(WalkQuery, draw_walk),
    "/latent/sweep": Tool(SweepQuery, draw_sweep),
    "/latent/matrix": Tool(MatrixQuery, draw_matrix),
    "/latent/arithmetic": Tool(ArithmeticQuery, draw_arithmetic),
}
"""By the path of the endpoint."""


# --- What can be refused before anything is drawn ----------------------------------------------------------------


def names_latents(query: DrawnQuery) -> bool:
    """Whether what is asked for may lie outside of a checkpoint's latents: an address, or a coordinate."""
    seeds = [query.named(point, "seed") for point in query.POINTS]
    is_moved = isinstance(query, SweepQuery) and query.coordinate is not None
    return is_moved or any(seed is not None and seed.startswith(ADDRESS_MARK) for seed in seeds)


def check_latents(bench: Bench, query: DrawnQuery) -> None:
    """Look for every latent that is named, and the coordinate. Raises ParameterError as drawing them would."""
    for point in query.POINTS:
        bench.point(query, point, later=query.rows - 1 if isinstance(query, SweepQuery | MatrixQuery) else 0)
    if isinstance(query, SweepQuery) and query.coordinate is not None:
        _along(bench, query)


# --- What stands beside the pictures ------------------------------------------------------------------------------


def list_values(query: SweepQuery, family: Family[Any]) -> Sequence[float]:
    """Return the values of a sweep; a model may have less of them than its family.

    Raises ParameterError unless exactly one thing is named that changes, for a direction that no checkpoint has, and
    for values that a control has not.
    """
    if [query.direction, query.coordinate, query.control].count(None) != 2:
        raise ParameterError("direction", "name one thing that changes: a direction, a coordinate or a control")
    if query.direction is not None and query.direction not in DIRECTION_NAMES:
        raise _no_direction(query.direction, DIRECTION_NAMES)
    if query.control is not None:
        return _find_control(family, query.control).values(query.steps, query.start, query.stop)
    start, stop = (-_AROUND if query.start is None else query.start), (_AROUND if query.stop is None else query.stop)
    return _spread(start, stop, query.steps)


def list_classes(recipe: LatentRecipe[MatrixQuery]) -> Sequence[str]:
    """Return the names of the columns of a matrix. Raises ParameterError for a family that knows no classes."""
    if recipe.family.conditioning is Conditioning.LABEL:
        return [recipe.dataset.classes[label] for label in recipe.dataset.spread_labels(MOST_CLASSES)]
    control = _find_class_control(recipe.family)
    return [f"{control.name} {value}" for value in control.values(MOST_CLASSES)]


def list_controls(family: Family[Any]) -> Sequence[str]:
    """Return the names of the controls of a family."""
    return () if family.steering is None else list(family.steering.controls.model_fields)


# --- What a sweep changes -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Control:
    """A number that steers a family's pictures; a model may have less than the whole range."""

    name: str
    offered: type[Controls]
    is_whole: bool
    least: float
    largest: float

    def values(self, most: int, start: float | None = None, stop: float | None = None) -> Sequence[float]:
        """Return `most` values from one to another, spread evenly; of a whole-numbered one every one between.

        Raises ParameterError for values that there are not.
        """
        first, last = (self.least if start is None else start), (self.largest if stop is None else stop)
        for name, value in (("start", first), ("stop", last)):
            if not self.least <= value <= self.largest:
                raise ParameterError(name, f"{self.name} goes from {self.least:g} to {self.largest:g}, {value:g} came")
        if not self.is_whole:
            return _spread(first, last, most)
        count, step = abs(round(last) - round(first)) + 1, 1 if last >= first else -1
        return [round(first) + step * place for place in range(min(count, most))]


def _spread(first: float, last: float, count: int) -> list[float]:
    values: list[float] = torch.linspace(first, last, count, dtype=torch.float64).tolist()
    return values


def _find_control(family: Family[Any], name: str) -> Control:
    """Return a control of a family. Raises ParameterError, which names those that there are."""
    offered = Controls if family.steering is None else family.steering.controls
    known = offered.model_json_schema().get("properties", {})
    if name not in known:
        has = f"it has {', '.join(known)}" if known else "it has none: use direction or coordinate"
        raise ParameterError("control", f"{family.name} has no control {name!r}; {has}")
    number = next(one for one in known[name]["anyOf"] if one["type"] in {"integer", "number"})
    return Control(name, offered, number["type"] == "integer", number["minimum"], number["maximum"])


def _find_class_control(family: Family[Any]) -> Control:
    """Return the control that stands for a class. Raises ParameterError, which names the families that have classes."""
    if family.steering is None or CLASS_CONTROL not in family.steering.controls.model_fields:
        able = [
            name
            for name, one in families().items()
            if one.conditioning is Conditioning.LABEL
            or (one.steering is not None and CLASS_CONTROL in one.steering.controls.model_fields)
        ]
        raise ParameterError(
            "checkpoint",
            f"{family.name} can be asked for no class, so that it has no matrix of classes: name a checkpoint of "
            f"{', '.join(able)}",
        )
    return _find_control(family, CLASS_CONTROL)


def _by_control(
    draw: Callable[[Controls], Tensor], recipe: LatentRecipe[Any], control: Control, values: Sequence[float]
) -> Drawn:
    """Draw a column for each value, as far as the model has it, the other controls as they were given.

    Raises ControlError if it has not the first, ParameterError where the control itself was given.
    """
    given = recipe.query.controls
    if control.name in given:
        raise ParameterError(control.name, f"{control.name} is what changes from column to column: leave it out")
    columns: list[Tensor] = []
    for value in values:
        try:
            columns.append(draw(control.offered.model_validate({**given, control.name: value})))
        except ControlError:
            if not columns:
                raise
            break
    return _beside(columns)


def _along(bench: Bench, query: SweepQuery) -> Callable[[Tensor, float], Tensor]:
    """Return what moves points (n, d) by a number. Raises ParameterError for what there is not."""
    if query.direction is not None:
        vector = find_direction(bench.directions(), query.direction).vector
        return lambda points, step: points + step * vector
    coordinate, dim = query.coordinate or 0, bench.space.dim
    if coordinate >= dim:
        raise ParameterError("coordinate", f"the latents have the coordinates 0 to {dim - 1}, {coordinate} came")
    return lambda points, step: points.index_fill(1, torch.tensor(coordinate), step)


def find_direction(directions: Sequence[Direction], name: str) -> Direction:
    """Return the direction of this name. Raises ParameterError, which names those that there are."""
    for direction in directions:
        if direction.name == name:
            return direction
    raise _no_direction(name, [direction.name for direction in directions])


def _no_direction(name: str, known: Sequence[str]) -> ParameterError:
    return ParameterError("direction", f"no direction is called {name!r}; there are {', '.join(known) or 'none'}")


def _beside(columns: Sequence[Tensor]) -> Drawn:
    """Put columns of pictures (n, c, h, w) beside each other."""
    return Drawn(torch.stack(tuple(columns), dim=1).flatten(0, 1), len(columns))
