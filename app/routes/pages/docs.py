"""The API's documentation as a page, made from the OpenAPI document: it loads nothing from anywhere else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.web.pages import render, service_url

router = APIRouter()

Schema = Mapping[str, Any]

_LIMITS = {
    "minimum": "from {}",
    "exclusiveMinimum": "above {}",
    "maximum": "up to {}",
    "maxLength": "at most {} characters",
    "default": "default {}",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter, or a field of the body. kind: in words, which values it takes."""

    name: str
    where: str
    kind: str
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """What a method does at a path. answers: each status that it may answer with, and what that means."""

    id: str
    method: str
    path: str
    paragraphs: Sequence[str]
    parameters: Sequence[Parameter]
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DocsPage:
    """What the template is told. here: where this service answers."""

    here: str
    version: str
    operations: Sequence[Operation]


@router.get("/docs", include_in_schema=False)
def show_docs(request: Request) -> Response:
    """Show every operation, what it takes and what it answers."""
    document = request.app.openapi()
    operations = [
        _operation(method, path, operation, document["components"]["schemas"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return render(request, "docs", DocsPage(service_url(request), document["info"]["version"], operations))


def _operation(method: str, path: str, operation: Schema, schemas: Mapping[str, Schema]) -> Operation:
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        paragraphs=operation["description"].split("\n\n"),
        parameters=[*_parameters(operation), *_fields(operation, schemas)],
        answers={code: HTTPStatus(int(code)).phrase for code in operation["responses"]},
    )


def _parameters(operation: Schema) -> Iterator[Parameter]:
    for one in operation.get("parameters", ()):
        yield Parameter(one["name"], one["in"], _kind(one["schema"]), one.get("description", ""))


def _fields(operation: Schema, schemas: Mapping[str, Schema]) -> Iterator[Parameter]:
    """Yield each field of a JSON body, or one for a body of another type."""
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        reference = content["schema"].get("$ref")
        if reference is None:
            yield Parameter(media_type, "body", _kind(content["schema"]), "")
            continue
        for name, schema in schemas[reference.rpartition("/")[2]]["properties"].items():
            yield Parameter(name, "body", _kind(schema), schema.get("description", ""))


def _kind(schema: Schema) -> str:
    """Return in words which values a schema takes."""
    options = [one for one in schema.get("anyOf", (schema,)) if one.get("type") != "null"]
    kinds = [one["$ref"].rpartition("/")[2] if "$ref" in one else str(one.get("type", "any")) for one in options]
    stated = {**options[0], **schema}
    limits = [text.format(stated[name]) for name, text in _LIMITS.items() if stated.get(name) is not None]
    return ", ".join([" or ".join(kinds), *limits])
