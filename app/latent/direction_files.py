"""The directions of checkpoints on disk, so that a service that starts again need not find them again."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from checkpoints.files import remove_asides, write_whole
from models import Direction

MOST_FILES = 100
"""Of some hundred kilobytes each; the oldest go first."""

_UNFINISHED_SECONDS = 600.0
_log = logging.getLogger(__name__)


class DirectionFiles:
    """A file for each checkpoint, named by its digest. What is damaged, or from other code, counts as not there.

    code: what the directions depend on beside the checkpoint. Any number of processes may share the directory.
    """

    def __init__(self, directory: Path, code: Sequence[str]) -> None:
        self._directory, self._code = directory, list(code)

    def read(self, digest: str) -> Sequence[Direction] | None:
        """Return the directions of a checkpoint: None if they are not there."""
        try:
            told = json.loads(self._path(digest).read_bytes())
            if told["code"] == self._code and told["sha256"] == _digest(told["directions"]):
                return [_direction(one) for one in told["directions"]]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("the directions of %s cannot be read, and are found again: %s", digest[:12], error)
        return None

    def write(self, digest: str, directions: Sequence[Direction]) -> None:
        """Keep the directions of a checkpoint; where they cannot be written, they are found again another time."""
        told = [_tell(one) for one in directions]
        document = {"code": self._code, "sha256": _digest(told), "directions": told}
        try:
            write_whole(self._path(digest), json.dumps(document).encode())
            self._tidy()
        except OSError as error:
            _log.warning("the directions of %s cannot be kept: %s", digest[:12], error)

    def _tidy(self) -> None:
        """Remove the oldest files where there are too many, and what killed writers left."""
        files = sorted(self._directory.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in files[:-MOST_FILES]:
            file.unlink(missing_ok=True)
        remove_asides(self._directory, older_than_seconds=_UNFINISHED_SECONDS)

    def _path(self, digest: str) -> Path:
        return self._directory / f"{digest}.json"


def _tell(direction: Direction) -> Mapping[str, Any]:
    """Return a direction as JSON has it; a float64 is told to the last bit."""
    told = {field.name: getattr(direction, field.name) for field in fields(Direction)}
    return told | {"vector": direction.vector.tolist(), "per_step": dict(direction.per_step)}


def _direction(told: Mapping[str, Any]) -> Direction:
    return Direction(**{**told, "vector": torch.tensor(told["vector"], dtype=torch.float64)})


def _digest(directions: Sequence[Mapping[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(directions).encode()).hexdigest()
