"""Tiny checkpoints in the place of the shipped ones: of the flagship, of a family without labels, a classifier."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from checkpoints import library
from checkpoints.format import Checkpoint, Metadata, save
from checkpoints.library import DEFAULT_CHECKPOINT
from models import FLAGSHIP, SEGMENTS, find_family
from models._classifier import Classifier
from tests.training import train

CONDITIONAL = DEFAULT_CHECKPOINT
UNCONDITIONAL = "plain"
UNCONDITIONAL_FAMILY = "dcgan"
JUDGE = "judge-segments"


@contextmanager
def shipped(directory: Path) -> Iterator[Path]:
    """Let a folder with the tiny checkpoints be the one that ships."""
    save(trained(FLAGSHIP), directory / CONDITIONAL)
    save(trained(UNCONDITIONAL_FAMILY), directory / UNCONDITIONAL)
    save(decided_judge(), directory / JUDGE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "PRETRAINED", directory)
        yield directory


def trained(family: str, *, seed: int = 0) -> Checkpoint:
    """Train a family for two steps on the drawn data set."""
    return train(find_family(family), seed=seed, steps=2).snapshot()


def decided_judge() -> Checkpoint:
    """A classifier that knows nothing, and is sure of it: every picture has one class with all probability."""
    torch.manual_seed(0)
    weights = Classifier(SEGMENTS).state_dict()
    decided = {name: value * 1e4 if name.startswith("head") else value for name, value in weights.items()}
    metadata = Metadata(
        family="judge",
        preset="default",
        dataset=SEGMENTS,
        dataset_digest="",
        hyperparameters={},
        batch_size=1,
        images=0,
        seed=0,
        step=0,
        images_seen=0,
    )
    return Checkpoint(metadata, decided)


def flip_a_bit(file: Path) -> None:
    """Damage a file in its middle."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))


def ship(monkeypatch: pytest.MonkeyPatch, folders: Mapping[str, Path]) -> None:
    """Let these be the checkpoints that ship."""
    for module in ("app.pictures.catalogue", "checkpoints.library"):
        monkeypatch.setattr(f"{module}.shipped", lambda: folders)
