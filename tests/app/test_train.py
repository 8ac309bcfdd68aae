"""POST /train: what it queues, and what it refuses."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models import FLAGSHIP, find_family
from store.states import JobState
from tests.app.problems import places, refusal
from tests.app.service import Service, running

JSON = {"Content-Type": "application/json"}
SMALL = {"family": "dcgan", "dataset": "segments", "images": 32, "batch_size": 16}
HYPERPARAMETERS = (("width", 8), ("latent_dim", 4))


def test_an_empty_object_trains_the_flagship(service: Service) -> None:
    response = service.post("/train", json={})
    assert response.status_code == 202
    job = response.json()
    family = find_family(FLAGSHIP)
    assert response.headers["location"] == f"/jobs/{job['id']}"
    assert int(response.headers["retry-after"]) >= 1
    assert (job["family"], job["preset"], job["dataset"]) == (FLAGSHIP, family.default_preset, "mnist")
    assert (job["state"], job["position"], job["checkpoints"]) == ("queued", 0, [])
    assert service.get(response.headers["location"]).json() == job


def test_a_plan_is_what_would_be_queued_and_queues_nothing(service: Service) -> None:
    plan = service.post("/train/plan", json={**SMALL, "seed": 3})
    assert plan.status_code == 200
    assert service.get("/jobs").json()["items"] == []
    job = service.post("/train", json={**SMALL, "seed": 3}).json()
    assert plan.json() == {"request": job["request"], "total_steps": job["progress"]["total"]}
    problem = refusal(service.post("/train/plan", json={"hyperparameters": {"width": "wide"}}), 422)
    assert ("pointer", "#/hyperparameters/width") in places(problem)


def test_every_default_is_filled_in_before_the_job_is_stored(service: Service) -> None:
    job = service.post("/train", json={**SMALL, "seed": 2**63 - 1}).json()
    request = job["request"]
    assert request["seed"] == job["seed"] == 2**63 - 1
    assert request["images"] == 32
    assert job["progress"] == {"step": 0, "total": 2}
    assert set(request["hyperparameters"]) == set(find_family("dcgan").hyperparameters.model_fields)


def test_a_repeat_with_the_same_key_gets_the_first_job(service: Service) -> None:
    key = {"Idempotency-Key": "key"}
    first = service.post("/train", json=SMALL, headers=key)
    reordered = json.dumps(dict(reversed(SMALL.items())), indent=1)
    again = service.post("/train", content=reordered, headers={**key, **JSON})
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    assert first.headers["location"] == again.headers["location"]
    assert len(service.get("/jobs").json()["items"]) == 1


def test_the_order_of_hyperparameters_makes_no_other_body(service: Service) -> None:
    sent = [{**SMALL, "hyperparameters": dict(pairs)} for pairs in (HYPERPARAMETERS, reversed(HYPERPARAMETERS))]
    ids = {service.post("/train", json=body, headers={"Idempotency-Key": "key"}).json()["id"] for body in sent}
    assert len(ids) == 1


def test_the_same_key_for_another_body_is_refused(service: Service) -> None:
    key = {"Idempotency-Key": "key"}
    service.post("/train", json=SMALL, headers=key)
    problem = refusal(service.post("/train", json={**SMALL, "seed": 1}, headers=key), 422, "idempotency-conflict")
    assert "choose a new key" in places(problem)["header", "Idempotency-Key"]
    assert len(service.get("/jobs").json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "where", "right"),
    [
        ({"keep": "best"}, "#/keep", "should be an object with any of best, last, every; 'best' came"),
        ({"keep": None}, "#/keep", "should be an object with any of best, last, every; None came"),
        ({"hyperparameters": [1]}, "#/hyperparameters", "should be an object; [1] came"),
        ([], "#", "should be an object with any of family, preset, dataset"),
    ],
)
def test_what_should_be_an_object_is_told_with_what_it_may_hold(
    gallery: Service, body: object, where: str, right: str
) -> None:
    problem = refusal(gallery.post("/train", json=body), 422, "invalid-request")
    assert right in places(problem)["pointer", where]


@pytest.mark.parametrize("key", ["", "with space", "x" * 256])
def test_a_key_that_is_no_token_is_refused(gallery: Service, key: str) -> None:
    problem = refusal(gallery.post("/train", json=SMALL, headers={"Idempotency-Key": key}), 422)
    assert ("header", "Idempotency-Key") in places(problem)


def test_a_full_queue_says_when_to_come_again(pretrained: Path, tmp_path: Path) -> None:
    with running(tmp_path, queue_limit=2) as service:
        assert [service.post("/train", json=SMALL).status_code for _ in range(2)] == [202, 202]
        response = service.post("/train", json=SMALL)
        problem = refusal(response, 429, "queue-full")
        assert int(response.headers["retry-after"]) >= 1
        assert "2 jobs are queued and 2 may be" in problem["detail"]


def test_without_a_broker_the_job_is_queued_and_nobody_waits(service: Service) -> None:
    began = time.monotonic()
    job = service.post("/train", json=SMALL).json()
    assert time.monotonic() - began < 10  # by its defaults Celery would try for ever
    assert job["id"] in service.given.jobs.unrung()


# Bad input. Nothing of it may be stored.


@pytest.fixture
def nothing_stored(gallery: Service) -> Iterator[Service]:
    before = gallery.given.jobs.counts()
    yield gallery
    assert gallery.given.jobs.counts() == before
    assert not (gallery.given.settings.data_dir / "jobs").exists()


@pytest.mark.parametrize(
    ("body", "where", "right"),
    [
        ({"family": "nobody"}, "#/family", "the zoo has "),
        ({"family": 7}, "#/family", "should be one of acgan, began"),
        ({"family": "dcgan", "preset": "nobody"}, "#/preset", "it has paper, tutorial"),
        ({"dataset": "nobody"}, "#/dataset", "there are mnist, fashion_mnist, "),
        ({"seed": -1}, "#/seed", "should be a whole number from 0 on; -1 came"),
        ({"seed": 2**63}, "#/seed", "up to 9,223,372,036,854,775,807; 9223372036854775808 came"),
        ({"seed": "seven"}, "#/seed", "'seven' came"),
        ({"images": 0}, "#/images", "from 1 up to 1,000,000,000; 0 came"),
        ({"batch_size": 1}, "#/batch_size", "should be a whole number from 2 up to 4,096; 1 came"),
        ({"colour": "red"}, "#/colour", "known are family, preset, dataset, seed"),
        ({"hyperparameters": []}, "#/hyperparameters", "should be an object; [] came"),
        ({"hyperparameters": {"latent_dim": "many"}}, "#/hyperparameters/latent_dim", "'many' came"),
        ({"hyperparameters": {"latent_dim": -3}}, "#/hyperparameters/latent_dim", "-3 came"),
        (
            {"hyperparameters": {"a/b~c d": 1}},
            "#/hyperparameters/a~1b~0c%20d",
            "there is no 'a/b~c d' here; known are loss",
        ),
        ([], "#", "[] came"),
        (None, "#", "None came"),
        ("train", "#", "'train' came"),
    ],
)
def test_bad_input_is_refused_at_its_place_in_the_body(
    nothing_stored: Service, body: Any, where: str, right: str
) -> None:
    response = nothing_stored.post("/train", content=json.dumps(body), headers=JSON)
    problem = refusal(response, 422, "invalid-request")
    assert right in places(problem)["pointer", where]
    assert right in problem["detail"]


def test_no_body_at_all_is_refused(nothing_stored: Service) -> None:
    problem = refusal(nothing_stored.post("/train", headers=JSON), 422, "invalid-request")
    assert "at least {}" in places(problem)["pointer", "#"]


def test_all_that_is_wrong_is_told_at_once(nothing_stored: Service) -> None:
    problem = refusal(nothing_stored.post("/train", json={"seed": -1, "images": "x", "colour": 1}), 422)
    assert {where for _, where in places(problem)} == {"#/seed", "#/images", "#/colour"}


@pytest.mark.parametrize("body", [b"{", b"{'family': 'dcgan'}", b"\xff\xfe", b"[" * 20_000, b"9" * 5000])
def test_a_body_that_is_no_json_is_refused(nothing_stored: Service, body: bytes) -> None:
    problem = refusal(nothing_stored.post("/train", content=body, headers=JSON), 400, "unreadable-body")
    assert "JSON" in problem["detail"]


@pytest.mark.parametrize("told", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "multipart/form-data"}])
def test_a_body_that_is_not_said_to_be_json_is_refused(nothing_stored: Service, told: dict[str, str]) -> None:
    problem = refusal(nothing_stored.post("/train", content=b"{}", headers=told), 415, "unsupported-media-type")
    assert "Content-Type: application/json" in problem["detail"]


def test_json_with_a_charset_is_json(service: Service) -> None:
    told = {"Content-Type": "application/json; charset=utf-8"}
    assert service.post("/train", content=b"{}", headers=told).status_code == 202


def test_a_body_above_the_limit_is_refused(nothing_stored: Service) -> None:
    body = b'{"family": "' + b"x" * 1_100_000 + b'"}'
    problem = refusal(nothing_stored.post("/train", content=body, headers=JSON), 413, "body-too-large")
    assert "at most 1048576 bytes" in problem["detail"]


def test_a_body_above_the_limit_is_refused_though_its_length_is_not_told(nothing_stored: Service) -> None:
    def portions() -> Iterator[bytes]:
        for _ in range(1100):
            yield b" " * 1000

    problem = refusal(nothing_stored.post("/train", content=portions(), headers=JSON), 413, "body-too-large")
    assert "at most 1048576 bytes" in problem["detail"]


def test_a_body_below_the_limit_is_taken_in_portions(service: Service) -> None:
    response = service.post("/train", content=iter([b"{", b" " * 1000, b"}"]), headers=JSON)
    assert response.status_code == 202
    assert service.given.jobs.counts()[JobState.QUEUED] == 1


def test_a_wrong_name_within_a_field_is_refused_with_the_names_that_the_field_has(service: Service) -> None:
    problem = refusal(service.post("/train", json={"keep": {"latest": 1}}), 422)
    assert places(problem)["pointer", "#/keep/latest"].endswith("known are best, last, every")
