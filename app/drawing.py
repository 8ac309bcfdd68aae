"""Grids drawn for an endpoint: within the service's limits, and measured."""

import time

from app.dependencies import Services
from app.inference import Picture
from app.recipes import Limits, Recipe


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
