"""The networks that a training builds, found once for each choice of hyperparameters."""

import json
from collections.abc import Mapping
from typing import Any

from app.sharing import KeptWork, Turns
from models import FLAGSHIP, MNIST, NetworkOutline, find_dataset, find_family, outline

Outlines = tuple[NetworkOutline, ...]

_KEPT = 256


class NetworkOutlines:
    """Outlines networks, each once, and keeps the last ones. Threads share it.

    turns: others than the engine's, so that a page that tells of networks waits for no grid.
    """

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self._outlines = KeptWork[Outlines](turns, _KEPT)

    def outline(self, family: str, hyperparameters: Mapping[str, Any], dataset: str) -> Outlines:
        """Return the outlines of a family's networks: of large ones as soon as of small ones, and without their memory.

        Raises BusyError, UnknownFamilyError, UnknownDatasetError, pydantic.ValidationError, UnsupportedShapeError.
        """
        found = find_family(family)
        config = found.configure(hyperparameters, find_dataset(dataset))
        key = json.dumps([family, config.hyperparameters.model_dump(mode="json"), config.dataset.name], sort_keys=True)
        return self._outlines.make(key, lambda: outline(found, config))

    def prepare(self) -> None:
        """Outline the flagship, so that nobody waits the seconds that the first outline of a process takes."""
        family = find_family(FLAGSHIP)
        preset = family.preset(family.default_preset)
        self.outline(family.name, preset.hyperparameters.model_dump(mode="json"), MNIST.name)
