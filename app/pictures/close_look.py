"""A close look at one picture: its recipe, what a judge takes it for, and the training pictures that are like it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from app.caching import entity_tag
from app.pictures.inference import Engine, find_judge
from app.pictures.provenance import Judge, tell_recipe
from app.pictures.recipes import Recipe
from app.pictures.training_pictures import TrainingPictures
from app.sharing import KeptWork
from checkpoints.library import has_judge
from datasets import TrainingData
from models import from_pixels, to_pixels

INSPECTION_VERSION = 1
"""Grows whenever the same request begins to get another answer."""

NEAREST_IN_PIXELS = 200
"""So many training pictures are compared by the judge's features: of all, that would take minutes on a CPU."""

_HELD_OUT = 100
_ROWS = 5000  # compared at once: all would be some hundred megabytes
_KEPT = 256
_TYPICAL_KEPT = 64


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

    def __init__(self, engine: Engine, training_pictures: TrainingPictures) -> None:
        self._engine, self._training_pictures = engine, training_pictures
        self._inspections = KeptWork[Inspection](engine.turns, _KEPT)
        self._neighbours = KeptWork[Neighbours](engine.turns, _KEPT)
        self._typical = KeptWork[float](None, _TYPICAL_KEPT)

    def tag(self, recipe: Recipe, *parts: str) -> str:
        """Return the entity tag of an answer about a picture. Raises CheckpointError for a damaged judge."""
        judge = _judge_of(recipe.dataset.name)
        digest = judge.digest if judge else ""
        return entity_tag("inspection", str(INSPECTION_VERSION), self._engine.tag(recipe), digest, *parts)

    def inspect(self, recipe: Recipe, tag: str) -> Inspection:
        """Look at the one picture that the recipe shows. Raises BusyError, and what `Engine.draw` raises."""
        return self._inspections.make(tag, lambda: self._inspect(recipe))

    def neighbours(self, recipe: Recipe, tag: str, *, count: int) -> Neighbours:
        """Find the training pictures most like the one that the recipe shows. tag: of recipe and count.

        Raises DatasetNotHereError, BusyError, and what `Engine.draw` raises.
        """
        return self._neighbours.make(tag, lambda: self._compare(recipe, count))

    def inspected(self, tag: str) -> Inspection | None:
        """Return the inspection of this tag, if it was made lately."""
        return self._inspections.find(tag)

    def compared(self, tag: str) -> Neighbours | None:
        """Return the neighbours of this tag, if they were found lately."""
        return self._neighbours.find(tag)

    def _inspect(self, recipe: Recipe) -> Inspection:
        dataset = recipe.dataset.name
        drawn = self._engine.draw(recipe)
        judge = _judge_of(dataset)
        image = drawn.selection.images
        return Inspection(
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

    def _compare(self, recipe: Recipe, count: int) -> Neighbours:
        train = self._training_pictures.load(recipe.dataset.name)
        typical = self._typical.make(train.digest, lambda: self._find_typical(train))
        image = self._engine.draw(recipe).selection.images
        return self._find(train, typical, _of_size(image, recipe.dataset.size), count)

    def _find_typical(self, train: TrainingData) -> float:
        """Compare the first test pictures with all training pictures."""
        test = self._training_pictures.load(train.spec.name, split="test")
        return float(_distances(test.images[:_HELD_OUT], train.images).min(dim=1).values.median())

    def _find(self, train: TrainingData, typical: float, image: Tensor, count: int) -> Neighbours:
        """Order the nearest pictures in pixels by the judge's features, where there is a judge."""
        judge = _judge_of(train.spec.name)
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
            typical=typical,
        )


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
