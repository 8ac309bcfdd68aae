"""The classifier that judges pictures: it recognises classes, and its features carry every distance.

A small convolutional network in the shape of VGG (Simonyan & Zisserman 2015) with batch normalisation and dropout.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from models._datasets import DatasetSpec
from models._noise import BLOCK

FEATURES = 128
"""Width of the penultimate layer, whose activations are the features."""


class Classifier(nn.Module):
    """Pictures (n, c, h, w) in [-1, 1] to logits (n, classes).

    Pictures of another side than the data set's, as a coarse level of a pyramid has, are brought to it first.
    """

    def __init__(self, dataset: DatasetSpec) -> None:
        super().__init__()
        self.dataset = dataset
        side = dataset.size // 4
        self.extract = nn.Sequential(
            *_block(dataset.channels, 32),
            *_block(32, 32),
            nn.MaxPool2d(2),
            nn.Dropout(0.2),
            *_block(32, 64),
            *_block(64, 64),
            nn.MaxPool2d(2),
            nn.Dropout(0.2),
            nn.Flatten(),
            nn.Linear(64 * side * side, FEATURES, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Dropout(0.4), nn.Linear(FEATURES, len(dataset.classes)))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits: (n, classes)."""
        logits: Tensor = self.head(self.extract(self._resize(images)))
        return logits

    @torch.inference_mode()
    def features(self, images: Tensor, *, batch_size: int = 500) -> Tensor:
        """Return the activations of the penultimate layer: (n, FEATURES), not negative."""
        self.eval()
        return torch.cat([self.extract(self._resize(batch)) for batch in torch.split(images, batch_size)])

    @torch.inference_mode()
    def probabilities(self, images: Tensor, *, batch_size: int = BLOCK) -> Tensor:
        """Return class probabilities: (n, classes). Computed in blocks, so a row depends on its block alone."""
        self.eval()
        return torch.cat([self(batch).softmax(dim=1) for batch in torch.split(images, batch_size)])

    def _resize(self, images: Tensor) -> Tensor:
        side = self.dataset.size
        return images if images.shape[-1] == side else interpolate(images, (side, side), mode="bilinear")


def _block(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
