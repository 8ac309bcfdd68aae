"""Films: what went in comes out again, in its order and at its speed."""

from fractions import Fraction
from io import BytesIO

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from app.pictures.films import FilmFormat, Frames, encode_film


def _bars(channels: int | None, count: int = 5) -> Frames:
    """Frames of 24 x 20 in which a bright bar moves down."""
    frames = np.zeros((count, 24, 20) if channels is None else (count, 24, 20, channels), np.uint8)
    for place in range(count):
        frames[place, 4 * place : 4 * place + 4, :10] = 200
    return frames


@pytest.mark.parametrize("channels", [None, 1])
def test_a_grey_gif_is_exact(channels: int | None) -> None:
    frames = _bars(channels)
    film = Image.open(BytesIO(encode_film(frames, FilmFormat.GIF, frames_per_second=8)))
    shown = [np.asarray(one.convert("L")) for one in ImageSequence.Iterator(film)]
    assert np.array_equal(shown, frames.reshape(-1, 24, 20))


def test_a_gif_keeps_few_colours_and_plays_for_ever() -> None:
    film = Image.open(BytesIO(encode_film(_bars(3), FilmFormat.GIF, frames_per_second=8)))
    assert np.array_equal(np.asarray(film.convert("RGB")), _bars(3)[0])
    assert film.info["loop"] == 0
    assert film.info["duration"] == 120  # milliseconds, in whole hundredths of a second


def test_no_gif_is_faster_than_browsers_play_it() -> None:
    film = Image.open(BytesIO(encode_film(_bars(None), FilmFormat.GIF, frames_per_second=1000)))
    assert film.info["duration"] == 20


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_a_webm_shows_the_frames_in_order(channels: int | None) -> None:
    frames = _bars(channels)
    film = encode_film(frames, FilmFormat.WEBM, frames_per_second=8)
    with av.open(BytesIO(film), "r") as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate) == ("vp9", Fraction(8))
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(shown) == 5
    for picture, frame in zip(shown, frames, strict=True):
        assert np.abs(picture.astype(int) - frame.reshape(24, 20, -1)).mean() < 4


@pytest.mark.parametrize("film_format", FilmFormat)
def test_the_same_frames_are_the_same_bytes(film_format: FilmFormat) -> None:
    films = {encode_film(_bars(3), film_format, frames_per_second=8) for _ in range(2)}
    assert len(films) == 1


@pytest.mark.parametrize("film_format", FilmFormat)
def test_an_odd_size_and_a_single_frame_are_a_film(film_format: FilmFormat) -> None:
    frame = np.full((1, 7, 5), 90, np.uint8)
    with av.open(BytesIO(encode_film(frame, film_format, frames_per_second=0.5)), "r") as container:
        shown = [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]
    assert shown[0].shape == (7, 5, 3)
    assert np.abs(shown[0].astype(int) - 90).max() <= 2


@pytest.mark.parametrize("shape", [(24, 20), (0, 24, 20), (2, 24, 20, 2), (2, 24, 0)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="came"):
        encode_film(np.zeros(shape, np.uint8), FilmFormat.GIF, frames_per_second=8)


def test_a_film_that_stands_still_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0 frames a second"):
        encode_film(_bars(None), FilmFormat.WEBM, frames_per_second=0)
