"""Learn: what a GAN is, and a page on each family, in English and in Chinese."""

import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from markupsafe import Markup
from pydantic import ConfigDict, Field
from pydantic.fields import FieldInfo
from starlette.responses import Response

from app.dependencies import Given, Services
from app.pictures.catalogue import KnownCheckpoint
from app.refusals import NoCheckpointOfFamilyError
from app.schemas import Document
from app.teaching.docstrings import Part, read_docstring
from app.teaching.family_map import Stop, count_columns, draw_map
from app.teaching.game_picture import Cast, draw_drawing, draw_game
from app.teaching.languages import choose_language, language_headers
from app.teaching.lessons import FormulaRow, Lesson, Overview, find_lesson, read_formulas, read_map, read_overview
from app.teaching.source_text import mark_up
from app.teaching.words import WORDS, Language, Words
from app.teaching.zoo_results import ZooResults, ZooTraining, read_zoo_results
from app.web.pages import render
from checkpoints.format import CheckpointError
from metrics import find_metric
from models import (
    Family,
    Flow,
    Symptom,
    UnknownDatasetError,
    UntraceableError,
    families,
    find_dataset,
    find_family,
    trace_flow,
)
from store.telling import tell_setting

router = APIRouter()


class LearnQuery(Document):
    """In which language."""

    model_config = ConfigDict(extra="forbid")

    lang: Language | None = Field(None, description="default: the first of the reader's languages that we write")


Wish = Annotated[LearnQuery, Query()]

# --- What templates are told --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """A language that a page can be read in."""

    language: Language
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Tongue:
    """The language of a page. suffix: of links that shall stay in it."""

    language: Language
    words: Words
    suffix: str
    choices: Sequence[Choice]

    @classmethod
    def of(cls, request: Request, query: LearnQuery) -> "Tongue":
        """Return that which the reader asks for."""
        language = choose_language(request, query.lang)
        choices = [Choice(one, f"{request.url.path}?lang={one}", one == language) for one in Language]
        return cls(language, WORDS[language], f"?lang={language}" if query.lang else "", choices)


@dataclass(frozen=True, slots=True)
class Card:
    """A family in the list. summary: None where nobody wrote a lesson."""

    name: str
    title: str
    year: int
    summary: Markup | None
    subtitle: str


@dataclass(frozen=True, slots=True)
class LearnPage:
    """The overview."""

    tongue: Tongue
    overview: Overview
    map: Markup
    cards: Sequence[Card]


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a symptom; None where it is no fault in this family."""

    symptom: str
    remedy: str | None


@dataclass(frozen=True, slots=True)
class Column:
    """A metric as a column of a table."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class PresetRow:
    """A preset and its budget."""

    name: str
    description: str
    batch_size: int
    images: int
    averaging_half_life: float


@dataclass(frozen=True, slots=True)
class HyperparameterRow:
    """A hyperparameter, and its value in each preset, in their order."""

    name: str
    description: str
    range: str
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class ControlRow:
    """A parameter that steers what is drawn."""

    name: str
    description: str
    range: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Pictures by a checkpoint of the family. width, height: in their own pixels."""

    checkpoint: str
    source: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class FamilyPage:
    """The page on a family. told: what its docstring says, in parts."""

    tongue: Tongue
    family: Family[Any]
    title: str
    subtitle: str
    lesson: Lesson | None
    told: Sequence[Part]
    formulas: Sequence[FormulaRow]
    game: Markup | None
    drawing: Markup | None
    advice: Sequence[Advice]
    columns: Sequence[Column]
    floors: Mapping[str, float]
    results: ZooResults
    trainings: Sequence[ZooTraining]
    presets: Sequence[PresetRow]
    hyperparameters: Sequence[HyperparameterRow]
    controls: Sequence[ControlRow]
    sample: Sample | None
    actions: Sequence[tuple[str, str]]

    @property
    def deviations(self) -> Sequence[Part]:
        """Where our code differs from the paper."""
        return [part for part in self.told if part.heading.startswith("Deviations")]


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A source file."""

    tongue: Tongue
    name: str
    title: str
    path: str
    lines: Sequence[Markup]


# --- The pages ----------------------------------------------------------------------------------------------------


@router.get("/learn", include_in_schema=False)
def show_learn(request: Request, query: Wish) -> Response:
    """Show what a GAN is, and the map of the families."""
    tongue = Tongue.of(request, query)
    columns = count_columns(list(families()), read_map())
    cards = sorted(
        (_card(family, tongue) for family in families().values()),
        key=lambda card: (card.year, columns[card.name], card.title),
    )
    stops = [Stop(one.name, one.title, one.year, f"/learn/{one.name}{tongue.suffix}") for one in cards]
    page = LearnPage(
        tongue=tongue,
        overview=read_overview(tongue.language, suffix=tongue.suffix),
        map=draw_map(stops, read_map(), title=tongue.words.map_description),
        cards=cards,
    )
    return render(request, "learn", page, headers=language_headers(tongue.language))


@router.get("/learn/{name}", include_in_schema=False)
def show_family(name: str, request: Request, query: Wish, given: Given) -> Response:
    """Show all that there is to say of a family."""
    family, tongue = find_family(name), Tongue.of(request, query)
    page = _describe(family, tongue, given)
    return render(request, "learn_family", page, headers=language_headers(tongue.language))


@router.get("/learn/{name}/source", include_in_schema=False)
def show_source(name: str, request: Request, query: Wish) -> Response:
    """Show the file that a family is, as it runs here."""
    find_family(name)
    tongue, module = Tongue.of(request, query), _module(name)
    source = Path(inspect.getfile(module)).read_text(encoding="utf-8")
    page = SourcePage(tongue, name, _names(name)[0], f"models/{name}.py", mark_up(source))
    return render(request, "learn_source", page, headers=language_headers(tongue.language))


def _card(family: Family[Any], tongue: Tongue) -> Card:
    lesson = find_lesson(family.name, tongue.language, suffix=tongue.suffix)
    title, subtitle = _names(family.name)
    return Card(family.name, title, family.paper.year, lesson.summary if lesson else None, subtitle)


def _describe(family: Family[Any], tongue: Tongue, given: Services) -> FamilyPage:
    controls = family.steering.controls.model_fields if family.steering else {}
    title, subtitle = _names(family.name)
    results = read_zoo_results()
    trainings = results.of(family.name)
    sample = _sample(family.name, given)
    return FamilyPage(
        tongue=tongue,
        family=family,
        title=title,
        subtitle=subtitle,
        lesson=find_lesson(family.name, tongue.language, suffix=tongue.suffix),
        told=read_docstring(_docstring(family.name))[1:],
        formulas=read_formulas(family.name),
        game=_draw_game(family, tongue.words),
        drawing=_draw_drawing(family, tongue.words),
        advice=[
            Advice(tongue.words.symptoms[symptom], family.advice[symptom])
            for symptom in Symptom
            if symptom in family.advice
        ],
        columns=_columns(trainings, tongue.words),
        floors=_floors(trainings),
        results=results,
        trainings=trainings,
        presets=[
            PresetRow(preset, one.description, one.batch_size, one.images, one.averaging_half_life)
            for preset, one in family.presets.items()
        ],
        hyperparameters=list(_hyperparameters(family)),
        controls=[ControlRow(control, field.description or "", _range(field)) for control, field in controls.items()],
        sample=sample,
        actions=list(_actions(family.name, tongue.words, is_drawn=sample is not None)),
    )


@cache
def _flow(name: str) -> Flow | None:
    """Return how a family's game goes, None where it cannot be followed."""
    try:
        return trace_flow(find_family(name))
    except UntraceableError:
        return None


def _draw_game(family: Family[Any], words: Words) -> Markup | None:
    flow = _flow(family.name)
    return None if flow is None else draw_game(flow, Cast.of(family), words)


def _draw_drawing(family: Family[Any], words: Words) -> Markup | None:
    flow = _flow(family.name)
    controls = list(family.steering.controls.model_fields) if family.steering else []
    return None if flow is None else draw_drawing(flow, Cast.of(family), controls, words)


def _module(name: str) -> Any:
    return importlib.import_module(f"models.{name}")


def _docstring(name: str) -> str:
    return inspect.getdoc(_module(name)) or name


def _names(name: str) -> tuple[str, str]:
    """Return what a family is called, and what that stands for: the two halves of its docstring's first line."""
    title, _, subtitle = _docstring(name).partition("\n\n")[0].partition(": ")
    return (title, " ".join(subtitle.split()).rstrip(".")) if subtitle else (name, " ".join(title.split()))


def _actions(name: str, words: Words, *, is_drawn: bool) -> Iterator[tuple[str, str]]:
    """Yield what one can do with the family: an address, and what a button says. is_drawn: there is a checkpoint."""
    yield f"/train?family={name}", words.train
    if is_drawn:
        yield f"/?family={name}", words.draw


# --- Results ------------------------------------------------------------------------------------------------------


def _columns(trainings: Sequence[ZooTraining], words: Words) -> list[Column]:
    measured = dict.fromkeys(name for training in trainings for name in training.metrics if not name.endswith("_floor"))
    return [Column(name, words.metrics.get(name) or find_metric(name).title) for name in measured]


def _floors(trainings: Sequence[ZooTraining]) -> dict[str, float]:
    return {
        name.removesuffix("_floor"): value
        for training in trainings
        for name, value in training.metrics.items()
        if name.endswith("_floor")
    }


_COLUMNS, _ROWS, _SCALE = 20, 3, 2


def _sample(family: str, given: Services) -> Sample | None:
    """Return pictures by the newest checkpoint of the family, if there is one."""
    try:
        checkpoint: KnownCheckpoint = given.catalogue.newest(family)
        side = find_dataset(checkpoint.dataset).size * _SCALE
    except (NoCheckpointOfFamilyError, CheckpointError, UnknownDatasetError):
        return None
    query = f"checkpoint={checkpoint.id}&seed=7&count={_COLUMNS * _ROWS}&columns={_COLUMNS}&scale={_SCALE}"
    return Sample(checkpoint.id, f"/generate?{query}", _COLUMNS * side, _ROWS * side)


# --- Hyperparameters ----------------------------------------------------------------------------------------------


def _hyperparameters(family: Family[Any]) -> Iterator[HyperparameterRow]:
    chosen = [preset.hyperparameters.model_dump(mode="json") for preset in family.presets.values()]
    for name, field in family.hyperparameters.model_fields.items():
        values = [tell_setting(preset[name]) for preset in chosen]
        yield HyperparameterRow(name, field.description or "", _range(field), values)


_BOUNDS = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}"}


def _range(field: FieldInfo) -> str:
    """Return the values that a field takes, as text with code in backticks: its choices, or its bounds."""
    if field.annotation is bool:
        return "`true`, `false`"
    choices = getattr(field.annotation, "__args__", ())
    if choices and all(isinstance(choice, str | int) for choice in choices):
        return ", ".join(f"`{choice}`" for choice in choices)
    bounds = {name: getattr(rule, name) for rule in field.metadata for name in _BOUNDS if hasattr(rule, name)}
    if {"ge", "le"} <= bounds.keys():
        return f"{tell_setting(bounds['ge'])} … {tell_setting(bounds['le'])}"
    return ", ".join(_BOUNDS[name].format(tell_setting(value)) for name, value in bounds.items())
