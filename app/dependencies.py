"""What the endpoints work with: built once for an app, and handed to each of them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from app.catalogue import Catalogue
from app.feed import Feed
from app.inference import Engine
from app.metrics import Metrics
from app.nice_reports import NiceReports
from app.queue import Doorbell
from app.refusals import MediaTypeError
from app.settings import AppSettings
from store.database import Database
from store.events import EventStore
from store.jobs import JobStore
from store.pictures import PictureStore
from store.studies import StudyStore


@dataclass(frozen=True, slots=True)
class Services:
    """All that an endpoint may need."""

    settings: AppSettings
    database: Database
    jobs: JobStore
    studies: StudyStore
    pictures: PictureStore
    events: EventStore
    feed: Feed
    catalogue: Catalogue
    engine: Engine
    nice_reports: NiceReports
    doorbell: Doorbell
    metrics: Metrics


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def require_type(request: Request, wanted: str) -> None:
    """Raise MediaTypeError unless the body is said to be of this type."""
    told = request.headers.get("content-type")
    if (told or "").partition(";")[0].strip().lower() != wanted:
        raise MediaTypeError(told, wanted)


def _require_json(request: Request) -> None:
    require_type(request, "application/json")


Given = Annotated[Services, Depends(_services)]
"""The services, as a parameter of an endpoint."""

TakesJson = Depends(_require_json)
"""A dependency of every endpoint that takes JSON. Raises MediaTypeError."""
