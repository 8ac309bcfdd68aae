"""Latents as points: where they lie, what is drawn from them, and how one comes from one to another."""

from math import pi, sqrt

import pytest
import torch
from torch import Tensor

from models import (
    BLOCK,
    BlockNoise,
    LatentAddressError,
    LatentSpace,
    UnsettledLatentError,
    combine,
    mix,
    vary,
    walk,
)
from models._latents import Draw, Layout, PointNoise
from tests.training import toy_sampler

QUARTERS = torch.linspace(0, 1, 5, dtype=torch.float64)


def points(count: int, dim: int = 64) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


@pytest.fixture(scope="module")
def toy() -> LatentSpace:
    """The toy's latents: one number u from U(-1, 1), the brightness of its picture."""
    return LatentSpace(toy_sampler())


# --- Points and pictures ------------------------------------------------------------------------------------------


def test_the_layout_is_what_the_family_draws(toy: LatentSpace) -> None:
    assert toy.layout == Layout((Draw("uniform", (1, 1, 1)),))
    assert toy.dim == 1


def test_a_point_is_the_normal_draw_of_the_same_rank(toy: LatentSpace) -> None:
    brightness = toy.sampler.sample(range(40), seed=5, labels=[0] * 40)[:, 0, 0, 0]
    expected = torch.special.ndtri((brightness.double() + 1) / 2)
    torch.testing.assert_close(toy.find(5, range(40))[:, 0], expected)


def test_points_come_in_the_order_that_is_asked_for(toy: LatentSpace) -> None:
    numbers = [40, 0, 17, 40]
    alone = [toy.find(5, [number]) for number in numbers]
    assert torch.equal(toy.find(5, numbers), torch.cat(alone))


def test_any_point_has_a_picture(toy: LatentSpace) -> None:
    far = torch.tensor([[-9.0], [0.0], [9.0]], dtype=torch.float64)
    assert toy.draw(far, toy.weigh([0, 0, 0]))[:, 0, 0, 0].tolist() == [-1, 0, 1]


def test_numbers_come_back_from_points_to_the_last_bit() -> None:
    layout = Layout((Draw("uniform", (5000,)), Draw("normal", (50,)), Draw("uniform", (3, 2))))
    space = LatentSpace(toy_sampler())
    space.layout = layout
    replayed, drawn = (
        PointNoise(space.find(9, range(BLOCK)), layout, truncation=0.7),
        BlockNoise(9, [0], truncation=0.7),
    )
    assert torch.equal(replayed.uniform(5000), drawn.uniform(5000))
    assert torch.equal(replayed.normal(50), drawn.normal(50))
    assert torch.equal(replayed.uniform(3, 2, low=2, high=5), drawn.uniform(3, 2, low=2, high=5))


@pytest.mark.parametrize("end", [-1.0, 1 - 2**-23])
def test_the_outermost_numbers_are_points_too(end: float) -> None:
    class Outermost(BlockNoise):
        def standard(self, kind: object, shape: tuple[int, ...]) -> Tensor:
            return torch.full((BLOCK, *shape), end)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models._latents.BlockNoise", Outermost)
        point = LatentSpace(toy_sampler()).find(0, [0])
    assert point.isfinite().all()
    assert PointNoise(point, Layout((Draw("uniform", (1,)),))).uniform(1).item() == end


def test_a_family_that_draws_something_else_is_told_of() -> None:
    noise = PointNoise(points(2, 3), Layout((Draw("normal", (3,)),)))
    with pytest.raises(UnsettledLatentError, match="where it drew something else"):
        noise.uniform(3)
    noise = PointNoise(points(2, 3), Layout((Draw("normal", (3,)),)))
    noise.normal(3)
    with pytest.raises(UnsettledLatentError, match="shape"):
        noise.normal(3)


def test_gradients_flow_to_the_points(toy: LatentSpace) -> None:
    point = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(toy.draw_once(point, toy.weigh([0])).mean(), point)
    assert slope.item() == pytest.approx(sqrt(2 / pi))  # the slope of erf(z / sqrt 2) at 0


# --- Addresses ----------------------------------------------------------------------------------------------------


def test_an_address_names_the_nearest_place(toy: LatentSpace) -> None:
    for value, expected in ((0.51, 0.5), (-1.0, -1.0), (50.0, 127 / 32), (-50.0, -127 / 32)):
        point = torch.tensor([value], dtype=torch.float64)
        assert toy.locate(toy.address(point)).item() == expected == toy.settle(point).item()


def test_a_place_has_one_address(toy: LatentSpace) -> None:
    addresses = {toy.address(torch.tensor([step / 32], dtype=torch.float64)) for step in range(-127, 128)}
    assert len(addresses) == 255
    assert all(toy.address(toy.locate(one)) == one for one in addresses)
    assert all(one[0] == "z" and len(one) == 3 for one in addresses)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("zAAAA", "no such address: 'zAAAA' has 3 coordinates, and the latents of the checkpoint have 1"),
        ("z", "has 0 coordinates"),
        ("zA", "no latent"),
        ("z!!", "no latent"),
        ("zAB", "not written as"),  # the last bits say nothing, so that many texts would mean one place
        ("zgA", "not written as"),  # -128, which no place has
        ("AA", "not written as"),
    ],
)
def test_what_no_answer_would_have_told_is_refused(toy: LatentSpace, address: str, reason: str) -> None:
    with pytest.raises(LatentAddressError, match=reason):
        toy.locate(address)


# --- Walks --------------------------------------------------------------------------------------------------------


def test_a_walk_begins_and_ends_where_it_should_to_the_last_bit() -> None:
    start, end = points(2)
    path = walk(start, end, QUARTERS)
    assert torch.equal(path[0], start)
    assert torch.equal(path[-1], end)


def test_a_walk_from_a_point_to_itself_stays_there() -> None:
    (start,) = points(1)
    assert torch.equal(walk(start, start, QUARTERS), start.expand(5, -1))


def test_a_walk_between_equal_radii_stays_on_the_sphere_and_its_steps_are_equal() -> None:
    start, end = points(2)
    path = walk(start, end * (start.norm() / end.norm()), torch.linspace(0, 1, 33, dtype=torch.float64))
    torch.testing.assert_close(path.norm(dim=1), start.norm().expand(33))
    steps = path.diff(dim=0).norm(dim=1)
    torch.testing.assert_close(steps, steps[:1].expand(32))


def test_a_walk_between_other_radii_changes_them_evenly() -> None:
    start, end = points(2)
    radii = walk(start, 3 * end, QUARTERS).norm(dim=1)
    torch.testing.assert_close(radii.diff(), ((3 * end.norm() - start.norm()) / 4).expand(4))


def test_a_quarter_circle_is_walked_as_the_formula_says() -> None:
    east, north = torch.eye(2, dtype=torch.float64)
    path = walk(east, north, QUARTERS)
    angles = QUARTERS * pi / 2
    torch.testing.assert_close(path, torch.stack([angles.cos(), angles.sin()], dim=1))


def test_halfway_points_are_distributed_as_the_ends_are() -> None:
    pairs = points(1000).view(500, 2, 64)
    middles = torch.cat([walk(start, end, torch.tensor([0.5])) for start, end in pairs])
    assert middles.mean().item() == pytest.approx(0, abs=0.02)
    assert middles.std().item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("end", [[-2.0, 0.0], [0.0, 0.0]])
def test_where_no_circle_is_the_shortest_the_walk_is_straight(end: list[float]) -> None:
    start, target = torch.tensor([1.0, 0.0]).double(), torch.tensor(end).double()
    torch.testing.assert_close(walk(start, target, QUARTERS)[2], (start + target) / 2)


def test_classes_are_mixed_by_their_shares() -> None:
    one, other = torch.eye(3)[0], torch.eye(3)[2]
    mixed = mix(one, other, QUARTERS)
    assert torch.equal(mixed[0], one)
    assert torch.equal(mixed[-1], other)
    torch.testing.assert_close(mixed[1], torch.tensor([0.75, 0, 0.25]))


# --- Variations and arithmetic ------------------------------------------------------------------------------------


def test_no_spread_is_the_point_and_all_spread_the_others() -> None:
    point, *others = points(9)
    rest = torch.stack(others)
    assert torch.equal(vary(point, rest, 0), point.expand(8, -1))
    assert torch.equal(vary(point, rest, 1), rest)


def test_variations_are_distributed_as_draws_are() -> None:
    point, *others = points(2000)
    varied = vary(point, torch.stack(others), 0.6)
    torch.testing.assert_close(varied.mean(dim=0), 0.8 * point, atol=0.07, rtol=0)
    assert (varied - 0.8 * point).std().item() == pytest.approx(0.6, rel=0.02)


def test_a_less_a_plus_c_is_c_and_a_less_b_plus_b_is_a() -> None:
    a, b = points(2)
    torch.testing.assert_close(combine(a, a, b), b, rtol=0, atol=1e-12)
    torch.testing.assert_close(combine(a, b, b), a, rtol=0, atol=1e-12)


def test_a_sum_has_the_direction_of_the_points_and_the_radius_of_the_radii() -> None:
    a, b, c = points(3)
    total = combine(a, b, c)
    torch.testing.assert_close(total / total.norm(), (a - b + c) / (a - b + c).norm())
    torch.testing.assert_close(total.norm(), a.norm() - b.norm() + c.norm())
    assert torch.equal(combine(a, a + a, a), torch.zeros_like(a))
