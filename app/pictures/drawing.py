"""Grids drawn for an endpoint: within the service's limits, measured, and kept by clients as long as they may."""

import time

from app.caching import cache_headers
from app.dependencies import Services
from app.pictures.inference import Picture
from app.pictures.recipes import GenerateQuery, Limits, Recipe, is_pinned

GENERATE = "/generate"


def limits(given: Services) -> Limits:
    """Return the limits of any grid that this service draws."""
    return Limits(pixels=given.settings.max_pixels, candidates=given.settings.max_candidates)


def render(recipe: Recipe, tag: str, given: Services) -> Picture:
    """Return the grid of this entity tag, from memory where it is there. Raises what `Engine.render` raises."""
    picture = given.engine.cached(tag)
    given.metrics.answers.labels("memory" if picture else "network").inc()
    if picture is not None:
        return picture
    began = time.perf_counter()
    picture = given.engine.render(recipe, tag)
    family = recipe.checkpoint.family
    given.metrics.drawing.labels(family).observe(time.perf_counter() - began)
    given.metrics.pictures.labels(family, str(recipe.is_nice).lower()).inc(recipe.shown_count)
    given.metrics.candidates.labels(family).inc(picture.candidates)
    return picture


def headers_of(query: GenerateQuery, recipe: Recipe, tag: str, path: str = GENERATE) -> dict[str, str]:
    """Return the headers of an answer that is a function of a recipe.

    path: of the endpoint that answers; any other than the grid's own tells of the picture, and may come to tell more.
    """
    here = recipe.url.replace(GENERATE, path, 1)
    return {
        "ETag": tag,
        **cache_headers(
            here, is_pinned=is_pinned(query, recipe), is_drawn=query.seed is None, is_promised=path == GENERATE
        ),
        "X-Ganery-Seed": str(recipe.seed),
        "X-Ganery-Checkpoint": recipe.checkpoint.id,
    }
