"""The latent tools as files and documents: drawn in the engine's turns, and kept under their entity tags."""

import base64
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import av
import PIL
from torch import Tensor

from app.caching import entity_tag
from app.latent.direction_files import DirectionFiles
from app.latent.queries import (
    LatentQuery,
    LatentRecipe,
    ProjectQuery,
    VariationsFormat,
    VariationsQuery,
    WalkFormat,
    WalkQuery,
)
from app.latent.tools import Bench, Drawn, draw_variations, draw_walk, find_variations
from app.pictures.catalogue import KnownCheckpoint
from app.pictures.films import encode_film
from app.pictures.inference import Engine, find_judge
from app.pictures.provenance import describe_latents
from app.schemas import LatentView, MatchView, Projection, Variations
from app.sharing import KeptWork, LeastRecentlyUsed
from checkpoints.library import has_judge
from models import Direction, LatentSpace, Match, encode_png, find_directions, lay_out, project, to_pixels

LATENT_VERSION = 1
"""Grows whenever the same request begins to get another answer."""

SPACES_KEPT = 16
DIRECTIONS_KEPT = 64
ANSWER_BYTES = 16 * 2**20

Q = TypeVar("Q", bound=LatentQuery)
Tool = Callable[[Bench, LatentRecipe[Q]], Drawn]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool answers with. pictures: how many were drawn for it."""

    content: bytes
    media_type: str
    pictures: int


class Latents:
    """Answers what the latent tools are asked for, each once. Threads share it.

    directory: where the directions that were found are kept.
    """

    def __init__(self, engine: Engine, version: str, directory: Path) -> None:
        self._engine, self._version = engine, version
        self._files = DirectionFiles(directory, (str(LATENT_VERSION), *engine.code))
        self._spaces: LeastRecentlyUsed[str, LatentSpace] = LeastRecentlyUsed(SPACES_KEPT)
        self._directions = KeptWork[Sequence[Direction]](None, DIRECTIONS_KEPT)
        self._answers = KeptWork[Answer](engine.turns, ANSWER_BYTES, lambda one: len(one.content))

    def tag(self, request: str, checkpoint: KnownCheckpoint) -> str:
        """Return the entity tag of an answer, without making it: a function of all that its bytes depend on."""
        code = (str(LATENT_VERSION), av.__version__, PIL.__version__, *self._engine.code)
        return entity_tag(request, checkpoint.digest, *code)

    def cached(self, tag: str) -> Answer | None:
        """Return the answer of this tag, if it was made lately."""
        return self._answers.find(tag)

    def grid(self, recipe: LatentRecipe[Q], tag: str, tool: Tool[Q]) -> Answer:
        """Return the PNG of a tool. Raises BusyError, ParameterError, ControlError, and what `Engine.load` raises."""
        return self._once(recipe, tag, lambda bench: self._encode(recipe, tool(bench, recipe)))

    def walk(self, recipe: LatentRecipe[WalkQuery], tag: str) -> Answer:
        """Return a walk in the form that is asked for. Raises what `grid` raises."""
        return self._once(recipe, tag, lambda bench: self._encode_walk(recipe, draw_walk(bench, recipe)))

    def variations(self, recipe: LatentRecipe[VariationsQuery], tag: str) -> Answer:
        """Return variations in the form that is asked for. Raises what `grid` raises."""
        if recipe.query.format is VariationsFormat.GRID:
            return self.grid(recipe, tag, draw_variations)
        return self._once(recipe, tag, lambda bench: _tell_variations(bench, recipe))

    def directions(self, checkpoint: KnownCheckpoint) -> Sequence[Direction]:
        """Return the directions of a checkpoint: found once, in some seconds. Raises BusyError, and as `load`."""
        with self._engine.turns.taken():
            return self._find_directions(checkpoint)

    def known_directions(self, checkpoint: KnownCheckpoint) -> Sequence[Direction] | None:
        """Return the directions of a checkpoint if they are in memory."""
        return self._directions.find(checkpoint.digest)

    def project(self, recipe: LatentRecipe[ProjectQuery], picture: Tensor) -> Projection:
        """Return the latents whose pictures are most like a picture (1, c, h, w) in [-1, 1].

        Raises BusyError, and what `Engine.load` and `Engine.classifier` raise.
        """
        dataset, query = recipe.dataset, recipe.query
        labels = range(len(dataset.classes)) if query.label is None else [dataset.label(query.label)]
        with self._engine.turns.taken():
            bench = self._bench(recipe.checkpoint)
            judge = self._engine.classifier(dataset.name) if has_judge(dataset.name) else None
            matches = project(bench.space, picture, judge, labels=labels, count=query.count)
            return Projection(
                checkpoint=recipe.checkpoint.id,
                judge=None if judge is None else find_judge(dataset.name).name,
                target=_data_url(to_pixels(picture)[0]),
                items=[_tell_match(bench, recipe, match) for match in matches],
            )

    def _find_directions(self, checkpoint: KnownCheckpoint) -> Sequence[Direction]:
        """Return the directions of a checkpoint, within a turn."""

        def find() -> Sequence[Direction]:
            kept = self._files.read(checkpoint.digest)
            if kept is None:
                kept = find_directions(self.space(checkpoint))
                self._files.write(checkpoint.digest, kept)
            return kept

        return self._directions.make(checkpoint.digest, find)

    def space(self, checkpoint: KnownCheckpoint) -> LatentSpace:
        """Return the latents of a checkpoint, within a turn. Raises what `Engine.load` raises."""
        sampler = self._engine.load(checkpoint).sampler
        space = self._spaces.get(checkpoint.digest)
        if space is None or space.sampler is not sampler:
            space = LatentSpace(sampler)
            self._spaces.put(checkpoint.digest, space)
        return space

    def _bench(self, checkpoint: KnownCheckpoint) -> Bench:
        return Bench(self.space(checkpoint), lambda: self._find_directions(checkpoint))

    def _once(self, recipe: LatentRecipe[Q], tag: str, make: Callable[[Bench], Answer]) -> Answer:
        """Make an answer unless it is kept, and wait for one that is being made."""
        return self._answers.make(tag, lambda: make(self._bench(recipe.checkpoint)))

    def _encode(self, recipe: LatentRecipe[Q], drawn: Drawn) -> Answer:
        grid = lay_out(drawn.pixels, columns=drawn.columns, scale=recipe.query.enlargement)
        text = describe_latents(recipe, len(drawn.pixels), version=self._version)
        return Answer(encode_png(grid, text), "image/png", len(drawn.pixels))

    def _encode_walk(self, recipe: LatentRecipe[WalkQuery], drawn: Drawn) -> Answer:
        query = recipe.query
        if query.format is WalkFormat.STRIP:
            return self._encode(recipe, drawn)
        frames = _enlarge(drawn.pixels, query.enlargement)
        if query.format.film is not None:
            content = encode_film(frames.numpy(), query.format.film, frames_per_second=query.fps)
        else:
            told = {"url": recipe.url, "frames_per_second": query.fps, "software": f"Ganery {self._version}"}
            content = _pack([encode_png(frame) for frame in frames], told)
        return Answer(content, query.format.media_type, len(frames))


def tell_latent(
    bench: Bench, recipe: LatentRecipe[Q], point: Tensor, label: int, pixels: Tensor, *, truncation: float = 1.0
) -> LatentView:
    """Describe a latent by its address, its picture (c, h, w) uint8, and the URL at which it is drawn again."""
    address = bench.space.address(point)
    named = recipe.dataset.classes[label] if bench.space.sampler.is_conditional else None
    url = recipe.url_of_picture(address, named, truncation)
    return LatentView(latent=address, label=named, url=url, picture=_data_url(pixels))


def _tell_match(bench: Bench, recipe: LatentRecipe[ProjectQuery], match: Match) -> MatchView:
    told = tell_latent(bench, recipe, match.point, match.label, to_pixels(match.image))
    return MatchView(**told.model_dump(), distance=round(match.distance, 6), pixel_error=round(match.pixel_error, 6))


def _data_url(pixels: Tensor) -> str:
    """Return a picture (c, h, w) uint8 as a data URL of a PNG."""
    return f"data:image/png;base64,{base64.b64encode(encode_png(pixels.permute(1, 2, 0))).decode()}"


def _tell_variations(bench: Bench, recipe: LatentRecipe[VariationsQuery]) -> Answer:
    points, label = bench.space.settle(find_variations(bench, recipe)), bench.label(recipe.query)
    pixels = bench.draw(recipe.query, points, bench.space.weigh([label] * len(points)))
    items = [
        tell_latent(bench, recipe, point, label, one, truncation=recipe.query.truncation)
        for point, one in zip(points, pixels, strict=True)
    ]
    document = Variations(checkpoint=recipe.checkpoint.id, url=recipe.url, items=items)
    return Answer(document.model_dump_json().encode(), "application/json", len(items))


def _enlarge(pixels: Tensor, scale: int) -> Tensor:
    """Return pictures (n, c, h, w) as frames (n, h * scale, w * scale, c)."""
    return pixels.repeat_interleave(scale, 2).repeat_interleave(scale, 3).permute(0, 2, 3, 1).contiguous()


def _pack(pictures: Sequence[bytes], told: dict[str, object]) -> bytes:
    """Return a zip of numbered PNG files and what is told of them; it holds no time, so equal walks are equal bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for place, picture in enumerate(pictures):
            archive.writestr(zipfile.ZipInfo(f"{place:03}.png"), picture)
        archive.writestr(zipfile.ZipInfo("walk.json"), json.dumps(told, indent=2) + "\n")
    return file.getvalue()
