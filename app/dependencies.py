"""What the endpoints work with: built once for an app, and handed to each of them."""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from app.feed import Feed
from app.latent.answers import Latents
from app.monitoring import Metrics
from app.pictures.catalogue import Catalogue
from app.pictures.close_look import Inspector
from app.pictures.inference import Engine
from app.pictures.nice_reports import NiceReports
from app.pictures.previews import Previews
from app.pictures.thumbnails import Thumbnails
from app.queue import Doorbell
from app.refusals import MediaTypeError, ParameterError
from app.settings import AppSettings
from app.sharing import KeptWork
from app.teaching.networks import NetworkOutlines
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
    thumbnails: Thumbnails
    events: EventStore
    feed: Feed
    films: KeptWork[bytes]
    catalogue: Catalogue
    engine: Engine
    nice_reports: NiceReports
    inspector: Inspector
    latents: Latents
    previews: Previews
    networks: NetworkOutlines
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


async def _png(request: Request) -> bytes:
    """Return the body. Raises MediaTypeError unless it is said to be a PNG."""
    require_type(request, "image/png")
    return await request.body()


def _refuse_repeats(request: Request) -> None:
    """Raises ParameterError for a parameter that came twice: one of the two would be ignored."""
    times = Counter(name for name, _ in request.query_params.multi_items())
    for name, count in times.items():
        if count > 1:
            raise ParameterError(name, f"came {count} times; give it once")


Given = Annotated[Services, Depends(_services)]
"""The services, as a parameter of an endpoint."""

TakesJson = Depends(_require_json)
"""A dependency of every endpoint that takes JSON. Raises MediaTypeError."""

TakesEachOnce = Depends(_refuse_repeats)
"""A dependency of every endpoint whose URL is the recipe of a picture. Raises ParameterError."""

PNG_BODY = {
    "requestBody": {"required": True, "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}
"""The documentation of an endpoint that takes a PNG."""

PNG = Annotated[bytes, Depends(_png)]
"""The body of a request that is a PNG, as a parameter of an endpoint. Raises MediaTypeError."""
