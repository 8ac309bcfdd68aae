"""The recipe that a PNG of ours tells."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_core import to_json

from app.latent.queries import DrawnQuery, seeds_of
from app.latent.tools import TOOLS
from app.pictures.drawing import GENERATE
from app.pictures.provenance import KEYWORD
from app.pictures.recipes import GenerateQuery
from app.pictures.schemas import parameters_of
from app.pictures.uploads import opened
from app.refusals import NoRecipeError
from store.faults import shorten, tell_faults

_QUERIES: Mapping[str, type[GenerateQuery | DrawnQuery]] = {
    GENERATE: GenerateQuery,
    **{path: tool.query for path, tool in TOOLS.items()},
}
"""What the endpoints take whose PNG files tell a recipe, by their paths."""


@dataclass(frozen=True, slots=True)
class ToldRecipe:
    """What a PNG tells of itself. Anyone can write such text: it is a claim. told: all of it.

    path: of the endpoint that draws it; query: of GenerateQuery where that is GET /generate, else of a latent tool.
    """

    path: str
    url: str
    query: GenerateQuery | DrawnQuery
    checkpoint_id: str
    told: Mapping[str, Any]

    @property
    def digest(self) -> str | None:
        """The digest of the weights that drew it."""
        return self._text("checkpoint_sha256")

    @property
    def version(self) -> str | None:
        """The version of Ganery that drew it."""
        return self._text("version")

    @property
    def device_class(self) -> str | None:
        """The class of device on which it was drawn."""
        return self._text("device_class")

    def _text(self, name: str) -> str | None:
        value = self.told.get(name)
        return value if isinstance(value, str) else None


def read_recipe(png: bytes) -> ToldRecipe:
    """Read the recipe in a PNG; no pixel is decoded. Raises UnreadablePictureError, NoRecipeError."""
    with opened(png) as image:
        text = image.info.get(KEYWORD)
    if text is None:
        raise NoRecipeError("the PNG tells no recipe of Ganery's")
    told = _object(str(text))
    url = told.get("url")
    path = url.partition("?")[0] if isinstance(url, str) else ""
    if not isinstance(url, str) or path not in _QUERIES:
        raise NoRecipeError(f"its recipe has the url {shorten(url)}, where one of {', '.join(_QUERIES)} should be")
    try:
        query: GenerateQuery | DrawnQuery = _QUERIES[path].model_validate(parameters_of(url))
    except ValidationError as error:
        faults = tell_faults(error, _QUERIES[path])
        raise NoRecipeError(f"its recipe is none of this version ({faults})") from error
    seeds = seeds_of(query) if isinstance(query, DrawnQuery) else ["seed"]
    if query.checkpoint is None or any(getattr(query, name) is None for name in seeds):
        raise NoRecipeError("its recipe names no checkpoint, or no seed")
    if isinstance(query, DrawnQuery) and not query.is_png:
        raise NoRecipeError("its recipe draws no PNG")
    return ToldRecipe(path, f"{path}?{urlsplit(url).query}", query, query.checkpoint, told)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
        to_json(found)  # or it could not be told again
    except (ValueError, RecursionError) as error:
        raise NoRecipeError("its recipe is no JSON") from error
    if not isinstance(found, dict):
        raise NoRecipeError("its recipe is no JSON object")
    return found
