"""The pages that show trainings: the list of jobs, one job live, and up to four beside each other."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from PIL import Image
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from app.dependencies import Given, Services
from app.pictures.timelapse import Grid, find_grids
from app.ranking import BETTER
from app.refusals import ParameterError
from app.schemas import Frame, moment
from app.teaching.network_picture import Drawing, draw_network
from app.web.job_rows import JobRow, Jobs, read_jobs, read_row
from app.web.pages import render
from checkpoints.library import has_judge
from metrics import Metric, metrics
from models import (
    DATASETS,
    Conditioning,
    UnknownDatasetError,
    UnknownFamilyError,
    UnsupportedShapeError,
    families,
    find_dataset,
    find_family,
)
from store.events import Event, EventKind
from store.jobs import Job
from store.sample_grids import SAMPLE_COLUMNS, labels_of_rows
from store.states import JobState
from store.telling import tell_second, tell_thousands

router = APIRouter()

MOST_COMPARED = 4
_FIRST_METRICS = ("fd", "precision", "recall", "density", "coverage")
"""What says most of the pictures; the others follow in their order."""
_LINES_SHOWN = 200
_NO_NETWORKS = (UnknownFamilyError, UnknownDatasetError, UnsupportedShapeError, ValidationError)
"""What makes a job of an older version one whose networks this version cannot build."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened."""

    at: datetime
    step: int | None
    text: str

    @property
    def time(self) -> str:
        """When, as a person reads it."""
        return tell_second(self.at)


@dataclass(frozen=True, slots=True)
class Value:
    """The newest value of a metric, of `count` drawn pictures. real: what as many real ones have. better: in words."""

    name: str
    title: str
    better: str
    value: str
    real: str
    step: int
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A place for a chart, which a script draws as soon as it has points. title: what stands there before."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Told:
    """What happened to a job, by what a page shows of it."""

    warnings: Sequence[Line]
    collapses: Sequence[Line]
    turns: Sequence[Line]
    log: Sequence[Line]
    values: Sequence[Value]
    seen: int


@dataclass(frozen=True, slots=True)
class Watched:
    """A job as a page shows it. width, height: of its sample grids in pixels, also before there is one."""

    row: JobRow
    facts: Mapping[str, str]
    error: str | None
    frames: Sequence[Frame]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class JobsPage:
    """What the template of the list is told. most_compared: how many can be shown beside each other."""

    jobs: Jobs
    most_compared: int = MOST_COMPARED


@dataclass(frozen=True, slots=True)
class WatchPage:
    """What the template of one job is told. charts: places of the curves that may come. data: for the scripts.

    has_judge: whether a classifier judges pictures of its data set.
    """

    job: Watched
    told: Told
    has_judge: bool
    checkpoints: Sequence[str]
    networks: Sequence[Drawing]
    charts: Sequence[Chart]
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ComparePage:
    """What the template of several jobs is told. names: by which each differs from the others.

    no_values, no_curves: in words why there are none, where there are none.
    """

    jobs: Sequence[Watched]
    names: Sequence[str]
    measured: Mapping[str, Sequence[Value | None]]
    no_values: str
    charts: Sequence[Chart]
    no_curves: str
    data: Mapping[str, Any]


@router.get("/watch", include_in_schema=False)
def show_jobs(request: Request, given: Given, jobs: str | None = None) -> Response:
    """Show the list of jobs; with `jobs`, up to four ids with commas between, those beside each other; one alone."""
    chosen = [*request.query_params.getlist("job"), *(jobs or "").split(",")]
    ids = list(dict.fromkeys(one.strip() for one in chosen if one.strip()))
    if not ids:
        return render(request, "jobs", JobsPage(read_jobs(given)))
    if len(ids) > MOST_COMPARED:
        detail = f"{len(ids)} jobs came, and at most {MOST_COMPARED} can be compared: leave some out"
        raise ParameterError("jobs", detail)
    compared = [given.jobs.get(one) for one in ids]
    if len(compared) == 1:
        return RedirectResponse(f"/watch/{compared[0].id}", status_code=303)
    return render(request, "compare", _compare(compared, given))


@router.get("/watch/{job_id}", include_in_schema=False)
def show_job(job_id: str, request: Request, given: Given) -> Response:
    """Show a job: how far it is, what it draws, its curves, and all that happened to it."""
    seen = given.events.last(job_id)  # before all else is read: what comes later, the stream tells
    job = given.jobs.get(job_id)
    watched, told = _watch(job, given), _tell(job, given, seen)
    page = WatchPage(
        job=watched,
        told=told,
        has_judge=has_judge(job.dataset),
        checkpoints=given.catalogue.ids_of_jobs([job.id])[job.id],
        networks=_draw_networks(job, given),
        charts=[*_quality_charts(told.values, judged=_is_judged(job)), *_loss_charts(job, given)],
        data=_data([(job, watched)], seen=told.seen),
    )
    return render(request, "watch", page)


def _compare(jobs: Sequence[Job], given: Services) -> ComparePage:
    watched = [_watch(job, given) for job in jobs]
    told = [{value.title: value for value in _newest_values(job, given)} for job in jobs]
    losses = [_terms(job, given) for job in jobs]
    terms = [term for of_one in losses for term in of_one]
    no_values = _tell_no_values(jobs)
    titles = [one.title for one in _ordered_metrics() if any(one.title in values for values in told)]
    return ComparePage(
        jobs=watched,
        names=_name(jobs),
        measured={title: [values.get(title) for values in told] for title in titles},
        no_values=no_values,
        charts=[
            *_quality_charts(
                [value for values in told for value in values.values()], judged=any(_is_judged(job) for job in jobs)
            ),
            *(Chart(term, term) for term in dict.fromkeys(terms) if terms.count(term) > 1),
        ],
        no_curves=f"{_tell_no_losses(losses)} {no_values}",
        data=_data(list(zip(jobs, watched, strict=True)), seen=0),
    )


def _tell_no_losses(losses: Sequence[Sequence[str]]) -> str:
    """Return why there is no curve of a loss of several jobs. losses: the names of each one's."""
    if all(losses):
        return "They share no loss that could be drawn on the same axes: the page of each shows its own."
    return "Not all of them have told their losses."


def _tell_no_values(jobs: Sequence[Job]) -> str:
    """Return why no pictures of these jobs were judged."""
    names = list(dict.fromkeys(job.dataset for job in jobs))
    if any(has_judge(name) for name in names):
        return "None was judged."
    return f"No classifier ships for {' and '.join(names)}, so nothing measures their pictures: look at them."


def _data(jobs: Sequence[tuple[Job, Watched]], *, seen: int) -> Mapping[str, Any]:
    """Return what the scripts are told; the curves they ask the API for."""
    return {
        "seen": seen,
        "jobs": [
            {
                "id": job.id,
                "name": name,
                "total_steps": job.total_steps,
                "images": job.request.images,
                "is_finished": job.state.is_finished,
                "frames": [frame.model_dump() for frame in watched.frames],
            }
            for (job, watched), name in zip(jobs, _name([job for job, _ in jobs]), strict=True)
        ],
        "metrics": {one.name: {"title": one.title, "better": BETTER[one.better]} for one in _ordered_metrics()},
    }


def _watch(job: Job, given: Services) -> Watched:
    grids = find_grids(given.events, job.id, given.settings.samples(job.id))
    width, height = _size(grids) or _expected_size(job)
    request = job.request
    return Watched(
        row=read_row(job, given),
        facts={
            "family": f"{job.family}, preset {job.preset}",
            "data set": job.dataset,
            "seed": str(job.seed),
            "training pictures": f"{tell_thousands(request.images)} in {tell_thousands(job.total_steps)} steps, "
            f"{request.batch_size} in a batch",
            **{name.replace("_", " "): str(value) for name, value in request.hyperparameters.items()},
        },
        error=None if job.error is None else str(job.error.get("detail") or job.error.get("type")),
        frames=[Frame.of(job.id, grid.step) for grid in grids],
        width=width,
        height=height,
    )


def _size(grids: Sequence[Grid]) -> tuple[int, int] | None:
    """Return width and height of the first grid that is still there; None where none is."""
    for grid in grids:
        with suppress(FileNotFoundError), Image.open(grid.path) as picture:
            return picture.size
    return None


def _expected_size(job: Job) -> tuple[int, int]:
    """Return the shape that the job's grids will have; a square where this version knows family or data set no more."""
    family, dataset = families().get(job.family), DATASETS.get(job.dataset)
    if family is None or dataset is None:
        return 1, 1
    rows = labels_of_rows(dataset, is_conditional=family.conditioning is Conditioning.LABEL)
    return SAMPLE_COLUMNS * dataset.size, len(rows) * dataset.size


def _draw_networks(job: Job, given: Services) -> Sequence[Drawing]:
    request = job.request
    try:
        outlines = given.networks.outline(request.family, request.hyperparameters, request.dataset)
    except _NO_NETWORKS:
        return []
    return [draw_network(one) for one in outlines if one.layers]


def _tell(job: Job, given: Services, seen: int) -> Told:
    """Return what happened up to a sequence number: of each kind the newest."""

    def newest(kind: EventKind) -> Sequence[Event]:
        return given.events.newest(job.id, [kind], limit=_LINES_SHOWN, until=seen)

    warnings = newest(EventKind.WARNING)
    return Told(
        warnings=[_line(one, str(one.data["message"])) for one in warnings if "symptom" not in one.data],
        collapses=[_line(one, str(one.data["message"])) for one in warnings if "symptom" in one.data],
        turns=[_line(one, _turn(one)) for one in newest(EventKind.STATUS)],
        log=[_line(one, str(one.data["message"])) for one in newest(EventKind.LOG)],
        values=_newest_values(job, given),
        seen=seen,
    )


def _terms(job: Job, given: Services) -> Sequence[str]:
    """Return the names of the job's losses; none before the first was told."""
    return [name for event in given.events.after(job.id, 0, [EventKind.METRIC], limit=1) for name in event.data]


def _loss_charts(job: Job, given: Services) -> Sequence[Chart]:
    """Return a chart for each player's losses."""
    return [Chart(name, f"loss of the {name.replace('_', ' ')}") for name in _players(job, given)]


def _players(job: Job, given: Services) -> Sequence[str]:
    """Return whose losses there are, before the first was told those whose there will be."""
    if terms := _terms(job, given):
        return list(dict.fromkeys(term.partition("/")[0] for term in terms))
    if job.state.is_finished:
        return []
    try:
        family = find_family(job.family)
        config = family.configure(job.request.hyperparameters, find_dataset(job.dataset))
        return [phase.name for phase in family.phases(config)]
    except _NO_NETWORKS:
        return []


def _is_judged(job: Job) -> bool:
    """Whether the job's pictures will be judged."""
    return not job.state.is_finished and job.request.quality_interval is not None and has_judge(job.dataset)


def _quality_charts(values: Sequence[Value], *, judged: bool = False) -> Sequence[Chart]:
    """Return the charts that show these. judged: with those that come for certain."""
    names = {value.name for value in values} | set(_FIRST_METRICS if judged else ())
    return [Chart(f"quality {one.name}", one.title) for one in _ordered_metrics() if one.name in names]


def _line(event: Event, text: str) -> Line:
    return Line(moment(event.created_at), event.step, text)


def _turn(event: Event) -> str:
    """Return in words how a job's state changed."""
    state, attempt, reason = event.data["state"], event.data["attempt"], event.data.get("reason")
    told = f"{state}, attempt {attempt}" if state == JobState.RUNNING else str(state)
    if reason:
        return f"{told}: {reason}"
    return f"{told}: put back, to go on from here" if event.step and state == JobState.QUEUED else told


def _newest_values(job: Job, given: Services) -> Sequence[Value]:
    """Return the newest value of each metric that was measured, in the order in which metrics are told."""
    newest: dict[str, tuple[Event, float | None]] = {}
    for event in given.events.newest(job.id, [EventKind.QUALITY], limit=_LINES_SHOWN):
        for name, value in event.data["values"].items():
            newest[name] = event, value
    found = []
    for metric in _ordered_metrics():
        if metric.name in newest:
            event, value = newest[metric.name]
            real = event.data["floors"].get(metric.name)
            found.append(
                Value(
                    name=metric.name,
                    title=metric.title,
                    better=BETTER[metric.better],
                    value=_show(value),
                    real=_show(real),
                    step=event.step or 0,
                    count=event.data["count"],
                )
            )
    return found


def _ordered_metrics() -> Sequence[Metric]:
    """Return the metrics, those first that say most."""
    known = metrics()
    names = dict.fromkeys(name for name in (*_FIRST_METRICS, *known) if name in known)
    return [known[name] for name in names]


def _name(jobs: Sequence[Job]) -> Sequence[str]:
    """Return the shortest names by which jobs differ: of the family, or with data set, seed, or the id's beginning."""
    for name in (
        lambda job: job.family,
        lambda job: f"{job.family} on {job.dataset}",
        lambda job: f"{job.family}, seed {job.seed}",
    ):
        names: list[str] = [name(job) for job in jobs]
        if len(set(names)) == len(jobs):
            return names
    return [f"{job.family} {job.id[:4]}" for job in jobs]


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
