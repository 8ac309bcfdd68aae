"""Pictures one after another, as a file that a browser plays: GIF, which is exact in grey, or WebM, which is small.

The same frames give the same bytes with the same libraries: neither file holds a time or a random number.
"""

from enum import StrEnum
from fractions import Fraction
from io import BytesIO

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Frames = NDArray[np.uint8]
"""Pictures in grey (n, h, w) or (n, h, w, 1), or in red, green and blue (n, h, w, 3); n, h and w at least 1."""

MOST_FRAMES_PER_SECOND = 50
"""GIF counts in hundredths of a second, and browsers slow down what is faster."""

_CODEC = "libvpx-vp9"
_CODEC_OPTIONS = {"crf": "16", "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "0", "lag-in-frames": "0"}
"""Constant quality, at which a digit's edges stay sharp; no look-ahead, and one thread: other requests run beside."""
_EXACT = {"fflags": "+bitexact"}
"""Without it the container gets a random name."""


class FilmFormat(StrEnum):
    """What a film can be encoded as."""

    GIF = "gif"
    WEBM = "webm"

    @property
    def media_type(self) -> str:
        """How HTTP calls it."""
        return "image/gif" if self is FilmFormat.GIF else "video/webm"


def encode_film(frames: Frames, film_format: FilmFormat, *, frames_per_second: float) -> bytes:
    """Encode frames as a film that shows each equally long; a GIF begins anew at its end.

    frames_per_second: of a GIF rounded to whole hundredths of a second a frame, at least two, since browsers slow down
    what is faster. Raises ValueError for frames of another shape, or for a speed that is not above 0.
    """
    if frames.ndim == 4 and frames.shape[-1] == 1:
        frames = frames[..., 0]
    if frames.ndim not in {3, 4} or frames.shape[3:] not in {(), (3,)} or 0 in frames.shape:
        raise ValueError(f"frames are (n, h, w) or (n, h, w, 3), and at least one; {frames.shape} came")
    if frames_per_second <= 0:
        raise ValueError(f"a film has more than 0 frames a second, {frames_per_second} came")
    encode = _encode_gif if film_format is FilmFormat.GIF else _encode_webm
    return encode(frames, frames_per_second)


def _encode_gif(frames: Frames, frames_per_second: float) -> bytes:
    """Encode as GIF 89a; colours are reduced to 256 a frame, without dithering."""
    hundredths = max(2, round(100 / frames_per_second))
    first, *others = (_indexed(frame) for frame in frames)
    file = BytesIO()
    first.save(
        file,
        "GIF",
        save_all=True,
        append_images=others,
        duration=10 * hundredths,
        loop=0,
        disposal=1,
        optimize=False,
    )
    return file.getvalue()


def _indexed(frame: Frames) -> Image.Image:
    image = Image.fromarray(frame)
    return image if frame.ndim == 2 else image.quantize(256, dither=Image.Dither.NONE)


def _encode_webm(frames: Frames, frames_per_second: float) -> bytes:
    """Encode as VP9 in WebM, 4:2:0: what every browser plays."""
    file = BytesIO()
    rate = Fraction(frames_per_second).limit_denominator(1000)
    with av.open(file, "w", format="webm", options=_EXACT) as container:
        stream = container.add_stream(_CODEC, rate=rate, options=_CODEC_OPTIONS)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        for frame in frames:
            colours = frame if frame.ndim == 3 else np.repeat(frame[..., None], 3, axis=2)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(colours, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()
