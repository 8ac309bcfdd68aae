"""Finished jobs by the quality of their best checkpoint."""

from typing import Any

import pytest

from checkpoints.library import current_judge
from store.states import Failed, Succeeded
from tests.app.problems import places, refusal
from tests.app.service import Service
from tests.app.zoo import CONDITIONAL, UNCONDITIONAL


def finish(service: Service, *checkpoints: dict[str, float], fails: bool = False) -> str:
    """Train a job with checkpoints of these metrics; return its id."""
    claim = service.claim()
    for step, metrics in enumerate(checkpoints, 1):
        service.keep_checkpoint(claim, step, **metrics)
    return service.settle(claim, Failed({"type": "test", "detail": "as asked for"}) if fails else Succeeded())


def board(service: Service, **query: Any) -> dict[str, Any]:
    response = service.get("/leaderboard", params={"dataset": "segments", **query})
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def test_finished_jobs_are_ranked_by_their_best_checkpoint(service: Service) -> None:
    middling = finish(service, {"fd": 3.0}, {"fd": 2.0})
    best = finish(service, {"fd": 1.0}, {"fd": 9.0}, fails=True)
    worst = finish(service, {"fd": 4.0})
    finish(service, {"loss": 1.0})  # was not judged
    at_work = service.claim()
    service.keep_checkpoint(at_work, 1, fd=0.1)
    found = board(service)
    assert [(one["rank"], one["job_id"]) for one in found["items"]] == [(1, best), (2, middling), (3, worst)]
    first = found["items"][0]
    assert (first["state"], first["checkpoint"], first["step"]) == ("failed", f"{best}-1", 1)
    assert (first["family"], first["preset"], first["seed"], first["metrics"]) == ("dcgan", "paper", 1, {"fd": 1.0})
    assert first["seconds"] >= 0
    assert first["images_seen"] > 0
    assert (found["dataset"], found["metric"], found["better"]) == ("segments", "fd", "lower")


def test_what_ships_is_listed_with_its_figures_and_not_ranked(service: Service) -> None:
    finish(service, {"fd": 3.0})
    found = board(service)
    assert [(one["shipped"], one["pictures"]) for one in found["items"]] == [(False, 1_000)]
    shipped = [one for one in found["unranked"] if one["shipped"]]
    assert [one["checkpoint"] for one in shipped] == [
        service.id_of(name) for name in sorted((CONDITIONAL, UNCONDITIONAL))
    ]
    assert all(one["rank"] is None and "on 10,000 pictures, a training on 1,000" in one["reason"] for one in shipped)
    known = service.given.catalogue.find(CONDITIONAL)
    mine = next(one for one in shipped if one["checkpoint"] == known.id)
    assert (mine["metrics"], mine["job_id"], mine["seconds"], mine["pictures"]) == (known.metrics, None, None, 10_000)
    of_family = board(service, family=known.family)["unranked"]
    assert [one["checkpoint"] for one in of_family] == [known.id]


def test_what_another_judge_measured_is_shown_and_not_ranked(service: Service) -> None:
    service.judge = "an older judge"
    older = finish(service, {"fd": 0.5}, {"fd": 0.1}, {"fd": 0.3})
    begun_before = service.claim()
    service.keep_checkpoint(begun_before, 1, fd=0.2)
    service.judge = None
    service.keep_checkpoint(begun_before, 2, fd=4.0)
    both = service.settle(begun_before, Succeeded())
    newer = finish(service, {"fd": 3.0})
    found = board(service)
    assert [(one["rank"], one["checkpoint"]) for one in found["items"]] == [(1, f"{newer}-1"), (2, f"{both}-2")]
    (apart,) = (one for one in found["unranked"] if not one["shipped"])
    assert (apart["rank"], apart["checkpoint"], apart["metrics"]) == (None, f"{older}-3", {"fd": 0.3})
    assert "another judge than today's" in apart["reason"]
    assert found["judge"] == current_judge("segments")


@pytest.mark.parametrize(
    ("metric", "better", "values"),
    [
        ("coverage", "higher", [0.9, 0.5, 0.1]),
        ("pairwise_distance", "real", [11.0, 8.0, 13.0]),  # the floor is 10
    ],
)
def test_any_metric_ranks_in_its_own_direction(service: Service, metric: str, better: str, values: list[float]) -> None:
    jobs = {value: finish(service, {"fd": 1.0, metric: value, f"{metric}_floor": 10.0}) for value in sorted(values)}
    finish(service, {"fd": 0.1})  # not measured by it
    found = board(service, metric=metric)
    assert [one["job_id"] for one in found["items"]] == [jobs[value] for value in values]
    assert found["better"] == better


def test_the_board_is_of_one_data_set_and_may_be_of_one_family(service: Service) -> None:
    finish(service, {"fd": 1.0})
    assert board(service, dataset="mnist")["items"] == []
    assert board(service, family="wgan")["items"] == []
    assert len(board(service, family="dcgan")["items"]) == 1
    finish(service, {"fd": 2.0})
    assert len(board(service, limit=1)["items"]) == 1


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [("metric", "cheap", "coverage"), ("dataset", "cats", "segments"), ("family", "wgann", "wgan")],
)
def test_what_there_is_not_is_refused_with_what_there_is(service: Service, name: str, value: str, right: str) -> None:
    problem = refusal(service.get("/leaderboard", params={name: value}), 422)
    assert right in places(problem)["parameter", name]
