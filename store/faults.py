"""What is wrong with a value, and what would have been right: told in one way by the API, the pages and the settings.

The rule that a value breaks is told whole, from the JSON schema of what it was read into: who sent 0 learns both ends
of the range at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from store.telling import tell_thousands, tell_value

Schema = Mapping[str, Any]

_OBJECT_EXPECTED = frozenset({"model_type", "model_attributes_type", "dict_type", "dataclass_type"})
"""What pydantic calls a value that is no JSON object where one should be."""

_TOLD_BY_ITSELF = frozenset({"value_error", "assertion_error"})
"""Errors of our own checks: they say what would have been right."""

RULE = "x-rule"
"""The key of a schema under which a rule stands in words: a pattern tells nobody what to write."""

_BOUNDLESS = 10**9
"""A larger limit is the computer's: it is told to whoever meets it."""

_BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "up to", "exclusiveMaximum": "below"}


def tell_faults(error: ValidationError, model: type[BaseModel]) -> str:
    """Return all that is wrong with the values of a model, each behind the path of keys that leads to it."""
    schema = model.model_json_schema()
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {tell_fault(one, schema)}" for one in error.errors())


def tell_fault(item: Mapping[str, Any], schema: Schema) -> str:
    """Return in plain words what would have been right, and what came.

    item: of a ValidationError's `errors()`. schema: the JSON schema that the item's `loc` leads into.
    """
    path, kind = item["loc"], item["type"]
    if kind == "extra_forbidden":
        return f"there is no {str(path[-1])!r} here; known are {', '.join(_names(_find(schema, path[:-1])))}"
    if kind == "missing":
        rule = tell_rule(schema, path)
        return f"is required: {rule}" if rule else "is required"
    if kind in _TOLD_BY_ITSELF:
        return f"{item['ctx']['error']}; {shorten(item['input'])} came"
    if kind in _OBJECT_EXPECTED:
        names = _names(_find(schema, path))
        rule = f"an object with any of {', '.join(names)}" if names else "an object"
    else:
        rule = tell_rule(schema, path, met=item.get("ctx", {}).values()) or ""
    told = f"should be {rule}" if rule else item["msg"].removeprefix("Input ")
    return f"{told}; {shorten(item['input'])} came"


def tell_rule(schema: Schema, path: Sequence[str | int] = (), *, met: Iterable[object] = ()) -> str | None:
    """Return in words what is right where a path of keys leads; None where the schema does not tell it so.

    met: limits that are told though they are the computer's.
    """
    place = _find(schema, path) or {}
    if RULE in place or "pattern" in place:
        return place.get(RULE)
    if "const" in place or "enum" in place:
        return _choice([str(one) for one in place.get("enum", [place.get("const")])])
    rules = {
        "boolean": "true or false",
        "integer": f"a whole number{tell_range(place, met=met)}",
        "number": f"a number{tell_range(place, met=met)}",
        "string": f"a text{_length(place.get('minLength'), place.get('maxLength'), 'characters')}",
        "array": f"a list{_length(place.get('minItems'), place.get('maxItems'), 'items')}",
    }
    return None if "format" in place else rules.get(place.get("type", ""))


def tell_range(place: Schema, *, met: Iterable[object] = ()) -> str:
    """Return in words which numbers a schema allows, a space before them: ` from 1 up to 1,024`; nothing where all."""
    known = {name: place[name] for name in _BOUNDS if name in place}
    told = {name: limit for name, limit in known.items() if abs(limit) <= _BOUNDLESS or limit in met}
    words = "".join(f" {_BOUNDS[name]} {_tell_limit(limit)}" for name, limit in told.items())
    return f"{words} on" if list(told) == ["minimum"] else words


def shorten(value: object) -> str:
    """Return a value that came as a sentence can hold it: in ASCII, its end left out where it is long."""
    text = ascii(value)
    return text if len(text) <= 100 else f"{text[:99]}…"


def _find(schema: Schema, path: Sequence[str | int]) -> Schema | None:
    """Return the part of a schema that a path of keys leads to; None where it leads nowhere, or to several."""
    place: Schema | None = _resolve(schema, schema)
    for step in path:
        if place is None:
            return None
        inner = place.get("properties", {}).get(
            step, place.get("items" if isinstance(step, int) else "additionalProperties")
        )
        place = _resolve(inner, schema) if isinstance(inner, Mapping) else None
    return place


def _resolve(place: Schema, schema: Schema) -> Schema | None:
    """Follow references, and leave out that there may be nothing; None where several kinds are left."""
    while "$ref" in place:
        place = schema["$defs"][place["$ref"].rpartition("/")[2]]
    kinds = [one for one in place.get("anyOf", ()) if one.get("type") != "null"]
    if RULE in place or not kinds:
        return place
    return _resolve(kinds[0], schema) if len(kinds) == 1 else None


def _names(place: Schema | None) -> Sequence[str]:
    return list((place or {}).get("properties", ()))


def _choice(values: Sequence[str]) -> str:
    return " or ".join(values) if len(values) < 3 else f"one of {', '.join(values)}"


def _length(least: int | None, most: int | None, what: str) -> str:
    if not least and most is None:
        return ""
    if most is None:
        return f" of at least {least:,} {what}"
    return f" of {least:,} to {most:,} {what}" if least else f" of at most {most:,} {what}"


def _tell_limit(limit: float) -> str:
    return tell_thousands(limit) if float(limit).is_integer() else tell_value(limit)
