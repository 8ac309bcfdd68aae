"""The inference engine: keeps some samplers and rendered grids in memory, and draws a bounded number at once."""

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from app.caching import entity_tag
from app.pictures.catalogue import KnownCheckpoint
from app.pictures.provenance import DEVICE_CLASS, Judge, describe
from app.pictures.recipes import TYPICAL_CLASSES, Recipe
from app.sharing import KeptWork, LeastRecentlyUsed, Turns
from checkpoints.format import CheckpointCorruptError, Metadata, load
from checkpoints.library import judge_digest, judge_directory, load_judge, to_sampler
from models import (
    ENCODER,
    BurnIn,
    Controls,
    DatasetSpec,
    PictureJudge,
    Rejection,
    Sampler,
    Selection,
    draw,
    draw_burn_in,
    draw_class,
    encode_png,
    lay_out,
    measure_rejections,
    to_pixels,
)

SAMPLING_VERSION = 3
"""Grows whenever the same recipe begins to give other bytes."""

BURN_INS_KEPT = 1024
"""One is of a class of a checkpoint, and takes a kilobyte."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint in memory, every file as it was written."""

    sampler: Sampler
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a recipe shows, as tensors. score: as a Picture's. chosen_by: the classifier, where one chose."""

    metadata: Metadata
    selection: Selection
    score: float | None
    chosen_by: Judge | None


@dataclass(frozen=True, slots=True)
class Picture:
    """A rendered grid, and how its pictures were chosen. chosen_by: the classifier, where one chose.

    accepted_share: the share that rejection sampling accepted, where it chose. score: of the one picture, where one is
    shown and its family scores. width, height: in pixels.
    """

    png: bytes
    width: int
    height: int
    candidates: int
    threshold: float | None
    accepted_share: float | None
    chosen_by: Judge | None
    score: float | None


class Engine:
    """Turns recipes into PNG files. Threads share it."""

    def __init__(
        self, *, turns: Turns, samplers_kept: int, picture_bytes: int, max_candidates: int, version: str
    ) -> None:
        self.turns = turns
        self._samplers: LeastRecentlyUsed[str, Loaded] = LeastRecentlyUsed(samplers_kept)
        self._pictures = KeptWork[Picture](turns, picture_bytes, lambda one: len(one.png))
        self._burn_ins: LeastRecentlyUsed[Hashable, Tensor] = LeastRecentlyUsed(BURN_INS_KEPT)
        self._max_candidates, self.version = max_candidates, version
        self._judges: dict[str, PictureJudge] = {}
        self._loading = threading.Lock()

    @property
    def code(self) -> tuple[str, ...]:
        """What every answer depends on beside the request, the weights and the classifier."""
        return (str(SAMPLING_VERSION), self.version, torch.__version__, ENCODER, DEVICE_CLASS)

    def tag(self, recipe: Recipe) -> str:
        """Return the entity tag of the grid, without drawing it: a function of all that its bytes depend on.

        Raises CheckpointCorruptError when a classifier is needed whose metadata are damaged.
        """
        judge = _judge_of(recipe)
        return entity_tag(recipe.url, recipe.checkpoint.digest, judge.digest if judge else "", *self.code)

    def cached(self, tag: str) -> Picture | None:
        """Return the grid of this tag, if it was rendered lately."""
        return self._pictures.find(tag)

    def render(self, recipe: Recipe, tag: str) -> Picture:
        """Draw, lay out and encode a grid, and keep it under its tag. One that is being drawn is waited for.

        Raises BusyError, TooFewOfClassError, and what `load` raises.
        """
        return self._pictures.make(tag, lambda: self._encode(recipe, self.draw(recipe)))

    def draw(self, recipe: Recipe) -> Drawn:
        """Draw what a recipe shows, within a turn. Raises TooFewOfClassError, and what `load` raises."""
        loaded = self.load(recipe.checkpoint)
        selection = self._select(recipe, loaded.sampler).show(recipe.shown)
        score = _score(recipe, loaded.sampler, selection)
        return Drawn(loaded.metadata, selection, score, _judge_of(recipe))

    def classify(self, checkpoint: KnownCheckpoint, picture: Callable[[DatasetSpec], Tensor]) -> Tensor:
        """Return the probability of each class, (classes,), as the checkpoint's own network tells it.

        picture: reads it as (1, c, h, w) in [-1, 1] of a data set. Raises BusyError, and what `load` raises.
        """
        with self.turns.taken():
            sampler = self.load(checkpoint).sampler
            return sampler.classify(picture(sampler.config.dataset))[0]

    def load(self, checkpoint: KnownCheckpoint) -> Loaded:
        """Return a checkpoint in memory, read and checked by its digests if it is not there.

        Raises CheckpointMissingError, CheckpointCorruptError.
        """
        with self._loading:
            loaded = self._samplers.get(checkpoint.digest)
            if loaded is None:
                loaded = _read(checkpoint)
                self._samplers.put(checkpoint.digest, loaded)
            return loaded

    def classifier(self, dataset: str) -> PictureJudge:
        """Return the shipped classifier of a data set. Raises what `load_judge` raises."""
        with self._loading:
            if dataset not in self._judges:
                self._judges[dataset] = load_judge(dataset)
            return self._judges[dataset]

    def burn_in(
        self, checkpoint: KnownCheckpoint, sampler: Sampler, truncation: float = 1.0, controls: Controls | None = None
    ) -> BurnIn:
        """Return what draws the burn-ins of a checkpoint, and keeps them: each takes some tenths of a second."""

        def of_class(label: int) -> Tensor:
            key = (checkpoint.digest, label, truncation, controls)
            logits = self._burn_ins.get(key)
            if logits is None:
                logits = draw_burn_in(sampler, label, truncation=truncation, controls=controls)
                self._burn_ins.put(key, logits)
            return logits

        return of_class

    def _rejections(self, recipe: Recipe, sampler: Sampler) -> Mapping[int, Rejection] | None:
        if not recipe.by_rejection:
            return None
        burn_in = self.burn_in(recipe.checkpoint, sampler, recipe.truncation, recipe.controls)
        return measure_rejections(sampler, recipe.labels, recipe.nice_factor, burn_in)

    def _select(self, recipe: Recipe, sampler: Sampler) -> Selection:
        rejections = self._rejections(recipe, sampler)
        if recipe.label is None or not recipe.by_classifier:
            return draw(
                sampler,
                seed=recipe.seed,
                labels=recipe.labels,
                truncation=recipe.truncation,
                nice_factor=recipe.nice_factor,
                controls=recipe.controls,
                rejections=rejections,
            )
        wanted = recipe.count * recipe.nice_factor
        most = self._max_candidates * TYPICAL_CLASSES  # a class is about one of so many candidates
        return draw_class(
            sampler,
            self.classifier(recipe.dataset.name).probabilities,
            seed=recipe.seed,
            label=recipe.label,
            count=recipe.count,
            truncation=recipe.truncation,
            nice_factor=recipe.nice_factor,
            most_per_picture=max(1, min(20 * len(recipe.dataset.classes), most // wanted)),
            controls=recipe.controls,
            rejections=rejections,
        )

    def _encode(self, recipe: Recipe, drawn: Drawn) -> Picture:
        selection = drawn.selection
        text = None
        if recipe.describes_itself:
            text = describe(
                recipe, drawn.metadata, selection, chosen_by=drawn.chosen_by, score=drawn.score, version=self.version
            )
        grid = lay_out(to_pixels(selection.images), columns=recipe.columns, scale=recipe.scale)
        png = encode_png(grid, text)
        height, width, _ = grid.shape
        return Picture(
            png,
            width,
            height,
            selection.candidates,
            selection.threshold,
            selection.accepted_share,
            drawn.chosen_by,
            drawn.score,
        )


def _read(checkpoint: KnownCheckpoint) -> Loaded:
    stored = load(checkpoint.directory)
    if stored.metadata.digest != checkpoint.digest:
        reason = f"is of {stored.metadata.digest[:12]}…, but {checkpoint.digest[:12]}… was registered"
        raise CheckpointCorruptError(checkpoint.directory, "metadata.json", reason)
    return Loaded(to_sampler(stored), stored.metadata)


def _score(recipe: Recipe, sampler: Sampler, selection: Selection) -> float | None:
    """Return how real the one picture that is shown looks to the discriminator, on no fixed scale."""
    if recipe.index is None or sampler.family.score is None:
        return None
    scores = selection.scores
    if scores is None:
        scores = sampler.score(selection.images, torch.tensor(recipe.labels[recipe.shown]))
    return round(float(scores), 6)


def _judge_of(recipe: Recipe) -> Judge | None:
    """Return what is to find the class: None where the network draws it. Raises CheckpointError."""
    return find_judge(recipe.dataset.name) if recipe.by_classifier else None


def find_judge(dataset: str) -> Judge:
    """Return which classifier ships for a data set. Raises CheckpointError."""
    return Judge(judge_directory(dataset).name, judge_digest(dataset))
