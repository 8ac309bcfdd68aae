"""Draw pictures from trained networks: a pure function of the weights and the arguments.

Pictures are numbered under a seed. Picture i is computed in the block i // BLOCK, always at the same place of a
batch of the same shape, so it is the same to the last bit whatever else is asked for beside it.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from models._family import Conditioning, Family, ModelConfig, Networks
from models._noise import BLOCK, BlockNoise


class NoScoreError(ValueError):
    """A score was asked for of a family that has none."""

    def __init__(self, family: str) -> None:
        self.family = family
        super().__init__(f"{family} has no score, so it cannot tell which pictures look most real")


class Sampler:
    """Draws pictures of a trained family and scores them."""

    def __init__(self, family: Family[Any], config: ModelConfig[Any], networks: Networks) -> None:
        self.family = family
        self.config = config
        self.networks = networks.eval().requires_grad_(False)
        self._device = next(networks.parameters()).device

    @property
    def is_conditional(self) -> bool:
        """Whether a label changes what is drawn."""
        return self.family.conditioning is Conditioning.LABEL

    @torch.inference_mode()
    def sample(self, indices: Sequence[int], *, seed: int, labels: Sequence[int], truncation: float = 1.0) -> Tensor:
        """Draw the pictures of these numbers under a seed.

        indices: numbers of the pictures, ascending. labels: the class of each. truncation: in (0, 1].
        Returns (n, c, h, w) in [-1, 1], float32, on the CPU.
        """
        blocks: dict[int, list[int]] = {}
        for place, index in enumerate(indices):
            blocks.setdefault(index // BLOCK, []).append(place)
        images = [
            self._block(block, [(indices[place] % BLOCK, labels[place]) for place in places], seed, truncation)
            for block, places in blocks.items()
        ]
        order = torch.tensor([place for places in blocks.values() for place in places])
        return torch.cat(images)[order.argsort()]

    def _block(self, block: int, wanted: list[tuple[int, int]], seed: int, truncation: float) -> Tensor:
        noise = BlockNoise(seed, [block], truncation=truncation, device=self._device)
        labels = torch.zeros(BLOCK, dtype=torch.int64)
        rows = torch.tensor([row for row, _ in wanted])
        labels[rows] = torch.tensor([label for _, label in wanted])
        images = self.family.sample(self.networks, self.config, noise, labels.to(self._device))
        return images.float().clamp(-1, 1).cpu()[rows]

    @torch.inference_mode()
    def score(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return how real each picture looks to the discriminator: (n,), higher is more real, on no fixed scale.

        images: (n, c, h, w) in [-1, 1]; labels: (n,). Computed in blocks, so a score depends on its block alone.
        Raises NoScoreError where the family has none.
        """
        score = self.family.score
        if score is None:
            raise NoScoreError(self.family.name)
        blocks = zip(torch.split(images, BLOCK), torch.split(labels, BLOCK), strict=True)
        return torch.cat([self._score_block(block, of, score) for block, of in blocks])

    def _score_block(self, images: Tensor, labels: Tensor, score: Any) -> Tensor:
        count = len(images)
        missing = BLOCK - count  # a short block is filled up: one batch shape, one result
        images = torch.cat([images, images.new_zeros(missing, *images.shape[1:])]).to(self._device)
        labels = torch.cat([labels, labels.new_zeros(missing)]).to(self._device)
        scores: Tensor = score(self.networks, self.config, images, labels)
        return scores.float().cpu()[:count]
