"""Whether two PNG files show the same: what a picture is, and what its recipe draws here and now."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.pictures.uploads import flatten, opened

CLOSE = 4
"""The most levels of 255 by which pixels differ that are drawn alike but rounded otherwise."""


class Verdict(StrEnum):
    """What came of a comparison."""

    EQUAL = "equal"
    CLOSE = "close"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two pictures differ. The numbers are None where their sizes do."""

    verdict: Verdict
    same_bytes: bool
    size: tuple[int, int]
    expected_size: tuple[int, int]
    pixels: int | None = None
    differing: int | None = None
    largest: int | None = None


def compare(came: bytes, expected: bytes) -> Comparison:
    """Compare a PNG with what it should be; colours are compared as those of the latter.

    Raises UnreadablePictureError.
    """
    with opened(expected) as image:
        mode, expected_size = image.mode, image.size
        wanted = np.asarray(image).astype(int)
    with opened(came) as image:
        if image.size != expected_size:
            return Comparison(Verdict.DIFFERENT, False, image.size, expected_size)
        found = np.asarray(flatten(image, mode)).astype(int)
    levels = np.abs(found - wanted).reshape(*wanted.shape[:2], -1).max(axis=2)
    largest = int(levels.max())
    verdict = Verdict.EQUAL if largest == 0 else Verdict.CLOSE if largest <= CLOSE else Verdict.DIFFERENT
    return Comparison(
        verdict=verdict,
        same_bytes=came == expected,
        size=expected_size,
        expected_size=expected_size,
        pixels=levels.size,
        differing=int((levels > 0).sum()),
        largest=largest,
    )
