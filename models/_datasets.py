"""What a network must know of a data set: the shape of a picture and the names of the classes."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field


class DatasetSpec(BaseModel):
    """The shape of a data set's pictures, and its classes in the order of their labels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="the key of the data set, as in POST /train")
    channels: int = Field(ge=1, le=4, description="channels of a picture")
    size: int = Field(ge=4, description="side of the square picture in pixels")
    classes: tuple[str, ...] = Field(min_length=1, description="names of the classes, by label")

    def label(self, name: str) -> int:
        """Return the label of a class given by its name or by its index written out.

        Raises UnknownClassError, which names the classes that there are.
        """
        if name in self.classes:
            return self.classes.index(name)
        if name.isascii() and name.isdigit() and int(name) < len(self.classes):
            return int(name)
        raise UnknownClassError(name, self)

    @property
    def listed_classes(self) -> str:
        """The names of the classes for a sentence; of very many, the first ones and the last."""
        names = self.classes if len(self.classes) <= _MOST_LISTED else (*self.classes[:3], "…", self.classes[-1])
        return ", ".join(names)

    def spread_labels(self, most: int) -> list[int]:
        """Return the labels of `most` classes spread evenly, the first and the last among them; of fewer, all."""
        count = min(most, len(self.classes))
        return [place * (len(self.classes) - 1) // max(count - 1, 1) for place in range(count)]


_MOST_LISTED = 30


class UnknownClassError(ValueError):
    """A class that the data set does not have."""

    def __init__(self, name: str, dataset: DatasetSpec) -> None:
        self.name = name
        self.dataset = dataset
        super().__init__(
            f"{dataset.name} has no class {name!r}; it has {dataset.listed_classes} "
            f"(or the indices 0 to {len(dataset.classes) - 1})"
        )


MNIST = DatasetSpec(name="mnist", channels=1, size=28, classes=tuple("0123456789"))
FASHION_MNIST = DatasetSpec(
    name="fashion_mnist",
    channels=1,
    size=28,
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)
STACKED_MNIST = DatasetSpec(
    name="stacked_mnist", channels=3, size=28, classes=tuple(f"{number:03}" for number in range(1000))
)
"""Three pictures of MNIST as the channels of one; its class is their digits one after the other."""

SEGMENTS = DatasetSpec(name="segments", channels=1, size=16, classes=tuple("0123456789"))
"""Seven-segment digits drawn by formula: needs no download."""
RING = DatasetSpec(name="ring", channels=1, size=16, classes=tuple(f"mode {number}" for number in range(8)))
GRID = DatasetSpec(name="grid", channels=1, size=16, classes=tuple(f"mode {number}" for number in range(25)))
"""Points in the plane as pictures, from eight Gaussians on a circle and from 25 on a grid: `models/_toys.py`."""

DATASETS: Mapping[str, DatasetSpec] = MappingProxyType(
    {spec.name: spec for spec in (MNIST, FASHION_MNIST, STACKED_MNIST, SEGMENTS, RING, GRID)}
)


class UnknownDatasetError(KeyError):
    """A data set that there is not."""

    def __init__(self, name: str) -> None:
        self.name, self.known = name, tuple(DATASETS)
        super().__init__(name)

    def __str__(self) -> str:
        return f"there is no data set {self.name!r}; there are {', '.join(self.known)}"


def find_dataset(name: str) -> DatasetSpec:
    """Return the data set of that name. Raises UnknownDatasetError, which names those that there are."""
    try:
        return DATASETS[name]
    except KeyError:
        raise UnknownDatasetError(name) from None
