"""The front page, and the documentation."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.app.service import Service


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_needs_no_script_and_allows_none(gallery: Service, path: str) -> None:
    response = gallery.get(path)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "script" not in policy
    assert "unsafe" not in policy
    for forbidden in ("<script", "<style", " style=", " onclick="):
        assert forbidden not in response.text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", {"/docs", "/checkpoints", "/families", "/jobs", "/generate", "/static/ganery.css"}),
        ("/docs", {"/", "/openapi.json", "/problems", "/static/ganery.css"}),
    ],
)
def test_all_that_a_page_refers_to_is_there(gallery: Service, path: str, expected: set[str]) -> None:
    targets = set(re.findall(r'(?:href|src|action)="([^"]+)"', gallery.get(path).text))
    assert expected <= targets
    for target in targets:
        response = gallery.get(target.replace("&amp;", "&"))
        assert response.status_code == 200, target


def test_the_fields_of_the_form_are_parameters_of_generate(gallery: Service) -> None:
    page = gallery.get("/").text
    fields = re.findall(r'<input name="(\w+)"[^>]*?(?: value="(\w+)")?>', page)
    sent = dict(fields)
    assert {"digit", "count", "seed", "nice"} <= sent.keys()
    response = gallery.get("/generate", params=sent)
    assert response.status_code == 200
    link = dict(parse_qsl(urlsplit(response.headers["content-location"]).query))
    assert link["count"] == sent["count"]
    assert link["nice"] == "true"


def test_the_front_page_lists_the_newest_jobs(service: Service) -> None:
    assert "None yet" in service.get("/").text
    ids = [service.queue() for _ in range(12)]
    page = service.get("/").text
    assert re.findall(r'href="/jobs/(\w+)"', page) == ids[:-11:-1]
    assert "0 of 10" in page


def test_the_documentation_names_every_operation_and_parameter(gallery: Service) -> None:
    page = gallery.get("/docs").text
    for path, methods in gallery.app.openapi()["paths"].items():
        for method, operation in methods.items():
            assert f'<details id="{operation["operationId"]}">' in page
            assert f"<code>{method.upper()} {path}</code>" in page
    assert "<td>query</td><td>integer, from 1, up to 1024, default 16</td>" in page
    assert "<td><code>hyperparameters</code></td><td>body</td><td>object</td>" in page
