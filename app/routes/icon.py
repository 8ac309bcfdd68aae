"""Our icon where browsers look for one by themselves: GET /favicon.ico."""

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.caching import REVALIDATE, answer

router = APIRouter()

_ICON = Path(__file__).parents[1] / "static" / "icon.png"
"""`icon.svg` in 48 by 48 pixels."""


@router.get("/favicon.ico", include_in_schema=False)
def favicon(request: Request) -> Response:
    """Answer the icon as a PNG, which browsers know by its bytes whatever the name."""
    return answer(request, _ICON.read_bytes(), "image/png", caching=REVALIDATE)
