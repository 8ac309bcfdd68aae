"""Training pictures in memory: read once for all who look at them, and kept as long as there is room."""

from pathlib import Path

from app.sharing import KeptWork
from datasets import TrainingData, is_here, load_here


class TrainingPictures:
    """The data sets in a directory. Whoever loads one holds a turn of the engine. Threads share it.

    limit_bytes: of what is kept; a data set that is larger is read again whenever it is wanted.
    """

    def __init__(self, directory: Path, *, limit_bytes: int) -> None:
        self._directory = directory
        self._loaded = KeptWork[TrainingData](None, limit_bytes, _size)

    def is_here(self, name: str) -> bool:
        """Whether the data set's pictures are on this machine. Raises UnknownDatasetError."""
        return is_here(name, self._directory)

    def load(self, name: str, *, split: str = "train") -> TrainingData:
        """Return a split ("train" or "test"), and fetch nothing. Raises UnknownDatasetError, DatasetNotHereError."""
        return self._loaded.make(f"{name}/{split}", lambda: load_here(name, self._directory, split=split))


def _size(data: TrainingData) -> int:
    return data.images.nbytes + data.labels.nbytes
