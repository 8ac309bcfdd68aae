"""The checkpoints that ship with the repository, and what turns a checkpoint into something that draws or judges."""

from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import ValidationError

from checkpoints.format import Checkpoint, CheckpointError, CheckpointUnusableError, Metadata, load, read_metadata
from models import (
    DERIVED_JUDGES,
    Classifier,
    PictureJudge,
    Sampler,
    UnknownFamilyError,
    UnsupportedShapeError,
    find_family,
)

PRETRAINED = Path(__file__).parent / "pretrained"
DEFAULT_CHECKPOINT = "projection_gan-mnist"
"""The shipped checkpoint that answers where none is named."""

_JUDGES = "judge-"


def shipped() -> Mapping[str, Path]:
    """Return the directories of the shipped GAN checkpoints by their names."""
    folders = sorted(path.parent for path in PRETRAINED.glob("*/metadata.json"))
    return {folder.name: folder for folder in folders if not folder.name.startswith((_JUDGES, "."))}


def shipped_id(directory: Path, metadata: Metadata) -> str:
    """Return the id of a shipped checkpoint: its name, and a piece of its digest, since a release may replace it."""
    return f"{directory.name}-{metadata.digest[:8]}"


def find_shipped(wanted: str) -> Path | None:
    """Return the directory of the shipped checkpoint of this name or id: None where none is.

    Raises CheckpointCorruptError.
    """
    folders = shipped()
    if wanted in folders:
        return folders[wanted]
    folder = folders.get(wanted.rpartition("-")[0])
    return folder if folder is not None and shipped_id(folder, read_metadata(folder)) == wanted else None


def to_sampler(checkpoint: Checkpoint, *, device: torch.device | str = "cpu") -> Sampler:
    """Build the networks of a checkpoint and return a sampler that prefers the averaged weights.

    Raises CheckpointUnusableError when its family, a hyperparameter or the shape of a tensor is not this version's.
    """
    metadata = checkpoint.metadata
    try:
        family = find_family(metadata.family)
        config = family.configure(metadata.hyperparameters, metadata.dataset)
        networks = family.build(config)
        networks.load_state_dict({**checkpoint.networks, **checkpoint.averaged})
    except (UnknownFamilyError, ValidationError, UnsupportedShapeError, RuntimeError) as error:
        raise CheckpointUnusableError(metadata.family, metadata.step, " ".join(str(error).split())) from error
    return Sampler(family, config, networks.to(device).to(memory_format=torch.channels_last))  # type: ignore[call-overload]


def load_sampler(directory: Path, *, device: torch.device | str = "cpu") -> Sampler:
    """Load a checkpoint's sampler. Raises what `checkpoints.format.load` and `to_sampler` raise."""
    return to_sampler(load(directory), device=device)


def judge_directory(dataset: str) -> Path:
    """Return where the shipped classifier of a data set lies, whether or not there is one."""
    return PRETRAINED / f"{_JUDGES}{dataset}"


def load_judge(dataset: str) -> PictureJudge:
    """Load the shipped classifier of a data set, or make what is derived from such.

    Raises CheckpointMissingError where none is shipped.
    """
    trained = map(_load_classifier, _trained_parts(dataset))
    return DERIVED_JUDGES[dataset].build(*trained) if dataset in DERIVED_JUDGES else next(trained)


def has_judge(dataset: str) -> bool:
    """Whether there is a judge for the data set: all that it is made of ships."""
    return all((judge_directory(part) / "metadata.json").is_file() for part in _trained_parts(dataset))


def judge_digest(dataset: str) -> str:
    """Return the digest of the weights that the judge of a data set is made of. Raises CheckpointError."""
    return "".join(read_metadata(judge_directory(part)).digest for part in _trained_parts(dataset))


def current_judge(dataset: str) -> str | None:
    """Return the digest of today's judge of a data set: what two judges have measured cannot be compared.

    None where there is none, or a damaged one, which measures nothing.
    """
    try:
        return judge_digest(dataset)
    except CheckpointError:
        return None


def _trained_parts(dataset: str) -> tuple[str, ...]:
    """Return the data sets of whose classifiers the judge is made."""
    return DERIVED_JUDGES[dataset].trained if dataset in DERIVED_JUDGES else (dataset,)


def _load_classifier(dataset: str) -> Classifier:
    checkpoint = load(judge_directory(dataset))
    classifier = Classifier(checkpoint.metadata.dataset)
    classifier.load_state_dict(dict(checkpoint.networks))
    return classifier.eval().requires_grad_(False)
