"""Fields of a form, made from a pydantic model: what the API takes is what a page asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from store.requests import shorten

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


def faults_of(error: ValidationError, model: type[BaseModel], rules: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return in plain words what is wrong with the values of a form, and what would have been right, by field.

    rules: what is right, of fields whose schema does not tell it in words.
    """
    faults = {}
    for one in error.errors():
        name = str(one["loc"][0])
        rule = (rules or {}).get(name) or rule_of(model, name)
        faults[name] = f"{rule} would be right; {shorten(one['input'])} came"
    return faults


def rule_of(model: type[BaseModel], name: str) -> str:
    """Return what a field of a model takes, in words."""
    schema = model.model_json_schema()
    if name not in schema["properties"]:
        return f"one of {', '.join(schema['properties'])}"
    kinds = schema["properties"][name].get("anyOf", (schema["properties"][name],))
    kind = next(one for one in kinds if one.get("type") != "null")
    if "$ref" in kind:
        kind = schema["$defs"][kind["$ref"].rpartition("/")[2]]
    if "enum" in kind:
        return " or ".join(map(str, kind["enum"]))
    if kind["type"] == "string":
        return f"{kind.get('minLength', 0)} to {kind['maxLength']} letters" if "maxLength" in kind else "a text"
    what = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}[kind["type"]]
    return f"{what}{_range(kind)}"


_BOUNDLESS = 10**9
"""A larger limit is the computer's, and tells nobody what to write."""


def _range(kind: Mapping[str, Any]) -> str:
    bounds = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "up to", "exclusiveMaximum": "below"}
    told = [f" {words} {kind[name]:,}" for name, words in bounds.items() if name in kind and kind[name] < _BOUNDLESS]
    return "".join(told) if len(told) != 1 or "minimum" not in kind else f"{told[0]} on"
