"""The real web service on a port of its own, for a test to talk to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import uvicorn
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import ASGIApp

from app.dependencies import Services
from app.main import create_app
from app.settings import AppSettings
from checkpoints.format import save
from checkpoints.library import current_judge
from store.checkpoints import NewCheckpoint, checkpoint_id
from store.jobs import Claim
from store.requests import TrainRequest, complete
from store.states import Outcome
from tests.app.zoo import trained
from tests.workers.service import eventually

OWNER = "test"
WISH = TrainRequest(family="dcgan", preset="paper", dataset="segments", seed=1, images=160, batch_size=16)


class Service:
    """A running service: what it serves by `client`, what it works with by `given`.

    judge: the digest of who measures checkpoints; None for today's judge.
    """

    def __init__(self, app: FastAPI, client: httpx.Client) -> None:
        self.app, self.client = app, client
        self.given: Services = app.state.services
        self.judge: str | None = None

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return str(self.client.base_url).rstrip("/")

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.client.post(path, **options)

    def id_of(self, name: str) -> str:
        """Return the id of the shipped checkpoint of this name."""
        return self.given.catalogue.find(name).id

    def queue(self, wish: TrainRequest = WISH) -> str:
        """Queue a job behind the service's back; return its id."""
        request, total_steps = complete(wish)
        return self.given.jobs.create(request, total_steps=total_steps).job.id

    def claim(self, job_id: str | None = None) -> Claim:
        """Take a job as a worker does."""
        wanted = self.given.jobs.set_priority(job_id or self.queue(), 1)  # before all that wait
        claim = self.given.jobs.claim(OWNER)
        assert claim is not None
        assert claim.job.id == wanted.id
        return claim

    def settle(self, claim: Claim, outcome: Outcome) -> str:
        return self.given.jobs.settle(claim, outcome).id

    def keep_checkpoint(self, claim: Claim, step: int, **metrics: float) -> str:
        """Save and register a checkpoint as a worker does; return its id. metrics: fd is the headline."""
        path = f"{claim.job.id}/{step:08d}-{claim.token}"
        written = save(trained(claim.job.family, seed=step), self.given.settings.checkpoints / path)
        judge = self.judge or current_judge(claim.job.dataset)
        told = NewCheckpoint(step, written.images_seen, path, written.digest, metrics, metrics.get("fd"), judge)
        self.given.jobs.register_checkpoint(claim, told)
        return checkpoint_id(claim.job.id, step)

    def count(self, name: str, **labels: str) -> float:
        """Return a value of /metrics, the sum over all labels that are not named."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


@contextmanager
def running(directory: Path, **settings: Any) -> Iterator[Service]:
    """Run a service over a data directory."""
    app = create_app(AppSettings(data_dir=directory, event_poll_seconds=0.02, **settings))
    with (
        listening(app, lifespan="on") as url,
        httpx.Client(base_url=url, timeout=60, verify=False) as client,
    ):
        yield Service(app, client)


@contextmanager
def listening(app: ASGIApp, lifespan: Literal["on", "off"]) -> Iterator[str]:
    """Serve an application on a port of its own; yield its URL. lifespan: off where another server starts it."""
    config = uvicorn.Config(
        app, port=0, log_level="error", ws="none", timeout_graceful_shutdown=1, log_config=None, lifespan=lifespan
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started or not thread.is_alive())
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
