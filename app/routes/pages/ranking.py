"""Ranking: which trainings drew the best pictures, and what studies have found; sorted by links, without script."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from pydantic import ConfigDict, Field
from starlette.responses import Response

from app.dependencies import Given
from app.pictures.catalogue import KnownCheckpoint
from app.pictures.recipes import require_known
from app.ranking import BETTER, by_judge, choose_metric, rank
from app.schemas import Document, PageQuery, Standing
from app.study_findings import FindingsQuery, view_study
from app.study_schemas import StudySummary, StudyView
from app.teaching.zoo_results import ZooResults, read_zoo_results
from app.web.pages import render
from checkpoints.library import current_judge
from metrics import EVALUATED, JUDGED, Metric, metrics
from models import DATASETS, find_dataset
from store.checkpoints import Leader
from store.requests import DEFAULT_DATASET
from store.study_plot import height_of
from store.study_report import Value
from store.telling import tell_duration, tell_value

router = APIRouter()

Sort = Literal["metric", "seconds", "images"]

_ROWS = 100
_WITH_PICTURES = 20
"""Rows that show pictures: each is drawn by another network, which takes a moment."""
_USUAL = ("fd", "precision", "recall", "density", "coverage", "label_accuracy", "classes_covered", "modes_covered")
"""The metrics whose columns are shown, where they were measured; another one that is asked for stands beside them."""


class RankingQuery(Document):
    """Which trainings, and in which order."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(DEFAULT_DATASET, max_length=100, description="trainings on this data set")
    family: str | None = Field(None, max_length=100, description="of this family")
    metric: str = Field("fd", max_length=100, description="by this metric of the best checkpoint")
    sort: Sort = Field("metric", description="metric: the best first; seconds, images: the least first")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the table can be sorted by. better: of a metric, which value is. is_sorted: whether it is."""

    name: str
    title: str
    href: str
    better: str
    is_sorted: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """A metric's value, and what as many real pictures have, as text; both empty where it was not measured."""

    value: str
    floor: str


@dataclass(frozen=True, slots=True)
class Row:
    """A training in a table. picture: the address of some by its checkpoint, or None."""

    place: int
    family: str
    preset: str
    cells: Sequence[Cell]
    standing: Standing | None
    duration: str
    images: int
    picture: str | None


@dataclass(frozen=True, slots=True)
class Figure:
    """What a metric found, as a row: its value, and what as many real pictures have, as text, empty where unknown."""

    title: str
    cell: Cell
    better: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a metric measures: in the first paragraph; in the others, what it is good for and cannot see."""

    name: str
    title: str
    better: str
    paragraphs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Shipped:
    """A checkpoint that ships. picture: the address of some by it."""

    name: str
    checkpoint: str
    family: str
    preset: str
    images: int
    figures: Sequence[Figure]
    picture: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose by a link."""

    name: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class RankingPage:
    """The leaderboard, and below it what the zoo reached at an equal budget.

    unranked: how many trainings another judge than today's has measured. side: of a picture, in pixels. judged,
    evaluated: drawn pictures that a training was measured by, and what ships.
    """

    query: RankingQuery
    datasets: Sequence[Choice]
    columns: Sequence[Column]
    rows: Sequence[Row]
    unranked: int
    shipped: Sequence[Shipped]
    judged: int
    evaluated: int
    side: int
    source: str
    all_families: str
    zoo: ZooResults | None
    zoo_columns: Sequence[Column]
    zoo_rows: Sequence[Row]
    meanings: Sequence[Meaning]


@dataclass(frozen=True, slots=True)
class StudyRow:
    """A study in the list. done: the share of its jobs that have ended."""

    study: StudySummary
    done: int
    jobs: int


@dataclass(frozen=True, slots=True)
class StudiesPage:
    """All studies, in parts."""

    rows: Sequence[StudyRow]
    first: str | None
    next: str | None


@dataclass(frozen=True, slots=True)
class StudyPage:
    """A study. height: of its plot in pixels."""

    study: StudyView
    done: int
    jobs: int
    metrics: Sequence[Choice]
    values: Sequence[Choice]
    height: int


# --- The leaderboard ----------------------------------------------------------------------------------------------


@router.get("/ranking", include_in_schema=False)
def show_ranking(request: Request, query: Annotated[RankingQuery, Query()], given: Given) -> Response:
    """Show the leaderboard of a data set."""
    metric = choose_metric(query.metric)
    require_known(query.family, query.dataset)
    judge = current_judge(query.dataset)
    comparable, others = by_judge(given.catalogue.leaders(query.dataset, family=query.family), judge)
    leaders = _sort(comparable, metric, query.sort)[:_ROWS]
    shown = _shown(metric, [leader.checkpoint.metrics for leader in leaders])
    zoo = read_zoo_results() if query.dataset == read_zoo_results().dataset else None
    zoo_metric = metric if zoo is not None and any(metric.name in one.metrics for one in zoo.trainings) else None
    page = RankingPage(
        query=query,
        datasets=[Choice(one, _link(query, dataset=one), one == query.dataset) for one in DATASETS],
        columns=_columns(shown, query, by_cost=True),
        rows=[_row(place, leader, shown) for place, leader in enumerate(leaders, 1)],
        unranked=len(others),
        shipped=[_shipped(one) for one in given.catalogue.shipped(query.dataset, family=query.family)],
        judged=JUDGED,
        evaluated=EVALUATED,
        side=find_dataset(query.dataset).size,
        source=_link(query, path="/leaderboard", sort=None),
        all_families=_link(query, family=None),
        zoo=zoo,
        zoo_columns=_columns(_shown_of_zoo(zoo), query, by_cost=False),
        zoo_rows=_zoo_rows(zoo, zoo_metric or choose_metric("fd"), query.family),
        meanings=[
            Meaning(one.name, one.title, BETTER[one.better], one.description.split("\n\n"))
            for one in metrics().values()
        ],
    )
    return render(request, "ranking", page)


def _sort(leaders: Sequence[Leader], metric: Metric, sort: Sort) -> list[Leader]:
    orders: Mapping[str, Callable[[Leader], float]] = {
        "seconds": lambda one: one.seconds,
        "images": lambda one: one.checkpoint.images_seen,
    }
    ranked = rank(leaders, metric)
    return sorted(ranked, key=orders[sort]) if sort in orders else ranked


def _shown(metric: Metric, measured: Sequence[Mapping[str, Any]]) -> list[Metric]:
    """Return the metrics that have a column: the usual ones that some training has, and the one that sorts."""
    known = {name for one in measured for name, value in one.items() if value is not None}
    return [one for name, one in metrics().items() if name in known and (name in _USUAL or name == metric.name)]


def _shown_of_zoo(zoo: ZooResults | None) -> list[Metric]:
    known = {name for one in zoo.trainings for name in one.metrics} if zoo else set()
    return [one for name, one in metrics().items() if name in known]


def _columns(shown: Sequence[Metric], query: RankingQuery, *, by_cost: bool) -> list[Column]:
    columns = [
        Column(
            one.name,
            one.title,
            _link(query, metric=one.name, sort=None),
            BETTER[one.better],
            query.sort == "metric" and one.name == query.metric,
        )
        for one in shown
    ]
    costs = {"seconds": "time", "images": "pictures seen"} if by_cost else {}
    return columns + [
        Column(name, title, _link(query, sort=name), "less is less work", query.sort == name)
        for name, title in costs.items()
    ]


def _row(place: int, leader: Leader, shown: Sequence[Metric]) -> Row:
    standing = Standing.of(leader, rank=place)
    return Row(
        place=place,
        family=standing.family,
        preset=standing.preset,
        cells=[_cell(standing.metrics, metric) for metric in shown],
        standing=standing,
        duration=tell_duration(leader.seconds),
        images=standing.images_seen,
        picture=_picture(standing.checkpoint) if place <= _WITH_PICTURES else None,
    )


def _shipped(checkpoint: KnownCheckpoint) -> Shipped:
    measured = [metric for metric in metrics().values() if checkpoint.metrics.get(metric.name) is not None]
    return Shipped(
        name=checkpoint.name or checkpoint.id,
        checkpoint=checkpoint.id,
        family=checkpoint.family,
        preset=checkpoint.preset,
        images=checkpoint.images_seen,
        figures=[Figure(one.title, _cell(checkpoint.metrics, one), BETTER[one.better]) for one in measured],
        picture=_picture(checkpoint.id),
    )


def _picture(checkpoint: str) -> str:
    """Return the address of ten pictures in a row."""
    return f"/generate?checkpoint={checkpoint}&seed=7&count=10&columns=10"


def _zoo_rows(zoo: ZooResults | None, metric: Metric, family: str | None) -> list[Row]:
    trainings = [one for one in zoo.trainings if family in {None, one.family}] if zoo else []
    shown = _shown_of_zoo(zoo)
    measured = [one for one in trainings if metric.name in one.metrics]
    measured.sort(key=lambda one: metric.badness(one.metrics))
    others = [one for one in trainings if metric.name not in one.metrics]
    return [
        Row(place, one.family, one.preset, [_cell(one.metrics, column) for column in shown], None, "", one.images, None)
        for place, one in enumerate([*measured, *others], 1)
    ]


def _cell(values: Mapping[str, Any], metric: Metric) -> Cell:
    value, floor = values.get(metric.name), values.get(f"{metric.name}_floor")
    return Cell(*("" if one is None else tell_value(one) for one in (value, floor)))


def _link(query: RankingQuery, *, path: str = "/ranking", **changes: str | None) -> str:
    """Return the address of the same with changes; what is usual is left out."""
    chosen = query.model_copy(update=changes).model_dump(exclude_defaults=True)
    given = {name: value for name, value in chosen.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


# --- Studies ------------------------------------------------------------------------------------------------------


@router.get("/ranking/studies", include_in_schema=False)
def show_studies(request: Request, query: Annotated[PageQuery, Query()], given: Given) -> Response:
    """Show the studies, the newest first."""
    part = given.studies.list(limit=query.limit, cursor=query.cursor)
    counts = given.studies.counts([study.id for study in part.items])
    rows = [_study_row(StudySummary.of(study, counts[study.id])) for study in part.items]
    following = {"limit": query.limit, "cursor": part.next_cursor}
    page = StudiesPage(
        rows=rows,
        first="/ranking/studies" if query.cursor else None,
        next=f"/ranking/studies?{urlencode(following)}" if part.next_cursor else None,
    )
    return render(request, "studies", page)


@router.get("/ranking/studies/{study_id}", include_in_schema=False)
def show_study(study_id: str, request: Request, query: Annotated[FindingsQuery, Query()], given: Given) -> Response:
    """Show how a study stands, and what it has found."""
    study = view_study(given.studies.get(study_id), query, given)
    row, here = _study_row(study), f"/ranking/studies/{study.id}"
    page = StudyPage(
        study=study,
        done=row.done,
        jobs=row.jobs,
        metrics=[
            Choice(
                metrics()[name].title,
                f"{here}?{urlencode({'metric': name, 'value': query.value})}",
                name == study.metric,
            )
            for name in dict.fromkeys((*_USUAL, study.metric))
        ],
        values=[
            Choice(title, f"{here}?{urlencode({'metric': query.metric, 'value': value})}", value == query.value)
            for value, title in _VALUES.items()
        ],
        height=height_of(len(study.families)),
    )
    return render(request, "study", page)


_VALUES: Mapping[Value, str] = {"final": "at the whole budget", "best": "best checkpoint"}


def _study_row(study: StudySummary) -> StudyRow:
    done = sum(count for state, count in study.jobs.items() if state.is_finished)
    return StudyRow(study, done, sum(study.jobs.values()))
