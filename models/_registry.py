"""The families by name, found by looking into this folder: a module whose name has no underscore in front is one."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic.fields import FieldInfo

import models
from models._family import Family

FLAGSHIP = "projection_gan"
"""The family that is trained and served where none is named."""


class UnknownFamilyError(KeyError):
    """A family that the zoo does not have."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        super().__init__(name)

    def __str__(self) -> str:
        return f"there is no family {self.name!r}; the zoo has {', '.join(self.known)}"


@cache
def families() -> Mapping[str, Family[Any]]:
    """Return every family by its name, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(models.__path__) if module.name[0] != "_")
    return MappingProxyType({name: importlib.import_module(f"models.{name}").FAMILY for name in names})


@cache
def known_controls() -> Mapping[str, FieldInfo]:
    """Return the controls of all families by name: those of one name are one control."""
    steered = [family.steering for family in families().values() if family.steering is not None]
    return MappingProxyType({name: field for one in steered for name, field in one.controls.model_fields.items()})


def find_family(name: str) -> Family[Any]:
    """Return the family of that name. Raises UnknownFamilyError, which names those that there are."""
    try:
        return families()[name]
    except KeyError:
        raise UnknownFamilyError(name, tuple(families())) from None
