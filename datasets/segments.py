"""Seven-segment digits drawn by formula: 2,000 and 500 pictures, for tests and first tries without a network."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from datasets._sources import Say
from models import SEGMENTS, derive_seed

_SEGMENTS_OF_DIGIT = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
_SEGMENT_BOXES = {  # rows and columns in a glyph of 11 x 7
    "a": (0, 2, 0, 7),
    "b": (0, 6, 5, 7),
    "c": (5, 11, 5, 7),
    "d": (9, 11, 0, 7),
    "e": (5, 11, 0, 2),
    "f": (0, 6, 0, 2),
    "g": (4, 6, 0, 7),
}
_COUNT = {"train": 2000, "test": 500}


def load(directory: Path, split: str, report: Say) -> tuple[Tensor, Tensor]:
    """Draw each digit equally often, at a random place and brightness, with a little noise. Writes nothing."""
    count, size = _COUNT[split], SEGMENTS.size
    random = np.random.Generator(np.random.PCG64(derive_seed("segments", split)))
    labels = np.arange(count) % len(SEGMENTS.classes)
    pixels = random.integers(0, 16, (count, 1, size, size), np.uint8)
    brightness = random.integers(160, 240, count, np.uint8)
    top, left = random.integers(0, size - 11 + 1, count), random.integers(0, size - 7 + 1, count)
    for picture, label in enumerate(labels):
        for segment in _SEGMENTS_OF_DIGIT[label]:
            first_row, last_row, first_column, last_column = _SEGMENT_BOXES[segment]
            rows = slice(top[picture] + first_row, top[picture] + last_row)
            columns = slice(left[picture] + first_column, left[picture] + last_column)
            pixels[picture, 0, rows, columns] = brightness[picture] + pixels[picture, 0, rows, columns] // 2
    return torch.from_numpy(pixels), torch.from_numpy(labels)
