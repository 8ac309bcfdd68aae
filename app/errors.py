"""Every refusal is a problem document (RFC 9457): what came, where, and what would have been right.

Lower layers raise errors that know no HTTP. The table KINDS below is the whole translation; an error that it does
not name is a fault of ours: it answers 500 without saying more, and the log says the rest.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route

from app import refusals
from app.negotiation import prefers
from app.schemas import Place, Problem
from app.web.refusal_page import RefusalPage, home_of, show
from checkpoints.format import CheckpointCorruptError, CheckpointMissingError, CheckpointUnusableError
from datasets import DatasetNotHereError
from models import ControlError, TooFewOfClassError, UnknownDatasetError, UnknownFamilyError
from store import errors as store
from store.faults import Schema, tell_fault
from store.requests import RequestError

MEDIA_TYPE = "application/problem+json"
TYPES = "/problems"
"""Where the types of problems are explained."""

_MOST_FAULTS = 100
"""Told of one request: who sends more of them learns as much from these."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """How an error is answered. name: the end of the problem's type. retry_after_seconds: when to try again."""

    status: int
    name: str
    title: str
    retry_after_seconds: int | None = None


_INVALID = Kind(422, "invalid-request", "A value is of no use")
_UNREADABLE = Kind(400, "unreadable-body", "The body is not JSON")
_FAULT = Kind(500, "internal-error", "The service failed")

KINDS: Mapping[type[Exception], Kind] = {
    RequestValidationError: _INVALID,
    RequestError: _INVALID,
    refusals.ParameterError: _INVALID,
    refusals.FieldError: _INVALID,
    store.InvalidCursorError: _INVALID,
    TooFewOfClassError: Kind(422, "too-few-of-class", "The network draws the class too seldom"),
    store.IdempotencyConflictError: Kind(422, "idempotency-conflict", "The key was used for another request"),
    ControlError: _INVALID,
    refusals.UnreadablePictureError: Kind(422, "unreadable-picture", "The picture cannot be read"),
    refusals.BlankPictureError: Kind(422, "blank-picture", "The picture shows nothing"),
    refusals.NoRecipeError: Kind(422, "no-recipe", "The picture tells no recipe"),
    refusals.MediaTypeError: Kind(415, "unsupported-media-type", "The body is of another type"),
    store.NotFoundError: Kind(404, "not-found", "There is no such thing"),
    UnknownFamilyError: Kind(404, "no-such-family", "There is no such family"),
    refusals.NoSuchCheckpointError: Kind(404, "no-such-checkpoint", "There is no such checkpoint"),
    refusals.NoCheckpointOfFamilyError: Kind(404, "no-checkpoint-of-family", "The family was never trained"),
    refusals.NothingJudgedError: Kind(404, "nothing-judged", "No checkpoint is judged yet"),
    CheckpointMissingError: Kind(404, "checkpoint-missing", "The files of the checkpoint are gone"),
    refusals.SampleNotFoundError: Kind(404, "no-such-sample", "There is no such sample"),
    refusals.NoSamplesError: Kind(404, "no-samples", "The training has drawn nothing yet"),
    UnknownDatasetError: Kind(404, "no-such-data-set", "There is no such data set"),
    DatasetNotHereError: Kind(404, "data-set-not-here", "The pictures are not on this machine yet"),
    refusals.ProblemTypeNotFoundError: Kind(404, "no-such-problem-type", "There is no such type of problem"),
    store.JobStateError: Kind(409, "wrong-state", "The job's state does not allow it"),
    store.QueueFullError: Kind(429, "queue-full", "As many jobs wait as may", retry_after_seconds=30),
    store.PictureInTrashError: Kind(409, "in-trash", "The picture is in the trash"),
    store.GalleryFullError: Kind(507, "gallery-full", "The gallery is full"),
    refusals.OtherWeightsError: Kind(409, "other-weights", "The checkpoint has other weights"),
    store.BlobMissingError: Kind(404, "file-missing", "The file of the picture is gone"),
    store.BlobDamagedError: Kind(503, "file-damaged", "The file of the picture is damaged, and is not served"),
    CheckpointCorruptError: Kind(503, "checkpoint-damaged", "The checkpoint is damaged, and is not served"),
    CheckpointUnusableError: Kind(503, "checkpoint-unusable", "This version cannot draw from the checkpoint"),
    store.DatabaseUnavailableError: Kind(503, "database-unavailable", "The database is away", retry_after_seconds=5),
    refusals.BusyError: Kind(503, "busy", "It cannot be drawn just now", retry_after_seconds=2),
    refusals.NotReadyError: Kind(503, "not-ready", "The service cannot answer yet", retry_after_seconds=1),
}

_HTTP_KINDS = {
    400: _UNREADABLE,
    403: Kind(403, "foreign-origin", "A page of another site asks for a change"),
    404: Kind(404, "no-such-path", "Nothing is at this path"),
    405: Kind(405, "method-not-allowed", "The path does not take this method"),
    413: Kind(413, "body-too-large", "The body is too large"),
    421: Kind(421, "foreign-host", "The service does not go by this name"),
}

ALL_KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (*KINDS.values(), *_HTTP_KINDS.values(), _FAULT)}
"""Every kind of problem by its name."""


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Let the app answer each error of the tables, and what the framework refuses, with a problem document.

    routes: all that the app has.
    """
    for error in KINDS:
        app.add_exception_handler(error, _answer)

    async def answer_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            error.headers = {"Allow": ", ".join(_methods(request, routes))}
        return _show(request, http_problem(error, request.method, request.url.path))

    app.add_exception_handler(HTTPException, answer_http)


def problem(
    kind: Kind,
    detail: str,
    path: str,
    *,
    errors: Sequence[Place] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem document."""
    document = Problem(
        type=f"{TYPES}/{kind.name}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=quote(path),
        errors=errors or None,
    )
    retry = {} if kind.retry_after_seconds is None else {"Retry-After": str(kind.retry_after_seconds)}
    return JSONResponse(
        document.model_dump(exclude_none=True),
        status_code=kind.status,
        headers={**retry, **(headers or {}), "Cache-Control": "no-store"},
        media_type=MEDIA_TYPE,
    )


def status_of(error: Exception) -> int:
    """Return the status by which an error of the table is answered."""
    return _kind_of(error).status


def _kind_of(error: Exception) -> Kind:
    """Return how an error of the table is answered: as its nearest parent there."""
    return next(KINDS[parent] for parent in type(error).__mro__ if parent in KINDS)


def tell(error: Exception) -> str:
    """Return what a client is told of an error: where things lie on our machine is for the log."""
    match error:
        case store.DatabaseUnavailableError():
            return f"the database is not available: {error.reason}"
        case CheckpointMissingError():
            return f"the files of the checkpoint {error.directory.name} are gone"
    return str(error)


def http_problem(error: HTTPException, method: str, path: str) -> Response:
    """Return the problem document of an error that the framework raised, or that is raised before it."""
    phrase = HTTPStatus(error.status_code).phrase
    kind = _HTTP_KINDS.get(error.status_code, Kind(error.status_code, phrase.lower().replace(" ", "-"), phrase))
    detail = {
        400: "the body cannot be read as JSON: send a JSON object in UTF-8",
        404: f"nothing is at {path}: GET /docs lists what there is",
        405: f"{path} does not take {method}; it takes {(error.headers or {}).get('Allow')}",
    }.get(error.status_code, error.detail)
    return problem(kind, detail, path, headers=error.headers)


def fault(path: str) -> Response:
    """Return the problem document of an error that nobody foresaw."""
    return problem(_FAULT, "this is a fault of the service; its log tells more", path)


def _show(request: Request, response: Response) -> Response:
    """Return a problem as a page where a person asks, whose browser wants HTML; scripts and pictures do not."""
    response.headers["Vary"] = "Accept"
    if not all(prefers(request, "text/html", other) for other in ("application/json", MEDIA_TYPE)):
        return response
    document = Problem.model_validate_json(bytes(response.body))
    told = [(_name(one), one.detail) for one in document.errors or ()] or [(None, document.detail)]
    page = show(request, RefusalPage(document.title, document.status, told, home_of(request.url.path)))
    page.headers.update({name: value for name, value in response.headers.items() if not name.startswith("content-")})
    return page


async def _answer(request: Request, error: Exception) -> Response:
    return _show(request, _translate(request, error))


def _translate(request: Request, error: Exception) -> Response:
    kind = _kind_of(error)
    if kind.status >= 500:
        _log.error("%s: %s", kind.name, error)
    if not isinstance(error, RequestValidationError):
        return problem(kind, tell(error), request.url.path, errors=_places(error))
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return problem(_UNREADABLE, _explain_syntax(error), request.url.path)
    faults = error.errors()[:_MOST_FAULTS]
    schemas = {where: _schema(request, where) for where in {item["loc"][0] for item in faults}}
    places = [_place(item, schemas[item["loc"][0]]) for item in faults]
    return problem(kind, "; ".join(map(_sentence, places)), request.url.path, errors=places)


def _methods(request: Request, routes: Sequence[BaseRoute]) -> list[str]:
    """Return what the path takes: several routes may share it, and the framework names the first one's."""
    found = {
        method
        for route in routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is Match.PARTIAL
        for method in route.methods or ()
    }
    found = found or {"GET"}  # what the framework adds itself can be read
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def _places(error: Exception) -> list[Place]:
    """Return where the request is wrong, as far as the error knows it."""
    match error:
        case RequestError():
            places = [Place(pointer=_pointer(one.path), detail=one.detail) for one in error.problems]
        case refusals.ParameterError():
            places = [Place(parameter=error.parameter, detail=error.detail)]
        case ControlError():
            places = [Place(parameter=error.control, detail=error.detail)]
        case refusals.FieldError():
            places = [Place(pointer=_pointer(error.field.split(".")), detail=error.detail)]
        case store.InvalidCursorError():
            places = [Place(parameter="cursor", detail=str(error))]
        case store.IdempotencyConflictError():
            places = [Place(header="Idempotency-Key", detail=str(error))]
        case refusals.NotReadyError():
            places = [Place(detail=f"{name}: {found}") for name, found in error.checks.items()]
        case _:
            places = []
    return places


def _place(item: Mapping[str, Any], schema: Schema) -> Place:
    """Translate an error of pydantic's."""
    where, *path = item["loc"]
    if item["type"] == "missing" and not path:
        return Place(pointer=_pointer(path), detail="a JSON object is required as the body, at least {}")
    detail = tell_fault({**item, "loc": path}, schema)
    if where == "body":
        return Place(pointer=_pointer(path), detail=detail)
    name = str(path[0])
    return Place(header=name, detail=detail) if where == "header" else Place(parameter=name, detail=detail)


def _schema(request: Request, where: str) -> Schema:
    """Return the JSON schema of what the route takes in its path, query, headers or body."""
    dependant = request.scope["route"].dependant
    properties, definitions = dict[str, Any](), dict[str, Any]()
    for one in getattr(dependant, f"{where}_params"):
        annotation: Any = Annotated[one.field_info.annotation, one.field_info]
        schema = TypeAdapter(annotation).json_schema()
        definitions |= schema.pop("$defs", {})
        properties |= schema.get("properties", {one.alias: schema})
    return {"properties": properties, "$defs": definitions}


def _explain_syntax(error: RequestValidationError) -> str:
    item = error.errors()[0]
    return f"the body is not JSON: {item['ctx']['error']} at character {item['loc'][-1]}"


def _sentence(place: Place) -> str:
    name = _name(place)
    return place.detail if name is None else f"{name}: {place.detail}"


def _name(place: Place) -> str | None:
    """Return where something is wrong as a person would say it; None where it is of the whole."""
    return place.parameter or place.header or unquote((place.pointer or "#").lstrip("#/").replace("/", ".")) or None


def _pointer(path: Sequence[str | int]) -> str:
    """Return a JSON pointer as a URI fragment (RFC 6901, section 6)."""
    steps = (quote(str(step).replace("~", "~0").replace("/", "~1")) for step in path)
    return "#" + "".join(f"/{step}" for step in steps)
