"""The page of a refusal: what is wrong, in words, and where to go on."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from app.web.pages import render

_HOMES = {
    "/explore": "/explore",
    "/forms/jobs": "/watch",
    "/forms/pictures": "/gallery",
    "/gallery": "/gallery",
    "/jobs": "/watch",
    "/latent": "/explore",
    "/learn": "/learn",
    "/pictures": "/gallery",
    "/ranking": "/ranking",
    "/studies": "/ranking",
    "/train": "/train",
    "/watch": "/watch",
}
"""The page to go on from, by the beginning of the path that was refused; of all others it is the first page."""


@dataclass(frozen=True, slots=True)
class RefusalPage:
    """What the template is told. told: what is wrong, and the name of the field where it is, if one is known.

    back: a path to go on from.
    """

    title: str
    status: int
    told: Sequence[tuple[str | None, str]]
    back: str


def refuse(request: Request, detail: str, back: str, *, status: int = 422) -> Response:
    """Return the page of a form that cannot be done."""
    return show(request, RefusalPage("That is not possible", status, [(None, detail)], back))


def show(request: Request, page: RefusalPage) -> Response:
    """Return the page of a refusal, with its status."""
    return render(request, "refusal", page, status=page.status)


def home_of(path: str) -> str:
    """Return the page that a path belongs to."""
    return next((home for begin, home in _HOMES.items() if path == begin or path.startswith(f"{begin}/")), "/")
