"""Directions, where the right ones are known: a family that draws a bar by three of its numbers."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models import Conditioning, LatentSpace, Networks, Noise, Sampler, find_directions
from models._attributes import measure_slant
from models._directions import explained, regress
from tests.training import TOY, TOY_SPEC, ToyConfig

PICTURES = 1024
SIDE = 16
SPEC = TOY_SPEC.model_copy(update={"size": SIDE})


def draw_bars(networks: Networks, config: ToyConfig, noise: Noise, labels: Tensor) -> Tensor:
    """Draw upright bars as soft blobs: the first number tells the slant, the second the width, the others nothing."""
    slant, width, *_ = noise.normal(6).double().T
    x, y = torch.meshgrid(*[torch.linspace(-1, 1, SIDE).double()] * 2, indexing="xy")
    width = (0.02 + 0.002 * width)[:, None, None]
    sheared = x + (0.15 * slant + 0.5 * labels)[:, None, None] * y
    ink: Tensor = (-sheared.square() / width - (y * 1.5) ** 4).exp()
    return (ink * 2 - 1).unsqueeze(1).float()


def space_of(conditioning: Conditioning = Conditioning.NONE) -> LatentSpace:
    family = replace(TOY, sample=draw_bars, conditioning=conditioning)
    config = family.configure({}, SPEC)
    return LatentSpace(Sampler(family, config, family.build(config)))


@pytest.mark.parametrize("conditioning", Conditioning)
def test_the_direction_of_an_attribute_is_the_number_that_makes_it(conditioning: Conditioning) -> None:
    found = {one.name: one for one in find_directions(space_of(conditioning), pictures=PICTURES)}
    slant, thickness = found["slant"], found["thickness"]
    assert slant.vector[0].item() > 0.98
    if conditioning is Conditioning.LABEL:  # else the classes, which no number tells, lean differently too
        assert slant.r_squared > 0.95
        assert thickness.vector[1].item() > 0.9
    for one in found.values():
        assert one.vector.norm().item() == pytest.approx(1)


def test_a_step_changes_what_it_says_it_changes() -> None:
    space = space_of(Conditioning.LABEL)
    (slant,) = (one for one in find_directions(space, pictures=PICTURES) if one.name == "slant")
    points, weights = space.find(3, range(64)), space.weigh([0, 1] * 32)
    before, after = (measure_slant(space.draw(points + by * slant.vector, weights)) for by in (-0.5, 0.5))
    assert (after - before).mean().item() == pytest.approx(slant.per_step["slant"], rel=0.1)


def test_what_the_latents_do_not_tell_has_no_r_squared() -> None:
    """Of this family the classes lean, and where it is told no label they are no part of the latent."""
    without, told = (
        {one.name: one.r_squared for one in find_directions(space_of(kind), pictures=PICTURES)} for kind in Conditioning
    )
    assert without["slant"] < told["slant"] - 0.2


def test_the_same_networks_have_the_same_directions() -> None:
    first, second = (find_directions(space_of(), pictures=256) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert (one.name, one.r_squared, one.per_step) == (other.name, other.r_squared, other.per_step)
        assert torch.equal(one.vector, other.vector)


def test_components_come_in_the_order_of_what_they_explain() -> None:
    components = [one for one in find_directions(space_of(), pictures=256) if one.name.startswith("component")]
    shares = [int(one.description.split(", ")[1].split(" %")[0]) for one in components]
    assert shares == sorted(shares, reverse=True)
    assert [one.spread for one in components] == pytest.approx([1] * len(components), rel=1e-6)


def test_pictures_that_are_all_alike_or_empty_have_no_direction() -> None:
    def black(networks: Networks, config: ToyConfig, noise: Noise, labels: Tensor) -> Tensor:
        return noise.normal(1, SIDE, SIDE) * 0 - 1

    family = replace(TOY, sample=black)
    config = family.configure({}, SPEC)
    assert find_directions(LatentSpace(Sampler(family, config, family.build(config))), pictures=256) == []


def test_a_regression_finds_the_slopes_and_noise_explains_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(4000, 5, generator=generator, dtype=torch.float64)
    slopes = torch.tensor([1.0, -2, 0, 0, 3]).double()
    values = points @ slopes
    values[7] = torch.nan
    torch.testing.assert_close(regress(points, values), slopes, rtol=0.01, atol=0.01)
    assert explained(points, values) > 0.999
    noise = torch.randn(4000, generator=generator, dtype=torch.float64)
    assert abs(explained(points, noise)) < 0.02
