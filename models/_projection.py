"""The latents whose pictures are most like a given one: by gradients from the best of many draws.

Zhu et al. 2016 (iGAN, https://arxiv.org/abs/1609.03552), section 4.1, project a picture x onto what the generator G can
draw: they minimise L(G(z), x) over the latent z, L a distance of pixels and of a network's features, beginning with
several z. Here L is

    mean |G(z) - x|^2 over the pixels, at full and at half size  +  weight * mean |f(G(z)) - f(x)|^2 / mean |f(x)|^2

with pixels in [0, 1] and f the features of the judge, where one ships for the data set. A latent is kept within the
radius sqrt d + 1, as nine of ten draws from N(0, I) are: beyond, G was hardly taught. The class of a conditional
network does not change on the way, so every class takes part in the draws. The search goes on in bfloat16 where the
processor computes in it, which finds as good latents in less time; what is told of them is of pictures in float32.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from models._classifier import PictureJudge
from models._latents import LatentSpace
from models._layers import to_unit_range
from models._noise import BLOCK, derive_seed

DRAWS = 20 * BLOCK
"""Latents that are drawn to begin with, of every class in turn: of more classes than that, one of each."""

STARTS = BLOCK
"""The best of them, from which is searched: one block."""

MOST_MATCHES = BLOCK // 2
"""The best after EARLY_STEPS, from which is searched on, and the most that are told."""

EARLY_STEPS = 6
LATE_STEPS = 16
"""Steps of the two searches: with the draws less than two seconds for the flagship on one core."""

STEP_SIZE = 0.3
"""Adam's, in deviations of the draws; it falls to 0 in the later search."""

FEATURE_WEIGHT = 0.1
"""What the features count beside the pixels."""


@dataclass(frozen=True, slots=True)
class Match:
    """A latent and how like its picture is. point: (d,), with an address. image: (c, h, w) in [-1, 1].

    distance: what was minimised. pixel_error: root of the mean square over the pixels in [0, 1].
    """

    point: Tensor
    label: int
    image: Tensor
    distance: float
    pixel_error: float


class Likeness:
    """How unlike pictures are to a target: (1, c, h, w) in [-1, 1]."""

    def __init__(self, target: Tensor, judge: PictureJudge | None) -> None:
        self._target, self._judge = target, judge
        self._features = None if judge is None else judge.embed(target)

    def pixel_distance(self, images: Tensor) -> Tensor:
        """Return the mean squares of the differences at full and half size, added: (n,) of (n, c, h, w)."""
        difference = to_unit_range(images) - to_unit_range(self._target)
        return difference.square().mean(dim=(1, 2, 3)) + avg_pool2d(difference, 2).square().mean(dim=(1, 2, 3))

    def distance(self, images: Tensor) -> Tensor:
        """Return L: (n,) of (n, c, h, w)."""
        total = self.pixel_distance(images)
        if self._judge is not None and self._features is not None:
            difference = (self._judge.embed(images) - self._features).square().mean(dim=1)
            total = total + FEATURE_WEIGHT * difference / self._features.square().mean()
        return total


def project(
    space: LatentSpace, target: Tensor, judge: PictureJudge | None, *, labels: Sequence[int], count: int
) -> Sequence[Match]:
    """Return the `count` latents whose pictures are most like the target, the best first.

    target: (1, c, h, w) in [-1, 1]. judge: of its data set, or None where there is none. labels: classes that may be
    drawn. count: at most MOST_MATCHES. The same arguments give the same latents: the steps are counted, not timed.
    """
    likeness = Likeness(target, judge)
    points, weights = begin(space, likeness, labels)
    points = descend(space, likeness, points, weights, [STEP_SIZE] * EARLY_STEPS)
    points, weights = _keep_best(space, likeness, points, weights, MOST_MATCHES)
    falling = [STEP_SIZE * (1 - step / LATE_STEPS) for step in range(LATE_STEPS)]
    points = space.settle(descend(space, likeness, points, weights, falling))
    images = space.draw(points, weights)
    with torch.inference_mode():
        distances = likeness.distance(images)
        errors = (to_unit_range(images) - to_unit_range(target)).square().mean(dim=(1, 2, 3)).sqrt()
    return [
        Match(points[place], int(weights[place].argmax()), images[place], float(distances[place]), float(errors[place]))
        for place in distances.argsort(stable=True)[:count].tolist()
    ]


def begin(space: LatentSpace, likeness: Likeness, labels: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return the best of DRAWS latents, (STARTS, d), and the weights of their classes, (STARTS, classes).

    A class is not left on the way, so one that is not drawn here would never be found; a network without labels has
    none to leave. Features are compared of those alone whose pixels are most like the target: they cost more than the
    draws.
    """
    draws = max(DRAWS, len(labels)) if space.sampler.is_conditional else DRAWS
    points = space.find(derive_seed("projection"), range(draws))
    weights = space.weigh([labels[place % len(labels)] for place in range(draws)])
    with torch.inference_mode():
        likely = likeness.pixel_distance(_draw(space, points, weights)).argsort(stable=True)[: 4 * STARTS]
    return _keep_best(space, likeness, points[likely], weights[likely], STARTS)


def descend(
    space: LatentSpace, likeness: Likeness, points: Tensor, weights: Tensor, step_sizes: Sequence[float]
) -> Tensor:
    """Return the points after Adam's steps down the distances of their pictures, each on its own: (n, d)."""
    moving = points.clone().requires_grad_()
    optimizer = torch.optim.Adam([moving], betas=(0.8, 0.95))
    for step_size in step_sizes:
        for group in optimizer.param_groups:
            group["lr"] = step_size
        (moving.grad,) = torch.autograd.grad(likeness.distance(_draw_once(space, moving, weights)).sum(), moving)
        optimizer.step()
        with torch.no_grad():
            moving *= (_radius(space.dim) / moving.norm(dim=1, keepdim=True)).clamp(max=1)
    return moving.detach()


def _draw(space: LatentSpace, points: Tensor, weights: Tensor) -> Tensor:
    """Draw as the space does, as exactly as a search needs it."""
    with _quickly(space):
        return space.draw(points, weights).float()


def _draw_once(space: LatentSpace, points: Tensor, weights: Tensor) -> Tensor:
    """Draw as the space does, as exactly as a search needs it, and let gradients flow to the points."""
    with _quickly(space):
        return space.draw_once(points, weights).float()


def _quickly(space: LatentSpace) -> AbstractContextManager[object]:
    """Compute in bfloat16 within, on a processor that has it: others would only imitate it, and be slower."""
    has_it = torch.cpu.get_capabilities().get("avx512_bf16", False)
    device = space.sampler.device.type
    return torch.autocast(device, torch.bfloat16, enabled=device == "cpu" and bool(has_it))


def _radius(dim: int) -> float:
    return sqrt(dim) + 1


def _keep_best(
    space: LatentSpace, likeness: Likeness, points: Tensor, weights: Tensor, count: int
) -> tuple[Tensor, Tensor]:
    """Return the points whose pictures are most like the target, and their weights."""
    with torch.inference_mode():
        best = likeness.distance(_draw(space, points, weights)).argsort(stable=True)[:count]
    return points[best], weights[best]
