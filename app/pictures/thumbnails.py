"""Small pictures for lists."""

from io import BytesIO

import PIL
from PIL import Image

from app.pictures.uploads import opened

ENCODER = f"pillow {PIL.__version__}"
"""What the bytes of a thumbnail depend on beside the picture and the size."""

SMALLEST, USUAL, LARGEST = 16, 128, 512


def shrink(png: bytes, side: int) -> bytes:
    """Return a picture as a PNG without text, neither side of which is longer than asked for.

    A smaller one keeps its pixels: whoever shows it can enlarge them. Raises UnreadablePictureError.
    """
    with opened(png) as image:
        image.thumbnail((side, side), Image.Resampling.BOX)
        out = BytesIO()
        Image.frombytes(image.mode, image.size, image.tobytes()).save(out, "PNG", optimize=True)
    return out.getvalue()
