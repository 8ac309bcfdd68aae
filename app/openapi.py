"""The OpenAPI document: the framework's, with our problem documents."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from app.schemas import PriorityChange, Problem
from store.jobs import JobRequest
from store.requests import TrainRequest
from store.study_requests import StudyRequest, StudyWish

_REFERENCES = "#/components/schemas/{model}"
_OWN_SCHEMAS: Sequence[tuple[type[BaseModel], JsonSchemaMode]] = (
    (Problem, "serialization"),
    # the framework's copies of these have limits as floating-point numbers, so a seed might be 2^63
    (JobRequest, "serialization"),
    (TrainRequest, "validation"),
    (PriorityChange, "validation"),
    (StudyRequest, "serialization"),
    (StudyWish, "validation"),
)


UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has it already"}}
"""The documentation of an answer to If-None-Match."""


def draws(description: str, **headers: str) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of an answer that is a picture."""
    content = {"image/png": {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": description, "headers": tells(**headers), "content": content}}


def refuses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the statuses by which an endpoint may refuse."""
    schema = {"$ref": _REFERENCES.format(model=Problem.__name__)}
    content = {"application/problem+json": {"schema": schema}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def tells(**headers: str) -> dict[str, dict[str, Any]]:
    """Return the documentation of an answer's headers, by their names with underscores for hyphens."""
    return {
        name.replace("_", "-"): {"description": description, "schema": {"type": "string"}}
        for name, description in headers.items()
    }


def install(app: FastAPI) -> None:
    """Let the app's document define what `refuses` refers to, and state limits to the last digit."""
    original = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            _, definitions = models_json_schema(_OWN_SCHEMAS, ref_template=_REFERENCES)
            original()["components"]["schemas"] |= definitions["$defs"]
        return original()

    app.openapi = document  # type: ignore[method-assign]


def render(app: FastAPI) -> str:
    """Return the app's document as text that a version control system can compare."""
    return json.dumps(app.openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
