"""Pages: templates filled in on the server, under a policy that lets only our own files act on them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from app.caching import REVALIDATE
from app.teaching.formulas import to_mathml
from app.teaching.words import ENGLISH
from store.telling import tell_day, tell_duration, tell_minute, tell_setting, tell_thousands, tell_value

_POLICY = "; ".join(
    f"{directive} {sources}"
    for directive, sources in {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' blob: data:",
        "media-src": "'self' blob:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }.items()
)


@dataclass(frozen=True, slots=True)
class Destination:
    """A page that every page's header leads to."""

    path: str
    name: str


NAVIGATION = (
    Destination("/", "Generate"),
    Destination("/explore", "Explore"),
    Destination("/gallery", "Gallery"),
    Destination("/train", "Train"),
    Destination("/watch", "Watch"),
    Destination("/learn", "Learn"),
    Destination("/ranking", "Ranking"),
    Destination("/docs", "API"),
)
"""In the order of the header. A test follows each: name a page when it exists."""


def code(text: str) -> Markup:
    """Return text as HTML, in which what stands between backticks is code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["code"] = code
_templates.filters["formula"] = to_mathml
_templates.filters |= {
    "thousands": tell_thousands,
    "value": tell_value,
    "setting": tell_setting,
    "duration": tell_duration,
    "minute": tell_minute,
    "day": tell_day,
}
_templates.globals |= {"navigation": NAVIGATION, "english": ENGLISH}


def render(
    request: Request, template: str, page: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Fill in a template of app/templates by its name without `.html`.

    page: the page's context, a frozen dataclass; the template knows it as `page`. headers: beside those of every page.
    """
    text = _templates.get_template(f"{template}.html").render(page=page, here=request.url.path)
    usual = {"Content-Security-Policy": _POLICY, "Cache-Control": REVALIDATE}
    return HTMLResponse(text, status_code=status, headers={**usual, **(headers or {})})


def curl(file: str, path: str, request: Request) -> str:
    """Return the command that fetches a file from this service."""
    return f"curl -o {file} '{service_url(request)}{path}'"


def service_url(request: Request) -> str:
    """Return where this service answers, without a slash at the end."""
    return str(request.base_url).rstrip("/")


def read_texts(template: str, **values: object) -> Mapping[str, Markup]:
    """Return the texts that a template sets, by name. Raises TemplateNotFound."""
    module = _templates.get_template(f"{template}.html").make_module(values)
    return {name: text for name, text in vars(module).items() if isinstance(text, Markup)}
