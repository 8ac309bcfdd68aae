"""Pictures that clients send, as the networks know them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from app.refusals import BlankPictureError, RefusedError, UnreadablePictureError
from models import DatasetSpec, from_pixels
from store.faults import shorten

_log = logging.getLogger(__name__)

MOST_PIXELS = 4_000_000

_BOX = 20 / 28
"""The longer side of a digit of MNIST, in sides of its picture."""

_INK = 63
"""The brightest that what is not drawn may be, of 255."""


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """Open a PNG; its pixels are read when they are first needed. Raises UnreadablePictureError, then too."""
    try:
        with Image.open(BytesIO(data), formats=["PNG"]) as image:
            yield image
    except UnidentifiedImageError as error:
        came = "nothing" if not data else f"a body that begins with {shorten(data[:8].decode('latin-1'))}"
        raise UnreadablePictureError(f"{came} came; send a PNG") from error
    except (RefusedError, MemoryError):
        raise
    except Exception as error:  # Pillow meets what it did not foresee, IndexError and AssertionError among it
        _log.warning("a PNG could not be read", exc_info=error)
        raise UnreadablePictureError(f"the PNG cannot be read: {error}") from error


def read_picture(data: bytes, dataset: DatasetSpec) -> Tensor:
    """Read a PNG as a picture of a data set: (1, c, h, w) in [-1, 1].

    Colours become grey where the data set is grey, what is transparent becomes black, and another size is resampled
    (bilinear, antialiased) to the data set's. Raises UnreadablePictureError.
    """
    return _to_tensor(_read_flat(data, dataset), dataset)


def read_drawing(data: bytes, dataset: DatasetSpec, *, centre: bool) -> Tensor:
    """Read a PNG on which something is to be seen, as `read_picture` does.

    centre: whether what is drawn is brought to the size and the place that a digit of MNIST has. Raises
    UnreadablePictureError, and BlankPictureError for a picture of one colour.
    """
    flat = _read_flat(data, dataset)
    if flat.getcolors(1) is not None:
        raise BlankPictureError("all of it is of one colour")
    return _to_tensor(_centred(flat, dataset.size) if centre else flat, dataset)


def _read_flat(data: bytes, dataset: DatasetSpec) -> Image.Image:
    with opened(data) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            detail = f"a picture of {width} x {height} pixels came; at most {MOST_PIXELS:,} pixels are taken"
            raise UnreadablePictureError(detail)
        return flatten(image, "L" if dataset.channels == 1 else "RGB")


def _to_tensor(flat: Image.Image, dataset: DatasetSpec) -> Tensor:
    side = dataset.size
    if flat.size != (side, side):
        flat = flat.resize((side, side), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(flat)).view(1, side, side, dataset.channels)
    return from_pixels(pixels.permute(0, 3, 1, 2))


def _centred(image: Image.Image, side: int) -> Image.Image:
    """Bring what is drawn on black to the size and the place that the digits of MNIST have (LeCun et al. 1998).

    The box around it is scaled until its longer side is 20/28 of the picture's, and its centre of mass comes to the
    middle, as far as it stays within. Raises BlankPictureError where nothing is drawn.
    """
    box = image.convert("L").point(lambda value: 255 if value > _INK else 0).getbbox()
    if box is None:
        raise BlankPictureError(f"nothing on it is brighter than {_INK} of 255")
    canvas = Image.new(image.mode, (side, side))
    thing = image.crop(box)
    scale = _BOX * side / max(thing.size)
    width, height = (max(1, round(length * scale)) for length in thing.size)
    thing = thing.resize((width, height), Image.Resampling.BILINEAR)
    ink = np.asarray(thing.convert("L"), dtype=np.float64)
    top, left = (_offset(ink.sum(axis=1 - axis), side) for axis in (0, 1))
    canvas.paste(thing, (left, top))
    return canvas


def _offset(ink: NDArray[np.float64], side: int) -> int:
    """Return where a thing begins whose centre of mass is in the middle of a side. ink: by row or by column."""
    middle = float(ink @ np.arange(len(ink)) / max(ink.sum(), 1))
    return min(max(round((side - 1) / 2 - middle), 0), side - len(ink))


def flatten(image: Image.Image, mode: str) -> Image.Image:
    """Return the picture on black, in 8 bits."""
    if image.mode.startswith("I"):  # 16 bits, of which conversion would keep the lower ones
        return Image.fromarray((np.asarray(image) // 257).astype(np.uint8)).convert(mode)
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        black = Image.new("RGBA", seen.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, seen).convert(mode)
    return image.convert(mode)
