"""Studies over HTTP: what they queue, what they find, how they are drawn and ended."""

from typing import Any, NoReturn
from xml.etree import ElementTree

import pytest

from models import families
from store.states import Failed, Succeeded
from tests.app.problems import places, refusal
from tests.app.service import OWNER, Service, running

SMALL = {"families": ["lsgan", "wgan"], "dataset": "segments", "trials": 2, "images": 320, "seed": 1}


def create(service: Service, **changes: Any) -> dict[str, Any]:
    response = service.post("/studies", json={**SMALL, **changes})
    assert response.status_code == 202, response.text
    document: dict[str, Any] = response.json()
    assert response.headers["location"] == f"/studies/{document['id']}"
    return document


def found(service: Service, study_id: str, **query: str) -> dict[str, Any]:
    response = service.get(f"/studies/{study_id}", params=query)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def train_next(service: Service, *values: float | None, fails: bool = False) -> str:
    """Train the next job, judged at as many equal distances; return its id."""
    claim = service.given.jobs.claim(OWNER)
    assert claim is not None
    for place, value in enumerate(values, 1):
        metrics = {} if value is None else {"fd": value, "fd_floor": 0.5, "coverage": 1 / value}
        service.keep_checkpoint(claim, claim.job.total_steps * place // len(values), **metrics)
    return service.settle(claim, Failed({"type": "diverged", "detail": "a loss is nan"}) if fails else Succeeded())


def test_a_study_is_families_by_draws_by_seeds_as_ordinary_jobs(service: Service) -> None:
    study = create(service, seeds=2, name="the first")
    jobs = service.get("/jobs", params={"study": study["id"]}).json()["items"]
    assert len(jobs) == study["jobs"]["queued"] == 2 * 2 * 2
    assert {(job["family"], job["preset"]) for job in jobs} == {("lsgan", "neutral"), ("wgan", "neutral")}
    assert {job["request"]["images"] for job in jobs} == {320}
    assert {job["priority"] for job in jobs} == {-10}
    assert {(job["study_id"], job["trial"]) for job in jobs} == {(study["id"], 0), (study["id"], 1)}
    assert service.get(f"/studies/{study['id']}").json() == study
    assert [one["name"] for one in service.get("/studies").json()["items"]] == ["the first"]
    assert service.get("/jobs", params={"study": "another"}).json()["items"] == []


def test_the_same_study_asks_for_the_same_trainings(service: Service) -> None:
    first, again, other = create(service), create(service), create(service, seed=2)
    drawn = [[(one["hyperparameters"], one["seed"]) for one in study["trials"]] for study in (first, again, other)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_what_a_study_answers_as_its_request_asks_for_the_same_again(service: Service) -> None:
    first = create(service, families=["lsgan", "wgan", "projection_gan"])
    again = create(service, **first["request"])
    assert again["request"] == first["request"]
    trials = [[(one["hyperparameters"], one["seed"]) for one in study["trials"]] for study in (first, again)]
    assert trials[0] == trials[1]
    for search in ({}, {**first["request"]["search"], "wgan": {}}, {**first["request"]["search"], "cat": {}}):
        problem = refusal(service.post("/studies", json={**first["request"], "search": search}), 422)
        assert "leave it out" in places(problem)["pointer", "#/search"]


def test_a_study_with_another_family_gives_the_others_the_same_trainings(service: Service) -> None:
    pair, alone = create(service), create(service, families=["wgan"])
    same = [(one["hyperparameters"], one["seed"]) for one in alone["trials"]]
    assert same == [(one["hyperparameters"], one["seed"]) for one in pair["trials"] if one["family"] == "wgan:neutral"]


def test_a_study_tells_the_distribution_the_failures_and_the_best(service: Service) -> None:
    study = create(service, families=["lsgan"], trials=5)["id"]
    train_next(service, 1.0, 4.0)
    best = train_next(service, 9.0, 2.0)
    train_next(service, 8.0)
    failed = train_next(service, 3.0, fails=True)
    document = found(service, study)
    (row,) = document["families"]
    assert (row["trials"], row["finished"], row["failures"], row["unjudged"]) == (5, 3, 1, 0)
    assert row["distribution"] == {
        "minimum": 2,
        "lower_quartile": 3,
        "median": 4,
        "upper_quartile": 6,
        "maximum": 8,
    }
    assert (row["best"]["job_id"], row["best"]["value"]) == (best, 2)
    assert set(row["best"]["hyperparameters"]) == set(families()["lsgan"].search)
    shown = next(one for one in document["trials"] if one["job_id"] == failed)
    assert (shown["outcome"], shown["value"], shown["reason"]) == ("failed", None, "a loss is nan")
    assert document["floor"] == 0.5
    assert document["jobs"]["queued"] == 1
    assert not document["is_finished"]


def test_a_trial_is_worth_its_last_checkpoint_or_its_best(service: Service) -> None:
    study = create(service, families=["lsgan"], trials=1)["id"]
    train_next(service, 1.0, 4.0)
    values = {value: found(service, study, value=value)["trials"][0]["value"] for value in ("final", "best")}
    assert values == {"final": 4, "best": 1}
    assert found(service, study)["is_finished"]


def test_any_metric_compares_in_its_own_direction(service: Service) -> None:
    study = create(service, families=["lsgan"], trials=2)["id"]
    train_next(service, 4.0)
    best = train_next(service, 2.0)
    document = found(service, study, metric="coverage")
    assert (document["better"], document["families"][0]["best"]["job_id"]) == ("higher", best)
    assert document["families"][0]["best"]["value"] == 0.5


def test_pictures_that_give_no_number_are_a_failure_and_unjudged_ones_are_none(service: Service) -> None:
    study = create(service, families=["lsgan"], trials=2)["id"]
    train_next(service, float("nan"))
    train_next(service, None)
    document = found(service, study)
    assert [one["outcome"] for one in document["trials"]] == ["failed", "unjudged"]
    assert "no number as FD" in document["trials"][0]["reason"]
    assert document["families"][0]["distribution"] is None


def test_the_picture_shows_each_trial_and_marks_those_that_failed(service: Service) -> None:
    study = create(service, trials=2, name="a <b> & c")["id"]
    train_next(service, 100.0)
    train_next(service, 1.0)
    train_next(service, fails=True)
    response = service.get(f"/studies/{study}/plot.svg")
    assert response.headers["content-type"].startswith("image/svg+xml")
    drawing = ElementTree.fromstring(response.text)
    name = "{http://www.w3.org/2000/svg}"
    assert len(drawing.findall(f"{name}circle")) == 2
    assert len(drawing.findall(f"{name}path")) == 1
    assert "prefers-color-scheme" in response.text
    assert "a loss is nan" in response.text
    texts = {text.text for text in drawing.findall(f"{name}text")}
    assert {"a <b> & c", "lsgan:neutral", "wgan:neutral", "1 of 2, 1 failed"} <= texts
    tag = {"If-None-Match": response.headers["etag"]}
    assert service.get(f"/studies/{study}/plot.svg", headers=tag).status_code == 304


def test_cancelling_ends_what_waits_and_wishes_it_for_what_is_at_work(service: Service) -> None:
    study = create(service)["id"]
    done = train_next(service, 1.0)
    assert service.given.jobs.claim(OWNER) is not None
    for _ in range(2):
        response = service.post(f"/studies/{study}/cancel")
        assert response.status_code == 200
        jobs = response.json()["jobs"]
        assert (jobs["cancelled"], jobs["cancelling"], jobs["succeeded"]) == (2, 1, 1)
    assert service.get(f"/jobs/{done}").json()["state"] == "succeeded"


def test_a_repeat_with_the_same_key_creates_nothing(service: Service) -> None:
    key = {"Idempotency-Key": "key"}
    first, again = (service.post("/studies", json=SMALL, headers=key) for _ in range(2))
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    assert len(service.get("/studies").json()["items"]) == 1
    assert len(service.get("/jobs").json()["items"]) == 4
    problem = refusal(service.post("/studies", json={**SMALL, "trials": 1}, headers=key), 422, "idempotency-conflict")
    assert f"study {first.json()['id']}" in problem["detail"]


def test_studies_have_a_limit_of_their_own(pretrained: Any, tmp_path: Any) -> None:
    with running(tmp_path, queue_limit=1, study_queue_limit=4) as service:
        create(service)
        response = service.post("/studies", json=SMALL)
        problem = refusal(response, 429, "queue-full")
        assert "4 jobs are queued, 4 were to come, and 4 may be" in problem["detail"]
        assert int(response.headers["retry-after"]) >= 1
        assert service.post("/train", json={"dataset": "segments", "images": 64}).status_code == 202


def test_what_is_not_queued_is_not_planned(pretrained: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    key = {"Idempotency-Key": "key"}
    with running(tmp_path, study_queue_limit=4) as service:
        first = service.post("/studies", json=SMALL, headers=key)

        def plan(wish: object) -> NoReturn:
            raise AssertionError("it was planned")

        monkeypatch.setattr("app.routes.studies.plan_study", plan)
        again = service.post("/studies", json=SMALL, headers=key)
        assert again.json()["id"] == first.json()["id"]
        refusal(service.post("/studies", json={**SMALL, "trials": 1}, headers=key), 422, "idempotency-conflict")
        refusal(service.post("/studies", json={**SMALL, "trials": 1}), 429, "queue-full")
        refusal(service.post("/studies", json={**SMALL, "families": ["nobody"]}), 422, "invalid-request")


@pytest.mark.parametrize(
    ("changes", "where", "right"),
    [
        ({"families": []}, "#/families", "a list of 1 to 100 items"),
        ({"families": ["lsgan", "nobody"]}, "#/families/1", "the zoo has "),
        ({"families": ["lsgan:nothing"]}, "#/families/0", "it has neutral, paper"),
        ({"families": ["lsgan", "lsgan:neutral"]}, "#/families/1", "name each once"),
        ({"dataset": "cats"}, "#/dataset", "there are mnist, "),
        ({"trials": 0}, "#/trials", "from 1 up to 500"),
        ({"trials": 251}, "#/trials", "2 families by 251 draws by 1 seeds are 502 trainings"),
        ({"images": "many"}, "#/images", "'many' came"),
        ({"seed": -1}, "#/seed", "should be a whole number from 0 on"),
        ({"name": "a\0b"}, "#/name", "none of them for control"),
        ({"budget": 1}, "#/budget", "known are families, name, dataset, trials"),
    ],
)
def test_what_is_wrong_is_refused_at_its_place(gallery: Service, changes: Any, where: str, right: str) -> None:
    before = gallery.given.jobs.counts()
    problem = refusal(gallery.post("/studies", json={**SMALL, **changes}), 422, "invalid-request")
    assert right in places(problem)["pointer", where]
    assert gallery.given.jobs.counts() == before


@pytest.mark.parametrize("path", ["/studies/nobody", "/studies/nobody/plot.svg"])
def test_a_study_that_is_not_there_is_not_found(gallery: Service, path: str) -> None:
    problem = refusal(gallery.get(path), 404, "not-found")
    assert "there is no study 'nobody'" in problem["detail"]


def test_a_metric_that_is_not_there_is_refused(service: Service) -> None:
    study = create(service)["id"]
    for path in (f"/studies/{study}", f"/studies/{study}/plot.svg"):
        problem = refusal(service.get(path, params={"metric": "fid3"}), 422)
        assert "coverage" in places(problem)["parameter", "metric"]
    assert ("parameter", "value") in places(refusal(service.get(f"/studies/{study}", params={"value": "all"}), 422))
