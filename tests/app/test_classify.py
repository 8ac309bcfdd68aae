"""POST /classify. The toy in the place of a family says how bright a picture is."""

import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from app.pictures.uploads import read_drawing, read_picture
from app.refusals import BlankPictureError, UnreadablePictureError
from models import MNIST, SEGMENTS, DatasetSpec, find_family
from tests.app.problems import places
from tests.app.service import Service
from tests.app.zoo import CONDITIONAL, UNCONDITIONAL

COLOURED = DatasetSpec(name="coloured", channels=3, size=8, classes=("a", "b"))


def png(image: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def grey(level: int, size: tuple[int, int] = (16, 16)) -> Image.Image:
    return Image.new("L", size, level)


def brightness(networks: object, config: object, images: Tensor) -> Tensor:
    """The brighter a picture, the more probably it is of class 7."""
    share = (images.mean(dim=(1, 2, 3)) + 1) / 2
    probabilities = ((1 - share) / 9)[:, None].repeat(1, 10)
    probabilities[:, 7] = share
    return probabilities


@pytest.fixture
def classifying(gallery: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service whose unconditional checkpoint can classify."""
    able = replace(find_family("dcgan"), classify=brightness)
    loaded = gallery.given.engine.load(gallery.given.catalogue.find(UNCONDITIONAL))
    monkeypatch.setattr(loaded.sampler, "family", able)
    zoo = {"dcgan": able}
    monkeypatch.setattr("app.routes.classify.families", lambda: zoo)
    monkeypatch.setattr("app.pictures.recipes.find_family", lambda name: zoo.get(name) or find_family(name))
    return gallery


def post(service: Service, data: bytes, path: str = "/classify", **headers: str) -> Any:
    return service.post(path, content=data, headers={"Content-Type": "image/png"} | headers)


def test_the_class_of_a_picture_and_all_probabilities_are_told(classifying: Service) -> None:
    answer = post(classifying, png(grey(204))).json()
    assert answer["label"] == "7"
    assert answer["checkpoint"] == classifying.id_of(UNCONDITIONAL)
    assert (answer["family"], answer["dataset"]) == ("dcgan", "segments")
    assert list(answer["probabilities"]) == list(SEGMENTS.classes)
    assert answer["probabilities"]["7"] == pytest.approx(204 / 255, abs=1e-3)
    assert sum(answer["probabilities"].values()) == pytest.approx(1)


def test_a_checkpoint_can_be_named(classifying: Service) -> None:
    answer = post(classifying, png(grey(0)), f"/classify?checkpoint={UNCONDITIONAL}").json()
    assert answer["probabilities"]["7"] == pytest.approx(0, abs=1e-6)
    assert post(classifying, png(grey(0)), "/classify?family=dcgan").status_code == 200


def test_a_checkpoint_that_cannot_tell_is_refused(classifying: Service) -> None:
    problem = post(classifying, png(grey(0)), f"/classify?checkpoint={CONDITIONAL}")
    assert problem.status_code == 422
    assert "projection_gan does not classify pictures; dcgan can" in places(problem.json())["parameter", "checkpoint"]


def test_without_any_that_can_tell_there_is_none(gallery: Service) -> None:
    problem = post(gallery, png(grey(0)))
    assert problem.status_code == 404
    assert problem.json()["type"] == "/problems/no-checkpoint-of-family"


@pytest.mark.parametrize("told", ["application/json", "image/jpeg", "multipart/form-data"])
def test_another_type_is_refused(gallery: Service, told: str) -> None:
    problem = post(gallery, png(grey(0)), **{"Content-Type": told})
    assert problem.status_code == 415
    assert "image/png" in problem.json()["detail"]


def huge_claim() -> bytes:
    """A PNG of a few bytes that claims a gigapixel."""
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0" * 100))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b"", "nothing came; send a PNG", id="nothing"),
        pytest.param(b"GIF89a" + b"\0" * 30, "GIF89a", id="another format"),
        pytest.param(png(grey(9))[:-30], "cannot be read", id="cut off"),
        pytest.param(huge_claim(), "pixels", id="a bomb"),
    ],
)
def test_what_is_no_picture_is_refused(classifying: Service, data: bytes, told: str) -> None:
    problem = post(classifying, data)
    assert problem.status_code == 422
    assert problem.json()["type"] == "/problems/unreadable-picture"
    assert told in problem.json()["detail"]


# --- Reading ------------------------------------------------------------------------------------------------------


def read(image: Image.Image, dataset: DatasetSpec = SEGMENTS) -> Tensor:
    return read_picture(png(image), dataset)


def test_pixels_are_read_as_they_are() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    expected = torch.from_numpy(pixels).view(1, 1, 16, 16) / 127.5 - 1
    torch.testing.assert_close(read(Image.fromarray(pixels)), expected)


@pytest.mark.parametrize("size", [(28, 28), (5, 9), (400, 200)])
def test_another_size_is_brought_to_the_data_sets(size: tuple[int, int]) -> None:
    images = read(grey(255, size))
    assert images.shape == (1, 1, 16, 16)
    torch.testing.assert_close(images, torch.ones(1, 1, 16, 16))


def test_colours_become_grey_and_grey_becomes_coloured() -> None:
    green = Image.new("RGB", (16, 16), (0, 255, 0))
    torch.testing.assert_close(read(green), torch.full((1, 1, 16, 16), 150 / 127.5 - 1))
    assert torch.equal(read(grey(255, (8, 8)), COLOURED), torch.ones(1, 3, 8, 8))
    torch.testing.assert_close(read(green, COLOURED)[0, :, 3, 3], torch.tensor([-1.0, 1.0, -1.0]))


def test_what_is_transparent_becomes_black() -> None:
    half_white = Image.new("RGBA", (16, 16), (255, 255, 255, 128))
    torch.testing.assert_close(read(half_white), torch.full((1, 1, 16, 16), 128 / 127.5 - 1))


def test_sixteen_bits_become_eight() -> None:
    deep = Image.fromarray(np.full((16, 16), 65535, dtype=np.uint16))
    torch.testing.assert_close(read(deep), torch.ones(1, 1, 16, 16))


def test_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(UnreadablePictureError, match="3000 x 3000 pixels came; at most 4,000,000"):
        read(grey(0, (3000, 3000)))


def test_what_is_drawn_comes_to_the_size_and_the_place_of_a_digit() -> None:
    drawn = grey(0, (280, 280))
    drawn.paste(255, (20, 10, 40, 110))
    ink = (read_drawing(png(drawn), MNIST, centre=True)[0, 0] + 1) / 2
    assert (ink > 0.5).any(dim=1).sum() == 20
    assert (ink > 0.5).any(dim=0).sum() == 4
    places = torch.arange(28.0)
    for dim in (0, 1):
        assert (ink.sum(dim=1 - dim) @ places / ink.sum()).item() == pytest.approx(13.5, abs=0.5)


def test_what_is_heavy_at_one_end_stays_within_the_picture() -> None:
    drawn = grey(0, (100, 100))
    drawn.paste(70, (50, 0, 52, 100))
    drawn.paste(255, (40, 95, 60, 100))
    ink = read_drawing(png(drawn), MNIST, centre=True)[0, 0] > -1
    assert ink.any(dim=1).sum() == 20
    assert not ink[-1].any() or not ink[0].any()


def test_nothing_has_no_place() -> None:
    with pytest.raises(BlankPictureError, match="all of it is of one colour"):
        read_drawing(png(grey(9, (50, 50))), MNIST, centre=True)
