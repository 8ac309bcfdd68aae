"""Entity tags: computed before the work, so that a client that has the answer costs none."""

import hashlib
import re

from fastapi import Request
from starlette.datastructures import Headers
from starlette.responses import Response

IMMUTABLE = "public, max-age=31536000, immutable"
"""For pictures that a URL promises, and for files that are named by what is in them."""
REVALIDATE = "no-cache"
"""For what a client may keep, but must ask about: another version of the service may say it otherwise."""
NEVER = "no-store"
"""For what the next request answers differently."""

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def entity_tag(*parts: str) -> str:
    """Return a strong entity tag, quoted, that is a fixed function of the parts."""
    return _tag("\0".join(parts).encode())


def is_current(headers: Headers, tag: str) -> bool:
    """Whether the client says in If-None-Match that it has the representation of this tag (RFC 9110, 13.1.2)."""
    wanted = ", ".join(headers.getlist("if-none-match"))
    return wanted.strip() == "*" or tag in _TAG.findall(wanted)


def answer(request: Request, content: str | bytes, media_type: str, *, caching: str) -> Response:
    """Return content under a tag of its own, or 304 to a client that has it."""
    data = content.encode() if isinstance(content, str) else content
    tag = _tag(data)
    headers = {"ETag": tag, "Cache-Control": caching}
    if is_current(request.headers, tag):
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=media_type)


def _tag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def cache_headers(url: str, *, is_pinned: bool, is_drawn: bool, is_promised: bool) -> dict[str, str]:
    """Return the headers that tell how long an answer may be kept, and the URL that repeats it where another was asked.

    is_pinned: whether what was asked for can never mean anything else. is_drawn: whether a seed was drawn for it.
    is_promised: whether the same URL is the same bytes, as of pictures; what is told of them changes with the service.
    """
    if is_pinned:
        return {"Cache-Control": IMMUTABLE if is_promised else REVALIDATE}
    return {"Cache-Control": NEVER if is_drawn else REVALIDATE, "Content-Location": url}
