"""The events of a job: as a list to poll, and as a stream."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from store.events import EventKind, NewEvent
from store.jobs import Claim
from store.states import Succeeded
from tests.app.problems import places, refusal
from tests.app.service import Service, running

STREAM = {"Accept": "text/event-stream"}
LIST = {"Accept": "application/json"}


def told(service: Service, claim: Claim, *steps: int) -> None:
    service.given.jobs.record(claim, [NewEvent(EventKind.METRIC, {"loss": step / 2}, step) for step in steps])


def frames(response: httpx.Response) -> Iterator[dict[str, str]]:
    """The frames of a stream, each as the fields of its lines."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield fields
            fields = {}


@contextmanager
def streamed(service: Service, job_id: str, query: str = "", **headers: str) -> Iterator[Iterator[dict[str, str]]]:
    with service.client.stream("GET", f"/jobs/{job_id}/events{query}", headers=STREAM | headers) as response:
        assert response.status_code == 200
        assert response.headers["vary"] == "Accept"
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers["cache-control"] == "no-store"
        yield (frame for frame in frames(response) if "event" in frame)


def test_events_are_polled_by_the_last_that_was_seen(service: Service) -> None:
    claim = service.claim()
    told(service, claim, 1, 2, 3)
    page = service.get(f"/jobs/{claim.job.id}/events?after=0&limit=3").json()
    assert [event["sequence"] for event in page["items"]] == [1, 2, 3]
    assert [event["kind"] for event in page["items"]] == ["status", "status", "metric"]
    assert page["items"][2]["data"] == {"loss": 0.5}
    assert page["items"][2]["step"] == 1
    rest = service.get(f"/jobs/{claim.job.id}/events?after={page['next_cursor']}").json()
    assert [event["sequence"] for event in rest["items"]] == [4, 5]
    nothing = service.get(f"/jobs/{claim.job.id}/events?after={rest['next_cursor']}").json()
    assert nothing == {"items": [], "next_cursor": "5"}


def test_after_the_end_there_is_no_cursor(service: Service) -> None:
    job_id = service.settle(service.claim(), Succeeded())
    page = service.get(f"/jobs/{job_id}/events?after=0").json()
    assert page["items"][-1]["kind"] == "end"
    assert page["next_cursor"] is None
    last = page["items"][-1]["sequence"]
    assert service.get(f"/jobs/{job_id}/events?after={last}").json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=1001", "since=4"])
def test_a_poll_for_what_there_is_not_is_refused(service: Service, query: str) -> None:
    problem = refusal(service.get(f"/jobs/{service.queue()}/events?{query}"), 422)
    assert ("parameter", query.partition("=")[0]) in places(problem)


def test_the_stream_tells_what_was_and_what_comes_and_ends_after_the_end(service: Service) -> None:
    claim = service.claim()
    told(service, claim, 1)
    with streamed(service, claim.job.id) as stream:
        seen = [next(stream) for _ in range(3)]
        told(service, claim, 2)
        seen.append(next(stream))
        service.settle(claim, Succeeded())
        seen += list(stream)  # ends by itself
    assert [frame["id"] for frame in seen] == ["1", "2", "3", "4", "5", "6"]
    assert [frame["event"] for frame in seen] == ["status", "status", "metric", "metric", "status", "end"]
    polled = service.get(f"/jobs/{claim.job.id}/events?after=0").json()["items"]
    assert [json.loads(frame["data"]) for frame in seen] == polled


@pytest.mark.parametrize(
    ("query", "accept", "media_type"),
    [
        ("", "*/*", "text/event-stream"),
        ("?limit=5", "text/html, */*", "text/event-stream"),
        ("", "application/json", "application/json"),
        ("?after=0", "*/*", "application/json"),
        ("?after=0", "text/event-stream", "text/event-stream"),
    ],
)
def test_events_are_streamed_unless_a_list_is_asked_for(
    service: Service, query: str, accept: str, media_type: str
) -> None:
    job_id = service.settle(service.claim(), Succeeded())
    response = service.get(f"/jobs/{job_id}/events{query}", headers={"Accept": accept})
    assert response.headers["content-type"].partition(";")[0] == media_type
    assert response.headers["vary"] == "Accept"


@pytest.mark.parametrize(("query", "last_event_id"), [("", "99"), ("?after=99", "")])
def test_a_stream_after_more_than_there_is_tells_what_comes(service: Service, query: str, last_event_id: str) -> None:
    claim = service.claim()
    with streamed(service, claim.job.id, query, **{"Last-Event-ID": last_event_id}) as stream:
        service.settle(claim, Succeeded())
        assert [frame["event"] for frame in stream] == ["status", "end"]


def test_a_poll_after_more_than_there_is_goes_on_from_what_there_is(service: Service) -> None:
    claim = service.claim()
    page = service.get(f"/jobs/{claim.job.id}/events?after=99").json()
    assert page == {"items": [], "next_cursor": "2"}


def test_the_stream_goes_on_after_the_last_event_id(service: Service) -> None:
    claim = service.claim()
    told(service, claim, 1, 2, 3)
    service.settle(claim, Succeeded())
    with streamed(service, claim.job.id, **{"Last-Event-ID": "4"}) as stream:
        assert [frame["id"] for frame in stream] == ["5", "6", "7"]


def test_the_stream_tells_how_soon_to_reconnect(service: Service) -> None:
    job_id = service.settle(service.claim(), Succeeded())
    with service.client.stream("GET", f"/jobs/{job_id}/events", headers=STREAM) as response:
        assert int(next(frames(response))["retry"]) > 0


def test_after_the_end_there_is_nothing_to_reconnect_to(service: Service) -> None:
    job_id = service.settle(service.claim(), Succeeded())
    last = service.get(f"/jobs/{job_id}/events", headers=LIST).json()["items"][-1]["sequence"]
    response = service.get(f"/jobs/{job_id}/events", headers=STREAM | {"Last-Event-ID": str(last)})
    assert response.status_code == 204
    assert response.content == b""


@pytest.mark.parametrize("strange", ["", "x", "-3", "9" * 30])
def test_a_last_event_id_that_we_never_gave_counts_as_none(service: Service, strange: str) -> None:
    job_id = service.settle(service.claim(), Succeeded())
    with streamed(service, job_id, **{"Last-Event-ID": strange}) as stream:
        assert next(stream)["id"] == "1"


def test_a_silent_stream_is_kept_alive_by_comments(pretrained: Path, tmp_path: Path) -> None:
    with running(tmp_path, keep_alive_seconds=0.05) as service:
        job_id = service.queue()
        with service.client.stream("GET", f"/jobs/{job_id}/events", headers=STREAM) as response:
            assert any(line.startswith(":") for line in response.iter_lines())


def test_a_client_that_leaves_ends_its_stream(service: Service) -> None:
    claim = service.claim()
    asked: list[int] = []
    left = threading.Event()
    after = service.given.events.after

    def counted(*arguments: Any, **options: Any) -> Any:
        if left.is_set():
            asked.append(1)
        return after(*arguments, **options)

    service.given.events.after = counted  # type: ignore[method-assign]
    with streamed(service, claim.job.id) as stream:
        next(stream)
    left.set()
    polls = 0
    while True:  # it ends when a pause passes without a question
        threading.Event().wait(0.2)
        if len(asked) == polls:
            return
        polls = len(asked)
        assert polls < 100


def test_head_of_a_stream_has_an_end(service: Service) -> None:
    response = service.client.head(f"/jobs/{service.queue()}/events", headers=STREAM)
    assert response.status_code == 200
    assert service.get("/livez").status_code == 200
