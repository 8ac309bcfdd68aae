"""Draw pictures from trained networks: a pure function of the weights and the arguments.

Pictures are numbered under a seed. Picture i is computed in the block i // BLOCK, always at the same place of a
batch of the same shape, so it is the same to the last bit whatever else is asked for beside it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from models._family import Conditioning, Controls, Family, ModelConfig, Networks
from models._layers import batch_statistics
from models._noise import BLOCK, BlockNoise, Noise


class NoScoreError(ValueError):
    """A score was asked for of a family that has none."""

    def __init__(self, family: str) -> None:
        self.family = family
        super().__init__(f"{family} has no score, so it cannot tell which pictures look most real")


class NoClassifierError(ValueError):
    """Class probabilities were asked for of a family that tells none."""

    def __init__(self, family: str) -> None:
        self.family = family
        super().__init__(f"{family} does not classify pictures")


class Sampler:
    """Draws pictures of a trained family, scores and classifies them."""

    def __init__(self, family: Family[Any], config: ModelConfig[Any], networks: Networks) -> None:
        self.family = family
        self.config = config
        self.networks = networks.eval().requires_grad_(False)
        self.device = next(networks.parameters()).device

    @property
    def is_conditional(self) -> bool:
        """Whether a label changes what is drawn."""
        return self.family.conditioning is Conditioning.LABEL

    @torch.inference_mode()
    def sample(
        self,
        indices: Sequence[int],
        *,
        seed: int,
        labels: Sequence[int],
        truncation: float = 1.0,
        controls: Controls | None = None,
    ) -> Tensor:
        """Draw the pictures of these numbers under a seed.

        indices: numbers of the pictures, ascending. labels: the class of each. truncation: in (0, 1]. controls: the
        family's own, by which all of them are steered. Returns (n, c, h, w) in [-1, 1], float32, on the CPU.
        """
        blocks: dict[int, list[int]] = {}
        for place, index in enumerate(indices):
            blocks.setdefault(index // BLOCK, []).append(place)
        images = []
        for block, places in blocks.items():
            noise = BlockNoise(seed, [block], truncation=truncation, device=self.device)
            images.append(self._block(noise, [(indices[place] % BLOCK, labels[place]) for place in places], controls))
        order = torch.tensor([place for places in blocks.values() for place in places])
        return torch.cat(images)[order.argsort()]

    def _block(self, noise: BlockNoise, wanted: list[tuple[int, int]], controls: Controls | None) -> Tensor:
        labels = torch.zeros(BLOCK, dtype=torch.int64)
        rows = torch.tensor([row for row, _ in wanted])
        labels[rows] = torch.tensor([label for _, label in wanted])
        return self.draw(noise, labels.to(self.device), controls)[rows]

    def draw(self, noise: Noise, labels: Tensor, controls: Controls | None = None) -> Tensor:
        """Draw a picture for each row of the noise, through which gradients flow: (n, c, h, w) in [-1, 1], on the CPU.

        labels: (n,), on the sampler's device. A picture may depend on the number of rows in its last bit: `sample`
        always draws BLOCK.
        """
        if controls is None or self.family.steering is None:
            images = self.family.sample(self.networks, self.config, noise, labels)
        else:
            images = self.family.steering.sample(self.networks, self.config, noise, labels, controls)
        return images.float().clamp(-1, 1).cpu()

    @torch.inference_mode()
    def score(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return how real each picture looks to the discriminator: (n,), higher is more real, on no fixed scale.

        images: (n, c, h, w) in [-1, 1]; labels: (n,). Computed in blocks, so a score depends on its block alone.
        Raises NoScoreError where the family has none.
        """
        score = self.family.score
        if score is None:
            raise NoScoreError(self.family.name)
        return self._by_blocks(partial(score, self.networks, self.config), images, labels)

    @torch.inference_mode()
    def score_in_play(self, images: Tensor, labels: Tensor, *, batch_size: int = 50) -> Tensor:
        """Return the same as the discriminator scores while it learns: (n,).

        images: all real, or all drawn. Batch norm then takes the statistics of each batch, and so tells real from drawn
        batches; its moving statistics, by which `score` goes, are of both, and may turn the order round. Leaves the
        networks as they were. Raises NoScoreError.
        """
        score = self.family.score
        if score is None:
            raise NoScoreError(self.family.name)
        with batch_statistics(self.networks):
            parts = -(-len(images) // batch_size)  # of even sizes: one picture alone has no statistics
            batches = zip(torch.tensor_split(images, parts), torch.tensor_split(labels, parts), strict=True)
            scores = [score(self.networks, self.config, *(one.to(self.device) for one in batch)) for batch in batches]
        return torch.cat(scores).float().cpu()

    @torch.inference_mode()
    def classify(self, images: Tensor) -> Tensor:
        """Return the probability of each class for each picture, (n, classes), as a network of the family tells it.

        images: (n, c, h, w) in [-1, 1]. Raises NoClassifierError where none does.
        """
        classify = self.family.classify
        if classify is None:
            raise NoClassifierError(self.family.name)
        return self._by_blocks(partial(classify, self.networks, self.config), images)

    def _by_blocks(self, function: Callable[..., Tensor], *columns: Tensor) -> Tensor:
        """Apply a function to blocks of rows: one batch shape, one result. A short block is filled up with zeros."""
        results = []
        for block in zip(*(torch.split(column, BLOCK) for column in columns), strict=True):
            count = len(block[0])
            filled = [torch.cat([rows, rows.new_zeros(BLOCK - count, *rows.shape[1:])]) for rows in block]
            results.append(function(*(rows.to(self.device) for rows in filled)).float().cpu()[:count])
        return torch.cat(results)
