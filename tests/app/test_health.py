"""Health and metrics."""

from pathlib import Path

import pytest

from checkpoints.library import DEFAULT_CHECKPOINT
from models import FLAGSHIP
from store.errors import DatabaseUnavailableError
from tests.app.problems import places, refusal
from tests.app.service import Service, running
from tests.app.zoo import CONDITIONAL, flip_a_bit


def test_the_service_lives(gallery: Service) -> None:
    assert gallery.get("/livez").json()["status"] == "alive"


def test_a_service_without_a_broker_is_ready_and_says_so(gallery: Service) -> None:
    assert gallery.get("/readyz").json() == {"status": "ready"}
    checks = gallery.get("/readyz?verbose").json()["checks"]
    assert checks["database"] == "ok"
    assert checks["checkpoint"] == f"ok: {gallery.id_of(DEFAULT_CHECKPOINT)}"
    assert checks["broker"].startswith("away: jobs are queued")


def test_a_service_without_any_checkpoint_is_ready_to_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkpoints.library.PRETRAINED", tmp_path / "nothing")
    with running(tmp_path) as service:
        assert service.get("/readyz?verbose").json()["checks"]["checkpoint"].startswith("none yet")
        problem = refusal(service.get("/generate"), 404, "no-such-checkpoint")
        assert "'default'" in problem["detail"]
        assert "no default checkpoint yet" in service.get("/").text


def test_a_service_with_a_damaged_default_is_not_ready(service: Service) -> None:
    checkpoint = service.given.catalogue.find(service.keep_checkpoint(service.claim(), 2))
    service.given.catalogue.set_alias("default", checkpoint)
    flip_a_bit(checkpoint.directory / "networks.safetensors")
    response = service.get("/readyz")
    problem = refusal(response, 503, "not-ready")
    assert "is damaged" in problem["detail"]
    assert int(response.headers["retry-after"]) >= 1
    assert service.get("/livez").status_code == 200


def test_a_service_without_its_database_says_when_to_come_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*arguments: object, **options: object) -> None:
        raise DatabaseUnavailableError("sqlite:///here", "database is locked")

    for name in ("counts", "create", "get", "list", "request_cancel"):
        monkeypatch.setattr(service.given.jobs, name, away)
    monkeypatch.setattr(service.given.database, "ping", away)
    refusal(service.get("/readyz"), 503, "not-ready")
    for method, path in (("POST", "/train"), ("GET", "/jobs"), ("GET", "/jobs/1"), ("POST", "/jobs/1/cancel")):
        response = service.client.request(method, path, json={})
        refusal(response, 503, "database-unavailable")
        assert int(response.headers["retry-after"]) >= 1
    assert service.get("/livez").status_code == 200
    assert service.get("/metrics").status_code == 200


def test_a_service_starts_before_its_database(tmp_path: Path) -> None:
    # nothing listens at port 1
    with running(tmp_path, database_url="postgresql://ganery@127.0.0.1:1/ganery") as service:
        assert service.get("/livez").status_code == 200
        problem = refusal(service.get("/readyz"), 503, "not-ready")
        assert any("database" in one["detail"] for one in problem["errors"])
        assert places(problem) == {}
        refusal(service.get("/jobs"), 503, "database-unavailable")


def test_metrics_count_jobs_requests_and_pictures(service: Service) -> None:
    service.queue()
    assert service.count("ganery_jobs", state="queued") == 1
    assert service.count("ganery_jobs") == 1
    service.get("/generate?seed=1&count=4&nice=true&nice_factor=2")
    assert service.count("ganery_pictures_generated_total", nice="true") == 4
    assert service.count("ganery_candidates_drawn_total") == 8
    assert service.count("ganery_drawing_duration_seconds_count") == 1
    assert service.count("ganery_http_request_duration_seconds_count", route="/generate", status="200") == 1
    for _ in range(2):  # the second is from memory, which takes no time to draw
        service.get("/latent/picture?seed=1")
    assert service.count("ganery_drawing_duration_seconds_count") == 2
    service.get("/jobs/nobody")
    assert service.count("ganery_http_request_duration_seconds_count", route="/jobs/{job_id}", status="404") == 1
    assert service.count("ganery_build_info") == 1


DRAWN = {
    "/generate": "/generate?checkpoint={id}&seed=1",
    "/inspect": "/inspect?checkpoint={id}&seed=1&index=0",
    "/neighbours": "/neighbours?checkpoint={id}&seed=1&index=0",
    "/latent/walk": "/latent/walk?checkpoint={id}&from_seed=1&to_seed=2&steps=2",
    "/latent/directions": "/latent/directions?checkpoint={id}",
    "/checkpoints/{checkpoint_id}/nice-report": "/checkpoints/{id}/nice-report?count=10",
}


def test_every_endpoint_that_draws_is_counted_by_where_its_answer_came_from(service: Service) -> None:
    checkpoint = service.id_of(CONDITIONAL)
    for route, path in DRAWN.items():
        url = path.replace("{id}", checkpoint)
        first, _ = (service.get(url) for _ in range(2))
        assert first.status_code == 200, first.text
        assert service.get(url, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
        for source in ("network", "memory", "client"):
            assert service.count("ganery_drawings_answered_total", route=route, source=source) == 1
        assert service.count("ganery_drawing_duration_seconds_count", route=route, family=FLAGSHIP) == 1


def test_what_is_sent_to_be_drawn_or_looked_at_is_counted(service: Service) -> None:
    png = service.get(f"/generate?checkpoint={CONDITIONAL}&seed=1&index=0").content
    service.post("/pictures", json={"recipe": {"checkpoint": CONDITIONAL, "seed": 2, "index": 0}})
    for path in ("/verify", "/latent/project"):
        answer = service.post(path, content=png, headers={"Content-Type": "image/png"})
        assert answer.status_code == 200, answer.text
    for route, source in (("/pictures", "network"), ("/verify", "memory"), ("/latent/project", "network")):
        assert service.count("ganery_drawings_answered_total", route=route, source=source) == 1


def test_many_apps_count_for_themselves(service: Service, gallery: Service) -> None:
    before = gallery.count("ganery_jobs")
    service.queue()
    assert gallery.count("ganery_jobs") == before
