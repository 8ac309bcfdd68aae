"""The recipe that a PNG of ours tells."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from app.pictures.provenance import KEYWORD
from app.pictures.recipes import GenerateQuery
from app.pictures.schemas import parameters_of
from app.pictures.uploads import opened
from app.refusals import NoRecipeError
from store.requests import shorten


@dataclass(frozen=True, slots=True)
class ToldRecipe:
    """What a PNG tells of itself. Anyone can write such text: it is a claim. told: all of it."""

    url: str
    query: GenerateQuery
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
    if not isinstance(url, str) or not url.startswith("/generate?"):
        raise NoRecipeError(f"its recipe has the url {shorten(url)}, where one of /generate should be")
    try:
        query = GenerateQuery.model_validate(parameters_of(url))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise NoRecipeError(f"its recipe is none of this version ({faults})") from error
    if query.checkpoint is None or query.seed is None:
        raise NoRecipeError("its recipe names no checkpoint, or no seed")
    return ToldRecipe(f"/generate?{urlsplit(url).query}", query, query.checkpoint, told)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()  # or it could not be told again
    except (ValueError, RecursionError) as error:
        raise NoRecipeError("its recipe is no JSON") from error
    if not isinstance(found, dict):
        raise NoRecipeError("its recipe is no JSON object")
    return found
