"""A client gets what it would rather have."""

import pytest
from fastapi import Request

from app.negotiation import prefers

HTML, JSON = "text/html", "application/json"


def _request(accepted: str | None) -> Request:
    headers = [] if accepted is None else [(b"accept", accepted.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("accepted", "preferred"),
    [
        (None, None),
        ("*/*", None),
        ("text/html", HTML),
        ("application/json", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", HTML),
        ("text/html, */*", HTML),
        ("text/*", HTML),
        ("application/*;q=0.5, text/html;q=0.4", JSON),
        ("text/html;q=0.1, application/json", JSON),
        ("text/html; q=0, */*", JSON),
        ("application/json, text/html", None),
        ("TEXT/HTML;level=1;Q=0.7, application/json;q=0.2", HTML),
        ("text/html;q=nonsense, application/json;q=0.9", HTML),
        ("text/html;q=nan, application/json", None),
        ("image/png", None),
        ("image/png, text/html;q=0", None),
        (";;,,;q=1", None),
    ],
)
def test_what_weighs_more_is_preferred(accepted: str | None, preferred: str | None) -> None:
    request = _request(accepted)
    told = [HTML] * prefers(request, HTML, JSON) + [JSON] * prefers(request, JSON, HTML)
    assert told == ([] if preferred is None else [preferred])


def test_a_header_that_comes_twice_is_one_list() -> None:
    request = Request({"type": "http", "headers": [(b"accept", b"application/json;q=0.5"), (b"accept", b"text/html")]})
    assert prefers(request, HTML, JSON)
