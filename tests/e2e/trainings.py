"""Trainings that a browser looks at: real ones, and records of ones that are under way."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from models import encode_png
from store.events import EventKind, NewEvent
from store.jobs import Claim
from store.phases import Phase
from store.settings import sample_name
from tests.app.service import Service, running
from tests.chaos.stack import Stack, new_stack

TINY = {
    "images": "640",
    "batch_size": "16",
    "hyperparameters.width": "4",
    "hyperparameters.latent_dim": "8",
    "sample_interval": "5",
    "metrics_interval": "2",
    "quality_interval": "10",
    "checkpoint_interval": "20",
}
"""What is typed into the form for dcgan: 40 steps, nine sample grids."""

GRIDS = 9
SIDE = 8


@dataclass(frozen=True)
class Crew:
    """A whole service: what a browser talks to, and the broker and the worker beside it."""

    service: Service
    stack: Stack


@contextmanager
def crew() -> Iterator[Crew]:
    """Start a broker, a worker and a web server over one data directory."""
    with new_stack() as stack:
        stack.start_broker()
        stack.start_worker()
        with running(stack.directory, sweep_seconds=0.5, ring_again_seconds=1) as service:
            yield Crew(service, stack)


def begin(service: Service, *, job_id: str | None = None, grids: int = 3) -> Claim:
    """Let a job of ten steps be at work, with curves and so many grids: of step 0, 2, 4, ..."""
    claim = service.claim(job_id)
    tell(service, claim, NewEvent(EventKind.LOG, {"message": "training on cpu"}))
    for place in range(grids):
        draw(service, claim, 2 * place)
        if place:
            measure(service, claim, 2 * place)
    service.given.jobs.heartbeat(
        claim, step=max(0, 2 * (grids - 1)), rate=2.0, phase=Phase.TRAINING, remaining_seconds=200
    )
    return claim


def draw(service: Service, claim: Claim, step: int) -> None:
    """Store the sample grid of a step, as a worker does."""
    folder = service.given.settings.samples(claim.job.id)
    folder.mkdir(parents=True, exist_ok=True)
    grid = torch.full((SIDE, SIDE, 1), 20 * step, dtype=torch.uint8)
    (folder / sample_name(step)).write_bytes(encode_png(grid))
    tell(service, claim, NewEvent(EventKind.SAMPLE, {"count": 1, "columns": 1, "seed": 0}, step))


def measure(service: Service, claim: Claim, step: int, values: Mapping[str, float] | None = None) -> None:
    """Tell losses and a judgement of a step."""
    losses = {"discriminator/real": 1 / step, "discriminator/fake": 0.5 / step, "generator/non_saturating": 1.0}
    judged = {"fd": 100.0 / step, "precision": 0.5}
    quality = {"values": values or judged, "floors": {"fd": 2.0, "precision": 0.9}, "signs": {"spread": 1.0}}
    tell(service, claim, NewEvent(EventKind.METRIC, losses, step))
    tell(service, claim, NewEvent(EventKind.QUALITY, quality | {"count": 500, "progress": step / 10}, step))


def tell(service: Service, claim: Claim, *events: NewEvent) -> None:
    """Record events in the name of the claim."""
    service.given.jobs.record(claim, events)
