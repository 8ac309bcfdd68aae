"""The form that asks for a training: its fields by the family's schema, and what was typed as a request.

What is typed travels as text, by the names that `POST /train` has: `images`, `hyperparameters.width`, `keep.last`. A
family that is chosen anew brings its own fields; what was typed and still has a meaning stays.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ValidationError

from models import FLAGSHIP, Family, families
from store.faults import tell_fault, tell_range
from store.jobs import JobRequest
from store.requests import DEFAULT_DATASET, RequestError, TrainRequest, complete
from store.retention import Keep
from store.telling import drop_point, tell_thousands

SHOWN = "shown"
"""The field that tells of which family and preset the form was: what differs from their values was typed."""

_OF_FAMILY = "hyperparameters."
_OF_KEEP = "keep."
_GENERAL = ("seed", "images", "batch_size")
_INTERVALS = ("sample_interval", "metrics_interval", "quality_interval", "checkpoint_interval")
_LABELS = {
    "seed": "seed",
    "images": "training pictures",
    "batch_size": "pictures in a batch",
    "sample_interval": "steps between sample grids",
    "metrics_interval": "steps between losses",
    "quality_interval": "steps between judgements",
    "checkpoint_interval": "steps between checkpoints",
    "on_collapse": "if it collapses",
    "keep.best": "keep the best checkpoint",
    "keep.last": "keep so many of the newest",
    "keep.every": "keep one older checkpoint in",
}
_HINTS = {
    "seed": "The same seed trains the same networks again. Drawn where left empty.",
    "images": "The budget: how many real pictures the discriminator sees in all; one that comes again counts again.",
    "batch_size": "More make a step steadier and slower.",
    "sample_interval": "A grid is drawn of the same noise each time, so you see the pictures sharpen.",
    "metrics_interval": "The curves of the losses get a point.",
    "quality_interval": "Drawn pictures are compared with real ones, and a collapse is noticed.",
    "checkpoint_interval": "The weights are saved: after a crash the training goes on from there.",
    "on_collapse": "A GAN collapses when it draws the same few pictures again and again, or stops learning.",
    "keep.best": "The one whose pictures came nearest to real ones: by FD, a distance; less is better.",
    "keep.last": "A training that was interrupted goes on from one of them.",
    "keep.every": "With 5, the fifth, the tenth, the fifteenth checkpoint and so on stay; if empty, none of the older.",
}
_POLICIES = {"warn": "tell me, and go on", "pause": "pause it until I have looked", "stop": "end it"}
_YES_AND_NO = {"true": "yes", "false": "no"}
_FLAGS = {"true": True, "false": False}
_NONE_IF_EMPTY = "keep.every"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form. choices: labels by value, for one that is chosen. usual: the preset's value, as text."""

    name: str
    label: str
    kind: str
    value: str
    usual: str
    hint: str
    choices: Mapping[str, str]

    @property
    def id(self) -> str:
        """Its name as an element has it."""
        return _id(self.name)

    @property
    def is_changed(self) -> bool:
        """Whether it has another value than the preset's."""
        return self.value not in {"", self.usual}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with the form. field: its name, empty where it is of the whole."""

    field: str
    detail: str

    @property
    def label(self) -> str:
        """How the form calls the field."""
        return _LABELS.get(self.field) or self.field.removeprefix(_OF_FAMILY).replace("_", " ")

    @property
    def id(self) -> str:
        """The field's name as an element has it."""
        return _id(self.field)


class TrainForm:
    """A form as it was sent, or as it is when nothing was typed yet. values: texts by the fields' names."""

    def __init__(self, values: Mapping[str, str]) -> None:
        given = {name: text.strip() for name, text in values.items()}
        self._known = families()
        self._wrong_family = given.get("family", "") if given.get("family", FLAGSHIP) not in self._known else None
        self.family: Family[Any] = self._known.get(given.get("family", ""), self._known[FLAGSHIP])
        self.dataset = given.get("dataset") or DEFAULT_DATASET
        preset = given.get("preset", "")
        self.preset = preset if preset in self.family.presets else self.family.default_preset
        self._wrong_preset = preset if preset and preset != self.preset and not _was_of_another(given, self) else None
        self._typed = {name: text for name, text in _typed(given, self._known) if text or name == _NONE_IF_EMPTY}
        self._schema: Mapping[str, Any] = self.family.hyperparameters.model_json_schema()["properties"]

    # What the form shows

    @property
    def shown(self) -> str:
        """What the field SHOWN has."""
        return f"{self.family.name}/{self.preset}"

    @cached_property
    def left_out(self) -> Sequence[str]:
        """The names of what was typed and means nothing to this family."""
        own = {f"{_OF_FAMILY}{name}" for name in self._schema}
        return [name for name in self._typed if name.startswith(_OF_FAMILY) and name not in own]

    @cached_property
    def general(self) -> Sequence[Field]:
        """The budget and the seed."""
        return [self._number(name, self._usual(name)) for name in _GENERAL]

    @cached_property
    def hyperparameters(self) -> Sequence[Field]:
        """What the family leaves to choose, by its schema."""
        preset = self.family.preset(self.preset).hyperparameters.model_dump(mode="json")
        return [self._hyperparameter(name, schema, preset[name]) for name, schema in self._schema.items()]

    @cached_property
    def reports(self) -> Sequence[Field]:
        """How often it tells something, and what follows a collapse."""
        return [*(self._number(name, self._usual(name)) for name in _INTERVALS), self._choice("on_collapse", _POLICIES)]

    @cached_property
    def keeps(self) -> Sequence[Field]:
        """Which checkpoints stay."""
        usual = Keep()
        last, every = (
            self._number(name, str(value), value)
            for name, value in (("keep.last", usual.last), ("keep.every", usual.every))
        )
        return [self._choice("keep.best", _YES_AND_NO), last, every]

    @cached_property
    def faults(self) -> Sequence[Fault]:
        """All that is wrong, in the order of the form."""
        fields = (*self.general, *self.hyperparameters, *self.reports, *self.keeps)
        order = ["", "family", "preset", "dataset", *(field.name for field in fields)]
        known = [one if one.field in order else Fault("", f"{one.field}: {one.detail}") for one in self._find_faults()]
        return sorted(known, key=lambda one: order.index(one.field))

    @property
    def plan(self) -> tuple[JobRequest, int] | None:
        """What would be trained, and its steps: None where something is wrong."""
        return self._checked[0]

    @property
    def wish(self) -> TrainRequest | None:
        """The request that the form is: None where something is wrong."""
        return self._checked[1]

    def errors_of(self, name: str) -> Sequence[str]:
        """Return what is wrong with a field."""
        return [fault.detail for fault in self.faults if fault.field == name]

    # Fields

    def _number(self, name: str, usual: str, value: int | None = None) -> Field:
        shown = "" if value is None else str(value)
        return Field(name, _LABELS[name], "number", self._typed.get(name, shown), usual, _HINTS[name], {})

    def _choice(self, name: str, choices: Mapping[str, str]) -> Field:
        usual = next(iter(choices))
        return Field(name, _LABELS[name], "choice", self._typed.get(name, usual), usual, _HINTS[name], choices)

    def _hyperparameter(self, name: str, schema: Mapping[str, Any], preset: Any) -> Field:
        full, usual = f"{_OF_FAMILY}{name}", _text(preset)
        label, hint = name.replace("_", " "), f"{schema['description']}{_limits(schema)}"
        choices = {text: _YES_AND_NO.get(text, text) for text in _values_by_text(schema)}
        kind = "choice" if choices else "number"
        return Field(full, label, kind, self._typed.get(full, usual), usual, hint, choices)

    def _usual(self, name: str) -> str:
        """Return what an empty field means: the preset's value, or one that follows from the budget."""
        preset = self.family.preset(self.preset)
        known = {
            "seed": "drawn",
            "images": tell_thousands(preset.images),
            "batch_size": tell_thousands(preset.batch_size),
        }
        return known.get(name) or (tell_thousands(getattr(self.plan[0], name)) if self.plan else "")

    # The request

    @cached_property
    def _checked(self) -> tuple[tuple[JobRequest, int] | None, TrainRequest | None, Sequence[Fault]]:
        try:
            wish = TrainRequest.model_validate(self._values())
            return complete(wish), wish, ()
        except ValidationError as error:
            schema = TrainRequest.model_json_schema()
            faults = [Fault(_join(one["loc"]), tell_fault(one, schema)) for one in error.errors()]
        except RequestError as error:
            faults = [Fault(_join(one.path), one.detail) for one in error.problems]
        return None, None, faults

    def _find_faults(self) -> Iterator[Fault]:
        if self._wrong_family is not None:
            yield Fault("family", f"there is no family {self._wrong_family!r}; {self.family.name} is shown")
        if self._wrong_preset is not None:
            yield Fault("preset", f"{self.family.name} has no preset {self._wrong_preset!r}; {self.preset} is shown")
        yield from self._checked[2]

    def _values(self) -> dict[str, Any]:
        """Return the body of POST /train that the form is; a text that is no number stays one, to be refused."""
        typed = self._typed
        return {
            "family": self.family.name,
            "preset": self.preset,
            "dataset": self.dataset,
            **{name: _number(typed[name]) for name in (*_GENERAL, *_INTERVALS) if name in typed},
            **{name: typed[name] for name in ("on_collapse",) if name in typed},
            "hyperparameters": dict(self._chosen()),
            "keep": dict(self._kept()),
        }

    def _chosen(self) -> Iterator[tuple[str, object]]:
        for name, schema in self._schema.items():
            text = self._typed.get(f"{_OF_FAMILY}{name}")
            if text is not None:
                values = _values_by_text(schema)
                yield name, values.get(text, text) if values else _number(text)

    def _kept(self) -> Iterator[tuple[str, object]]:
        for name in Keep.model_fields:
            text = self._typed.get(f"{_OF_KEEP}{name}")
            if text is not None:
                yield name, _FLAGS.get(text, text) if name == "best" else _number(text) if text else None


def _typed(given: Mapping[str, str], known: Mapping[str, Family[Any]]) -> Iterator[tuple[str, str]]:
    """Yield what was typed: what the form showed by itself is not."""
    family, _, preset = given.get(SHOWN, "").partition("/")
    shown: BaseModel | None = None
    if family in known and preset in known[family].presets:
        shown = known[family].preset(preset).hyperparameters
    usual = (
        {}
        if shown is None
        else {f"{_OF_FAMILY}{key}": _text(one) for key, one in shown.model_dump(mode="json").items()}
    )
    for name, text in given.items():
        if name not in {"family", "preset", "dataset", SHOWN} and usual.get(name) != text:
            yield name, text


def _was_of_another(given: Mapping[str, str], form: TrainForm) -> bool:
    """Whether the preset is of the family that the form showed before another was chosen."""
    return given.get(SHOWN, "").partition("/")[0] not in {"", form.family.name}


def _values_by_text(schema: Mapping[str, Any]) -> Mapping[str, object]:
    """Return the values of a hyperparameter that has only some, by what stands for each; none where it is a number."""
    if schema["type"] == "boolean":
        return _FLAGS
    return {_text(one): one for one in schema.get("enum", [schema["const"]] if "const" in schema else [])}


def _text(value: object) -> str:
    """Return a value as a field shows it, and as `_number` reads it."""
    return value if isinstance(value, str) else json.dumps(drop_point(value))


def _number(text: str) -> float | str:
    """Return the number that a text is, commas and spaces between its digits allowed; any other text as it is.

    1e6 is a whole number, as 1000000 is.
    """
    plain = text.replace(",", "").replace(" ", "")
    try:
        return int(plain)
    except ValueError:
        pass
    try:
        return drop_point(float(plain))
    except ValueError:
        return text


def _id(name: str) -> str:
    return name.replace(".", "-")


def _join(path: Sequence[str | int]) -> str:
    return ".".join(map(str, path))


def _limits(schema: Mapping[str, Any]) -> str:
    """Return in words which numbers are allowed."""
    limits = tell_range(schema).strip()
    return f" ({limits})" if limits else ""
