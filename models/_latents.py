"""The latents of every family as points of one space, in which one can walk, step, vary and search.

A family draws pictures from a `Noise`, so the latent of picture i under a seed is whatever the family draws for it.
Here these draws are laid beside each other as the coordinates of a point (`Layout`), and drawn again from any other
point: a family needs no line for that.

Every coordinate of a point is a draw from N(0, 1). A number u from U(-1, 1) is one of z from N(0, 1) by
u = erf(z / sqrt 2), the distribution functions of the two set equal. So the same operations serve every family, and
they keep the distribution that its networks were trained on, as Agustsson et al. 2019 ask
(https://arxiv.org/abs/1711.01970): points of N(0, I) lie near the sphere of radius sqrt d, and a straight line between
two of them does not. A walk goes along the great circle (Shoemake 1985; White 2016, https://arxiv.org/abs/1609.04468).
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod, sqrt

import torch
from torch import Tensor

from models._family import Controls
from models._labels import MixedLabels
from models._layers import encode_labels
from models._noise import BLOCK, BlockNoise, Distribution, PictureNoise
from models._sampler import Sampler

ADDRESS_MARK = "z"
"""The first letter of an address: a seed has only digits."""

LEVELS = 32
"""Steps of an address to one unit of a coordinate: its rounding is a hundredth of the spread of the draws."""

REACH = 127
"""The largest number of such steps: 3.97 deviations, beyond which lies one draw of 14,000."""

_BARELY = 2.0**-25
"""Keeps the outermost float32 of U(-1, 1) off the ends, where z would be infinite; it comes back to the last bit."""


class LatentAddressError(ValueError):
    """A text that is no point of the space: not an address at all, or one of another family's or size's."""


class UnsettledLatentError(ValueError):
    """A family draws other numbers than it drew before, so that its latents have no places."""

    def __init__(self, drawn: "Draw") -> None:
        super().__init__(f"the family draws {drawn} where it drew something else before: its latents have no places")


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of a family for one picture."""

    kind: Distribution
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers it is."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a family draws for one picture, in order."""

    draws: tuple[Draw, ...]

    @classmethod
    def of(cls, sampler: Sampler) -> "Layout":
        """Draw a block, and return what was drawn for it."""
        recorder = _Recorder(sampler.device)
        with torch.inference_mode():
            sampler.draw(recorder, torch.zeros(BLOCK, dtype=torch.int64, device=sampler.device))
        return cls(tuple(recorder.draws))

    @property
    def dim(self) -> int:
        """The number of coordinates."""
        return sum(draw.size for draw in self.draws)


class _Recorder(BlockNoise):
    """The noise of one block; remembers what was drawn."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(0, [0], device=device)
        self.draws: list[Draw] = []

    def standard(self, kind: Distribution, shape: tuple[int, ...]) -> Tensor:
        """Draw as ever."""
        self.draws.append(Draw(kind, shape))
        return super().standard(kind, shape)


class PointNoise(PictureNoise):
    """Noise that points fix: the coordinates (n, d) are given out as the layout has them, in its order.

    A family that draws less than the layout, as for a coarser picture, takes the first ones.
    """

    def __init__(
        self, points: Tensor, layout: Layout, *, truncation: float = 1.0, device: torch.device | str = "cpu"
    ) -> None:
        super().__init__(len(points), truncation=truncation, device=device)
        self._points = points
        self._left = list(layout.draws)
        self._place = 0

    def standard(self, kind: Distribution, shape: tuple[int, ...]) -> Tensor:
        """Give out the next draw. Raises UnsettledLatentError if the layout has another one there."""
        draw = Draw(kind, shape)
        if not self._left or self._left.pop(0) != draw:
            raise UnsettledLatentError(draw)
        numbers = self._points[:, self._place : self._place + draw.size].view(-1, *shape)
        self._place += draw.size
        return (numbers if kind == "normal" else torch.erf(numbers / sqrt(2))).float()


class LatentSpace:
    """The latents of a sampler as points (n, d), float64 on the CPU."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self.layout = Layout.of(sampler)

    @property
    def dim(self) -> int:
        """d, the number of coordinates."""
        return self.layout.dim

    def find(self, seed: int, indices: Sequence[int]) -> Tensor:
        """Return the points of the pictures of these numbers under a seed, before any truncation: (n, d)."""
        blocks = sorted({index // BLOCK for index in indices})
        noise = BlockNoise(seed, blocks)
        columns = [_to_normal(noise.standard(draw.kind, draw.shape), draw.kind) for draw in self.layout.draws]
        points = torch.cat([column.flatten(1) for column in columns], dim=1)
        return points[[blocks.index(index // BLOCK) * BLOCK + index % BLOCK for index in indices]]

    def weigh(self, labels: Sequence[int]) -> Tensor:
        """Return labels as weights of the classes: (n, classes)."""
        return encode_labels(torch.tensor(labels), len(self.sampler.config.dataset.classes))

    def draw(
        self, points: Tensor, weights: Tensor, *, truncation: float = 1.0, controls: Controls | None = None
    ) -> Tensor:
        """Draw the pictures of points (n, d), with labels of weights (n, classes): (n, c, h, w) in [-1, 1].

        The picture of a point that a seed gave is the one that the sampler gives for it. Networks without labels
        ignore the weights. Raises ControlError.
        """
        images = []
        with torch.inference_mode():
            for rows, shares in zip(torch.split(points, BLOCK), torch.split(weights, BLOCK), strict=True):
                filled = torch.arange(BLOCK).clamp(max=len(rows) - 1)
                block = self.draw_once(rows[filled], shares[filled], truncation=truncation, controls=controls)
                images.append(block[: len(rows)])
        return torch.cat(images)

    def draw_once(
        self, points: Tensor, weights: Tensor, *, truncation: float = 1.0, controls: Controls | None = None
    ) -> Tensor:
        """Draw as `draw` does, all in one batch, and let gradients flow to the points."""
        device = self.sampler.device
        noise = PointNoise(points, self.layout, truncation=truncation, device=device)
        weights = weights.to(device)
        is_pure = bool((weights.amax(dim=1) == 1).all() and (weights.count_nonzero(dim=1) == 1).all())
        labels = weights.argmax(dim=1) if is_pure else MixedLabels.of(weights)
        return self.sampler.draw(noise, labels, controls)

    def address(self, point: Tensor) -> str:
        """Return the address of the place that is nearest to a point (d,): about 4 letters for 3 coordinates."""
        steps = (point * LEVELS).round().clamp(-REACH, REACH).to(torch.int8)
        return ADDRESS_MARK + base64.urlsafe_b64encode(steps.numpy().tobytes()).decode().rstrip("=")

    def locate(self, address: str) -> Tensor:
        """Return the point of an address: (d,). Raises LatentAddressError unless `address` could have made it."""
        letters = address.removeprefix(ADDRESS_MARK)
        try:
            data = base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise LatentAddressError(f"{address[:20]!r} is no latent: take one as an answer told it") from None
        if len(data) != self.dim:
            told = "1 coordinate" if len(data) == 1 else f"{len(data)} coordinates"
            raise LatentAddressError(
                f"no such address: {address[:20]!r} has {told}, and the latents of the checkpoint have {self.dim}: "
                "take one that was found with this checkpoint"
            )
        point = torch.frombuffer(bytearray(data), dtype=torch.int8).double() / LEVELS
        if self.address(point) != address:
            raise LatentAddressError(f"{address[:20]!r}… is not written as an answer would have told it")
        return point

    def settle(self, points: Tensor) -> Tensor:
        """Return the nearest points that have an address, in the same shape."""
        return (points * LEVELS).round().clamp(-REACH, REACH) / LEVELS


def _to_normal(numbers: Tensor, kind: Distribution) -> Tensor:
    """Return draws as draws from N(0, 1), in double precision."""
    if kind == "normal":
        return numbers.double()
    return numbers.double().clamp(_BARELY - 1, 1 - _BARELY).erfinv() * sqrt(2)


def walk(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """Return points on the great circle from one point to another: (n, d).

    start, end: (d,). shares: (n,) in [0, 1], of the angle; the radius changes evenly. Where there is no shortest great
    circle, for a point without a direction or one opposite the other, the line takes its place.
    """
    shares = shares.double()[:, None]
    first, last = start.norm(), end.norm()
    line = torch.lerp(start.expand(len(shares), -1), end.expand(len(shares), -1), shares)
    if first == 0 or last == 0:
        return line
    one, other = start / first, end / last
    angle = 2 * torch.atan2((one - other).norm(), (one + other).norm())
    if angle.sin() < 1e-6:
        return line
    circle = (((1 - shares) * angle).sin() * one + (shares * angle).sin() * other) / angle.sin()
    inside = circle * torch.lerp(first, last, shares)
    return torch.where(shares == 0, start, torch.where(shares == 1, end, inside))


def mix(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """Return weights of the classes on the way from one label's to another's: (n, classes)."""
    return torch.lerp(start.expand(len(shares), -1), end.expand(len(shares), -1), shares.to(start.dtype)[:, None])


def vary(point: Tensor, others: Tensor, spread: float) -> Tensor:
    """Return points around one, by other draws from N(0, I): (n, d), again draws from N(0, I).

    point: (d,). others: (n, d). spread: s in [0, 1], in sqrt(1 - s^2) point + s other; 0 is the point, 1 the others.
    """
    return sqrt(1 - spread**2) * point + spread * others


def combine(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Return a - b + c, the direction by the points and the radius by the radii: (d,) of (d,) each.

    Radford et al. 2015 (https://arxiv.org/abs/1511.06434), section 6.3.2. The sum of three draws lies far outside of
    the sphere that the networks know; its direction with the radius |a| - |b| + |c| does not, and a - a + c is c.
    """
    total = a - b + c
    radius = (a.norm() - b.norm() + c.norm()).clamp(min=0)
    return total * (radius / total.norm()) if total.norm() > 0 else total
