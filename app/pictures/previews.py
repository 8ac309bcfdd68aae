"""What the pictures of a data set look like: a small grid of training pictures, always the same ones."""

import torch
from torch import Tensor

from app.pictures.training_pictures import TrainingPictures
from app.sharing import KeptWork, Turns
from datasets import TrainingData
from models import DATASETS, encode_png, find_dataset, lay_out

ROWS, COLUMNS = 10, 12
"""At most so many classes, spread evenly where there are more, and so many pictures of each."""


class Previews:
    """Draws the grids of the data sets, in turns and each once. Threads share it."""

    def __init__(self, turns: Turns, training_pictures: TrainingPictures) -> None:
        self._training_pictures = training_pictures
        self._drawn = KeptWork[bytes](turns, len(DATASETS))

    def is_here(self, name: str) -> bool:
        """Whether the data set's pictures are on this machine. Raises UnknownDatasetError."""
        return self._training_pictures.is_here(name)

    def draw(self, name: str) -> bytes:
        """Return a PNG, a row of each class: the first pictures in the order of the data set.

        Raises BusyError, UnknownDatasetError, DatasetNotHereError.
        """
        known = find_dataset(name).name
        return self._drawn.make(known, lambda: self._draw(known))

    def _draw(self, name: str) -> bytes:
        chosen = choose_examples(self._training_pictures.load(name))
        return encode_png(lay_out(chosen, columns=COLUMNS), {"Software": "Ganery"})


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
