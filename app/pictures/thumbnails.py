"""Small pictures for lists."""

from collections.abc import Callable
from io import BytesIO

import PIL
from PIL import Image

from app.pictures.uploads import opened
from app.sharing import LeastRecentlyUsed

ENCODER = f"pillow {PIL.__version__}"
"""What the bytes of a thumbnail depend on beside the picture and the size."""

SMALLEST, USUAL, LARGEST = 16, 128, 512


class Thumbnails:
    """Makes small pictures, and keeps so many bytes of the last ones. Threads share it."""

    def __init__(self, limit_bytes: int) -> None:
        self._kept: LeastRecentlyUsed[tuple[str, int], bytes] = LeastRecentlyUsed(limit_bytes, len)

    def make(self, digest: str, side: int, read: Callable[[], bytes]) -> bytes:
        """Return the picture of this digest, which is read only if it must be, as `shrink` makes it.

        Raises UnreadablePictureError, and what `read` raises.
        """
        small = self._kept.get((digest, side))
        if small is None:
            small = shrink(read(), side)
            self._kept.put((digest, side), small)
        return small


def shrink(png: bytes, side: int) -> bytes:
    """Return a picture as a PNG without text, neither side of which is longer than asked for.

    A smaller one keeps its pixels: whoever shows it can enlarge them. Raises UnreadablePictureError.
    """
    with opened(png) as image:
        image.thumbnail((side, side), Image.Resampling.BOX)
        out = BytesIO()
        Image.frombytes(image.mode, image.size, image.tobytes()).save(out, "PNG", optimize=True)
    return out.getvalue()
