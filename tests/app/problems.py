"""Problem documents (RFC 9457), as a test reads them."""

from typing import Any

import httpx


def refusal(response: httpx.Response, status: int, name: str | None = None) -> dict[str, Any]:
    """Return the problem document of a refusal, after a look at its form."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(document)
    assert document["status"] == status
    assert document["instance"] == response.request.url.raw_path.decode().partition("?")[0]
    if name is not None:
        assert document["type"] == f"/problems/{name}"
    return document


def places(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return what is wrong by where: ("pointer", "#/seed"), ("parameter", "digit") or ("header", ...)."""
    return {
        (kind, where): one["detail"] for one in document["errors"] for kind, where in one.items() if kind != "detail"
    }
