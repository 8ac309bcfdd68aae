"""The shared losses at points where the papers, or a line of algebra, say what they are."""

from collections.abc import Callable
from math import log

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from models._losses import (
    discriminator_loss,
    non_saturating_loss,
    relativistic_pairing_loss,
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


def test_penalty_agrees_with_finite_differences() -> None:
    mix = random(16, 5, seed=3)

    def score(x: Tensor) -> Tensor:
        return (x.flatten(1) @ mix).tanh().sum(dim=1)

    images, step = random(3, 1, 4, 4, seed=1), 1e-5
    moves = step * torch.eye(16, dtype=torch.float64).view(16, 1, 1, 4, 4)
    slopes = torch.stack([(score(images + move) - score(images - move)) / (2 * step) for move in moves])
    expected = slopes.square().sum(dim=0).mean() / 2
    torch.testing.assert_close(penalty(score, images), expected, rtol=1e-7, atol=0)


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
