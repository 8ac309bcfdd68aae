"""Fields of a form, made from a pydantic model: what the API takes is what a page asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from store.faults import tell_fault

MOST_OPTIONS = 12
"""Whole numbers of no more values than these are buttons."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field. least, most, step: of a number, as HTML takes them. options: the only values, where they are few.

    value: what stands in it; None where nothing does.
    """

    name: str
    description: str
    least: str | None
    most: str | None
    step: str
    options: Sequence[str]
    value: str | None

    @property
    def middle(self) -> str:
        """The number halfway between the limits, or 0 where one is missing."""
        return "0" if self.least is None or self.most is None else f"{(float(self.least) + float(self.most)) / 2:g}"


def fields_of(model: type[BaseModel], values: Mapping[str, object]) -> list[Field]:
    """Return a field for each number of a model. values: what stands in them, by name."""
    properties = model.model_json_schema()["properties"]
    return [_field(name, schema, values.get(name)) for name, schema in properties.items()]


def _field(name: str, schema: Mapping[str, Any], value: object) -> Field:
    kinds = [one for one in schema.get("anyOf", (schema,)) if one["type"] != "null"]
    kind = kinds[0]
    least, most = kind.get("minimum"), kind.get("maximum")
    is_whole = kind["type"] == "integer"
    are_few = is_whole and least is not None and most is not None and most - least < MOST_OPTIONS
    return Field(
        name=name,
        description=schema["description"],
        least=None if least is None else f"{least:g}",
        most=None if most is None else f"{most:g}",
        step="1" if is_whole else "any",
        options=[str(number) for number in range(least, most + 1)] if are_few else [],
        value=None if value is None else f"{value}",
    )


def faults_of(error: ValidationError, model: type[BaseModel]) -> dict[str, str]:
    """Return in plain words what is wrong with the values of a form, and what would have been right, by field."""
    schema = model.model_json_schema()
    return {str(one["loc"][0]): tell_fault(one, schema) for one in error.errors()}
