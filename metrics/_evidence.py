"""What a metric looks at: drawn pictures, and the real ones that they are compared with.

What is costly, such as the judge's features, is computed when a metric first asks for it, and kept as long as the
pictures are. So the real side is built once, as a `Reference`, and serves every comparison.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, Protocol, TypeVar, cast

import torch
from torch import Tensor

from metrics._neighbours import NEIGHBOURS, radius
from models import PictureJudge, from_pixels

TrainClassifier = Callable[[Tensor, Tensor], PictureJudge]
"""Trains a classifier on pictures (n, c, h, w) uint8 and their classes (n,) int64."""

Extract = Callable[[Tensor], Tensor]
"""Pictures (n, 3, h, w) uint8 to features (n, d)."""

_BATCH = 100  # pictures that the judge sees at once: on a CPU twice as fast as 500

_Value = TypeVar("_Value")


class Labelled(Protocol):
    """Real pictures (n, c, h, w) uint8 and their classes (n,) int64, as a data set has them."""

    @property
    def images(self) -> Tensor:
        """The pictures."""

    @property
    def labels(self) -> Tensor:
        """The class of each."""


class Keeper:
    """Keeps what was computed of it."""

    def keep(self, key: Hashable, compute: Callable[[], _Value]) -> _Value:
        """Return what is kept under a key, computing it the first time."""
        if key not in self._kept:
            self._kept[key] = compute()
        return cast(_Value, self._kept[key])

    @cached_property
    def _kept(self) -> dict[Hashable, Any]:
        return {}


_Kept = TypeVar("_Kept", bound=Keeper)


def once(compute: Callable[[_Kept], _Value]) -> Callable[[_Kept], _Value]:
    """Let a function of pictures or of evidence be computed once for each, and its value be kept with them."""

    @wraps(compute)
    def kept(keeper: _Kept) -> _Value:
        return keeper.keep(compute, lambda: compute(keeper))

    return kept


@dataclass(frozen=True, eq=False)  # no slots: what is computed is kept in __dict__
class Pictures(Keeper):
    """Pictures as the judge sees them.

    pixels: (n, c, h, w) uint8. labels: (n,) int64: the classes of real pictures, or those that drawn ones were asked
    for; None where none could be asked for.
    """

    judge: PictureJudge
    pixels: Tensor
    labels: Tensor | None

    def __len__(self) -> int:
        return len(self.pixels)

    @cached_property
    def features(self) -> Tensor:
        """The judge's features: (n, d)."""
        return self.judge.features(from_pixels(self.pixels), batch_size=_BATCH)

    @cached_property
    def logits(self) -> Tensor:
        """The judge's logits: (n, classes)."""
        features = self.features  # which also takes the judge out of training
        with torch.inference_mode():
            return self.judge.head(features)

    @cached_property
    def recognised(self) -> Tensor:
        """The class that the judge finds most probable: (n,) int64."""
        return self.logits.argmax(dim=1)

    @property
    def accuracy(self) -> float | None:
        """The share that is recognised as its label; None without labels."""
        return None if self.labels is None else float((self.recognised == self.labels).float().mean())

    @cached_property
    def radius(self) -> Tensor:
        """The distance of each picture's features to those of its k-th nearest neighbour among the others: (n,)."""
        return radius(self.features, NEIGHBOURS)

    def remember(self, features: Tensor, radius: Tensor) -> None:
        """Take the features and radii that the same judge found in the same pictures before."""
        self.__dict__.update(features=features, radius=radius)

    def first(self, count: int) -> "Pictures":
        """Return the first of these pictures, or these themselves where there are no more."""
        if count >= len(self):
            return self
        return Pictures(self.judge, self.pixels[:count], None if self.labels is None else self.labels[:count])


@dataclass(frozen=True, eq=False)
class Reference(Keeper):
    """The real pictures that drawn ones are compared with. Build it once, and use it for every comparison.

    test: compared with. train: what the generator learnt from. train_classifier, inception: tools that some metrics
    need, and which this layer has not; without one, its metrics do not apply.
    """

    judge: PictureJudge
    train: Pictures
    test: Pictures
    train_classifier: TrainClassifier | None = None
    inception: Extract | None = None

    @classmethod
    def of(
        cls,
        judge: PictureJudge,
        train: Labelled,
        test: Labelled,
        *,
        train_classifier: TrainClassifier | None = None,
        inception: Extract | None = None,
    ) -> "Reference":
        """Return the reference of a data set's two splits."""
        known, unseen = (Pictures(judge, split.images, split.labels) for split in (train, test))
        return cls(judge, known, unseen, train_classifier=train_classifier, inception=inception)

    def compare(self, pixels: Tensor, labels: Tensor | None) -> "Evidence":
        """Return the evidence on pictures (n, c, h, w) uint8 that were asked for by these classes (n,), or by none."""
        return Evidence(self, Pictures(self.judge, pixels, labels))

    @cached_property
    def held_out(self) -> "Evidence":
        """The test pictures in the place of drawn ones."""
        return Evidence(self, self.test)


@dataclass(frozen=True, eq=False)
class Evidence(Keeper):
    """Drawn pictures beside the real ones: all that a metric may look at."""

    reference: Reference
    drawn: Pictures

    @property
    def real(self) -> Pictures:
        """The test pictures."""
        return self.reference.test

    def first(self, count: int | None) -> "Evidence":
        """Return the evidence on the first of the drawn pictures; None means all."""
        pictures = self.drawn if count is None else self.drawn.first(count)
        return self if pictures is self.drawn else Evidence(self.reference, pictures)
