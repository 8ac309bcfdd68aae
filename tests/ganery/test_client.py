"""The client, against the real application in this process and against what is no service."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.main import create_app
from app.settings import AppSettings
from ganery.client import Client, Event, NotGaneryError, RefusedError, ServiceUnreachableError
from ganery.local_drawing import InThisProcess

URL = "http://ganery.test"
WISH = {"family": "dcgan", "dataset": "segments", "images": 64, "batch_size": 16}


class Flaky(httpx.BaseTransport):
    """Fails as often as it is told, then passes requests on."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner = inner
        self.failures = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.failures:
            self.failures -= 1
            raise httpx.ConnectError("connection refused")
        return self.inner.handle_request(request)


@pytest.fixture
def settings(tmp_path: Path) -> AppSettings:
    return AppSettings(data_dir=tmp_path, REDIS_URL="redis://127.0.0.1:1/0")  # nothing listens there


@pytest.fixture
def transport(settings: AppSettings) -> Iterator[Flaky]:
    app = create_app(settings)
    services = app.state.services
    services.database.migrate()
    yield Flaky(InThisProcess(app))
    services.doorbell.close()
    services.database.close()


@pytest.fixture
def client(transport: Flaky) -> Iterator[Client]:
    with Client(URL, transport=transport) as client:
        yield client


def test_a_training_is_queued_listed_and_cancelled(client: Client) -> None:
    job = client.train(WISH)
    assert (job.state, job.family, job.progress.total) == ("queued", "dcgan", 4)
    assert [one.id for one in client.jobs(limit=5)] == [job.id]
    assert client.change(job.id, "pause").state == "paused"
    assert client.change(job.id, "resume").state == "queued"
    assert client.change(job.id, "cancel").state == "cancelled"
    assert client.job(job.id).is_finished


def test_a_refusal_names_each_place_that_is_wrong(client: Client) -> None:
    with pytest.raises(RefusedError) as caught:
        client.train({"family": "nonesuch", "images": 64})
    assert "family: there is no family 'nonesuch'" in str(caught.value)
    with pytest.raises(RefusedError, match="digit: "):
        client.generate({"digit": 10})
    with pytest.raises(RefusedError, match="there is no job 'nonesuch'"):
        client.job("nonesuch")


def test_the_events_of_a_job_come_once_and_end_with_it(client: Client) -> None:
    job = client.train(WISH)
    told: list[Event] = []
    for seen, events in client.follow(job.id, pause_seconds=0, lost=_must_not_be_called):
        told += events
        if not seen.is_finished:
            client.change(job.id, "cancel")
    assert [event.sequence for event in told] == list(range(1, len(told) + 1))
    assert told[-1].kind == "end"


def test_following_survives_a_service_that_goes_away(client: Client, transport: Flaky) -> None:
    job = client.train(WISH)
    lost: list[ServiceUnreachableError] = []
    following = client.follow(job.id, pause_seconds=0, lost=lost.append)
    assert next(following)[0].state == "queued"
    client.change(job.id, "cancel")
    transport.failures = 3
    assert [seen.state for seen, _ in following] == ["cancelled"]
    assert len(lost) == 3


def test_a_service_that_is_not_there_at_first_is_an_error(client: Client, transport: Flaky) -> None:
    transport.failures = 1
    with pytest.raises(ServiceUnreachableError, match=f"no service answers at {URL}.*make run"):
        next(client.follow("any", lost=_must_not_be_called))


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(404, text="not here")])
def test_an_answer_that_is_not_ours_is_said_to_be_none(answer: httpx.Response) -> None:
    anything = httpx.MockTransport(lambda request: answer)
    with Client(URL, transport=anything) as client, pytest.raises(NotGaneryError, match="set GANERY_URL"):
        client.job("any")


def test_an_address_that_is_none_is_an_error() -> None:
    with Client("http://[") as client, pytest.raises(ServiceUnreachableError):
        client.jobs(limit=1)


def _must_not_be_called(error: Exception) -> None:
    raise AssertionError(error)
