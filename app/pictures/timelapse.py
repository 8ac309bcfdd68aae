"""A training's sample grids one after another, all of the same noise: how its pictures grew.

They are the grids that the job stored, so the timelapse is whole, whichever checkpoints the job keeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from app.pictures.films import FilmFormat, Frames, encode_film
from store.events import EventKind, EventStore
from store.settings import sample_name

_MOST_GRIDS = 2_000
"""More than a job may leave."""
_BAR, _TRACK = 230, 60
"""Grey levels of the bar that tells how far the training is, and of what it grows along."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A sample grid on disk: of which step, and where."""

    step: int
    path: Path


@dataclass(frozen=True, slots=True)
class FilmSettings:
    """How a film is made. most_frames: of more grids, so many are taken, spread evenly."""

    film_format: FilmFormat
    frames_per_second: float
    scale: int
    most_frames: int


def find_grids(events: EventStore, job_id: str, directory: Path) -> list[Grid]:
    """Return the grids of a job that are on disk, in the order of their steps. directory: of the job's samples."""
    told = events.after(job_id, 0, [EventKind.SAMPLE], limit=_MOST_GRIDS)
    steps = sorted(event.step for event in told if event.step is not None)
    grids = [Grid(step, directory / sample_name(step)) for step in steps]
    return [one for one in grids if one.path.is_file()]


def thin_out(grids: Sequence[Grid], most: int) -> Sequence[Grid]:
    """Return at most so many, two or more, spread evenly: the first and the last among them."""
    if len(grids) <= most:
        return grids
    return [grids[place * (len(grids) - 1) // (most - 1)] for place in range(most)]


def count_pixels(grids: Sequence[Grid], settings: FilmSettings) -> int:
    """Return how many pixels a film of one grid or more has, all its frames together; the bars are not counted."""
    with Image.open(grids[0].path) as picture:
        width, height = picture.size
    frames = min(len(grids), settings.most_frames) + round(settings.frames_per_second)
    return frames * width * height * settings.scale**2


def make_film(grids: Sequence[Grid], settings: FilmSettings, total_steps: int) -> bytes:
    """Encode one grid or more as a film; below them a bar grows with the steps, and the last one stays for a second."""
    chosen = thin_out(grids, settings.most_frames)
    pictures = np.stack([_read(grid.path) for grid in chosen])
    large = pictures.repeat(settings.scale, axis=1).repeat(settings.scale, axis=2)
    frames = _with_bars(large, [grid.step / total_steps for grid in chosen], height=2 * settings.scale)
    stays = frames[-1:].repeat(round(settings.frames_per_second), axis=0)
    film = np.concatenate([frames, stays])
    return encode_film(film, settings.film_format, frames_per_second=settings.frames_per_second)


def _read(path: Path) -> Frames:
    with Image.open(path) as picture:
        return np.asarray(picture)


def _with_bars(frames: Frames, progress: Sequence[float], *, height: int) -> Frames:
    """Append a bar below each frame that is as long as its share of the training; shares above 1 count as 1."""
    width = frames.shape[2]
    lengths = np.round(np.minimum(progress, 1) * width)
    bars = np.where(np.arange(width) < lengths[:, None], _BAR, _TRACK).astype(np.uint8)
    shape = (len(frames), height, *frames.shape[2:])
    spread = bars.reshape(len(frames), 1, width, *[1] * (frames.ndim - 3))
    return np.concatenate([frames, np.broadcast_to(spread, shape)], axis=1)
