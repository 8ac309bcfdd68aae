"""What the pictures of a data set look like: a small grid of training pictures, always the same ones."""

from pathlib import Path

import torch
from torch import Tensor

from app.pictures.inference import SharedWork
from datasets import TrainingData, is_here, load_here
from models import encode_png, find_dataset, lay_out

ROWS, COLUMNS = 10, 12
"""At most so many classes, spread evenly where there are more, and so many pictures of each."""


class Previews:
    """Draws the grids of the data sets in a directory, each once. Threads share it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._drawn: dict[str, bytes] = {}
        self._shared = SharedWork[bytes]()

    def is_here(self, name: str) -> bool:
        """Whether the data set's pictures are on this machine. Raises UnknownDatasetError."""
        return is_here(name, self._directory)

    def draw(self, name: str) -> bytes:
        """Return a PNG, a row of each class: the first pictures in the order of the data set.

        Raises UnknownDatasetError, DatasetNotHereError.
        """
        known = find_dataset(name).name
        return self._shared.run(known, lambda: self._draw(known))

    def _draw(self, name: str) -> bytes:
        if name not in self._drawn:
            chosen = choose_examples(load_here(name, self._directory))
            self._drawn[name] = encode_png(lay_out(chosen, columns=COLUMNS), {"Software": "Ganery"})
        return self._drawn[name]


def choose_examples(data: TrainingData) -> Tensor:
    """Return the first pictures of up to ten classes, class by class: (rows * COLUMNS, c, h, w) uint8.

    A class of fewer pictures has them again from the first.
    """
    rows = []
    for label in data.spec.spread_labels(ROWS):
        places = torch.nonzero(data.labels == label).flatten()[:COLUMNS]
        if len(places):
            rows.append(places[torch.arange(COLUMNS) % len(places)])
    return data.images[torch.cat(rows)]
