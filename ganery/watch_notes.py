"""What the watch over a local training saw and told, on disk: one that goes on knows its past, as a job's does."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from checkpoints.files import write_whole
from models import Symptom
from workers.watch import Look, Past


class WatchNotes:
    """Looks by their steps, and symptoms with the step at which they were told; the first of each stays.

    What cannot be read counts as nothing: a warning may then come twice.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._looks: dict[int, Mapping[str, Any]] = {}
        self._told: dict[Symptom, int] = {}

    def read(self) -> None:
        """Take what is on disk."""
        try:
            found = json.loads(self._file.read_text())
            self._looks = {int(step): look for step, look in found["looks"].items()}
            self._told = {Symptom(name): int(step) for name, step in found["told"].items()}
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            self.clear()

    def clear(self) -> None:
        """Forget all: the training begins anew."""
        self._looks, self._told = {}, {}
        self._file.unlink(missing_ok=True)

    def see(self, step: int, data: Mapping[str, Any]) -> None:
        """Note what the pictures of a step look like. data: as `Inspection.event`."""
        self._looks.setdefault(step, {"progress": data["progress"], "signs": data["signs"]})
        self._write()

    def tell(self, step: int, symptom: Symptom) -> bool:
        """Note that a symptom is told; return whether it is for the first time."""
        is_new = symptom not in self._told
        self._told.setdefault(symptom, step)
        self._write()
        return is_new

    def past(self, step: int) -> Past:
        """Return what was seen and told up to a step: what came after it, the training will come to again."""
        looks = [Look.of(at, look["progress"], look["signs"]) for at, look in sorted(self._looks.items()) if at <= step]
        return Past(tuple(looks), frozenset(one for one, at in self._told.items() if at <= step))

    def _write(self) -> None:
        write_whole(self._file, json.dumps({"looks": self._looks, "told": self._told}).encode())
