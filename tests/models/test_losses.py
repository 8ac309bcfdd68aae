"""The shared losses at points where the papers, or a line of algebra, say what they are."""

from collections.abc import Callable
from math import log

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from models._losses import (
    discriminator_loss,
    interpolate,
    non_saturating_loss,
    one_centred_penalty,
    relativistic_pairing_loss,
    saturating_loss,
    wasserstein_loss,
    zero_centred_penalty,
)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_discriminator_loss_is_twice_log_two_at_the_equilibrium() -> None:
    real, fake = discriminator_loss(torch.zeros(8), torch.zeros(8))
    assert (real + fake).item() == pytest.approx(2 * log(2))


def test_discriminator_loss_is_the_cross_entropy_of_the_sigmoid() -> None:
    real, fake = random(50, seed=1), random(50, seed=2)
    on_real, on_fake = discriminator_loss(real, fake)
    torch.testing.assert_close(on_real, binary_cross_entropy(real.sigmoid(), torch.ones_like(real)))
    torch.testing.assert_close(on_fake, binary_cross_entropy(fake.sigmoid(), torch.zeros_like(fake)))


def test_discriminator_loss_at_the_best_discriminator_is_the_jensen_shannon_divergence() -> None:
    p, q = torch.tensor([0.7, 0.2, 0.1]).double(), torch.tensor([0.1, 0.3, 0.6]).double()
    best = (p / q).log()
    value = sum((weight * -loss).sum() for weight, loss in ((p, -(-best).exp().log1p()), (q, best.exp().log1p())))
    assert value is not None
    samples_p, samples_q = (torch.repeat_interleave(best, (w * 1000).round().long()) for w in (p, q))
    real, fake = discriminator_loss(samples_p, samples_q)
    middle = (p + q) / 2
    divergence = ((p * (p / middle).log()).sum() + (q * (q / middle).log()).sum()) / 2
    assert (real + fake).item() == pytest.approx(2 * log(2) - 2 * divergence.item())


def test_losses_stay_finite_where_the_sigmoid_saturates() -> None:
    far = torch.tensor([-1e4, 1e4])
    for value in (*discriminator_loss(far, far), non_saturating_loss(far), relativistic_pairing_loss(far, -far)):
        assert value.isfinite()


def test_generator_loss_is_log_two_where_the_discriminator_cannot_tell() -> None:
    assert non_saturating_loss(torch.zeros(5)).item() == pytest.approx(log(2))


def test_generator_loss_does_not_saturate_where_the_discriminator_wins() -> None:
    logits = torch.full((4,), -20.0, requires_grad=True)
    (gradient,) = torch.autograd.grad(non_saturating_loss(logits), logits)
    torch.testing.assert_close(gradient, torch.full((4,), -1 / 4))


def test_saturating_loss_is_the_other_side_of_the_discriminators() -> None:
    fake = random(50)
    _, on_fake = discriminator_loss(fake, fake)
    torch.testing.assert_close(saturating_loss(fake), -on_fake)
    torch.testing.assert_close(saturating_loss(fake), (1 - fake.sigmoid()).log().mean())
    assert saturating_loss(torch.zeros(5)).item() == pytest.approx(-log(2))


def test_saturating_loss_has_no_gradient_where_the_discriminator_wins() -> None:
    """Its slope is -s(D): the whole of the gradient where the fakes are taken for real, none where they are not."""
    logits = torch.tensor([-20.0, 0.0, 20.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(3 * saturating_loss(logits), logits)
    torch.testing.assert_close(gradient, torch.tensor([-2.0611537e-9, -0.5, -1.0]))


def test_saturating_loss_stays_finite_where_the_sigmoid_does_not() -> None:
    assert saturating_loss(torch.tensor([-1e4, 1e4])).item() == pytest.approx(-5e3)


def test_pairing_loss_sees_differences_alone() -> None:
    real, fake = random(9, seed=1), random(9, seed=2)
    loss = relativistic_pairing_loss(real, fake)
    torch.testing.assert_close(relativistic_pairing_loss(real + 7, fake + 7), loss)
    assert relativistic_pairing_loss(real, real).item() == pytest.approx(log(2))
    assert loss.item() != pytest.approx(relativistic_pairing_loss(fake, real).item())


def test_pairing_loss_of_both_players_differs_by_the_mean_difference() -> None:
    """softplus(-t) - softplus(t) = -t."""
    real, fake = random(9, seed=1), random(9, seed=2)
    difference = relativistic_pairing_loss(real, fake) - relativistic_pairing_loss(fake, real)
    torch.testing.assert_close(difference, (fake - real).mean())


# --- The zero-centred penalty -------------------------------------------------------------------------------------


def penalty(score: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    images = images.requires_grad_()
    return zero_centred_penalty(images, score(images))


def test_penalty_of_a_linear_score_is_half_its_squared_slope() -> None:
    """So gamma is that of StyleGAN2 and R3GAN; GAN_stability leaves out the half."""
    slope = random(1, 2, 4, 4)
    found = penalty(lambda x: (x * slope).sum(dim=(1, 2, 3)), random(6, 2, 4, 4, seed=1))
    torch.testing.assert_close(found, slope.square().sum() / 2)


def test_penalty_of_a_score_that_ignores_pictures_is_zero() -> None:
    assert penalty(lambda x: 0 * x.sum(dim=(1, 2, 3)) + 3, random(6, 1, 4, 4)).item() == 0


def test_penalty_is_the_mean_over_pictures_of_their_own_norms() -> None:
    images = random(6, 1, 4, 4)
    alone = [penalty(lambda x: x.pow(3).sum(dim=(1, 2, 3)), image[None]) for image in images]
    together = penalty(lambda x: x.pow(3).sum(dim=(1, 2, 3)), images)
    torch.testing.assert_close(together, torch.stack(alone).mean())


def curved_score(x: Tensor) -> Tensor:
    return (x.flatten(1) @ random(16, 5, seed=3)).tanh().sum(dim=1)


def squared_slopes(score: Callable[[Tensor], Tensor], images: Tensor, step: float = 1e-5) -> Tensor:
    """|grad|^2 of each of the pictures of 16 pixels, from differences: (n,)."""
    moves = step * torch.eye(16, dtype=torch.float64).view(16, 1, *images.shape[1:])
    slopes = torch.stack([(score(images + move) - score(images - move)) / (2 * step) for move in moves])
    return slopes.square().sum(dim=0)


def test_penalty_agrees_with_finite_differences() -> None:
    images = random(3, 1, 4, 4, seed=1)
    expected = squared_slopes(curved_score, images).mean() / 2
    torch.testing.assert_close(penalty(curved_score, images), expected, rtol=1e-7, atol=0)


def test_penalty_can_be_minimised() -> None:
    slope = random(1, 1, 4, 4).requires_grad_()
    images = random(6, 1, 4, 4, seed=1)
    (gradient,) = torch.autograd.grad(penalty(lambda x: (x * slope).sum(dim=(1, 2, 3)), images), slope)
    torch.testing.assert_close(gradient, slope.detach())


def test_penalty_is_four_times_as_large_for_pictures_of_half_the_range() -> None:
    """The same score fed [0, 1] in the place of [-1, 1] needs a quarter of the gamma."""
    slope, images = random(1, 1, 4, 4), random(6, 1, 4, 4, seed=1)
    on_whole = penalty(lambda x: (x * slope).sum(dim=(1, 2, 3)), images)
    on_half = penalty(lambda x: ((2 * x - 1) * slope).sum(dim=(1, 2, 3)), (images.detach() + 1) / 2)
    torch.testing.assert_close(on_half, 4 * on_whole)


# --- The one-centred penalty --------------------------------------------------------------------------------------


def distance_from_one(score: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    images = images.requires_grad_()
    return one_centred_penalty(images, score(images))


def test_one_centred_penalty_of_a_linear_score_is_the_squared_distance_of_its_slope_from_one() -> None:
    slope = random(1, 2, 4, 4)
    found = distance_from_one(lambda x: (x * slope).sum(dim=(1, 2, 3)), random(6, 2, 4, 4, seed=1))
    torch.testing.assert_close(found, (slope.norm() - 1).square())


def test_one_centred_penalty_takes_the_norm_of_each_picture_over_all_its_pixels() -> None:
    images = random(6, 2, 4, 4)
    found = distance_from_one(lambda x: x.square().sum(dim=(1, 2, 3)) / 2, images)
    torch.testing.assert_close(found, (images.detach().flatten(1).norm(dim=1) - 1).square().mean())


def test_one_centred_penalty_agrees_with_finite_differences() -> None:
    images = random(3, 1, 4, 4, seed=1)
    expected = (squared_slopes(curved_score, images).sqrt() - 1).square().mean()
    torch.testing.assert_close(distance_from_one(curved_score, images), expected, rtol=1e-7, atol=0)


def test_one_centred_penalty_is_none_for_pictures_that_have_a_slope_of_one_each() -> None:
    """The traps of a norm by channel, by row, by pixel, or of the whole batch: there the slope is not one."""
    slopes = random(3, 2, 4, 4)
    slopes /= slopes.flatten(1).norm(dim=1)[:, None, None, None]
    assert distance_from_one(lambda x: (x * slopes).sum(dim=(1, 2, 3)), random(3, 2, 4, 4, seed=1)).item() < 1e-20
    for axes in (1, 2, 3, (1, 2), (0, 1, 2, 3)):
        assert (torch.linalg.vector_norm(slopes, dim=axes) - 1).abs().min() > 1e-3


def test_one_centred_penalty_can_be_minimised() -> None:
    slope = random(1, 1, 4, 4).requires_grad_()
    images = random(6, 1, 4, 4, seed=1)
    (gradient,) = torch.autograd.grad(distance_from_one(lambda x: (x * slope).sum(dim=(1, 2, 3)), images), slope)
    length = slope.detach().norm()
    torch.testing.assert_close(gradient, 2 * (length - 1) * slope.detach() / length)


def test_one_centred_penalty_has_a_finite_gradient_where_there_is_no_slope() -> None:
    slope = torch.zeros(1, 1, 4, 4, requires_grad=True)
    found = distance_from_one(lambda x: (x * slope).sum(dim=(1, 2, 3)), torch.randn(6, 1, 4, 4))
    assert found.item() == pytest.approx(1, rel=1e-5)
    (gradient,) = torch.autograd.grad(found, slope)
    assert gradient.isfinite().all()


def test_interpolation_takes_one_share_for_each_picture() -> None:
    found = interpolate(torch.ones(3, 2, 4, 4), -torch.ones(3, 2, 4, 4), torch.tensor([0.0, 0.25, 1.0]))
    torch.testing.assert_close(found, torch.tensor([-1.0, -0.5, 1.0])[:, None, None, None].expand(3, 2, 4, 4))


def test_interpolation_lies_on_the_line_between_the_two_pictures() -> None:
    first, second, share = random(4, 2, 3, 3), random(4, 2, 3, 3, seed=1), torch.rand(4, dtype=torch.float64)
    found = interpolate(first, second, share)
    for index, weight in enumerate(share):
        torch.testing.assert_close(found[index], weight * first[index] + (1 - weight) * second[index])


# --- The Wasserstein loss -----------------------------------------------------------------------------------------


def test_wasserstein_loss_is_the_difference_of_the_mean_scores() -> None:
    real, fake = wasserstein_loss(torch.tensor([1.0, 3.0]), torch.tensor([-4.0, 5.0]))
    assert (real.item(), fake.item()) == (-2.0, 0.5)


def test_wasserstein_loss_of_the_best_critic_is_the_distance() -> None:
    """Two distributions over numbers of which one is the other moved by 3: f(x) = -x has the slope 1."""
    real = random(50)
    moved = real + 3
    assert sum(term.item() for term in wasserstein_loss(-real, -moved)) == pytest.approx(-3)
