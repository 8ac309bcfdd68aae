"""The API's documentation as a page, made from the OpenAPI document: it loads nothing from anywhere else."""

import re
from collections.abc import Iterator, Mapping
from html import escape
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.pages import render

router = APIRouter()

Schema = Mapping[str, Any]

_LIMITS = {
    "minimum": "from {}",
    "exclusiveMinimum": "above {}",
    "maximum": "up to {}",
    "maxLength": "at most {} characters",
    "default": "default {}",
}


@router.get("/docs", include_in_schema=False)
def docs(request: Request) -> Response:
    """Every operation, what it takes and what it answers."""
    document = request.app.openapi()
    operations = [
        _operation(method, path, operation, document["components"]["schemas"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    here = escape(str(request.base_url).rstrip("/"))
    return render("docs", here=here, version=escape(document["info"]["version"]), operations="\n".join(operations))


def _operation(method: str, path: str, operation: Schema, schemas: Mapping[str, Schema]) -> str:
    rows = [*_parameters(operation), *_fields(operation, schemas)]
    table = f"<table><tbody>{''.join(rows)}</tbody></table>" if rows else ""
    statuses = " ".join(f'<code title="{escape(_phrase(code))}">{code}</code>' for code in operation["responses"])
    return (
        f'<details id="{operation["operationId"]}"><summary><code>{method.upper()} {escape(path)}</code></summary>'
        f"{_prose(operation['description'])}{table}<p>answers {statuses}</p></details>"
    )


def _parameters(operation: Schema) -> Iterator[str]:
    for one in operation.get("parameters", ()):
        yield _row(one["name"], one["in"], one["schema"], one.get("description", ""))


def _fields(operation: Schema, schemas: Mapping[str, Schema]) -> Iterator[str]:
    """Yield a row for each field of a JSON body, or one for a body of another type."""
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        reference = content["schema"].get("$ref")
        if reference is None:
            yield _row(media_type, "body", content["schema"], "")
            continue
        for name, schema in schemas[reference.rpartition("/")[2]]["properties"].items():
            yield _row(name, "body", schema, schema.get("description", ""))


def _row(name: str, where: str, schema: Schema, description: str) -> str:
    return (
        f"<tr><td><code>{escape(name)}</code></td><td>{where}</td><td>{escape(_kind(schema))}</td>"
        f"<td>{_code(description)}</td></tr>"
    )


def _kind(schema: Schema) -> str:
    """Return in words which values a schema takes."""
    options = [one for one in schema.get("anyOf", (schema,)) if one.get("type") != "null"]
    kinds = [one["$ref"].rpartition("/")[2] if "$ref" in one else str(one.get("type", "any")) for one in options]
    stated = {**options[0], **schema}
    limits = [text.format(stated[name]) for name, text in _LIMITS.items() if stated.get(name) is not None]
    return ", ".join([" or ".join(kinds), *limits])


def _phrase(status: str) -> str:
    return HTTPStatus(int(status)).phrase


def _prose(text: str) -> str:
    return "".join(f"<p>{_code(paragraph)}</p>" for paragraph in text.split("\n\n"))


def _code(text: str) -> str:
    """Return text as HTML, in which what stands between backticks is code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))
