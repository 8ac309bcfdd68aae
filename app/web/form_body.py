"""The body of a form that a page sent."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.exceptions import HTTPException

from app.dependencies import require_type

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 200


async def read_fields(request: Request, *, most: int = _MOST_FIELDS) -> Sequence[tuple[str, str]]:
    """Return the fields of a form that was sent, in their order: names and texts.

    Raises MediaTypeError, and HTTPException where there are more than any form of ours has.
    """
    require_type(request, _FORM)
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return parse_qsl(body, keep_blank_values=True, max_num_fields=most)
    except ValueError:
        raise HTTPException(413, f"more than {most} fields came, and no form has so many") from None
