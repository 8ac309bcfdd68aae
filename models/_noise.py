"""Where random numbers come from: one stream for a training step, or one per picture for sampling.

Both are drawn on a generator that is passed in; nothing reads the global one. A `Noise` stands for a number of
rows, and every draw gives one row to each.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Distribution = Literal["normal", "uniform"]
"""N(0, 1), or U(-1, 1)."""

BLOCK = 16
"""Pictures that are drawn and computed together; picture i always lies at place i % BLOCK of its block."""


def derive_seed(*parts: int | str) -> int:
    """Return a seed in [0, 2^63) that is a fixed, well-mixed function of the parts."""
    text = "/".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


class Noise(ABC):
    """Random rows: `count` of them at every draw."""

    count: int

    @abstractmethod
    def normal(self, *shape: int) -> Tensor:
        """Draw from N(0, 1): (count, *shape)."""

    @abstractmethod
    def uniform(self, *shape: int, low: float = -1.0, high: float = 1.0) -> Tensor:
        """Draw from U(low, high): (count, *shape)."""

    def latent(self, kind: Distribution, dim: int) -> Tensor:
        """Draw latents, (count, dim), from N(0, 1) or U(-1, 1)."""
        return self.normal(dim) if kind == "normal" else self.uniform(dim)


class StepNoise(Noise):
    """The noise of one training step: a stream on the generator's device."""

    def __init__(self, generator: torch.Generator, count: int) -> None:
        self.count = count
        self._generator = generator

    def normal(self, *shape: int) -> Tensor:
        """Draw from N(0, 1): (count, *shape)."""
        return torch.randn(self.count, *shape, generator=self._generator, device=self._generator.device)

    def uniform(self, *shape: int, low: float = -1.0, high: float = 1.0) -> Tensor:
        """Draw from U(low, high): (count, *shape)."""
        drawn = torch.rand(self.count, *shape, generator=self._generator, device=self._generator.device)
        return drawn * (high - low) + low


class PictureNoise(Noise):
    """The noise of pictures that are drawn, and not learnt from: what a draw gives is shaped here, and drawn below.

    `truncation` in (0, 1] shrinks every draw towards the middle of its distribution: 1 leaves it alone, smaller trades
    variety for typicality.
    """

    def __init__(self, count: int, *, truncation: float = 1.0, device: torch.device | str = "cpu") -> None:
        self.count = count
        self._truncation = truncation
        self._device = device

    @abstractmethod
    def standard(self, kind: Distribution, shape: tuple[int, ...]) -> Tensor:
        """Draw from N(0, 1) or U(-1, 1), whatever the truncation: (count, *shape), on the CPU."""

    def normal(self, *shape: int) -> Tensor:
        """Draw from N(0, 1), times the truncation: (count, *shape)."""
        return (self.standard("normal", shape) * self._truncation).to(self._device)

    def uniform(self, *shape: int, low: float = -1.0, high: float = 1.0) -> Tensor:
        """Draw from U(low, high), shrunk towards its middle by the truncation: (count, *shape)."""
        middle, reach = (low + high) / 2, (high - low) / 2
        return (self.standard("uniform", shape) * (reach * self._truncation) + middle).to(self._device)


class BlockNoise(PictureNoise):
    """The noise of the pictures of some blocks under a seed: the same whatever else is drawn with them.

    Numbers are drawn on the CPU with one generator for each (seed, block), so that they do not depend on the
    device, the count or the batch.
    """

    def __init__(
        self, seed: int, blocks: Sequence[int], *, truncation: float = 1.0, device: torch.device | str = "cpu"
    ) -> None:
        super().__init__(len(blocks) * BLOCK, truncation=truncation, device=device)
        self._generators = [torch.Generator().manual_seed(derive_seed("picture", seed, block)) for block in blocks]

    def standard(self, kind: Distribution, shape: tuple[int, ...]) -> Tensor:
        """Draw from N(0, 1) or U(-1, 1), whatever the truncation: (count, *shape), on the CPU."""
        if kind == "normal":
            return torch.cat([torch.randn(BLOCK, *shape, generator=one) for one in self._generators])
        return torch.cat([torch.rand(BLOCK, *shape, generator=one) for one in self._generators]) * 2 - 1
