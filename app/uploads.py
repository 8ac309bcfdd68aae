"""Pictures that clients send, as the networks know them."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from struct import error as StructError  # noqa: N812

import numpy as np
import torch
from fastapi import Request
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from app.dependencies import require_type
from app.refusals import UnreadablePictureError
from models import DatasetSpec, from_pixels
from store.requests import shorten

MOST_PIXELS = 4_000_000

PNG_BODY = {
    "requestBody": {"required": True, "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}
"""The documentation of an endpoint that takes a PNG."""


async def png_body(request: Request) -> bytes:
    """Return the body, as a dependency. Raises MediaTypeError unless it is said to be a PNG."""
    require_type(request, "image/png")
    return await request.body()


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """Open a PNG; its pixels are read when they are first needed. Raises UnreadablePictureError, then too."""
    try:
        with Image.open(BytesIO(data), formats=["PNG"]) as image:
            yield image
    except UnidentifiedImageError as error:
        came = "nothing" if not data else f"a body that begins with {shorten(data[:8])}"
        raise UnreadablePictureError(f"{came} came; send a PNG") from error
    except (OSError, SyntaxError, ValueError, EOFError, StructError, Image.DecompressionBombError) as error:
        raise UnreadablePictureError(f"the PNG cannot be read: {error}") from error


def read_picture(data: bytes, dataset: DatasetSpec) -> Tensor:
    """Read a PNG as a picture of a data set: (1, c, h, w) in [-1, 1].

    Colours become grey where the data set is grey, what is transparent becomes black, and another size is resampled
    (bilinear, antialiased) to the data set's. Raises UnreadablePictureError.
    """
    with opened(data) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            detail = f"a picture of {width} x {height} pixels came; at most {MOST_PIXELS:,} pixels are taken"
            raise UnreadablePictureError(detail)
        flat = flatten(image, "L" if dataset.channels == 1 else "RGB")
    side = dataset.size
    if flat.size != (side, side):
        flat = flat.resize((side, side), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(flat)).view(1, side, side, dataset.channels)
    return from_pixels(pixels.permute(0, 3, 1, 2))


def flatten(image: Image.Image, mode: str) -> Image.Image:
    """Return the picture on black, in 8 bits."""
    if image.mode.startswith("I"):  # 16 bits, of which conversion would keep the lower ones
        return Image.fromarray((np.asarray(image) // 257).astype(np.uint8)).convert(mode)
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        black = Image.new("RGBA", seen.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, seen).convert(mode)
    return image.convert(mode)
