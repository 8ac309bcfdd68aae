"""The API's documentation as a page, made from the OpenAPI document: it loads nothing from anywhere else."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.errors import ALL_KINDS, TYPES, Kind
from app.web.pages import render, service_url

router = APIRouter()

Schema = Mapping[str, Any]

_SECTIONS = {
    "pictures": "Pictures",
    "latents": "Latents",
    "gallery": "Kept pictures",
    "jobs": "Trainings",
    "checkpoints": "Checkpoints",
    "zoo": "Families and data sets",
    "quality": "Ranking",
    "studies": "Studies",
    "health": "Health",
    "pages": "Refusals",
}
"""The heading of each tag's endpoints, in the order of the page."""

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

    @property
    def summary(self) -> str:
        """The first sentence of its description, without the full stop."""
        return re.split(r"[.:](?: |$)", self.paragraphs[0])[0]


@dataclass(frozen=True, slots=True)
class Section:
    """Endpoints about one matter. name: its tag, and where a link leads."""

    name: str
    title: str
    operations: Sequence[Operation]


@dataclass(frozen=True, slots=True)
class DocsPage:
    """What the template is told. here: where this service answers. problems: what a refusal may say it is."""

    here: str
    version: str
    sections: Sequence[Section]
    problems: Sequence[Kind]
    types: str


@router.get("/docs", include_in_schema=False)
def show_docs(request: Request) -> Response:
    """Show every operation, what it takes and what it answers."""
    document = request.app.openapi()
    problems = sorted(ALL_KINDS.values(), key=lambda kind: (kind.status, kind.name))
    page = DocsPage(service_url(request), document["info"]["version"], list(_sections(document)), problems, types=TYPES)
    return render(request, "docs", page)


def _sections(document: Schema) -> Iterator[Section]:
    """Yield the sections in their order; a tag that has no heading of ours stands at the end."""
    found: dict[str, list[Operation]] = {name: [] for name in _SECTIONS}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            told = _operation(method, path, operation, document["components"]["schemas"])
            found.setdefault(operation["tags"][0], []).append(told)
    for name, operations in found.items():
        yield Section(name, _SECTIONS.get(name, name.capitalize()), operations)


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
