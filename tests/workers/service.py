"""A training in the test's own process: the same job, claimed and trained with the interruptions that a test wants."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.checkpoints import CheckpointStore, TrainedCheckpoint
from store.database import Database
from store.events import Event, EventKind, EventStore
from store.jobs import Claim, JobStore
from store.requests import TrainRequest, complete
from store.retention import Keep
from store.states import Outcome, Wish
from workers.loop import train
from workers.pulse import Pulse
from workers.settings import WorkerSettings

LEASE_SECONDS = 60.0
STEPS = 24
TRAINING = TrainRequest(
    family="dcgan",
    preset="paper",
    dataset="segments",
    seed=3,
    batch_size=4,
    images=STEPS * 4,
    hyperparameters={"width": 1, "latent_dim": 4},
    checkpoint_interval=8,
    sample_interval=6,
    metrics_interval=5,
    quality_interval=4,
    keep=Keep(every=1),
)


class ScriptedPulse(Pulse):
    """Wishes something, or fails, when the training has come to a step. It has no thread."""

    def __init__(self, jobs: JobStore, claim: Claim, *, at_step: int, wish: Wish | Exception) -> None:
        super().__init__(jobs, claim, interval_seconds=1)
        self._at_step, self._scripted = at_step, wish

    @property
    def wish(self) -> Wish:
        if self.step < self._at_step:
            return Wish.NONE
        if isinstance(self._scripted, Exception):
            raise self._scripted
        return self._scripted


@dataclass(frozen=True)
class Result:
    """What a training leaves behind, as far as an interrupted one must leave the same."""

    weights: bytes
    metrics: list[tuple[int | None, Mapping[str, Any]]]
    quality: list[tuple[int | None, Mapping[str, Any]]]
    samples: Mapping[str, bytes]


@dataclass(frozen=True)
class Service:
    """The records and files of a worker."""

    settings: WorkerSettings
    database: Database
    jobs: JobStore

    def submit(self, training: TrainRequest = TRAINING) -> str:
        request, steps = complete(training)
        return self.jobs.create(request, total_steps=steps).job.id

    def claim(self, job_id: str) -> Claim:
        """The claim of this job, which is next."""
        claim = self.jobs.claim("test")
        assert claim is not None
        assert claim.job.id == job_id
        return claim

    def train(self, claim: Claim, *, until: int = STEPS + 1, wish: Wish | Exception = Wish.PREEMPT) -> Outcome:
        """Train until this step, where the wish comes or the exception is raised."""
        pulse = ScriptedPulse(self.jobs, claim, at_step=until, wish=wish)
        return train(self.settings, self.database, self.jobs, claim, pulse)

    def events(self, job_id: str, *kinds: EventKind) -> list[Event]:
        return EventStore(self.database).after(job_id, 0, kinds or None)

    def checkpoints(self, job_id: str) -> list[TrainedCheckpoint]:
        """The newest first."""
        return list(CheckpointStore(self.database).list(job_id=job_id).items)

    def directory(self, checkpoint: TrainedCheckpoint) -> Path:
        return self.settings.checkpoints / checkpoint.path

    def result(self, job_id: str) -> Result:
        newest = self.checkpoints(job_id)[0]
        samples = self.settings.job_directory(job_id) / "samples"
        return Result(
            weights=(self.directory(newest) / "networks.safetensors").read_bytes(),
            metrics=[(event.step, event.data) for event in self.events(job_id, EventKind.METRIC)],
            quality=[(event.step, event.data) for event in self.events(job_id, EventKind.QUALITY)],
            samples={path.name: path.read_bytes() for path in sorted(samples.glob("*.png"))},
        )


def eventually(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait until the condition is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.01)
