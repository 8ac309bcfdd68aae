"""A client of the HTTP API: what the command line needs of it.

ClientError
├── ServiceUnreachableError   nothing answers at the address
├── RefusedError              the service answered with a problem document (RFC 9457)
└── NotGaneryError            something else answered
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

Action = Literal["cancel", "pause", "resume"]
_FINISHED = frozenset({"succeeded", "failed", "cancelled"})
_SECONDS = 30.0
_GENERATION_SECONDS = 300.0
_EVENTS_AT_ONCE = 1000


class ClientError(Exception):
    """The service did not do what it was asked."""


class ServiceUnreachableError(ClientError):
    """Nothing answers at the address."""

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        super().__init__(
            f"no service answers at {url} ({reason}); start one with `make run` or `ganery up`, "
            "or set GANERY_URL to the address of yours"
        )


class RefusedError(ClientError):
    """The service says why it does not do it."""

    def __init__(self, problem: "Problem") -> None:
        self.problem = problem
        places = [place for place in problem.errors if place.name]
        lines = [f"{place.name}: {place.detail}" for place in places] or [problem.detail]
        super().__init__("\n".join([f"{problem.title} ({problem.status})", *(f"  {line}" for line in lines)]))


class NotGaneryError(ClientError):
    """What answers is not this service, or not of this version."""

    def __init__(self, url: str, status: int) -> None:
        self.url, self.status = url, status
        super().__init__(f"what answers at {url} (status {status}) is no Ganery: set GANERY_URL to its address")


class _Answer(BaseModel):
    """A part of a JSON answer; what we do not use of it is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Place(_Answer):
    """One thing that is wrong with a request, and where."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None

    @property
    def name(self) -> str:
        """Where it is, as a person would say it."""
        return self.parameter or self.header or (self.pointer or "").lstrip("#/").replace("/", ".")


class Problem(_Answer):
    """A problem document."""

    title: str
    status: int
    detail: str = ""
    errors: Sequence[Place] = ()


class Progress(_Answer):
    """How far a job is."""

    step: int
    total: int


class Job(_Answer):
    """A job as it stood when it was read."""

    id: str
    state: str
    family: str
    preset: str
    dataset: str
    seed: int
    progress: Progress
    phase: str | None = None
    eta_seconds: float | None = None
    position: int | None = None
    error: Mapping[str, Any] | None = None
    checkpoints: Sequence[str] = ()
    created_at: datetime

    @property
    def is_finished(self) -> bool:
        """Whether the job will never change again."""
        return self.state in _FINISHED


class Event(_Answer):
    """Something that happened to a job."""

    sequence: int
    kind: str
    step: int | None = None
    data: Mapping[str, Any]


class Alias(_Answer):
    """What a name means."""

    name: str
    checkpoint: str
    previous: str | None = None


class Spread(_Answer):
    """Where the values of a family's trainings lie."""

    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float


class Trial(_Answer):
    """One training of a study."""

    job_id: str
    hyperparameters: Mapping[str, Any]


class Findings(_Answer):
    """What a study has found of a family."""

    family: str
    trials: int
    finished: int
    failures: int
    distribution: Spread | None
    best: Trial | None


class Study(_Answer):
    """A study, and what it has found so far."""

    id: str
    title: str
    better: str
    is_finished: bool
    jobs: Mapping[str, int]
    families: Sequence[Findings]
    plot: str


class Recollection(_Answer):
    """What a PNG tells of how it was made. path: of what drew it. page: where it can be drawn again in a browser."""

    path: str
    page: str
    parameters: Mapping[str, str]


class Verification(_Answer):
    """Whether a PNG is what its recipe draws."""

    verdict: str
    reasons: Sequence[str]
    checkpoint: str
    url: str

    @property
    def holds(self) -> bool:
        """Whether the service draws the same, but for rounding."""
        return self.verdict in {"equal", "close"}


class KeptPicture(_Answer):
    """A picture in the gallery."""

    id: str
    url: str
    tags: Sequence[str]
    image: str


class _Jobs(_Answer):
    items: Sequence[Job]
    next_cursor: str | None


class _Events(_Answer):
    items: Sequence[Event]


Answer = TypeVar("Answer", bound=_Answer)


@dataclass(frozen=True, slots=True)
class Picture:
    """A grid as PNG, and how it came about. link: the address that draws it again, to the last byte.

    accepted_share: the share of the pictures that rejection sampling accepted, where it chose.
    """

    png: bytes
    link: str
    seed: int
    checkpoint: str
    candidates: int
    threshold: float | None
    selected_by: str | None
    accepted_share: float | None = None


class Client:
    """Speaks to one service, by a network or the transport given. All methods raise ClientError."""

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=_SECONDS, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def train(self, wish: Mapping[str, Any]) -> Job:
        """Ask for a training; what the wish leaves out, the service chooses."""
        return self._read(Job, "POST", "/train", json=wish)

    def job(self, job_id: str) -> Job:
        """Return a job."""
        return self._read(Job, "GET", f"/jobs/{job_id}")

    def jobs(self, *, limit: int) -> Sequence[Job]:
        """Return the newest jobs."""
        return self._read(_Jobs, "GET", "/jobs", params={"limit": limit}).items

    def change(self, job_id: str, action: Action) -> Job:
        """Cancel, pause or resume a job."""
        return self._read(Job, "POST", f"/jobs/{job_id}/{action}")

    def create_study(self, wish: Mapping[str, Any]) -> Study:
        """Ask for a study; what the wish leaves out, the service chooses."""
        return self._read(Study, "POST", "/studies", json=wish, timeout=_GENERATION_SECONDS)

    def study(self, study_id: str) -> Study:
        """Return a study."""
        return self._read(Study, "GET", f"/studies/{study_id}")

    def events(self, job_id: str, *, after: int = 0) -> Sequence[Event]:
        """Return what happened to a job after an event."""
        part = {"after": after, "limit": _EVENTS_AT_ONCE}
        return self._read(_Events, "GET", f"/jobs/{job_id}/events", params=part).items

    def promote(self, alias: str, checkpoint: str) -> Alias:
        """Let a name mean a checkpoint."""
        return self._read(Alias, "PUT", f"/aliases/{alias}", json={"checkpoint": checkpoint})

    def generate(self, parameters: Mapping[str, Any]) -> Picture:
        """Draw a grid."""
        reply = self._send("GET", "/generate", params=parameters, timeout=_GENERATION_SECONDS)
        told = reply.headers
        try:
            return Picture(
                png=reply.content,
                link=str(reply.url.join(told.get("Content-Location", ""))),
                seed=int(told["X-Ganery-Seed"]),
                checkpoint=told["X-Ganery-Checkpoint"],
                candidates=int(told["X-Ganery-Candidates"]),
                threshold=_read_number(told, "X-Ganery-Threshold"),
                selected_by=told.get("X-Ganery-Selected-By"),
                accepted_share=_read_number(told, "X-Ganery-Accepted-Share"),
            )
        except KeyError:
            raise NotGaneryError(self.url, reply.status_code) from None

    def recall(self, png: bytes) -> Recollection:
        """Read how a PNG was made."""
        return self._read(Recollection, "POST", "/recall", **_as_body(png))

    def verify(self, png: bytes) -> Verification:
        """Draw a PNG again and compare."""
        return self._read(Verification, "POST", "/verify", **_as_body(png), timeout=_GENERATION_SECONDS)

    def keep(self, recipe: Mapping[str, Any], *, starred: bool, tags: Sequence[str], note: str) -> KeptPicture:
        """Keep the picture of a recipe."""
        wish = {"recipe": recipe, "starred": starred, "tags": tags, "note": note}
        return self._read(KeptPicture, "POST", "/pictures", json=wish, timeout=_GENERATION_SECONDS)

    def follow(
        self, job_id: str, *, pause_seconds: float = 1.0, lost: Callable[[ServiceUnreachableError], None]
    ) -> Iterator[tuple[Job, Sequence[Event]]]:
        """Yield the job and what happened to it since the last time, until it is finished.

        When the service goes away in between, `lost` is called and it is asked again, for as long as it takes.
        """
        job, seen = self.job(job_id), 0
        while True:
            try:
                job, events = self.job(job_id), self.events(job_id, after=seen)
            except ServiceUnreachableError as error:
                lost(error)
            else:
                seen = events[-1].sequence if events else seen
                yield job, events
                if job.is_finished:
                    return
            time.sleep(pause_seconds)

    def _read(self, kind: type[Answer], method: str, path: str, **request: Any) -> Answer:
        reply = self._send(method, path, **request)
        try:
            return kind.model_validate_json(reply.content)
        except ValidationError:
            raise NotGaneryError(self.url, reply.status_code) from None

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            reply = self._http.request(method, path, **request)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise ServiceUnreachableError(self.url, str(error) or type(error).__name__) from None
        if reply.is_success:
            return reply
        try:
            raise RefusedError(Problem.model_validate_json(reply.content))
        except ValidationError:
            raise NotGaneryError(self.url, reply.status_code) from None


def _read_number(headers: httpx.Headers, name: str) -> float | None:
    return float(headers[name]) if name in headers else None


def _as_body(png: bytes) -> dict[str, Any]:
    return {"content": png, "headers": {"Content-Type": "image/png"}}
