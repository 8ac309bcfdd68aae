"""A close look at one picture: its recipe, what a judge takes it for, and the training pictures that are like it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from app.caching import entity_tag
from app.pictures.inference import Engine, LeastRecentlyUsed, SharedWork, find_judge
from app.pictures.provenance import Judge, tell_recipe
from app.pictures.recipes import Recipe
from checkpoints.library import has_judge
from datasets import TrainingData, load_here
from models import from_pixels, to_pixels

INSPECTION_VERSION = 1
"""Grows whenever the same request begins to get another answer."""

NEAREST_IN_PIXELS = 200
"""So many training pictures are compared by the judge's features: of all, that would take minutes on a CPU."""

_HELD_OUT = 100
_ROWS = 5000  # compared at once: all would be some hundred megabytes
_KEPT = 256
_DATASETS_KEPT = 2


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of a picture without looking at others.

    recipe: as its PNG tells it. number: of the candidate under the seed that became the picture. label: its class,
    where the network was asked for one. probabilities: (classes,) by the judge, where one is.
    """

    recipe: Mapping[str, Any]
    number: int
    label: int | None
    judge: Judge | None
    probabilities: Tensor | None


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The training pictures that are most like a picture, the nearest first.

    numbers: their places in the training split, (n,). pixels: (n, c, h, w) uint8. labels: (n,). distances: by the
    judge's features, or by pixels where there is no judge, (n,). nearest: the distance in pixels to the nearest of all.
    typical: its median for test pictures, which the network cannot have learnt by heart.
    """

    numbers: Tensor
    pixels: Tensor
    labels: Tensor
    distances: Tensor
    judge: Judge | None
    nearest: float
    typical: float


class Inspector:
    """Looks at pictures one by one, in the engine's turns, and keeps what it saw. Threads share it."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self._engine, self._directory = engine, directory
        self._inspections: LeastRecentlyUsed[str, Inspection] = LeastRecentlyUsed(_KEPT)
        self._neighbours: LeastRecentlyUsed[str, Neighbours] = LeastRecentlyUsed(_KEPT)
        self._data: LeastRecentlyUsed[str, _Compared] = LeastRecentlyUsed(_DATASETS_KEPT)
        self._inspecting, self._comparing = SharedWork[Inspection](), SharedWork[Neighbours]()
        self._loading = SharedWork[_Compared]()

    def tag(self, recipe: Recipe, *parts: str) -> str:
        """Return the entity tag of an answer about a picture. Raises CheckpointError for a damaged judge."""
        judge = _judge_of(recipe.dataset.name)
        digest = judge.digest if judge else ""
        return entity_tag("inspection", str(INSPECTION_VERSION), self._engine.tag(recipe), digest, *parts)

    def inspect(self, recipe: Recipe, tag: str) -> Inspection:
        """Look at the one picture that the recipe shows. Raises BusyError, and what `Engine.draw` raises."""
        return self._inspecting.run(tag, lambda: self._inspections.get(tag) or self._inspect(recipe, tag))

    def neighbours(self, recipe: Recipe, tag: str, *, count: int) -> Neighbours:
        """Find the training pictures most like the one that the recipe shows. tag: of recipe and count.

        Raises DatasetNotHereError, BusyError, and what `Engine.draw` raises.
        """
        return self._comparing.run(tag, lambda: self._neighbours.get(tag) or self._compare(recipe, tag, count))

    def _inspect(self, recipe: Recipe, tag: str) -> Inspection:
        dataset = recipe.dataset.name
        with self._engine.turns.taken():
            drawn = self._engine.draw(recipe)
            judge = _judge_of(dataset)
            image = drawn.selection.images
            found = Inspection(
                recipe=tell_recipe(
                    recipe,
                    drawn.metadata,
                    drawn.selection,
                    chosen_by=drawn.chosen_by,
                    score=drawn.score,
                    version=self._engine.version,
                ),
                number=int(drawn.selection.numbers),
                label=None if recipe.classes is None else recipe.labels[-1],
                judge=judge,
                probabilities=self._engine.classifier(dataset).probabilities(image)[0] if judge else None,
            )
        self._inspections.put(tag, found)
        return found

    def _compare(self, recipe: Recipe, tag: str, count: int) -> Neighbours:
        dataset = recipe.dataset.name
        with self._engine.turns.taken():
            compared = self._loading.run(dataset, partial(self._load, dataset))
            image = self._engine.draw(recipe).selection.images
            found = self._find(compared, _of_size(image, recipe.dataset.size), count)
        self._neighbours.put(tag, found)
        return found

    def _load(self, dataset: str) -> "_Compared":
        kept = self._data.get(dataset)
        if kept is None:
            kept = _Compared.of(load_here(dataset, self._directory), load_here(dataset, self._directory, split="test"))
            self._data.put(dataset, kept)
        return kept

    def _find(self, compared: "_Compared", image: Tensor, count: int) -> Neighbours:
        """Order the nearest pictures in pixels by the judge's features, where there is a judge."""
        train, judge = compared.train, _judge_of(compared.train.spec.name)
        in_pixels = _distances(to_pixels(image), train.images)[0]
        near = in_pixels.topk(min(NEAREST_IN_PIXELS, len(in_pixels)), largest=False)
        distances = near.values
        if judge is not None:
            classifier = self._engine.classifier(train.spec.name)
            own, theirs = classifier.features(image), classifier.features(from_pixels(train.images[near.indices]))
            distances = (theirs - own).square().sum(dim=1).sqrt()
        order = distances.argsort(stable=True)[:count]
        numbers = near.indices[order]
        return Neighbours(
            numbers=numbers,
            pixels=train.images[numbers],
            labels=train.labels[numbers],
            distances=distances[order],
            judge=judge,
            nearest=float(near.values[0]),
            typical=compared.typical,
        )


@dataclass(frozen=True, slots=True)
class _Compared:
    """The pictures that others are compared with. typical: as of Neighbours."""

    train: TrainingData
    typical: float

    @classmethod
    def of(cls, train: TrainingData, test: TrainingData) -> "_Compared":
        """Compare the first test pictures with all training pictures."""
        nearest = _distances(test.images[:_HELD_OUT], train.images).min(dim=1).values
        return cls(train, float(nearest.median()))


def _distances(images: Tensor, others: Tensor) -> Tensor:
    """Return the distances of pictures as points of [-1, 1]: (n, m) float64 of (n, c, h, w) and (m, c, h, w) uint8.

    By whole numbers, so that equal pictures have the distance 0.
    """
    points = images.flatten(1).double()
    portions = []
    for rows in torch.split(others, _ROWS):
        there = rows.flatten(1).double()
        squares = points.square().sum(dim=1)[:, None] + there.square().sum(dim=1) - 2 * points @ there.T
        portions.append(squares.clamp(min=0).sqrt() / 127.5)
    return torch.cat(portions, dim=1)


def _of_size(image: Tensor, side: int) -> Tensor:
    """Return a picture in the data set's size, which a coarse level of a pyramid has not."""
    return image if image.shape[-1] == side else interpolate(image, (side, side), mode="bilinear")


def _judge_of(dataset: str) -> Judge | None:
    return find_judge(dataset) if has_judge(dataset) else None
