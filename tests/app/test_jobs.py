"""Jobs over HTTP: look at them, page through them, steer them."""

from datetime import datetime
from unittest.mock import Mock

import pytest

from store.events import EventKind, NewEvent
from store.phases import Phase
from store.states import Cancelled, Failed, Paused, Succeeded
from tests.app.problems import places, refusal
from tests.app.service import Service

UNKNOWN = "0123456789abcdef"


def test_a_job_tells_how_far_it_is_and_how_long_it_will_take(service: Service) -> None:
    claim = service.claim()
    started = service.get(f"/jobs/{claim.job.id}").json()
    assert (started["phase"], started["eta_seconds"]) == ("starting", None)
    service.given.jobs.heartbeat(claim, step=4, rate=2.0, phase=Phase.JUDGING, remaining_seconds=11.5)
    job = service.get(f"/jobs/{claim.job.id}").json()
    assert job["state"] == "running"
    assert job["progress"] == {"step": 4, "total": 10}
    assert (job["steps_per_second"], job["phase"], job["eta_seconds"]) == (2.0, "judging", 11.5)
    assert (job["attempt"], job["max_attempts"]) == (1, 3)
    assert job["position"] is None
    assert datetime.fromisoformat(job["started_at"]) >= datetime.fromisoformat(job["created_at"])
    assert job["finished_at"] is None


def test_a_job_names_its_checkpoints_the_newest_first(service: Service) -> None:
    claim = service.claim()
    ids = [service.keep_checkpoint(claim, step) for step in (2, 4)]
    job = service.get(f"/jobs/{claim.job.id}").json()
    assert job["checkpoints"] == ids[::-1]
    assert service.get("/jobs").json()["items"][0]["checkpoints"] == ids[::-1]


def test_a_list_asks_the_database_as_often_as_a_job_does(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        service.keep_checkpoint(service.claim(), 2)
        service.queue()
    read = Mock(wraps=service.given.database.read)
    monkeypatch.setattr(service.given.database, "read", read)
    assert len(service.get("/jobs").json()["items"]) == 6
    assert read.call_count == 3


def test_a_failed_job_is_no_failed_request(service: Service) -> None:
    job_id = service.settle(service.claim(), Failed({"type": "diverged", "detail": "loss became nan"}))
    response = service.get(f"/jobs/{job_id}")
    assert response.status_code == 200
    assert response.json()["state"] == "failed"
    assert response.json()["error"] == {"type": "diverged", "detail": "loss became nan"}
    assert response.json()["finished_at"] is not None
    assert (response.json()["phase"], response.json()["eta_seconds"]) == (None, None)


def test_a_job_that_has_not_changed_is_not_sent_again(service: Service) -> None:
    claim = service.claim()
    response = service.get(f"/jobs/{claim.job.id}")
    assert response.headers["cache-control"] == "no-cache"
    seen = {"If-None-Match": response.headers["etag"]}
    assert service.get(f"/jobs/{claim.job.id}", headers=seen).status_code == 304
    service.given.jobs.heartbeat(claim, step=1)
    assert service.get(f"/jobs/{claim.job.id}", headers=seen).status_code == 200


@pytest.mark.parametrize("path", ["", "/events", "/samples/1.png"])
def test_a_job_that_there_is_not_is_refused(gallery: Service, path: str) -> None:
    problem = refusal(gallery.get(f"/jobs/{UNKNOWN}{path}"), 404, "not-found")
    assert UNKNOWN in problem["detail"]


# Lists


def test_jobs_come_in_pages_the_newest_first(service: Service) -> None:
    ids = [service.queue() for _ in range(5)]
    seen, cursor = [], None
    for expected in (2, 2, 1):
        page = service.get("/jobs", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        assert len(page["items"]) == expected
        seen += [job["id"] for job in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert seen == ids[::-1]


def test_jobs_are_listed_by_their_states(service: Service) -> None:
    running = service.claim().job.id
    queued = service.queue()
    done = service.settle(service.claim(service.queue()), Succeeded())

    def listed(query: str) -> list[str]:
        return [job["id"] for job in service.get(f"/jobs?{query}").json()["items"]]

    assert listed("state=queued") == [queued]
    assert listed("state=succeeded&state=running") == [done, running]
    assert listed("state=failed") == []


@pytest.mark.parametrize(
    ("query", "parameter", "right"),
    [
        ("limit=0", "limit", "should be a whole number from 1 up to 100; '0' came"),
        ("limit=101", "limit", "should be a whole number from 1 up to 100"),
        ("cursor=nonsense", "cursor", "the next_cursor of an earlier page"),
        ("state=asleep", "state", "should be one of queued, running"),
        ("page=2", "page", "known are limit, cursor, state"),
    ],
)
def test_a_list_that_there_is_not_is_refused(gallery: Service, query: str, parameter: str, right: str) -> None:
    problem = refusal(gallery.get(f"/jobs?{query}"), 422)
    assert right in places(problem)["parameter", parameter]


# Steering


def change(service: Service, job_id: str, wish: str) -> str:
    response = service.post(f"/jobs/{job_id}/{wish}")
    assert response.status_code == 200, response.text
    state: str = response.json()["state"]
    return state


def test_a_queued_job_is_paused_resumed_and_cancelled_at_once(service: Service) -> None:
    job_id = service.queue()
    assert [change(service, job_id, wish) for wish in ("pause", "pause")] == ["paused", "paused"]
    assert [change(service, job_id, wish) for wish in ("resume", "resume")] == ["queued", "queued"]
    assert [change(service, job_id, wish) for wish in ("cancel", "cancel")] == ["cancelled", "cancelled"]


def test_a_running_job_is_asked_and_obeys_later(service: Service) -> None:
    claim = service.claim()
    job_id = claim.job.id
    assert [change(service, job_id, wish) for wish in ("pause", "resume", "pause")] == ["pausing", "running", "pausing"]
    service.settle(claim, Paused())
    assert service.get(f"/jobs/{job_id}").json()["state"] == "paused"
    assert change(service, job_id, "resume") == "queued"
    claim = service.claim(job_id)
    assert change(service, job_id, "cancel") == "cancelling"
    service.settle(claim, Cancelled())
    assert change(service, job_id, "cancel") == "cancelled"


def test_cancelling_a_finished_job_changes_nothing(service: Service) -> None:
    job_id = service.settle(service.claim(), Succeeded())
    assert change(service, job_id, "cancel") == "succeeded"


@pytest.mark.parametrize("wish", ["pause", "resume"])
def test_a_finished_job_cannot_go_on(service: Service, wish: str) -> None:
    job_id = service.settle(service.claim(), Succeeded())
    problem = refusal(service.post(f"/jobs/{job_id}/{wish}"), 409, "wrong-state")
    assert f"job {job_id} is succeeded" in problem["detail"]


@pytest.mark.parametrize("wish", ["cancel", "pause", "resume"])
def test_wishes_for_a_job_that_there_is_not_are_refused(gallery: Service, wish: str) -> None:
    refusal(gallery.post(f"/jobs/{UNKNOWN}/{wish}"), 404, "not-found")


def test_a_higher_priority_moves_a_job_to_the_front(service: Service) -> None:
    first, second = service.queue(), service.queue()
    moved = service.client.patch(f"/jobs/{second}", json={"priority": 5})
    assert (moved.json()["priority"], moved.json()["position"]) == (5, 0)
    assert service.get(f"/jobs/{first}").json()["position"] == 1
    next_claim = service.given.jobs.claim("a worker")
    assert next_claim is not None
    assert next_claim.job.id == second


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "#/priority"),
        ({"priority": "high"}, "#/priority"),
        ({"priority": 1001}, "#/priority"),
        ({"step": 1}, "#/step"),
    ],
)
def test_a_priority_that_is_none_is_refused(service: Service, body: dict[str, object], where: str) -> None:
    problem = refusal(service.client.patch(f"/jobs/{service.queue()}", json=body), 422)
    assert ("pointer", where) in places(problem)


def test_a_finished_job_has_no_priority(service: Service) -> None:
    service.queue()
    job_id = service.settle(service.claim(), Succeeded())
    refusal(service.client.patch(f"/jobs/{job_id}", json={"priority": 1}), 409, "wrong-state")
    refusal(service.post(f"/jobs/{job_id}/move", json={"to": "front"}), 409, "wrong-state")


def test_a_job_moves_to_the_front_and_to_the_back(service: Service) -> None:
    ids = [service.queue() for _ in range(3)]
    moved = [service.post(f"/jobs/{ids[1]}/move", json={"to": to}).json() for to in ("front", "front", "back")]
    assert [(job["priority"], job["position"]) for job in moved] == [(1, 0), (1, 0), (-1, 2)]


@pytest.mark.parametrize("body", [{}, {"to": "top"}, {"to": "front", "by": 1}])
def test_a_move_to_nowhere_is_refused(service: Service, body: dict[str, object]) -> None:
    refusal(service.post(f"/jobs/{service.queue()}/move", json=body), 422)


def test_the_queue_is_told_in_its_order(service: Service) -> None:
    running = service.claim().job.id
    first, second = service.queue(), service.queue()
    service.client.patch(f"/jobs/{second}", json={"priority": 2})
    queue = service.get("/queue").json()
    assert [(job["id"], job["position"]) for job in queue["items"]] == [(running, None), (second, 0), (first, 1)]
    assert queue["next_cursor"] is None
    assert len(service.get("/queue?limit=1").json()["items"]) == 1


# Samples


def test_a_sample_is_served_for_ever(service: Service) -> None:
    job_id = service.queue()
    file = service.given.settings.job_directory(job_id) / "samples" / "00000040.png"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\x89PNG of step 40")
    response = service.get(f"/jobs/{job_id}/samples/40.png")
    assert response.content == file.read_bytes()
    assert response.headers["content-type"] == "image/png"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    seen = {"If-None-Match": response.headers["etag"]}
    assert service.get(f"/jobs/{job_id}/samples/40.png", headers=seen).status_code == 304


@pytest.mark.parametrize("step", ["41", "-1", "9" * 300])
def test_a_sample_that_there_is_not_is_refused(service: Service, step: str) -> None:
    refusal(service.get(f"/jobs/{service.queue()}/samples/{step}.png"), 404, "no-such-sample")


def test_a_sample_of_no_step_is_refused(service: Service) -> None:
    problem = refusal(service.get(f"/jobs/{service.queue()}/samples/first.png"), 422)
    assert "'first' came" in places(problem)["parameter", "step"]


# Curves


def test_the_curves_of_a_job_are_told_in_pages(service: Service) -> None:
    claim = service.claim()
    judged = {"count": 500, "progress": 0.5, "values": {"fd": 3.0}, "floors": {"fd": 1.0}, "signs": {"spread": 0.9}}
    for step in (10, 20):
        service.given.jobs.record(claim, [NewEvent(EventKind.METRIC, {"generator/loss": 0.5}, step)])
    service.given.jobs.record(claim, [NewEvent(EventKind.QUALITY, judged, 20)])
    path = f"/jobs/{claim.job.id}/metrics"
    first = service.get(f"{path}?limit=2").json()
    assert first["items"] == [{"step": step, "losses": {"generator/loss": 0.5}, "quality": None} for step in (10, 20)]
    rest = service.get(path, params={"cursor": first["next_cursor"]}).json()
    assert rest["items"] == [{"step": 20, "losses": None, "quality": judged}]
    nothing_new = service.get(path, params={"cursor": rest["next_cursor"]}).json()
    assert nothing_new == {"items": [], "next_cursor": rest["next_cursor"]}
    service.settle(claim, Succeeded())
    assert service.get(path).json()["next_cursor"] is None
    assert service.get(f"{path}?limit=2").json()["next_cursor"] == first["next_cursor"]


def test_the_curves_of_a_job_that_has_none_are_empty(service: Service) -> None:
    assert service.get(f"/jobs/{service.queue()}/metrics").json() == {"items": [], "next_cursor": None}
    refusal(service.get("/jobs/nobody/metrics"), 404, "not-found")
    refusal(service.get(f"/jobs/{service.queue()}/metrics?cursor=x"), 422)
