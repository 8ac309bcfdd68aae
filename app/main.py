"""The web service: `uvicorn --factory app.main:create_app`."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from threading import Thread

import torch
from anyio import to_thread
from fastapi import FastAPI

from app import errors, openapi
from app.dependencies import Services
from app.feed import Feed
from app.latent.answers import Latents
from app.middleware import AnswerHead, GuardHost, LimitBody, Observe
from app.monitoring import Metrics
from app.pictures.catalogue import Catalogue
from app.pictures.close_look import Inspector
from app.pictures.inference import Engine
from app.pictures.nice_reports import NiceReports
from app.pictures.previews import Previews
from app.pictures.thumbnails import Thumbnails
from app.pictures.training_pictures import TrainingPictures
from app.queue import Doorbell
from app.routes import (
    checkpoints,
    classify,
    events,
    families,
    forms,
    generate,
    health,
    icon,
    inspect,
    jobs,
    latent,
    leaderboard,
    networks,
    nice_report,
    pages,
    picture_forms,
    pictures,
    problems,
    provenance,
    studies,
    timelapse,
)
from app.settings import AppSettings
from app.sharing import KeptWork, Turns
from app.sweeper import Sweeper
from app.teaching.networks import NetworkOutlines
from app.web.own_files import OwnFiles
from store.blobs import Blobs
from store.checkpoints import CheckpointStore
from store.database import open_database
from store.errors import DatabaseUnavailableError
from store.events import EventStore
from store.jobs import JobStore
from store.pictures import PictureStore, Room
from store.studies import StudyStore

VERSION = version("ganery")

_DESCRIPTION = "Trains GANs over HTTP and serves their pictures. Errors are problem documents (RFC 9457)."
_THREADS_BESIDE = 32
"""For requests that neither draw nor wait for pictures: they are answered at once, however many wait."""

_STATIC = Path(__file__).parent / "static"
_ROUTERS = [
    module.router
    for module in (
        jobs,
        studies,
        events,
        timelapse,
        networks,
        families,
        checkpoints,
        nice_report,
        leaderboard,
        generate,
        inspect,
        latent,
        classify,
        pictures,
        provenance,
        icon,
        health,
        problems,
        forms,
        picture_forms,
    )
] + pages.ROUTERS
_log = logging.getLogger(__name__)


def create_app(settings: AppSettings | None = None) -> FastAPI:
    """Build the service; it connects to nothing before its lifespan begins. settings: default, the environment's."""
    services = _build_services(settings or AppSettings())
    app = FastAPI(
        title="Ganery",
        version=VERSION,
        description=_DESCRIPTION,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    for router in _ROUTERS:
        app.include_router(router)
    app.mount("/static", OwnFiles(directory=_STATIC), name="static")
    errors.install(app, [route for router in _ROUTERS for route in router.routes])
    openapi.install(app)
    log = _write_line if services.settings.log_requests else None
    files = dict.fromkeys(provenance.PATHS, services.settings.upload_limit_bytes)
    app.add_middleware(LimitBody, limit_bytes=services.settings.body_limit_bytes, of_paths=files)  # the innermost
    names = (name.strip().lower() for name in services.settings.allowed_hosts.split(","))
    app.add_middleware(GuardHost, allowed=frozenset(name for name in names if name))
    app.add_middleware(Observe, metrics=services.metrics, log=log)
    app.add_middleware(AnswerHead)
    return app


def _build_services(settings: AppSettings) -> Services:
    database = open_database(settings.database)
    job_store = JobStore(database, lease_seconds=settings.lease_seconds)
    event_store = EventStore(database)
    room = Room(settings.pictures_limit, settings.pictures_limit_bytes)
    turns = Turns(settings.concurrent_grids, settings.waiting_grids, settings.wait_seconds)
    training_pictures = TrainingPictures(settings.datasets, limit_bytes=settings.dataset_cache_bytes)
    engine = Engine(
        turns=turns,
        samplers_kept=settings.samplers_kept,
        picture_bytes=settings.picture_cache_bytes,
        max_candidates=settings.max_candidates,
        version=VERSION,
    )
    return Services(
        settings=settings,
        database=database,
        jobs=job_store,
        studies=StudyStore(database),
        thumbnails=Thumbnails(settings.thumbnail_cache_bytes),
        pictures=PictureStore(database, Blobs(settings.pictures), room),
        events=event_store,
        feed=Feed(event_store, pause_seconds=settings.event_poll_seconds),
        films=KeptWork(turns, settings.film_cache_bytes, len),
        catalogue=Catalogue(CheckpointStore(database), settings.checkpoints),
        engine=engine,
        nice_reports=NiceReports(engine),
        inspector=Inspector(engine, training_pictures),
        latents=Latents(engine, VERSION, settings.directions),
        previews=Previews(turns, training_pictures),
        networks=NetworkOutlines(Turns(1, settings.waiting_grids, settings.wait_seconds)),
        doorbell=Doorbell(settings.broker),
        metrics=Metrics(job_store, VERSION),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    in_turns = services.engine.turns.threads + services.networks.turns.threads
    to_thread.current_default_thread_limiter().total_tokens = in_turns + _THREADS_BESIDE
    torch.set_num_threads(1)  # two threads on two busy cores wait for each other; requests already run side by side
    try:
        services.database.migrate()
    except DatabaseUnavailableError as error:
        _log.error("the service starts without its database: %s", error)  # and answers 503; the sweeper tries again
    sweeper = Sweeper(
        services.database,
        services.jobs,
        services.pictures,
        services.doorbell.ring,
        pause_seconds=services.settings.sweep_seconds,
        again_seconds=services.settings.ring_again_seconds,
    )
    sweeper.start()
    preparation = Thread(target=services.networks.prepare)
    preparation.start()
    try:
        yield
    finally:
        preparation.join()
        sweeper.stop()
        services.doorbell.close()
        services.database.close()


def _write_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
