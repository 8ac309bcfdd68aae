"""Which judges need no training of their own, since they are made of others, or know the answer by a formula."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from models._classifier import ChannelwiseJudge, PictureJudge
from models._datasets import GRID, MNIST, RING, STACKED_MNIST
from models._toys import MIXTURES, PlaneJudge


@dataclass(frozen=True, slots=True)
class DerivedJudge:
    """How to make a judge. trained: the data sets whose trained judges `build` takes, in this order."""

    trained: tuple[str, ...]
    build: Callable[..., PictureJudge]


DERIVED_JUDGES: Mapping[str, DerivedJudge] = MappingProxyType(
    {
        STACKED_MNIST.name: DerivedJudge((MNIST.name,), partial(ChannelwiseJudge, channels=STACKED_MNIST.channels)),
        RING.name: DerivedJudge((), partial(PlaneJudge, MIXTURES[RING.name])),
        GRID.name: DerivedJudge((), partial(PlaneJudge, MIXTURES[GRID.name])),
    }
)
"""By data set. All others have a judge that is trained, or none."""
