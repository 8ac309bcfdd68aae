import io
import zlib

import pytest
import torch
from PIL import Image
from torch import Tensor

from models import encode_png, from_pixels, lay_out, to_pixels


def numbered(count: int, channels: int = 1) -> Tensor:
    """Pictures of 2 x 3, each of its own number and channel: 10, 20, 30, ... plus the channel."""
    numbers = torch.arange(1, count + 1, dtype=torch.uint8)[:, None] * 10 + torch.arange(channels, dtype=torch.uint8)
    return numbers[:, :, None, None].expand(-1, -1, 2, 3)


def decode(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


# --- Pixels -------------------------------------------------------------------------------------------------------


def test_every_pixel_survives_the_way_there_and_back() -> None:
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(to_pixels(from_pixels(pixels)), pixels)


def test_range_is_minus_one_to_one() -> None:
    assert from_pixels(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1, 1]
    assert to_pixels(torch.tensor([-1.0, 0.0, 1.0, -9.0, 9.0])).tolist() == [0, 128, 255, 0, 255]


# --- Layout -------------------------------------------------------------------------------------------------------


def test_grid_goes_row_by_row_without_gaps() -> None:
    grid = lay_out(numbered(6), columns=3)
    assert grid.shape == (4, 9, 1)
    assert grid[::2, ::3, 0].tolist() == [[10, 20, 30], [40, 50, 60]]
    assert torch.equal(grid[:2, :3, 0], torch.full((2, 3), 10, dtype=torch.uint8))


def test_rest_of_the_last_row_is_background() -> None:
    assert lay_out(numbered(4), columns=3)[::2, ::3, 0].tolist() == [[10, 20, 30], [40, 0, 0]]
    assert lay_out(numbered(1), columns=3)[::2, ::3, 0].tolist() == [[10, 0, 0]]


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (3, 1), (4, 2), (8, 2), (9, 3), (16, 4), (20, 4)])
def test_columns_are_the_floor_of_the_root(count: int, columns: int) -> None:
    assert lay_out(numbered(count)).shape[1] == 3 * columns


def test_scale_repeats_each_pixel() -> None:
    pictures = torch.arange(12, dtype=torch.uint8).view(2, 1, 2, 3)
    grid, large = (lay_out(pictures, columns=2, scale=scale) for scale in (1, 3))
    assert large.shape == (6, 18, 1)
    for row in range(3):
        for column in range(3):
            assert torch.equal(large[row::3, column::3], grid)


# --- PNG ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_another_decoder_reads_the_same_pixels(channels: int, mode: str) -> None:
    random = torch.Generator().manual_seed(0)
    grid = torch.randint(0, 256, (7, 5, channels), generator=random, dtype=torch.uint8)
    image = decode(encode_png(grid))
    assert (image.format, image.mode, image.size) == ("PNG", mode, (5, 7))
    assert image.tobytes() == grid.numpy().tobytes()


def test_notes_are_read_back() -> None:
    notes = {"Software": "Ganery", "ganery": '{"seed": 7, "Größe": "7 × 7"}'}
    image = decode(encode_png(lay_out(numbered(4)), notes))
    assert image.text == notes  # type: ignore[attr-defined]


def test_equal_pictures_give_equal_bytes() -> None:
    assert encode_png(lay_out(numbered(9)), {"a": "b"}) == encode_png(lay_out(numbered(9)), {"a": "b"})


def test_every_chunk_carries_its_checksum() -> None:
    png = encode_png(lay_out(numbered(4)), {"Software": "Ganery"})
    place, kinds = 8, []
    while place < len(png):
        length = int.from_bytes(png[place : place + 4])
        kinds.append(png[place + 4 : place + 8])
        assert zlib.crc32(png[place + 4 : place + 8 + length]) == int.from_bytes(png[place + 8 + length :][:4])
        place += 12 + length
    assert kinds == [b"IHDR", b"iTXt", b"IDAT", b"IEND"]
