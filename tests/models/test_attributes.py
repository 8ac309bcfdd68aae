"""What is measured, on pictures whose right answer is known."""

from collections.abc import Callable
from math import atan, degrees

import pytest
import torch
from torch import Tensor

from models._attributes import ATTRIBUTES, measure_size, measure_slant, measure_thickness


def canvas(draw: Callable[[Tensor], None], *, side: int = 40, channels: int = 1) -> Tensor:
    """A picture (1, c, side, side) in [-1, 1], on whose ink (side, side) something was drawn."""
    ink = torch.zeros(side, side)
    draw(ink)
    return ink.mul(2).sub(1).expand(1, channels, side, side)


def bar(width: int, length: int = 32, *, ink: float = 1.0) -> Tensor:
    def draw(paper: Tensor) -> None:
        paper[4 : 4 + length, 10 : 10 + width] = ink

    return canvas(draw)


def leaning(shift: float) -> Tensor:
    """A line that goes so many pixels to the right for each that it goes up."""

    def draw(paper: Tensor) -> None:
        for row in range(10, 30):
            at = 20 + shift * (20 - row)
            left, share = int(at), at - int(at)
            paper[row, left : left + 2] = torch.tensor([1 - share, share])

    return canvas(draw)


@pytest.mark.parametrize("shift", [-0.5, -0.25, 0, 0.25, 0.5])
def test_the_slant_is_the_angle_of_a_line_to_the_upright(shift: float) -> None:
    assert measure_slant(leaning(shift)).item() == pytest.approx(degrees(atan(shift)), abs=1e-3)


def test_the_slant_does_not_depend_on_the_place_or_the_brightness() -> None:
    line = leaning(0.25)
    moved = torch.roll(line, (3, -4), dims=(2, 3))
    dim = (line + 1) / 2 - 1
    expected = measure_slant(line)
    torch.testing.assert_close(measure_slant(moved), expected)
    torch.testing.assert_close(measure_slant(dim), expected)


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_the_thickness_of_a_bar_is_its_width_less_what_its_ends_add_to_the_outline(width: int) -> None:
    thickness = measure_thickness(bar(width)).item()
    around = width + 32 - (2 - 2**0.5) / 2  # half the outline, but for one corner whose slope goes both ways
    assert thickness == pytest.approx(width * 32 / around)
    assert thickness == pytest.approx(width, rel=0.2)


def test_the_thickness_does_not_depend_on_the_brightness() -> None:
    torch.testing.assert_close(measure_thickness(bar(3, ink=0.6)), measure_thickness(bar(3)))


def test_a_stroke_at_the_border_has_an_outline_there_too() -> None:
    edge = torch.roll(bar(3), -10, dims=3)
    torch.testing.assert_close(measure_thickness(edge), measure_thickness(bar(3)))


def test_the_size_is_the_root_of_the_area_of_the_box() -> None:
    assert measure_size(bar(2)).item() == pytest.approx((2 * 32) ** 0.5)
    assert measure_size(leaning(0.5)).item() == pytest.approx((20 * 10) ** 0.5, rel=0.03)


def test_colours_count_as_their_mean() -> None:
    line = leaning(0.25)
    for attribute in ATTRIBUTES:
        torch.testing.assert_close(attribute.measure(line.expand(1, 3, 40, 40)), attribute.measure(line))


def test_an_empty_picture_has_no_attribute() -> None:
    pictures = torch.cat([bar(3), torch.full((1, 1, 40, 40), -1.0)])
    for attribute in ATTRIBUTES:
        assert attribute.measure(pictures).isnan().tolist() == [False, True]
