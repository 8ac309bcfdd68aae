"""The latent tools in the browser: a form for each, whose state is the page's URL, and what the API draws for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isqrt
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.dependencies import Given, Services
from app.errors import status_of, tell
from app.latent.queries import (
    PICTURE_PATH,
    ArithmeticQuery,
    DrawnQuery,
    LatentQuery,
    LatentRecipe,
    MatrixQuery,
    SweepQuery,
    VariationsQuery,
    WalkQuery,
    complete_latent,
)
from app.latent.tools import list_classes, list_controls, list_values
from app.pictures.catalogue import Catalogue
from app.pictures.drawing import limits
from app.pictures.recipes import CheckpointQuery, choose_checkpoint, find_parts
from app.refusals import ParameterError, RefusedError
from app.web.fields import Field, fields_of
from app.web.pages import render, service_url
from checkpoints.format import CheckpointError
from models import ADDRESS_MARK, CLASS_CONTROL, DIRECTION_NAMES, Conditioning, known_controls
from store.errors import DatabaseUnavailableError
from store.faults import shorten, tell_faults
from store.telling import tell_thousands

router = APIRouter()

PATH = "/explore"

_CHECKPOINTS_SHOWN = 100
_FRAMES = "24"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the page. usual: what it is asked for at first. sent: what says how the API sends it, not what."""

    name: str
    title: str
    about: str
    path: str
    query: type[LatentQuery]
    usual: Mapping[str, str]
    sent: frozenset[str] = frozenset({"scale", "format"})


_WALK_SENT = frozenset({"scale", "format", "loop", "index", "columns", "fps"})

TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "walk",
            "Walk",
            "What lies between two pictures? A latent is the noise that a picture is drawn from. The walk goes from "
            "one latent to another along a great circle, on which every point is as likely as those that the network "
            "learnt from.",
            "/latent/walk",
            WalkQuery,
            {"from_seed": "1", "from_index": "3", "to_seed": "7", "to_index": "8", "steps": _FRAMES},
            _WALK_SENT,
        ),
        Tool(
            "sweep",
            "Sweep",
            "What does one number do? A row is one picture; from left to right one thing of its latent changes evenly, "
            "and all else stays. Slant, thickness and size are directions that were found by measuring pictures.",
            "/latent/sweep",
            SweepQuery,
            {"seed": "3", "rows": "6", "steps": "13", "direction": DIRECTION_NAMES[1]},
        ),
        Tool(
            "matrix",
            "Classes",
            "What is left beside the class? Every row is drawn from one noise, every column is one class: what a row "
            "has in common is a style.",
            "/latent/matrix",
            MatrixQuery,
            {"seed": "4", "rows": "6"},
        ),
        Tool(
            "around",
            "Around",
            "What is near a picture? Its latent, the first, is mixed with others: the more, the farther.",
            "/latent/variations",
            VariationsQuery,
            {"seed": "3", "count": "20", "columns": "10", "spread": "0.4"},
        ),
        Tool(
            "arithmetic",
            "Arithmetic",
            "What b is to a, c is to the fourth: latents are added and subtracted as Radford et al. did in 2015.",
            "/latent/arithmetic",
            ArithmeticQuery,
            {"a_seed": "1", "a_index": "3", "b_seed": "2", "b_index": "3", "c_seed": "3", "c_index": "8"},
        ),
        Tool(
            "draw",
            "Draw",
            "Draw something, and see the pictures of the network that are most like it. Then walk there from another "
            "one. The latents are found by gradients, from the best of some hundred draws (Zhu et al. 2016).",
            "/latent/walk",
            WalkQuery,
            {"from_seed": "1", "steps": _FRAMES},
            _WALK_SENT,
        ),
    )
}
"""In the order of the page."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A checkpoint that may be chosen."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """What is shown: a picture of the API, of rows and columns of pictures of one side. heads: of the columns."""

    source: str
    rows: int
    columns: int
    side: int
    heads: Sequence[str]


@dataclass(frozen=True, slots=True)
class ExplorePage:
    """What the template is told. here: where this service answers. values: of the form, by name.

    steering: fields of the controls. grid: None where something is to be drawn first. refusal: why nothing is shown.
    address_mark: the letter by which the address of a latent begins.
    """

    here: str
    tool: Tool
    tools: Sequence[Tool]
    checkpoints: Sequence[Choice]
    checkpoint: str
    classes: Sequence[str]
    controls: Sequence[str]
    steering: Sequence[Field]
    directions: Sequence[str]
    values: Mapping[str, str]
    grid: Grid | None
    refusal: str | None
    status: int = 422
    address_mark: str = ADDRESS_MARK


@router.get(PATH, include_in_schema=False)
def show_explore(request: Request, given: Given) -> Response:
    """Show a tool with what was asked of it; what is of no use is said on the page."""
    asked = {name: value for name, value in request.query_params.items() if value}
    usual = next(iter(TOOLS.values()))
    named = asked.pop("tool", usual.name)
    tool = TOOLS.get(named, usual)
    asked = {name: value for name, value in asked.items() if name not in tool.sent}
    page = _fill(service_url(request), tool, _of_one_latent({**_usual(tool, asked), **asked}), given)
    if named not in TOOLS:
        error = ParameterError("tool", f"no tool is called {shorten(named)}; there are {', '.join(TOOLS)}")
        page = replace(page, grid=None, refusal=tell(error))
    return render(request, "explore", page, status=200 if page.refusal is None else page.status)


def page_of_latents(path: str, query: DrawnQuery) -> str:
    """Return the page that shows a tool as it is asked for: of a picture alone, the pictures around it."""
    shown = "/latent/variations" if path == PICTURE_PATH else path
    tool = next(tool for tool in TOOLS.values() if tool.path == shown)
    asked = query.model_dump(mode="json", exclude_none=True, exclude=set(tool.sent))
    if isinstance(query, VariationsQuery):
        asked["columns"] = _columns(query)
    return f"{PATH}?{urlencode({'tool': tool.name, **asked})}"


def _usual(tool: Tool, asked: Mapping[str, str]) -> Mapping[str, str]:
    """Return what stands for what was left out.

    Of a sweep another thing may change than the usual one, and the number of a seed that was named is not the usual.
    """
    left_out = {"direction"} if {"direction", "control", "coordinate"} & set(asked) else set()
    left_out |= {f"{name.removesuffix('seed')}index" for name in asked if name.endswith("seed")}
    return {name: value for name, value in tool.usual.items() if name not in left_out}


def _of_one_latent(values: Mapping[str, str]) -> dict[str, str]:
    """Return what was asked for without the numbers under seeds where an address stands, and with one row of it.

    A form sends them along: they are of the seed that stood there before.
    """
    seeds = {name: value for name, value in values.items() if name.endswith("seed")}
    points = {name.removesuffix("seed") for name, value in seeds.items() if value.startswith(ADDRESS_MARK)}
    kept = {name: value for name, value in values.items() if name not in {f"{point}index" for point in points}}
    return kept | ({"rows": "1"} if "rows" in kept and "" in points else {})


def _fill(here: str, tool: Tool, values: dict[str, str], given: Services) -> ExplorePage:
    """Complete what was asked for, as far as that can be done."""
    page = ExplorePage(
        here=here,
        tool=tool,
        tools=list(TOOLS.values()),
        checkpoints=_list_checkpoints(given.catalogue),
        checkpoint=values.get("checkpoint", ""),
        classes=(),
        controls=(),
        steering=(),
        directions=DIRECTION_NAMES,
        values=values,
        grid=None,
        refusal=None,
    )
    try:
        checkpoint = choose_checkpoint(CheckpointQuery(checkpoint=values.get("checkpoint")), given.catalogue)
        dataset, family = find_parts(checkpoint)
        is_conditional = family.conditioning is Conditioning.LABEL
        controls = list_controls(family)
        others = known_controls().keys() - set(controls)  # of the checkpoint that was chosen before
        wanted = {name: value for name, value in values.items() if is_conditional or not name.endswith("label")}
        wanted = {name: value for name, value in wanted.items() if name not in others}
        swept = {wanted.get("control")} if is_conditional or tool.name != "matrix" else {CLASS_CONTROL}
        page = replace(
            page,
            checkpoint=checkpoint.id,
            classes=dataset.classes if is_conditional else (),
            controls=controls,
            steering=[]
            if family.steering is None
            else [one for one in fields_of(family.steering.controls, wanted) if one.name not in swept],
            values=wanted,
        )
        query = tool.query.model_validate(wanted | {"checkpoint": checkpoint.id})
        recipe = complete_latent(tool.path, query, given.catalogue, limits(given))
        given.latents.check(recipe)
        is_awaited = tool.name == "draw" and "to_seed" not in wanted
        return page if is_awaited else replace(page, grid=_lay_out(recipe))
    except ValidationError as error:
        return replace(page, refusal=tell_faults(error, tool.query))
    except (RefusedError, CheckpointError, DatabaseUnavailableError) as error:
        return replace(page, refusal=tell(error), status=status_of(error))


def _list_checkpoints(catalogue: Catalogue) -> Sequence[Choice]:
    """Return the checkpoints that may be chosen: those that ship, and the newest."""
    known = catalogue.page(limit=_CHECKPOINTS_SHOWN).items
    return [Choice(one.id, f"{one.family} on {one.dataset}, step {tell_thousands(one.step)}") for one in known]


def _columns(query: VariationsQuery) -> int:
    return min(query.columns or isqrt(query.count), query.count)


def _lay_out(recipe: LatentRecipe[Any]) -> Grid:
    """Say what the API will draw. Raises ParameterError where it would refuse."""
    query, side = recipe.query, recipe.dataset.size
    match query:
        case WalkQuery():
            return Grid(recipe.url, 1, query.steps, side, ())
        case SweepQuery():
            values = [f"{value:.3g}" for value in list_values(query, recipe.family)]
            return Grid(recipe.url, query.rows, len(values), side, values)
        case MatrixQuery():
            classes = list_classes(recipe)
            return Grid(recipe.url, query.rows, len(classes), side, classes)
        case VariationsQuery():
            columns = _columns(query)
            return Grid(recipe.url, -(-query.count // columns), columns, side, ())
    return Grid(recipe.url, 1, 4, side, ("a", "− b", "+ c", "= a − b + c"))
