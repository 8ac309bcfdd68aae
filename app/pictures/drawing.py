"""What is drawn for an endpoint: within the service's limits, measured, and kept by clients as long as they may."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from fastapi import Request
from starlette.responses import Response

from app.caching import NEVER, cache_headers, is_current
from app.dependencies import Services
from app.pictures.inference import Picture
from app.pictures.recipes import GenerateQuery, Limits, Recipe, is_pinned

GENERATE = "/generate"

V = TypeVar("V")


def limits(given: Services) -> Limits:
    """Return the limits of any grid that this service draws."""
    return Limits(pixels=given.settings.max_pixels, candidates=given.settings.max_candidates)


def answer_drawn(
    request: Request,
    given: Services,
    headers: Mapping[str, str],
    *,
    route: str,
    draw: Callable[[], V],
    show: Callable[[V], Response],
) -> Response:
    """Show what is drawn, or tell a client that it has it: unless it is drawn anew each time.

    headers: of both answers, an entity tag and how long it may be kept among them. route: the template of the path.
    """
    if headers["Cache-Control"] != NEVER and is_current(request.headers, headers["ETag"]):
        given.metrics.answers.labels(route, "client").inc()
        return Response(status_code=304, headers=dict(headers))
    response = show(draw())
    response.headers.update(headers)
    return response


def draw_once(given: Services, kept: V | None, make: Callable[[], V], *, route: str, family: str) -> V:
    """Return what is kept, or else what is made, and count which of both, and how long it takes."""
    if kept is not None:
        given.metrics.answers.labels(route, "memory").inc()
        return kept
    with given.metrics.drawn(route, family):
        return make()


def render(recipe: Recipe, tag: str, given: Services, *, route: str) -> Picture:
    """Return the grid of this entity tag, from memory where it is there. Raises what `Engine.render` raises."""
    family = recipe.checkpoint.family

    def make() -> Picture:
        picture = given.engine.render(recipe, tag)
        given.metrics.pictures.labels(family, str(recipe.is_nice).lower()).inc(recipe.shown_count)
        given.metrics.candidates.labels(family).inc(picture.candidates)
        return picture

    return draw_once(given, given.engine.cached(tag), make, route=route, family=family)


def headers_of(query: GenerateQuery, recipe: Recipe, tag: str, path: str = GENERATE) -> dict[str, str]:
    """Return the headers of an answer that is a function of a recipe.

    path: of the endpoint that answers; any other than the grid's own tells of the picture, and may come to tell more.
    """
    here = recipe.url.replace(GENERATE, path, 1)
    is_promised = path == GENERATE
    return {
        "ETag": tag,
        **cache_headers(here, is_pinned=is_pinned(query, recipe), is_drawn=query.seed is None, is_promised=is_promised),
        "X-Ganery-Seed": str(recipe.seed),
        "X-Ganery-Checkpoint": recipe.checkpoint.id,
    }
