"""What real pictures look like to a judge, computed once and kept on disk: it is most of what the first look costs.

DIR/<dataset>-<digest>.safetensors    features and radii of the test pictures

The digest is that of the judge, of the pictures and of the number of neighbours: another of either is another file. A
file that is damaged or gone is computed again.
"""

from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as serialise_tensors
from torch import Tensor

from checkpoints.files import write_whole
from checkpoints.library import judge_digest
from datasets import TrainingData
from metrics import NEIGHBOURS, Pictures

_FORMAT = 1


def remember(pictures: Pictures, data: TrainingData, directory: Path) -> None:
    """Let pictures know their features and radii: from disk, or computed now and kept there for the next.

    pictures: of the data, all of them. Keeps nothing of a judge that was not trained: its features cost little.
    """
    judge = judge_digest(data.spec.name)
    if not judge:
        return
    asked = f"{_FORMAT} {judge} {data.digest} {NEIGHBOURS}"
    file = directory / f"{data.spec.name}-{blake2b(asked.encode(), digest_size=8).hexdigest()}.safetensors"
    known = _read(file, len(pictures))
    if known is None:
        known = pictures.features, pictures.radius
        with suppress(OSError):  # it is known all the same
            write_whole(file, serialise_tensors(dict(zip(("features", "radius"), known, strict=True))))
    pictures.remember(*known)


def _read(file: Path, count: int) -> tuple[Tensor, Tensor] | None:
    try:
        found = parse_tensors(file.read_bytes())
        features, radius = found["features"], found["radius"]
    except (OSError, SafetensorError, KeyError):
        return None
    return (features, radius) if len(features) == len(radius) == count else None
