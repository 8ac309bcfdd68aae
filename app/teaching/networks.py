"""The networks that a training builds, found once for each choice of hyperparameters."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from models import FLAGSHIP, MNIST, NetworkOutline, find_dataset, find_family, outline

_KEPT = 256


def outline_networks(family: str, hyperparameters: Mapping[str, Any], dataset: str) -> tuple[NetworkOutline, ...]:
    """Return the outlines of a family's networks.

    Raises UnknownFamilyError, UnknownDatasetError, pydantic.ValidationError, UnsupportedShapeError.
    """
    return _outline(family, json.dumps(hyperparameters, sort_keys=True), dataset)


def prepare() -> None:
    """Outline the flagship, so that nobody waits the seconds that the first outline of a process takes."""
    family = find_family(FLAGSHIP)
    preset = family.preset(family.default_preset)
    outline_networks(family.name, preset.hyperparameters.model_dump(mode="json"), MNIST.name)


@lru_cache(_KEPT)
def _outline(family: str, hyperparameters: str, dataset: str) -> tuple[NetworkOutline, ...]:
    found = find_family(family)
    return outline(found, found.configure(json.loads(hyperparameters), find_dataset(dataset)))
