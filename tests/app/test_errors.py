"""What the framework refuses is a problem document too, and each error of ours has its place in the table."""

import inspect
from html import unescape

import pytest

from app import refusals
from app.errors import ALL_KINDS, KINDS
from app.web.refusal_page import home_of
from store import errors as store_errors
from tests.app.problems import places, refusal
from tests.app.service import Service

NOT_SEEN_BY_CLIENTS = {
    store_errors.StoreError,
    store_errors.DatabaseUrlError,
    store_errors.NewerSchemaError,
    store_errors.LeaseLostError,
    refusals.RefusedError,
}


def test_a_path_that_there_is_not(gallery: Service) -> None:
    problem = refusal(gallery.get("/no%20where?x=1"), 404, "no-such-path")
    assert "/docs" in problem["detail"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/generate", "GET, HEAD"),
        ("/jobs/1", "GET, HEAD, PATCH"),
        ("/train/plan", "POST"),
        ("/openapi.json", "GET, HEAD"),
        ("/static/css/base.css", "GET, HEAD"),
    ],
)
def test_a_method_that_the_path_does_not_take(gallery: Service, path: str, allowed: str) -> None:
    response = gallery.client.delete(path)
    problem = refusal(response, 405, "method-not-allowed")
    assert response.headers["allow"] == allowed
    assert f"does not take DELETE; it takes {allowed}" in problem["detail"]


def test_a_fault_of_ours_tells_its_inside_to_the_log_alone(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(service.given.jobs, "list", fail)
    response = service.get("/jobs")
    refusal(response, 500, "internal-error")
    assert "secret" not in response.text
    assert "the secret inside" in caplog.text
    assert response.headers["x-request-id"] in caplog.text
    assert service.count("ganery_http_request_duration_seconds_count", route="/jobs", status="500") == 1


@pytest.mark.parametrize("module", [refusals, store_errors])
def test_every_error_that_a_client_may_see_is_in_the_table(module: object) -> None:
    errors = {one for _, one in inspect.getmembers(module, inspect.isclass) if issubclass(one, Exception)}
    for error in errors - NOT_SEEN_BY_CLIENTS:
        assert any(parent in KINDS for parent in error.__mro__), error


def test_every_type_of_problem_is_explained(gallery: Service) -> None:
    listed = gallery.get("/problems").json()["items"]
    assert {one["type"] for one in listed} == {f"/problems/{name}" for name in ALL_KINDS}
    for one in listed:
        assert gallery.get(one["type"]).json() == one
    refusal(gallery.get("/problems/nobody"), 404, "no-such-problem-type")


def test_refusals_are_not_kept_by_caches(gallery: Service) -> None:
    assert gallery.get("/generate?digit=10").headers["cache-control"] == "no-store"


def test_a_page_that_there_is_not_is_refused_in_the_language_of_who_asks(gallery: Service) -> None:
    problem = refusal(gallery.get("/watch/unknown"), 404)
    told = gallery.get("/watch/unknown", headers={"Accept": "text/html"})
    assert told.status_code == 404
    assert problem["detail"] in unescape(told.text)
    assert '<a href="/watch">Go on from here</a>' in told.text


def test_a_person_is_told_a_field_by_its_name(gallery: Service) -> None:
    wish = {"keep": {"last": 0}}
    assert places(refusal(gallery.post("/train", json=wish), 422)).keys() == {("pointer", "#/keep/last")}
    told = gallery.post("/train", json=wish, headers={"Accept": "text/html"}).text
    assert "<code>keep.last</code>: should be a whole number from 1 up to 1,000; 0 came" in told


def test_what_weighs_more_in_accept_is_answered(gallery: Service) -> None:
    rather_json = "text/html;q=0.2, application/json"
    refusal(gallery.get("/watch/unknown", headers={"Accept": rather_json}), 404)


@pytest.mark.parametrize(
    ("path", "home"),
    [("/latent/walk", "/explore"), ("/gallery", "/gallery"), ("/jobs/1", "/watch"), ("/jobsite", "/"), ("/", "/")],
)
def test_a_refusal_leads_back_to_the_page_that_its_path_belongs_to(path: str, home: str) -> None:
    assert home_of(path) == home
