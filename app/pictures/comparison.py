"""Whether two PNG files show the same: what a picture is, and what its recipe draws here and now."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import numpy as np
from PIL import Image

from app.pictures.uploads import flatten, opened

CLOSE = 4
"""The most levels of 255 by which pixels differ that are drawn alike but rounded otherwise."""


_ROWS = 256
"""Compared at once: the differences of a whole grid would be several times the grid."""

_HARMLESS = frozenset(
    {"IHDR", "PLTE", "IDAT", "IEND", "tEXt", "zTXt", "iTXt", "tIME", "pHYs", "sRGB", "sBIT", "hIST", "bKGD"}
)
"""Chunks with which a PNG looks as its pixels are. Others animate, colour, turn or hide them."""


_MOST_TOLD = 5
"""Chunks that are named: a file may have any number of them."""


class Verdict(StrEnum):
    """What came of a comparison."""

    EQUAL = "equal"
    CLOSE = "close"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two pictures differ. The numbers are None where their sizes do.

    altering: what lets the one that came look otherwise than its pixels are.
    """

    verdict: Verdict
    same_bytes: bool
    size: tuple[int, int]
    expected_size: tuple[int, int]
    pixels: int | None = None
    differing: int | None = None
    largest: int | None = None
    altering: Sequence[str] = ()


def compare(came: bytes, expected: bytes) -> Comparison:
    """Compare a PNG with what it should be; colours are compared as those of the latter.

    One that looks otherwise than its pixels are, since it is animated or transparent or brings a profile of colours, is
    different. Raises UnreadablePictureError.
    """
    with opened(expected) as image:
        mode, (width, height) = image.mode, image.size
        if came == expected:
            return Comparison(Verdict.EQUAL, True, image.size, image.size, width * height, differing=0, largest=0)
        wanted = np.asarray(image)
    with opened(came) as image:
        if image.size != (width, height):
            return Comparison(Verdict.DIFFERENT, False, image.size, (width, height))
        altering = [*islice(_altering_chunks(came), _MOST_TOLD), *(["transparency"] if _is_transparent(image) else [])]
        found = np.asarray(flatten(image, mode))
    differing = largest = 0
    for top in range(0, height, _ROWS):
        rows = slice(top, top + _ROWS)
        apart = np.abs(found[rows].astype(np.int16) - wanted[rows])
        levels = apart.reshape(*apart.shape[:2], -1).max(axis=2)
        differing += int(np.count_nonzero(levels))
        largest = max(largest, int(levels.max()))
    verdict = Verdict.EQUAL if largest == 0 else Verdict.CLOSE if largest <= CLOSE else Verdict.DIFFERENT
    return Comparison(
        verdict=Verdict.DIFFERENT if altering else verdict,
        same_bytes=False,
        size=(width, height),
        expected_size=(width, height),
        pixels=width * height,
        differing=differing,
        largest=largest,
        altering=altering,
    )


def _is_transparent(image: Image.Image) -> bool:
    """Whether anything shows through it. An alpha channel that hides nothing does no harm."""
    return "A" in image.getbands() and image.getchannel("A").getextrema() != (255, 255)


def _altering_chunks(png: bytes) -> Iterator[str]:
    """Yield the names of the chunks that let it look otherwise than its pixels are, each once, as they come."""
    told, place = set[str](), 8
    while place + 8 <= len(png):
        length, name = struct.unpack(">I4s", png[place : place + 8])
        chunk = name.decode("latin-1")
        if chunk not in _HARMLESS and chunk not in told:
            told.add(chunk)
            yield f"a chunk {chunk!r}"
        place += 12 + length
        if chunk == "IEND":
            return
