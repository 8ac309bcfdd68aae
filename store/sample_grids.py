"""How a job's sample grids are laid out: as workers draw them, and as pages keep a place for them."""

from collections.abc import Sequence

from models import DatasetSpec

SAMPLE_COLUMNS = 8
_ROWS = 8
_MOST_CLASSES = 10


def labels_of_rows(dataset: DatasetSpec, *, is_conditional: bool) -> Sequence[int]:
    """Return the label of each row: every class, ten of many, or 0 again and again where none is asked for."""
    return dataset.spread_labels(_MOST_CLASSES) if is_conditional else [0] * _ROWS
