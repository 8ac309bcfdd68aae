"""Which judges need no training of their own, since they are made of others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from models._classifier import ChannelwiseJudge, PictureJudge
from models._datasets import MNIST, STACKED_MNIST


@dataclass(frozen=True, slots=True)
class DerivedJudge:
    """How to make a judge. trained: the data sets whose trained judges `build` takes, in this order."""

    trained: tuple[str, ...]
    build: Callable[..., PictureJudge]


DERIVED_JUDGES: Mapping[str, DerivedJudge] = MappingProxyType(
    {STACKED_MNIST.name: DerivedJudge((MNIST.name,), partial(ChannelwiseJudge, channels=STACKED_MNIST.channels))}
)
"""By data set. All others have a judge that is trained, or none."""
