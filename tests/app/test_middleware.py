"""What every answer carries."""

import json
from pathlib import Path

import pytest

from tests.app.service import Service, running


def test_every_answer_has_an_id_and_forbids_guessing(gallery: Service) -> None:
    first, second = gallery.get("/livez"), gallery.get("/nowhere")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["x-content-type-options"] == second.headers["x-content-type-options"] == "nosniff"


def test_an_id_that_came_is_kept(gallery: Service) -> None:
    assert gallery.get("/livez", headers={"X-Request-ID": "my-id.1"}).headers["x-request-id"] == "my-id.1"


@pytest.mark.parametrize("strange", ["", "a b", "x" * 65, "é".encode()])
def test_an_id_that_is_none_is_replaced(gallery: Service, strange: str | bytes) -> None:
    given = gallery.get("/livez", headers={"X-Request-ID": strange}).headers["x-request-id"]
    assert len(given) == 16


@pytest.mark.parametrize("path", ["/livez", "/jobs", "/families", "/checkpoints", "/"])
def test_head_is_answered_wherever_get_is(gallery: Service, path: str) -> None:
    response = gallery.client.head(path)
    assert response.status_code == 200
    assert response.content == b""
    assert int(response.headers["content-length"]) > 0


def test_requests_are_logged_as_json_where_that_is_wished(
    pretrained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, log_requests=True) as service:
        service.get("/livez?x=1", headers={"X-Request-ID": "mine"})
    line = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert line.pop("seconds") >= 0
    assert line == {"request_id": "mine", "method": "GET", "path": "/livez", "status": 200}


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "http://["])
def test_a_page_of_another_site_changes_nothing(gallery: Service, origin: str) -> None:
    response = gallery.post("/jobs/none/cancel", headers={"Origin": origin})
    assert response.status_code == 403
    assert response.json()["type"] == "/problems/foreign-origin"
    assert gallery.get("/livez", headers={"Origin": origin}).status_code == 200


def test_a_page_of_ours_may_ask_for_changes(gallery: Service) -> None:
    ours = str(gallery.client.base_url).rstrip("/")
    assert gallery.post("/jobs/none/cancel", headers={"Origin": ours}).status_code == 404


def test_only_the_names_that_are_ours_are_answered_where_they_are_told(pretrained: Path, tmp_path: Path) -> None:
    with running(tmp_path, allowed_hosts="localhost, 127.0.0.1,[::1]") as service:
        assert service.get("/livez").status_code == 200
        for ours in ("localhost", "LOCALHOST:8000", "[::1]:80"):
            assert service.get("/livez", headers={"Host": ours}).status_code == 200
        refusal = service.get("/livez", headers={"Host": "evil.example:8000"})
        assert refusal.status_code == 421
        assert refusal.json()["type"] == "/problems/foreign-host"
        assert "localhost" in refusal.json()["detail"]
