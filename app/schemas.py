"""What the service says and takes, as JSON: the shapes of its answers, and of the requests that are its own."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.pictures.catalogue import KnownCheckpoint
from checkpoints.library import current_judge
from metrics import EVALUATED, JUDGED, Better
from models import (
    SURE,
    DatasetSpec,
    Direction,
    Family,
    Hyperparameters,
    LayerOutline,
    NetworkOutline,
    NiceMethod,
    NiceReport,
    NiceRow,
    Preset,
    Range,
    ScoreKind,
)
from store.checkpoints import Leader
from store.events import Event, EventKind
from store.jobs import End, Job, JobRequest
from store.phases import Phase
from store.states import JobState

T = TypeVar("T")

MOST_PRIORITY = 1000
"""Of a job, and as far below 0."""


class Document(BaseModel):
    """A frozen value that becomes JSON."""

    model_config = ConfigDict(frozen=True)


class FormQuery(BaseModel):
    """What a form may ask for: it sends empty what was left out."""

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, values: object) -> object:
        return {name: value for name, value in values.items() if value != ""} if isinstance(values, Mapping) else values


class PageQuery(Document):
    """Which part of a list to show."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(20, ge=1, le=100, description="the most items")
    cursor: str | None = Field(None, max_length=200, description="the next_cursor of the page before")


class Page(Document, Generic[T]):
    """A part of a list."""

    items: Sequence[T]
    next_cursor: str | None = Field(description="ask with it for what follows; null at the end")


class Place(Document):
    """One thing that is wrong, and where."""

    detail: str
    pointer: str | None = Field(None, description="JSON pointer into the request's body, as a fragment")
    parameter: str | None = Field(None, description="the query or path parameter")
    header: str | None = Field(None, description="the header")


class Problem(Document):
    """Why a request failed: RFC 9457."""

    type: str
    title: str
    status: int
    detail: str = Field(description="what came, and what would have been right")
    instance: str = Field(description="the path that was asked for")
    errors: Sequence[Place] | None = Field(None, description="each thing that is wrong, where that is known")


class ProblemType(Document):
    """What a problem's type means."""

    type: str
    title: str
    status: int


class Progress(Document):
    """How far a job is."""

    step: int
    total: int


class JobView(Document):
    """A job as it stood when it was read."""

    id: str
    state: JobState
    family: str
    preset: str
    dataset: str
    seed: int
    request: JobRequest = Field(description="all that was asked for, every default filled in")
    study_id: str | None = Field(description="the study that it is of, if any")
    trial: int | None = Field(description="the number of its draw of hyperparameters in the study, from 0")
    priority: int
    position: int | None = Field(description="how many queued jobs come before it; null if it is not queued")
    progress: Progress
    steps_per_second: float | None = Field(description="of training, of late: judging and saving are not counted")
    phase: Phase | None = Field(description="what it does just now; null if it is not at work")
    eta_seconds: float | None = Field(
        description="how long it will go on, judgements and checkpoints included; null while nobody can know"
    )
    attempt: int = Field(description="1 + the attempts that were lost or met a fault that may pass; 0 before the first")
    max_attempts: int
    error: Mapping[str, Any] | None
    checkpoints: Sequence[str] = Field(description="the ids of its newest hundred checkpoints, the newest first")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime

    @classmethod
    def of(cls, job: Job, *, position: int | None, checkpoints: Sequence[str]) -> "JobView":
        """Describe a job."""
        return cls(
            id=job.id,
            state=job.state,
            family=job.family,
            preset=job.preset,
            dataset=job.dataset,
            seed=job.seed,
            request=job.request,
            study_id=job.study_id,
            trial=job.trial,
            priority=job.priority,
            position=position,
            progress=Progress(step=job.step, total=job.total_steps),
            steps_per_second=job.rate,
            phase=job.phase,
            eta_seconds=job.remaining_seconds,
            attempt=job.attempt,
            max_attempts=job.max_attempts,
            error=job.error,
            checkpoints=checkpoints,
            created_at=moment(job.created_at),
            started_at=job.started_at and moment(job.started_at),
            finished_at=job.finished_at and moment(job.finished_at),
            updated_at=moment(job.updated_at),
        )


class Plan(Document):
    """What would be trained."""

    request: JobRequest = Field(description="all that is asked for, every default filled in")
    total_steps: int


class PriorityChange(Document):
    """A new place in the queue."""

    model_config = ConfigDict(extra="forbid")

    priority: Annotated[int, Field(strict=True)] = Field(
        ge=-MOST_PRIORITY, le=MOST_PRIORITY, description="jobs of a higher priority run first; 0 is usual"
    )


class QueueMove(Document):
    """Where to put a job in the queue."""

    model_config = ConfigDict(extra="forbid")

    to: End = Field(description="before or behind all others that wait; its priority changes as little as that takes")


class EventView(Document):
    """Something that happened to a job."""

    sequence: int = Field(description="1, 2, 3, ... for each job, without a gap")
    kind: EventKind
    step: int | None
    data: Mapping[str, Any]
    created_at: datetime

    @classmethod
    def of(cls, event: Event) -> "EventView":
        """Describe an event."""
        return cls(
            sequence=event.sequence,
            kind=event.kind,
            step=event.step,
            data=event.data,
            created_at=moment(event.created_at),
        )


class CheckpointView(Document):
    """A trained model that pictures can be drawn from."""

    id: str = Field(description="names its weights for ever")
    name: str | None = Field(description="what a shipped one is called whatever its weights; null if it was trained")
    job_id: str | None = Field(description="the job that trained it; null if it ships with the service")
    shipped: bool = Field(description="whether it ships with the service")
    family: str
    preset: str
    dataset: str
    step: int
    images_seen: int
    digest: str = Field(description="sha256 of all that its pictures depend on")
    metrics: Mapping[str, Any]
    headline: float | None = Field(description="FD of its pictures as the training went on; null where not judged")
    judge: str | None = Field(
        description="digest of the judge that measured headline and metrics; null where none did, or nobody noted it"
    )
    is_comparable: bool = Field(
        description="whether today's judge of the data set measured it: `best` and the leaderboard compare no others"
    )
    is_best: bool = Field(description="whether it has the best headline of its job's, by the judge of the newest one")
    created_at: datetime | None

    @classmethod
    def of(cls, checkpoint: KnownCheckpoint) -> "CheckpointView":
        """Describe a checkpoint."""
        return cls(
            id=checkpoint.id,
            name=checkpoint.name,
            job_id=checkpoint.job_id,
            shipped=checkpoint.is_shipped,
            family=checkpoint.family,
            preset=checkpoint.preset,
            dataset=checkpoint.dataset,
            step=checkpoint.step,
            images_seen=checkpoint.images_seen,
            digest=checkpoint.digest,
            metrics=checkpoint.metrics,
            headline=checkpoint.headline,
            judge=checkpoint.judge,
            is_comparable=checkpoint.judge is not None and checkpoint.judge == current_judge(checkpoint.dataset),
            is_best=checkpoint.is_best,
            created_at=checkpoint.created_at,
        )


class MetricsPoint(Document):
    """What was measured of a training at a step: its losses, or its pictures."""

    step: int
    losses: Mapping[str, float | None] | None = Field(description="the means of the terms since the point before")
    quality: Mapping[str, Any] | None = Field(
        description="count of drawn pictures, values of the metrics, their floors: what real pictures have; signs of a "
        "collapse, by those of real pictures"
    )

    @classmethod
    def of(cls, event: Event) -> "MetricsPoint":
        """Describe an event of either kind."""
        is_loss = event.kind is EventKind.METRIC
        assert event.step is not None  # both kinds have one
        return cls(step=event.step, losses=event.data if is_loss else None, quality=None if is_loss else event.data)


class Standing(Document):
    """The best checkpoint of a finished job, and what it took; or one that ships."""

    rank: int | None = Field(description="null where it is not ranked")
    reason: str | None = Field(None, description="why it is not ranked")
    checkpoint: str = Field(description="the id of the checkpoint")
    shipped: bool = Field(description="whether it ships with the service, and no job here trained it")
    job_id: str | None = Field(description="null if it ships with the service")
    state: JobState | None = Field(description="how the job ended; null if it ships with the service")
    family: str
    preset: str
    seed: int | None = Field(description="of the training; null if it ships with the service")
    step: int
    images_seen: int
    seconds: float | None = Field(
        description="from the job's first step to its end, pauses among them; null if it ships with the service"
    )
    metrics: Mapping[str, Any]
    pictures: int = Field(
        description="drawn pictures that the metrics are of, or all where there are fewer: values of different counts "
        "do not compare"
    )

    @classmethod
    def of(cls, leader: Leader, *, rank: int | None, reason: str | None = None) -> "Standing":
        """Describe a leader. rank: None where it is not ranked, for this reason."""
        checkpoint = leader.checkpoint
        return cls(
            rank=rank,
            reason=reason,
            checkpoint=checkpoint.id,
            shipped=False,
            job_id=checkpoint.job_id,
            state=leader.state,
            family=checkpoint.family,
            preset=checkpoint.preset,
            seed=leader.seed,
            step=checkpoint.step,
            images_seen=checkpoint.images_seen,
            seconds=leader.seconds,
            metrics=checkpoint.metrics,
            pictures=JUDGED,
        )

    @classmethod
    def of_shipped(cls, checkpoint: KnownCheckpoint, *, reason: str) -> "Standing":
        """Describe a checkpoint that ships, and why it is not ranked."""
        return cls(
            rank=None,
            reason=reason,
            checkpoint=checkpoint.id,
            shipped=True,
            job_id=None,
            state=None,
            family=checkpoint.family,
            preset=checkpoint.preset,
            seed=None,
            step=checkpoint.step,
            images_seen=checkpoint.images_seen,
            seconds=None,
            metrics=checkpoint.metrics,
            pictures=EVALUATED,
        )


class Leaderboard(Document):
    """Finished jobs, the best first."""

    dataset: str
    metric: str
    title: str = Field(description="what the metric is called")
    better: Better = Field(description="which value is better; real: that of real pictures")
    judge: str | None = Field(description="digest of today's judge of the data set; null where there is none")
    items: Sequence[Standing]
    unranked: Sequence[Standing] = Field(
        description="those whose figures do not compare with these: what ships, then the newest"
    )


class AliasView(Document):
    """A name that people gave to a checkpoint."""

    name: str
    checkpoint: str = Field(description="the id of the checkpoint that it means")


class AliasChange(Document):
    """What a name shall mean."""

    model_config = ConfigDict(extra="forbid")

    checkpoint: str = Field(min_length=1, max_length=100, description="the id or name of one of GET /checkpoints")


class Promotion(AliasView):
    """What a name means now, and what it meant before: put that back to undo the change."""

    previous: str | None


class PaperView(Document):
    """Where a family comes from."""

    title: str
    authors: str
    year: int
    url: str


class PresetView(Document):
    """A named recipe of a family."""

    description: str
    images: int = Field(description="pictures that the discriminator sees in the whole training")
    batch_size: int
    averaging_half_life: float
    hyperparameters: Mapping[str, Any]

    @classmethod
    def of(cls, preset: Preset[Hyperparameters]) -> "PresetView":
        """Describe a preset."""
        return cls(
            description=preset.description,
            images=preset.images,
            batch_size=preset.batch_size,
            averaging_half_life=preset.averaging_half_life,
            hyperparameters=preset.hyperparameters.model_dump(mode="json"),
        )


class FamilyView(Document):
    """A GAN family that can be trained."""

    name: str
    paper: PaperView
    conditioning: str
    has_score: bool = Field(description="whether its pictures can be asked for with nice=true")
    score_kind: ScoreKind | None = Field(
        description="what the score estimates: nice_method=drs takes a `logit` alone; null where there is no score"
    )
    classifies: bool = Field(description="whether POST /classify can ask its checkpoints")
    controls: Mapping[str, Any] | None = Field(description="JSON schema of what steers GET /generate, if anything")
    default_preset: str
    presets: Mapping[str, PresetView]
    hyperparameters: Mapping[str, Any] = Field(description="JSON schema of its hyperparameters")
    search: Mapping[str, Annotated[Range, Field(discriminator="kind")]] = Field(
        description="from what a study draws hyperparameters; where nothing is, the seed alone varies"
    )

    @classmethod
    def of(cls, family: Family[Any]) -> "FamilyView":
        """Describe a family."""
        paper = family.paper
        return cls(
            name=family.name,
            paper=PaperView(title=paper.title, authors=paper.authors, year=paper.year, url=paper.url),
            conditioning=family.conditioning,
            has_score=family.score is not None,
            score_kind=family.score_kind,
            classifies=family.classify is not None,
            controls=family.steering and family.steering.controls.model_json_schema(),
            default_preset=family.default_preset,
            presets={name: PresetView.of(preset) for name, preset in family.presets.items()},
            hyperparameters=family.hyperparameters.model_json_schema(),
            search=family.search,
        )


class Classification(Document):
    """What a network takes a picture for."""

    checkpoint: str = Field(description="the id of the checkpoint that was asked")
    family: str
    dataset: str
    label: str = Field(description="the most probable class")
    probabilities: Mapping[str, float] = Field(description="of every class; their sum is 1")


class LatentView(Document):
    """A latent and its picture."""

    latent: str = Field(description="its address: stands where a seed does, with the same checkpoint")
    label: str | None = Field(description="the class, where the network takes labels")
    url: str = Field(description="where the picture is drawn again, to the last byte")
    picture: str = Field(description="the picture as a data URL of a PNG")


class Variations(Document):
    """Pictures around one."""

    checkpoint: str = Field(description="the id of the checkpoint")
    url: str = Field(description="the URL that repeats this answer")
    items: Sequence[LatentView] = Field(
        description="the first is the picture that the others vary, drawn from the address that is nearest to it"
    )


class MatchView(LatentView):
    """A latent whose picture is like a given one."""

    distance: float = Field(description="what was minimised: of pixels and, where a judge ships, of its features")
    pixel_error: float = Field(description="root of the mean square difference of the pixels, of 1")


class Projection(Document):
    """The latents whose pictures are most like a given one."""

    checkpoint: str = Field(description="the id of the checkpoint")
    judge: str | None = Field(description="the classifier whose features were compared; null where none ships")
    target: str = Field(description="the picture as it was understood, as a data URL of a PNG")
    items: Sequence[MatchView] = Field(description="the best first")


class DirectionView(Document):
    """A direction in which a latent can be moved."""

    name: str = Field(description="as GET /latent/sweep takes it")
    description: str
    unit: str = Field(description="in what its attribute is measured")
    r_squared: float = Field(
        description="share of the attribute's variance, within a class, that the direction explains, on pictures that "
        "were kept out of the fit: 1 all, 0 or less none"
    )
    spread: float = Field(description="standard deviation of the attribute within a class")
    per_step: Mapping[str, float] = Field(
        description="what a step of length 1 changes, of this and of the other attributes, each in its unit"
    )

    @classmethod
    def of(cls, direction: Direction) -> "DirectionView":
        """Describe a direction, rounded to what some thousand pictures can tell."""
        return cls(
            name=direction.name,
            description=direction.description,
            unit=direction.unit,
            r_squared=round(direction.r_squared, 3),
            spread=round(direction.spread, 3),
            per_step={name: round(change, 3) for name, change in direction.per_step.items()},
        )


class Directions(Document):
    """The directions that were found in the latents of a checkpoint."""

    checkpoint: str = Field(description="the id of the checkpoint")
    dimensions: int = Field(description="coordinates of a latent")
    pictures: int = Field(description="how many were measured")
    items: Sequence[DirectionView]


class NiceRowView(Document):
    """Pictures that were chosen in one manner."""

    nice_factor: int = Field(description="candidates for each picture")
    nice_method: NiceMethod | None = Field(description="how one of them was chosen; null where there is only one")
    candidates: int = Field(description="pictures that were drawn to choose from")
    recognised: float = Field(description=f"share that the judge recognises with a probability of {SURE} or more")
    confidence: float = Field(description="mean probability of the class that counts")
    diversity: float | None = Field(
        description="mean distance of two pictures of a class in the judge's features, as a share of that of the first "
        "row; null where no class has two pictures that differ"
    )
    classes_covered: float = Field(description="share of the classes of which a picture is recognised")
    accepted_share: float | None = Field(
        description="with drs: share that was accepted, in [0, 1]; the others are the best of their runs"
    )

    @classmethod
    def of(cls, row: NiceRow) -> "NiceRowView":
        """Describe a row, rounded to what a share of some hundred pictures can tell."""
        return cls(
            nice_factor=row.nice_factor,
            nice_method=row.method,
            candidates=row.candidates,
            recognised=round(row.recognised, 4),
            confidence=round(row.confidence, 4),
            diversity=row.diversity and round(row.diversity, 4),
            classes_covered=round(row.classes_covered, 4),
            accepted_share=None if row.accepted_share is None else round(row.accepted_share, 4),
        )


class NiceReportView(Document):
    """What choosing by the discriminator is worth with one checkpoint, and what it costs."""

    sentence: str = Field(description="what the most candidates do, in plain words")
    checkpoint: str = Field(description="the id of the checkpoint")
    seed: int
    count: int = Field(description="pictures in each row")
    judge: str = Field(description="the classifier that recognises them")
    deviation: float = Field(description="standard deviation of `recognised` by chance")
    rows: Sequence[NiceRowView] = Field(description="the first of pictures that nothing chose")

    @classmethod
    def of(cls, report: NiceReport, *, checkpoint: str, seed: int, judge: str) -> "NiceReportView":
        """Describe a report."""
        return cls(
            sentence=report.sentence,
            checkpoint=checkpoint,
            seed=seed,
            count=report.count,
            judge=judge,
            deviation=round(report.deviation, 4),
            rows=[NiceRowView.of(row) for row in report.rows],
        )


class DatasetView(DatasetSpec):
    """A data set that can be trained on."""

    has_classifier: bool = Field(description="whether pictures of a class can be had from a network without labels")
    is_here: bool = Field(description="whether its pictures are on this machine; the first training fetches them else")


class Frame(Document):
    """A sample grid of a training."""

    step: int
    url: str = Field(description="the PNG")

    @classmethod
    def of(cls, job_id: str, step: int) -> "Frame":
        """Describe the grid of a step."""
        return cls(step=step, url=f"/jobs/{job_id}/samples/{step}.png")


class Timelapse(Document):
    """The sample grids of a training."""

    job_id: str
    total_steps: int
    frames: Sequence[Frame] = Field(description="in the order of their steps; all of the same noise")


class LayerView(Document):
    """A layer of a network, as the data meets it."""

    name: str = Field(description="its place in the network")
    kind: str
    settings: str = Field(description="what its class says of it")
    inputs: Sequence[Sequence[int]] = Field(description="the shapes of what comes in of one picture; [] is one number")
    output: Sequence[int] = Field(description="the shape of what goes out of one picture")
    parameters: int

    @classmethod
    def of(cls, layer: LayerOutline) -> "LayerView":
        """Describe a layer."""
        return cls(
            name=layer.name,
            kind=layer.kind,
            settings=layer.settings,
            inputs=layer.inputs,
            output=layer.output,
            parameters=layer.parameters,
        )


class NetworkView(Document):
    """A network of a family."""

    name: str
    draws: bool = Field(description="whether pictures are drawn by it; the others only judge or teach")
    parameters: int = Field(description="numbers that are learnt")
    layers: Sequence[LayerView] = Field(description="those that compute something, in the order of the data")

    @classmethod
    def of(cls, network: NetworkOutline) -> "NetworkView":
        """Describe a network."""
        return cls(
            name=network.name,
            draws=network.draws,
            parameters=network.parameters,
            layers=[LayerView.of(layer) for layer in network.layers],
        )


class Readiness(Document):
    """Whether the service can answer, and why."""

    status: str
    checks: Mapping[str, str] | None = None


def moment(seconds: float) -> datetime:
    """Return the time so many seconds after 1970 (UTC)."""
    return datetime.fromtimestamp(seconds, UTC)
