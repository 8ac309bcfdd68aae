"""The front page: pictures by a checkpoint, and a close look at one. Its query is that of GET /generate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.dependencies import Given, Services, TakesEachOnce
from app.pictures.catalogue import KnownCheckpoint, read_again
from app.pictures.close_look_schemas import InspectionView
from app.pictures.drawing import GENERATE, limits
from app.pictures.recipes import GenerateQuery, Recipe, complete, find_parts, name_of_label
from app.refusals import NoSuchCheckpointError
from app.web.fields import Field, fields_of
from app.web.job_rows import JobRow
from app.web.pages import curl, render
from checkpoints.format import CheckpointError
from checkpoints.library import has_judge
from datasets import is_here
from models import Family, ScoreKind
from store.requests import LARGEST_SEED
from store.telling import tell_thousands

router = APIRouter()

_JOBS_SHOWN = 10
_CHECKPOINTS_SHOWN = 24
_MOST_BUTTONS = 30
_WELCOME = {"count": 50, "columns": 10}
"""What is drawn where nothing at all was asked for."""

_USUAL_WIDTH = 896
"""Of a grid in pixels, where nothing else is asked for and there is room."""

_LARGEST_PIXEL = 8
_NEIGHBOURS_SHOWN, _NEIGHBOURS_IN_A_ROW = 8, 4
_VARIATIONS_SHOWN, _VARIATIONS_IN_A_ROW = 24, 6
_DOWNLOAD_SCALE = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """A checkpoint to choose. sample: the URL of ten of its pictures in a row. width, height: of that, in pixels."""

    id: str
    family: str
    dataset: str
    told: Sequence[str]
    url: str
    sample: str
    width: int
    height: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class ClassField:
    """How a class is asked for. options: its values as buttons; of very many classes none, and a text is typed.

    every: what no class means. refusal: why none can be asked for.
    """

    name: str
    options: Sequence[str]
    value: str
    every: str
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Nice:
    """How the pictures may be chosen. refusal: why they cannot be. report: where it is told what choosing is worth."""

    is_on: bool
    factor: int | None
    method: str | None
    has_logits: bool
    refusal: str | None
    report: str | None


@dataclass(frozen=True, slots=True)
class Form:
    """What the form says. Numbers that were not given are None. is_refined: whether any of the rarer ones was."""

    checkpoint: str
    classes: ClassField
    seed: int
    largest_seed: int
    other_seed: str
    previous_seed: str | None
    next_seed: str | None
    count: int
    columns: int | None
    scale: int | None
    truncation: str
    is_refined: bool
    nice: Nice
    controls: Sequence[Field]


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture in the grid. x, y: of its corner, in the grid's own pixels. url: of the page that looks closer."""

    index: int
    name: str
    x: int
    y: int
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """The pictures. width, height: in their own pixels. shown_width, shown_height: on the page, where there is room.

    wish: the recipe by which POST /pictures keeps them.
    """

    source: str
    download: str
    curl: str
    wish: Mapping[str, Any]
    width: int
    height: int
    shown_width: int
    shown_height: int
    is_exact: bool
    side: int
    cells: Sequence[Cell]
    sentence: str


@dataclass(frozen=True, slots=True)
class Details:
    """A close look at one picture. The URLs say where each part of it is had; None where there is none.

    index: as the API counts, from 0. number: as people count, from 1. wish: the recipe by which POST /pictures keeps
    it.
    """

    index: int
    number: int
    found: InspectionView
    side: int
    picture: str
    download: str
    curl: str
    wish: Mapping[str, Any]
    inspect: str
    neighbours: str | None
    neighbours_strip: str | None
    neighbours_count: int
    neighbours_in_a_row: int
    variations: str
    variations_in_a_row: int
    dataset: str
    close: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class GeneratePage:
    """What the template is told. here: the URL of this state; form and grid are None without a checkpoint."""

    here: str
    checkpoints: Sequence[Choice]
    more_checkpoints: bool
    form: Form | None
    grid: Grid | None
    details: Details | None
    jobs: Sequence[JobRow]


@router.get("/", include_in_schema=False, dependencies=[TakesEachOnce])
def show_generate(query: Annotated[GenerateQuery, Query()], request: Request, given: Given) -> Response:
    """Show the form, the pictures that it asks for, and the newest jobs."""
    if not request.query_params:
        query = GenerateQuery.model_validate(_WELCOME)
    return render(request, "generate", read_again(lambda: _fill(query, request, given)))


def _fill(query: GenerateQuery, request: Request, given: Services) -> GeneratePage:
    jobs = [JobRow.of(job, None) for job in given.jobs.list(limit=_JOBS_SHOWN).items]
    try:
        state = _State.of(query, given)
    except (CheckpointError, NoSuchCheckpointError):
        if query.checkpoint is not None:
            raise
        return GeneratePage("/", [], False, None, None, None, jobs)
    choices, has_more = _choices(state, given)
    return GeneratePage(
        here=state.url(),
        checkpoints=choices,
        more_checkpoints=has_more,
        form=_form(state),
        grid=_grid(state, request),
        details=_details(state, request, given),
        jobs=jobs,
    )


@dataclass(frozen=True, slots=True)
class _State:
    """What is shown: a query that names its seed and the id of its checkpoint, and the recipe of its grid."""

    query: GenerateQuery
    recipe: Recipe
    family: Family[Any]

    @classmethod
    def of(cls, query: GenerateQuery, given: Services) -> "_State":
        """Make a query complete. Raises what `complete` raises."""
        if query.index is not None and "count" not in query.model_fields_set:
            query = query.model_copy(update={"count": max(query.count, query.index + 1)})
        recipe = complete(query.model_copy(update={"index": None}), given.catalogue, limits(given))
        named = {"checkpoint": recipe.checkpoint.id, "seed": recipe.seed, "family": None, "dataset": None}
        return cls(query.model_copy(update=named), recipe, find_parts(recipe.checkpoint)[1])

    def parameters(self, **changes: object) -> Mapping[str, str]:
        """Return the parameters of the state with some changed; those at their defaults are left out."""
        values = self.wish(**changes)
        return {name: str(value).lower() if isinstance(value, bool) else f"{value}" for name, value in values.items()}

    def wish(self, **changes: object) -> Mapping[str, Any]:
        """Return the query with some parameters changed, as JSON can hold it; those at their defaults are left out."""
        return self.query.model_copy(update=changes).model_dump(mode="json", exclude_defaults=True)

    def url(self, path: str = "/", **changes: object) -> str:
        """Return the URL of an endpoint that takes this query."""
        return f"{path}?{urlencode(self.parameters(**changes))}"


def _choices(state: _State, given: Services) -> tuple[list[Choice], bool]:
    """Return the checkpoints to choose from, the present one first where it is not among them; are there more?"""
    listed = given.catalogue.page(limit=_CHECKPOINTS_SHOWN)
    current = state.recipe.checkpoint
    known = list(listed.items)
    if current.id not in {one.id for one in known}:
        known.insert(0, current)
    choices = [_choice(one, state) for one in known if _is_drawable(one)]
    return choices, listed.next_cursor is not None


def _is_drawable(checkpoint: KnownCheckpoint) -> bool:
    try:
        find_parts(checkpoint)
    except CheckpointError:
        return False
    return True


def _choice(checkpoint: KnownCheckpoint, state: _State) -> Choice:
    dataset, _ = find_parts(checkpoint)
    query = {"checkpoint": checkpoint.id, "columns": 10, "count": 10, "seed": 0}
    kept = {name: value for name, value in state.parameters().items() if name in {"seed", "count", "columns", "scale"}}
    return Choice(
        id=checkpoint.id,
        family=checkpoint.family,
        dataset=checkpoint.dataset,
        told=_quality(checkpoint),
        url=f"/?{urlencode({**kept, 'checkpoint': checkpoint.id})}",
        sample=f"{GENERATE}?{urlencode(query)}",
        width=10 * dataset.size,
        height=dataset.size,
        is_current=checkpoint.id == state.recipe.checkpoint.id,
    )


def _quality(checkpoint: KnownCheckpoint) -> list[str]:
    """Return what is known of a checkpoint's quality, in words."""
    metrics = checkpoint.metrics
    told = ["ships with Ganery" if checkpoint.is_shipped else f"step {tell_thousands(checkpoint.step)}"]
    if (distance := metrics.get("fd")) is not None:
        floor = metrics.get("fd_floor")
        told.append(f"FD {distance:.2f}" + (f" (real pictures {floor:.2f})" if floor is not None else ""))
    if (recognised := metrics.get("label_accuracy")) is not None:
        told.append(f"{100 * recognised:.1f} % of the classes recognised")
    if checkpoint.is_best:
        told.append("the best of its job")
    return told


def _form(state: _State) -> Form:
    query, recipe, seed = state.query, state.recipe, state.recipe.seed
    return Form(
        checkpoint=recipe.checkpoint.id,
        classes=_classes(recipe),
        seed=seed,
        largest_seed=LARGEST_SEED,
        other_seed=state.url(seed=None),
        previous_seed=state.url(seed=seed - 1) if seed > 0 else None,
        next_seed=state.url(seed=seed + 1) if seed < LARGEST_SEED else None,
        count=query.count,
        columns=query.columns,
        scale=query.scale if "scale" in query.model_fields_set else None,
        truncation=f"{query.truncation:g}",
        is_refined=bool(query.model_fields_set & {"truncation", "nice", "scale"}),
        nice=_nice(state),
        controls=fields_of(state.family.steering.controls, query.controls) if state.family.steering else [],
    )


def _classes(recipe: Recipe) -> ClassField:
    dataset = recipe.dataset
    can_be_asked = recipe.is_conditional or has_judge(dataset.name)
    refusal = None
    if not can_be_asked:
        refusal = f"{recipe.checkpoint.family} takes no labels, and no classifier ships for {dataset.name}."
    return ClassField(
        name=name_of_label(dataset),
        options=dataset.classes if len(dataset.classes) <= _MOST_BUTTONS else [],
        value="" if recipe.label is None else dataset.classes[recipe.label],
        every="each in turn" if recipe.is_conditional else "any",
        refusal=refusal,
    )


def _nice(state: _State) -> Nice:
    checkpoint, query = state.recipe.checkpoint, state.query
    has_report = state.family.score is not None and has_judge(checkpoint.dataset)
    return Nice(
        is_on=query.nice,
        factor=query.nice_factor,
        method=query.nice_method,
        has_logits=state.family.score_kind is ScoreKind.LOGIT,
        refusal=None if state.family.score is not None else f"{state.family.name} has no score to choose by.",
        report=f"/checkpoints/{checkpoint.id}/nice-report" if has_report else None,
    )


def _grid(state: _State, request: Request) -> Grid:
    recipe, side = state.recipe, state.recipe.dataset.size
    columns, rows = recipe.columns, -(-recipe.count // recipe.columns)
    width, height = columns * side, rows * side
    is_exact = "scale" in state.query.model_fields_set
    pixel = state.query.scale if is_exact else max(1, min(_LARGEST_PIXEL, _USUAL_WIDTH // width))
    return Grid(
        source=state.url(GENERATE, index=None, scale=1),
        download=state.url(GENERATE, index=None),
        curl=curl("pictures.png", state.url(GENERATE, index=None), request),
        wish=state.wish(index=None),
        width=width,
        height=height,
        shown_width=width * pixel,
        shown_height=height * pixel,
        is_exact=is_exact,
        side=side,
        cells=[_cell(index, state) for index in range(recipe.count)],
        sentence=f"{recipe.count} pictures of seed {recipe.seed} by {recipe.checkpoint.id}",
    )


def _cell(index: int, state: _State) -> Cell:
    recipe, side = state.recipe, state.recipe.dataset.size
    of_class = "" if recipe.classes is None else f", class {recipe.classes[index]}"
    return Cell(
        index=index,
        name=f"picture {index + 1}{of_class}",
        x=index % recipe.columns * side,
        y=index // recipe.columns * side,
        url=state.url(index=index),
        is_current=index == state.query.index,
    )


def _details(state: _State, request: Request, given: Services) -> Details | None:
    index = state.query.index
    if index is None:
        return None
    recipe = complete(state.query.model_copy(update={"scale": 1}), given.catalogue, limits(given))
    view = InspectionView.of(given.inspector.inspect(recipe, given.inspector.tag(recipe)), recipe)
    alone = {"count": 16, "columns": None, "scale": 1}
    download = state.url(GENERATE, **{**alone, "scale": _DOWNLOAD_SCALE})
    neighbours = None
    if is_here(recipe.dataset.name, given.settings.datasets):
        neighbours = (
            f"{state.url('/neighbours', **{**alone, 'columns': _NEIGHBOURS_IN_A_ROW})}&neighbours={_NEIGHBOURS_SHOWN}"
        )
    return Details(
        index=index,
        number=index + 1,
        found=view,
        side=recipe.dataset.size,
        picture=state.url(GENERATE, **alone),
        download=download,
        curl=curl(f"picture-{index + 1}.png", download, request),
        wish=state.wish(**alone),
        inspect=state.url("/inspect", **alone),
        neighbours=neighbours,
        neighbours_strip=neighbours and f"{neighbours}&format=strip",
        neighbours_count=_NEIGHBOURS_SHOWN,
        neighbours_in_a_row=_NEIGHBOURS_IN_A_ROW,
        variations=_variations(recipe, view),
        variations_in_a_row=_VARIATIONS_IN_A_ROW,
        dataset=recipe.dataset.name,
        close=state.url(index=None),
        before=state.url(index=index - 1) if index > 0 else None,
        after=state.url(index=index + 1) if index + 1 < state.recipe.count else None,
    )


def _variations(recipe: Recipe, view: InspectionView) -> str:
    """Return where pictures around one are drawn, steered as it is."""
    steered = {} if recipe.controls is None else recipe.controls.model_dump(exclude_none=True)
    place = {name: value for name, value in view.latent.model_dump().items() if value is not None}
    query = {"checkpoint": recipe.checkpoint.id, **place, "columns": _VARIATIONS_IN_A_ROW, "count": _VARIATIONS_SHOWN}
    return f"/latent/variations?{urlencode({**query, **steered})}"
