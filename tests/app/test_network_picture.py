"""Networks as drawings: a block for each layer that makes something of its own."""

from typing import Any

import pytest

from app.teaching.network_picture import COLUMN, FLOOR, HEIGHT, draw_network, tell_shape
from models import MNIST, Family, families, find_family, outline


def drawings(family: Family[Any]) -> list[Any]:
    preset = family.preset(family.default_preset)
    config = family.configure(preset.hyperparameters.model_dump(mode="json"), MNIST)
    return [draw_network(one) for one in outline(family, config) if one.layers]


def test_a_network_goes_from_what_comes_in_to_what_goes_out() -> None:
    generator, discriminator = drawings(find_family("dcgan"))
    assert [block.shape for block in generator.blocks] == ["100", "6272", "128 × 7 × 7", "64 × 14 × 14", "1 × 28 × 28"]
    assert [block.kind for block in generator.blocks][:2] == ["input", "Linear"]
    assert generator.blocks[3].followers == "BatchNorm2d, ReLU"
    assert (discriminator.blocks[0].shape, discriminator.blocks[-1].shape) == ("1 × 28 × 28", "1")
    assert generator.summary.startswith("generator: 100 to 6272 to ")


def test_a_branch_says_what_it_goes_out_from() -> None:
    discriminator = drawings(find_family("infogan"))[1]
    assert [(block.shape, block.source) for block in discriminator.blocks][-3:] == [
        ("1", ""),
        ("128", "1024"),
        ("12", ""),
    ]
    assert discriminator.summary.endswith(" to 1024 to 1, and 1024 to 128 to 12")


@pytest.mark.parametrize("name", ["dcgan", "cgan", "projection_gan", "lapgan", "began"])
def test_what_has_no_branch_is_drawn_as_one_way(name: str) -> None:
    assert not any(block.source for drawing in drawings(find_family(name)) for block in drawing.blocks)


@pytest.mark.parametrize("family", list(families().values()), ids=families())
def test_every_parameter_is_counted_and_every_block_fits_its_place(family: Family[Any]) -> None:
    for drawing in drawings(family):
        assert sum(block.parameters for block in drawing.blocks) == drawing.parameters
        for place, block in enumerate(drawing.blocks):
            assert place * COLUMN <= block.x
            assert block.x + block.width + block.depth <= (place + 1) * COLUMN
            assert block.y - block.depth >= 0
            assert block.y + block.height == pytest.approx(FLOOR, abs=0.2)
        assert drawing.width == COLUMN * len(drawing.blocks)
        assert drawing.height == HEIGHT


def test_a_larger_picture_is_a_higher_block() -> None:
    generator = drawings(find_family("dcgan"))[0]
    heights = [block.height for block in generator.blocks[2:]]
    assert heights == sorted(heights)


def test_a_number_is_written_as_one() -> None:
    assert tell_shape(()) == "1"
    assert tell_shape((3, 28, 28)) == "3 × 28 × 28"
