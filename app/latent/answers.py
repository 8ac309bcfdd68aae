"""The latent tools as files and documents: drawn in the engine's turns, and kept under their entity tags."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import av
import PIL
from torch import Tensor

from app.caching import entity_tag
from app.latent.direction_files import DirectionFiles
from app.latent.queries import (
    LatentQuery,
    LatentRecipe,
    PictureQuery,
    ProjectQuery,
    SweepQuery,
    VariationsFormat,
    VariationsQuery,
    WalkFormat,
    WalkQuery,
)
from app.latent.tools import TOOLS, Bench, Drawn, check_latents, find_direction, find_variations, names_latents
from app.pictures.archive import Entry, stream_zip
from app.pictures.catalogue import KnownCheckpoint
from app.pictures.films import encode_film
from app.pictures.inference import Engine, find_judge
from app.pictures.provenance import describe_latents
from app.schemas import LatentView, MatchView, Projection, Variations
from app.sharing import KeptWork, LeastRecentlyUsed
from checkpoints.library import has_judge
from models import Direction, LatentSpace, Match, encode_png, find_directions, lay_out, project, to_pixels

LATENT_VERSION = 2
"""Grows whenever the same request begins to get another answer."""

SPACES_KEPT = 16
DIRECTIONS_KEPT = 64
ANSWER_BYTES = 16 * 2**20

Q = TypeVar("Q", bound=LatentQuery)

_NEVER = datetime(1980, 1, 1, tzinfo=UTC).timestamp()
"""When a file was changed, in a zip that tells no time: the earliest that it can tell."""


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

    def answer(self, recipe: LatentRecipe[Q], tag: str) -> Answer:
        """Return what a tool draws, in the form that is asked for.

        Raises BusyError, ParameterError, ControlError, and what `Engine.load` raises.
        """
        return self._once(recipe, tag, lambda bench: self._make(bench, recipe))

    def check(self, recipe: LatentRecipe[Any]) -> None:
        """Refuse what `answer` would refuse, as far as that can be told without drawing.

        A network is read where an address or a coordinate is named. Directions that were not found yet are not looked
        for, which takes seconds. Raises ParameterError, BusyError, and what `Engine.load` raises.
        """
        query, known = recipe.query, self.known_directions(recipe.checkpoint)
        if isinstance(query, SweepQuery) and query.direction is not None and known is not None:
            find_direction(known, query.direction)
        if names_latents(query):
            check_latents(Bench(self._space_to_read(recipe.checkpoint), list), query)

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
                target=_data_url(encode_png(lay_out(to_pixels(picture), columns=1))),
                items=[self._tell_match(bench, recipe, match) for match in matches],
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

    def _space_to_read(self, checkpoint: KnownCheckpoint) -> LatentSpace:
        """Return the latents of a checkpoint to look things up in, not to draw: without a turn once they are known."""
        known = self._spaces.get(checkpoint.digest)
        if known is not None:
            return known
        with self._engine.turns.taken():
            return self.space(checkpoint)

    def _bench(self, checkpoint: KnownCheckpoint) -> Bench:
        return Bench(self.space(checkpoint), lambda: self._find_directions(checkpoint))

    def _once(self, recipe: LatentRecipe[Q], tag: str, make: Callable[[Bench], Answer]) -> Answer:
        """Make an answer unless it is kept, and wait for one that is being made."""
        return self._answers.make(tag, lambda: make(self._bench(recipe.checkpoint)))

    def _make(self, bench: Bench, recipe: LatentRecipe[Any]) -> Answer:
        match recipe.query:
            case VariationsQuery(format=VariationsFormat.JSON):
                return self._tell_variations(bench, recipe)
            case WalkQuery(format=kind) if kind is not WalkFormat.STRIP:
                return self._encode_walk(recipe, TOOLS[recipe.path].draw(bench, recipe))
        drawn = TOOLS[recipe.path].draw(bench, recipe)
        return Answer(self._encode(recipe, drawn), "image/png", len(drawn.pixels))

    def _encode(self, recipe: LatentRecipe[Q], drawn: Drawn) -> bytes:
        """Return a PNG that tells how it was made."""
        grid = lay_out(drawn.pixels, columns=drawn.columns, scale=recipe.query.enlargement)
        return encode_png(grid, describe_latents(recipe, len(drawn.pixels), version=self._version))

    def _encode_walk(self, recipe: LatentRecipe[WalkQuery], drawn: Drawn) -> Answer:
        query = recipe.query
        if query.format.film is None:
            content = b"".join(stream_zip(self._frames(recipe, drawn)))
        else:
            frames = _enlarge(drawn.pixels, query.enlargement)
            content = encode_film(frames.numpy(), query.format.film, frames_per_second=query.fps)
        return Answer(content, query.format.media_type, len(drawn.pixels))

    def _frames(self, recipe: LatentRecipe[WalkQuery], drawn: Drawn) -> Iterator[Entry]:
        """Yield the pictures of a walk as numbered PNG files, each with its own recipe, and what is told of them all.

        They tell no time, so that equal walks are equal bytes.
        """
        first = recipe.query.index or 0
        for place, pixels in enumerate(drawn.pixels, start=first):
            one = replace(recipe, query=recipe.query.alone(place))
            png = self._encode(one, Drawn(pixels[None], 1))
            yield Entry(f"{place:03}.png", _NEVER, lambda png=png: png)  # type: ignore[misc]
        told = {
            "url": recipe.url,
            "frames_per_second": recipe.query.fps,
            "software": f"Ganery {self._version}",
        }
        yield Entry("walk.json", _NEVER, f"{json.dumps(told, indent=2)}\n".encode)

    def _tell_variations(self, bench: Bench, recipe: LatentRecipe[VariationsQuery]) -> Answer:
        points, label = bench.space.settle(find_variations(bench, recipe)), bench.label(recipe.query)
        pixels = bench.draw(recipe, points, bench.space.weigh([label] * len(points)))
        recipes = [_alone(bench, recipe, point, label, recipe.query.truncation) for point in points]
        items = [self._tell_latent(one, picture) for one, picture in zip(recipes, pixels, strict=True)]
        document = Variations(checkpoint=recipe.checkpoint.id, url=recipe.url, items=items)
        return Answer(document.model_dump_json().encode(), "application/json", len(items))

    def _tell_match(self, bench: Bench, recipe: LatentRecipe[ProjectQuery], match: Match) -> MatchView:
        told = self._tell_latent(_alone(bench, recipe, match.point, match.label), to_pixels(match.image))
        errors = {"distance": round(match.distance, 6), "pixel_error": round(match.pixel_error, 6)}
        return MatchView(**told.model_dump(), **errors)

    def _tell_latent(self, recipe: LatentRecipe[PictureQuery], pixels: Tensor) -> LatentView:
        """Describe a latent by its address, its picture (c, h, w) uint8, and the URL at which it is drawn again."""
        picture = _data_url(self._encode(recipe, Drawn(pixels[None], 1)))
        return LatentView(latent=recipe.query.seed, label=recipe.query.label, url=recipe.url, picture=picture)


def _alone(
    bench: Bench, recipe: LatentRecipe[Any], point: Tensor, label: int, truncation: float = 1.0
) -> LatentRecipe[PictureQuery]:
    """Return the recipe of the picture of one latent."""
    named = recipe.dataset.classes[label] if bench.space.sampler.is_conditional else None
    return recipe.of_picture(bench.space.address(point), named, truncation)


def _data_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _enlarge(pixels: Tensor, scale: int) -> Tensor:
    """Return pictures (n, c, h, w) as frames (n, h * scale, w * scale, c)."""
    return pixels.repeat_interleave(scale, 2).repeat_interleave(scale, 3).permute(0, 2, 3, 1).contiguous()
