"""Losses and penalties that several papers share, on logits (no sigmoid) unless said otherwise.

They are computed in full precision, whatever the arithmetic of the networks; a penalty's gradient passes through
the networks, and is of theirs.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus


def discriminator_loss(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return -E log s(D(x)) and -E log(1 - s(D(G(z)))), s the sigmoid: Goodfellow et al. 2014, eq. 1.

    real, fake: logits of any shape. Two scalars; each is log 2 where D cannot tell, so the sum is 2 log 2.
    """
    return softplus(-precise(real)).mean(), softplus(precise(fake)).mean()


def non_saturating_loss(fake: Tensor) -> Tensor:
    """Return -E log s(D(G(z))): Goodfellow et al. 2014, section 3; log 2 where D cannot tell."""
    return softplus(-precise(fake)).mean()


def relativistic_pairing_loss(better: Tensor, worse: Tensor) -> Tensor:
    """Return E softplus(-(better - worse)) over pairs: Jolicoeur-Martineau 2019 (RpGAN), eq. 2 in Huang et al. 2024.

    For the discriminator better is D(real), for the generator D(fake). log 2 where D cannot tell; equal shifts of
    both leave it as it is.
    """
    return softplus(precise(worse) - precise(better)).mean()


def saturating_loss(fake: Tensor) -> Tensor:
    """Return E log(1 - s(D(G(z)))), the generator's side of the minimax game: Goodfellow et al. 2014, eq. 1.

    -log 2 where D cannot tell; its gradient vanishes where D is sure.
    """
    return -softplus(precise(fake)).mean()


def wasserstein_loss(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return -E f(x) and E f(G(z)), whose sum a critic minimises: Arjovsky et al. 2017, eq. 3.

    real, fake: scores of any shape and sign, not bounded. Two scalars; their sum is negative where the critic tells.
    """
    return -precise(real).mean(), precise(fake).mean()


def zero_centred_penalty(images: Tensor, logits: Tensor) -> Tensor:
    """Return 1/2 E |grad_x D(x)|^2, the norm over all pixels of a picture: R1 on real images (Mescheder 2018, eq. 9).

    images: (n, c, h, w), requiring grad, from which logits (n,) were computed. Not yet weighted by gamma; the half
    is in it, as in StyleGAN2 and R3GAN (GAN_stability's reg_param has none).
    """
    return _squared_slopes(images, logits).mean() / 2


def one_centred_penalty(images: Tensor, values: Tensor, *, epsilon: float = 1e-12) -> Tensor:
    """Return E (|grad_x f(x)| - 1)^2, the norm over all pixels of a picture: Gulrajani et al. 2017, eq. 3.

    images: (n, c, h, w), requiring grad, from which values (n,) were computed. Not yet weighted by lambda. epsilon
    is added under the root, whose slope at 0 would be infinite.
    """
    return ((_squared_slopes(images, values) + epsilon).sqrt() - 1).square().mean()


def interpolate(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Return share * first + (1 - share) * second, one share (n,) for each picture (n, c, h, w)."""
    return torch.lerp(second, first, share[:, None, None, None])


def _squared_slopes(images: Tensor, values: Tensor) -> Tensor:
    """Return |grad_x f(x)|^2 of each picture, over all its pixels: (n,), differentiable."""
    (gradient,) = torch.autograd.grad(precise(values).sum(), images, create_graph=True)
    return precise(gradient).square().sum(dim=(1, 2, 3))


def precise(values: Tensor) -> Tensor:
    """Return the numbers in float32, or as they are where they are more precise."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
