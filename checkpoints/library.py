"""The checkpoints that ship with the repository, and what turns a checkpoint into something that draws or judges."""

from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import ValidationError

from checkpoints.format import Checkpoint, CheckpointUnusableError, Metadata, load, read_metadata
from models import Classifier, Sampler, UnknownFamilyError, UnsupportedShapeError, find_family

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


def load_judge(dataset: str) -> Classifier:
    """Load the shipped classifier of a data set. Raises CheckpointMissingError where none is shipped."""
    checkpoint = load(judge_directory(dataset))
    classifier = Classifier(checkpoint.metadata.dataset)
    classifier.load_state_dict(dict(checkpoint.networks))
    return classifier.eval().requires_grad_(False)


def has_judge(dataset: str) -> bool:
    """Whether a classifier ships for the data set."""
    return (judge_directory(dataset) / "metadata.json").is_file()
