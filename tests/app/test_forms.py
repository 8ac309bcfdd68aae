"""Forms of pages: they do what the API does, and go on to a page."""

import httpx
import pytest

from store.requests import TrainRequest, complete
from store.states import JobState, Succeeded
from tests.app.problems import refusal
from tests.app.service import Service, running

TINY = {"family": "dcgan", "dataset": "segments", "images": "640", "batch_size": "16", "shown": "dcgan/paper"}


def send(service: Service, path: str, **values: str) -> httpx.Response:
    return service.post(path, data=values)


def test_a_form_queues_what_the_same_json_would(service: Service) -> None:
    response = send(service, "/forms/train", **TINY, seed="5")
    assert response.status_code == 303
    job_id = response.headers["location"].removeprefix("/watch/")
    wish = TrainRequest(family="dcgan", dataset="segments", images=640, batch_size=16, seed=5)
    assert service.given.jobs.get(job_id).request == complete(wish)[0]
    assert service.get(response.headers["location"]).status_code == 200


def test_a_form_that_is_sent_twice_queues_one_job(service: Service) -> None:
    first, again, other = (
        send(service, "/forms/train", **TINY, seed=seed, nonce="0123abcd").headers["location"] for seed in "556"
    )
    assert first == again != other
    assert len(service.given.jobs.list().items) == 2


def test_a_form_that_is_wrong_is_shown_again(service: Service) -> None:
    response = send(service, "/forms/train", **TINY | {"images": "<many>"})
    assert response.status_code == 422
    assert 'value="&lt;many&gt;"' in response.text
    assert "training pictures</a>: should be a whole number" in response.text
    assert service.given.jobs.list().items == ()


def test_a_full_queue_is_said_above_the_form(tmp_path: object) -> None:
    with running(tmp_path, queue_limit=1) as service:  # type: ignore[arg-type]
        send(service, "/forms/train", **TINY)
        response = send(service, "/forms/train", **TINY)
    assert response.status_code == 429
    assert "1 jobs are queued and 1 may be" in response.text
    assert 'value="640"' in response.text


@pytest.mark.parametrize(
    ("change", "state"), [("pause", JobState.PAUSED), ("resume", JobState.QUEUED), ("cancel", JobState.CANCELLED)]
)
def test_a_job_is_steered_and_the_page_shown_again(service: Service, change: str, state: JobState) -> None:
    job_id = service.queue()
    response = send(service, f"/forms/jobs/{job_id}", change=change, back=f"/watch/{job_id}")
    assert (response.status_code, response.headers["location"]) == (303, f"/watch/{job_id}")
    assert service.given.jobs.get(job_id).state is state


def test_a_job_is_moved_in_the_queue(service: Service) -> None:
    first, second = service.queue(), service.queue()
    send(service, f"/forms/jobs/{second}", change="front")
    assert service.given.jobs.positions([first, second]) == {second: 0, first: 1}
    send(service, f"/forms/jobs/{first}", change="priority", priority=" +9 ")
    assert service.given.jobs.positions([first, second]) == {first: 0, second: 1}
    send(service, f"/forms/jobs/{first}", change="back")
    assert service.given.jobs.positions([first, second]) == {second: 0, first: 1}


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/watch/../x", ""])
def test_nobody_is_led_to_another_place(service: Service, back: str) -> None:
    response = send(service, f"/forms/jobs/{service.queue()}", change="pause", back=back)
    assert response.headers["location"] == "/watch"


@pytest.mark.parametrize(
    ("values", "status", "detail"),
    [
        ({"change": "dance"}, 422, "no change &#39;dance&#39;; there are pause"),
        ({"back": "/train"}, 422, "no change None"),
        ({"change": "priority", "priority": "1001"}, 422, "from -1000 up to 1000"),
        ({"change": "priority", "priority": "high"}, 422, "&#39;high&#39; came"),
        ({"change": "resume"}, 409, "is succeeded"),
    ],
)
def test_what_is_not_possible_is_said_on_a_page(
    service: Service, values: dict[str, str], status: int, detail: str
) -> None:
    job_id = service.settle(service.claim(), Succeeded())
    response = send(service, f"/forms/jobs/{job_id}", **values)
    assert response.status_code == status
    assert detail in response.text
    assert 'role="alert"' in response.text


def test_a_job_that_there_is_not_is_said_on_a_page(gallery: Service) -> None:
    response = send(gallery, "/forms/jobs/0123456789abcdef", change="pause")
    assert response.status_code == 404
    assert "there is no job" in response.text


@pytest.mark.parametrize(
    ("path", "destination"),
    [
        ("/forms/train", "/train"),
        ("/forms/jobs/0123456789abcdef", "/watch/0123456789abcdef"),
        ("/forms/jobs/%2F%2Felsewhere", None),
        ("/forms/jobs/a%3Fb%0Ac", "/watch/a%3Fb%0Ac"),
    ],
)
def test_the_address_of_a_form_leads_to_its_page(gallery: Service, path: str, destination: str | None) -> None:
    response = gallery.get(path)
    assert (response.status_code, response.headers.get("location")) == (
        (303, destination) if destination else (404, None)
    )


def test_a_form_is_a_form(gallery: Service) -> None:
    assert gallery.post("/forms/train", json={}).status_code == 415


@pytest.mark.parametrize("path", ["/forms/train", "/forms/jobs/0123456789abcdef"])
def test_a_form_of_very_many_fields_is_refused(gallery: Service, path: str) -> None:
    problem = refusal(gallery.post(path, data={f"field{number}": "" for number in range(201)}), 413, "body-too-large")
    assert "more than 200 fields" in problem["detail"]


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_page_of_another_site_sends_no_form(service: Service, headers: dict[str, str]) -> None:
    assert service.post("/forms/train", data=TINY, headers=headers).status_code == 403
    assert service.given.jobs.list().items == ()


def test_a_page_of_ours_does(service: Service) -> None:
    headers = {"Origin": str(service.client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert service.post("/forms/train", data=TINY, headers=headers).status_code == 303
