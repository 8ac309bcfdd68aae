"""In which language a page is answered: the one asked for, or else the reader's first that we write."""

import re
from collections.abc import Iterator

from fastapi import Request

from app.teaching.words import Language

_WISH = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")


def choose_language(request: Request, asked: Language | None) -> Language:
    """Return the language: `asked`, or the best of Accept-Language (RFC 9110, 12.5.4), or English."""
    if asked is not None:
        return asked
    wishes = sorted(_wishes(request.headers.get("accept-language", "")), key=lambda wish: -wish[0])
    return next((language for weight, language in wishes if weight > 0), Language.ENGLISH)


def language_headers(language: Language) -> dict[str, str]:
    """Return what a cache must know of the answer."""
    return {"Content-Language": language.tag, "Vary": "Accept-Language"}


def _wishes(header: str) -> Iterator[tuple[float, Language]]:
    for part in header.split(","):
        found = _WISH.fullmatch(part)
        if found is not None and found[1].lower() in set(Language):
            yield float(found[2] or 1), Language(found[1].lower())
