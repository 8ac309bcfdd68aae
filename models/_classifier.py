"""What judges pictures: it recognises classes, and its features carry every distance.

The classifier is a small convolutional network in the shape of VGG (Simonyan & Zisserman 2015) with batch normalisation
and dropout. Pictures of several channels can be judged channel by channel, by a classifier of one.
"""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from models._datasets import DatasetSpec
from models._noise import BLOCK

FEATURES = 128
"""Width of the penultimate layer, whose activations are the features."""


class PictureJudge(Protocol):
    """Tells the class of pictures (n, c, h, w) in [-1, 1], and the features by which they are compared."""

    def embed(self, images: Tensor) -> Tensor:
        """Return the features of one batch, through which gradients flow: (n, d)."""

    def features(self, images: Tensor, *, batch_size: int = 500) -> Tensor:
        """Return the features: (n, d)."""

    def head(self, features: Tensor) -> Tensor:
        """Return the logits of features (n, d): (n, classes)."""

    def probabilities(self, images: Tensor, *, batch_size: int = BLOCK) -> Tensor:
        """Return class probabilities: (n, classes). Computed in blocks, so a row depends on its block alone."""


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
        logits: Tensor = self.head(self.embed(images))
        return logits

    def embed(self, images: Tensor) -> Tensor:
        """Return the activations of the penultimate layer, through which gradients flow: (n, FEATURES), not negative.

        A batch depends on itself alone only while the classifier does not train.
        """
        features: Tensor = self.extract(self._resize(images))
        return features

    @torch.inference_mode()
    def features(self, images: Tensor, *, batch_size: int = 500) -> Tensor:
        """Return the activations of the penultimate layer: (n, FEATURES), not negative."""
        self.eval()
        return torch.cat([self.embed(batch) for batch in torch.split(images, batch_size)])

    @torch.inference_mode()
    def probabilities(self, images: Tensor, *, batch_size: int = BLOCK) -> Tensor:
        """Return class probabilities: (n, classes). Computed in blocks, so a row depends on its block alone."""
        self.eval()
        return torch.cat([self(batch).softmax(dim=1) for batch in torch.split(images, batch_size)])

    def _resize(self, images: Tensor) -> Tensor:
        side = self.dataset.size
        return images if images.shape[-1] == side else interpolate(images, (side, side), mode="bilinear")


class ChannelwiseJudge:
    """Applies a classifier of pictures with one channel to each channel of pictures with c.

    A class is the classes of the channels one after the other, the first counting most, as digits make a number. So
    Stacked MNIST is judged: Metz et al. 2017, section 3.3.1.
    """

    def __init__(self, of_channel: Classifier, channels: int) -> None:
        self._of_channel, self._channels = of_channel, channels

    def embed(self, images: Tensor) -> Tensor:
        """Return the features of all channels beside each other, through which gradients flow: (n, c * FEATURES)."""
        return self._of_channel.embed(images.flatten(0, 1).unsqueeze(1)).view(len(images), -1)

    def features(self, images: Tensor, *, batch_size: int = 500) -> Tensor:
        """Return the features of all channels beside each other: (n, c * FEATURES), not negative."""
        single = images.flatten(0, 1).unsqueeze(1)
        return self._of_channel.features(single, batch_size=batch_size * self._channels).view(len(images), -1)

    @torch.inference_mode()
    def head(self, features: Tensor) -> Tensor:
        """Return the logarithms of the products of the channels' probabilities: (n, classes of a channel ^ c)."""
        logits: Tensor = self._of_channel.head(features.view(len(features), self._channels, -1))
        first, *others = logits.log_softmax(dim=2).unbind(dim=1)
        for other in others:
            first = (first[:, :, None] + other[:, None, :]).flatten(1)
        return first

    def probabilities(self, images: Tensor, *, batch_size: int = BLOCK) -> Tensor:
        """Return class probabilities: (n, classes). Computed in blocks, so a row depends on its block alone."""
        blocks = torch.split(images, batch_size)
        return torch.cat([self.head(self.features(block, batch_size=batch_size)).softmax(dim=1) for block in blocks])


def _block(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
