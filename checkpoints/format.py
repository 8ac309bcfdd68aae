"""A checkpoint is a directory: tensors as safetensors, everything else as JSON; nothing is ever unpickled.

    networks.safetensors        the weights and buffers of every network; what ships may be packed (packing.py)
    averaged.safetensors        the moving average of the generators; sampling prefers it
    training_state.safetensors  optimiser moments and unread metrics; needed to continue, not to sample
    metadata.json               what it is, the sha256 of each file, and a seal: its own sha256
    README.md                   the same for a person, where a training or a publication wrote it (cards.py)

It is written beside its place, synced, and renamed into it, so a reader finds a whole one or none. What a killed
process leaves beside it is in a directory whose name begins with a dot; `recover` puts it in order.
"""

import hashlib
import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as serialise_tensors
from torch import Tensor

from checkpoints.files import sync_directory, write_whole
from checkpoints.packing import unpack
from models import DatasetSpec

FORMAT_VERSION = 1

Tensors = Mapping[str, Tensor]


class CheckpointError(Exception):
    """A checkpoint that cannot be used."""


class CheckpointMissingError(CheckpointError):
    """There is no checkpoint in the directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        super().__init__(f"there is no checkpoint in {directory}: it has no metadata.json")


class CheckpointCorruptError(CheckpointError):
    """A file of the checkpoint is not what was written."""

    def __init__(self, directory: Path, file: str, reason: str) -> None:
        self.directory, self.file, self.reason = directory, file, reason
        super().__init__(f"the checkpoint {directory.name} is damaged: {file} {reason}")


class CheckpointIncompleteError(CheckpointError):
    """The checkpoint can be sampled from, but no training can continue from it."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the checkpoint {name} holds no training state, so nothing can continue from it")


class CheckpointUnusableError(CheckpointError):
    """The checkpoint is what was written, but this version cannot build its networks."""

    def __init__(self, family: str, step: int, reason: str) -> None:
        self.family, self.step, self.reason = family, step, reason
        super().__init__(f"this version cannot draw from the checkpoint of {family} at step {step}: {reason}")


class _Versioned(BaseModel):
    """The part of the metadata that every version has."""

    format_version: int


class Metadata(BaseModel):
    """What a checkpoint is, apart from its tensors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    family: str
    preset: str
    dataset: DatasetSpec
    dataset_digest: str = Field(description="sha256 of the training pictures and labels")
    hyperparameters: dict[str, Any]
    batch_size: int
    images: int = Field(description="image budget of the whole training")
    seed: int
    step: int
    images_seen: int
    precision: str = Field("float32", description="of the networks' arithmetic in training")
    averaging_half_life: float = Field(0, description="in pictures; 0 where no average was kept")
    metrics: dict[str, float] = Field(default_factory=dict)
    judge: str | None = Field(None, description="digest of the judge that measured the metrics; null where none did")
    versions: dict[str, str] = Field(default_factory=dict)
    created_at: datetime | None = None
    files: dict[str, str] = Field(default_factory=dict, description="sha256 of each file, by name")
    seal: str = Field("", description="sha256 of all the rest of the metadata")

    def sealed(self) -> "Metadata":
        """Return the same with the seal that fits: of what was written, not of fields that came after."""
        unsealed = self.model_dump_json(exclude={"seal"}, exclude_unset=True)
        return self.model_copy(update={"seal": hashlib.sha256(unsealed.encode()).hexdigest()})

    @property
    def digest(self) -> str:
        """One sha256 for all that sampling depends on: configuration and weights."""
        parts = [self.family, self.dataset.model_dump_json(), json.dumps(self.hyperparameters, sort_keys=True)]
        parts += [f"{name}:{self.files[name]}" for name in sorted(self.files) if name in _WEIGHTS]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint in memory; tensors by dotted name. Without a training state nothing can continue from it."""

    metadata: Metadata
    networks: Tensors
    averaged: Tensors = field(default_factory=dict)
    training_state: Tensors | None = None


_WEIGHTS = ("networks.safetensors", "averaged.safetensors")
_TRAINING_STATE = "training_state.safetensors"
_METADATA = "metadata.json"
_CARD = "README.md"

_ASIDE = ".writing-"
_LEAVING = ".removing-"


def save(checkpoint: Checkpoint, directory: Path, *, card: Callable[[Metadata], str] | None = None) -> Metadata:
    """Write a checkpoint so that the directory appears whole or not at all; one that is there is replaced.

    card: makes the model card, README.md, of the metadata as written; no digest guards it, so a person may add to it.

    That one is moved aside until the new one is in its place; after a kill meanwhile, `recover` moves it back. Returns
    the metadata as written, with the digests of the files.
    """
    contents = {
        name: serialise_tensors({key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()})
        for name, tensors in (
            (_WEIGHTS[0], checkpoint.networks),
            (_WEIGHTS[1], checkpoint.averaged or None),
            (_TRAINING_STATE, checkpoint.training_state),
        )
        if tensors is not None
    }
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    metadata = Metadata.model_validate(checkpoint.metadata.model_dump() | {"files": digests}).sealed()
    contents[_METADATA] = (metadata.model_dump_json(indent=2) + "\n").encode()
    if card is not None:
        contents[_CARD] = card(metadata).encode()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{_ASIDE}{directory.name}-", dir=directory.parent) as aside:
        new = Path(aside, "new")
        new.mkdir()
        for name, data in contents.items():
            write_whole(new / name, data)
        _replace(directory, new, Path(aside, "old"))
        sync_directory(directory.parent)
    return metadata


def remove(directory: Path) -> None:
    """Remove a checkpoint so that it is gone at once: a reader finds a whole one or none, and never a damaged one."""
    leaving = directory.with_name(f"{_LEAVING}{directory.name}-{secrets.token_hex(4)}")
    try:
        directory.rename(leaving)
    except FileNotFoundError:
        return
    shutil.rmtree(leaving, ignore_errors=True)


def recover(parent: Path, *, is_dead: Callable[[str], bool] = lambda name: True) -> None:
    """Put in order what killed saves and removals left in a directory.

    A checkpoint whose place is empty since another was to replace it returns to it.
    is_dead: whether nothing saves any more to the place of this name; what is beside all others stays untouched.
    """
    for leaving in parent.glob(f"{_LEAVING}*"):
        shutil.rmtree(leaving, ignore_errors=True)
    for aside in parent.glob(f"{_ASIDE}*"):
        name = aside.name.removeprefix(_ASIDE).rpartition("-")[0]
        if not is_dead(name):
            continue
        place, old = parent / name, aside / "old"
        if old.exists() and not place.exists():
            with suppress(FileNotFoundError):  # another has just done so
                old.rename(place)
            sync_directory(parent)
        shutil.rmtree(aside, ignore_errors=True)


def read_metadata(directory: Path) -> Metadata:
    """Read what a checkpoint is, without its tensors.

    Raises CheckpointMissingError, or CheckpointCorruptError when the metadata are not ours.
    """
    try:
        text = (directory / _METADATA).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise CheckpointMissingError(directory) from None
    except OSError as error:
        raise CheckpointCorruptError(directory, _METADATA, f"cannot be read: {error.strerror}") from error
    try:
        version = _Versioned.model_validate_json(text).format_version
        if version > FORMAT_VERSION:
            reason = f"is of format {version}; this version reads up to {FORMAT_VERSION}"
            raise CheckpointCorruptError(directory, _METADATA, reason)
        metadata = Metadata.model_validate_json(text)
    except ValidationError as error:
        raise CheckpointCorruptError(directory, _METADATA, f"is not ours: {error.errors()[0]['msg']}") from error
    if metadata.seal != metadata.sealed().seal:
        raise CheckpointCorruptError(directory, _METADATA, "is not what its seal says")
    return metadata


def load(directory: Path, *, for_training: bool = False) -> Checkpoint:
    """Read a checkpoint and check every file against its digest; the training state only where asked for.

    Raises CheckpointMissingError, CheckpointCorruptError, or CheckpointIncompleteError when training cannot go on.
    """
    metadata = read_metadata(directory)
    networks, averaged = (_read_tensors(directory, name, metadata) for name in _WEIGHTS)
    if not for_training:
        return Checkpoint(metadata, networks, averaged)
    if not is_resumable(directory):
        raise CheckpointIncompleteError(directory.name)
    return Checkpoint(metadata, networks, averaged, _read_tensors(directory, _TRAINING_STATE, metadata))


def is_resumable(directory: Path) -> bool:
    """Whether the checkpoint holds what a training needs to continue from it."""
    return (directory / _TRAINING_STATE).exists()


def drop_training_state(directory: Path) -> None:
    """Remove what only a continuing training needs; the checkpoint stays good to sample from."""
    (directory / _TRAINING_STATE).unlink(missing_ok=True)


def _read_tensors(directory: Path, name: str, metadata: Metadata) -> Tensors:
    if name not in metadata.files:
        return {}
    try:
        data = (directory / name).read_bytes()
    except FileNotFoundError:
        if not (directory / _METADATA).exists():  # it was removed since they were read
            raise CheckpointMissingError(directory) from None
        raise CheckpointCorruptError(directory, name, "is missing") from None
    except OSError as error:
        raise CheckpointCorruptError(directory, name, f"cannot be read: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != metadata.files[name]:
        reason = f"has sha256 {found[:12]}…, but {metadata.files[name][:12]}… was written"
        raise CheckpointCorruptError(directory, name, reason)
    try:
        return unpack(parse_tensors(data))
    except SafetensorError as error:
        raise CheckpointCorruptError(directory, name, f"is no safetensors file: {error}") from error


def _replace(directory: Path, new: Path, old: Path) -> None:
    try:
        if directory.exists():
            directory.rename(old)
        new.rename(directory)
    finally:
        if old.exists() and not directory.exists():
            old.rename(directory)
