"""Pages: templates filled in on the server, under a policy that lets no script run."""

from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse, Response

from app.caching import REVALIDATE

_TEMPLATES = Path(__file__).parent / "templates"
_POLICY = "; ".join(
    f"{directive} {source}"
    for directive, source in {
        "default-src": "'none'",
        "img-src": "'self'",
        "style-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }.items()
)


def render(template: str, **values: str) -> Response:
    """Return a page. values: HTML, in which whatever came from outside is escaped."""
    page = Template((_TEMPLATES / f"{template}.html").read_text(encoding="utf-8")).substitute(values)
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY, "Cache-Control": REVALIDATE})
