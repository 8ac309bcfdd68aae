"""GET /checkpoints/{id}/nice-report, on the tiny checkpoints."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from checkpoints.format import save
from checkpoints.library import load_judge, load_sampler
from models import NICE_FACTORS, report_nice
from tests.app.problems import places, refusal
from tests.app.service import Service, running
from tests.app.zoo import CONDITIONAL, JUDGE, UNCONDITIONAL, flip_a_bit, ship, trained

COUNT = 20


def url(checkpoint: str = CONDITIONAL, *, count: int = COUNT, seed: int = 3) -> str:
    return f"/checkpoints/{checkpoint}/nice-report?count={count}&seed={seed}"


def report(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


@pytest.mark.parametrize("checkpoint", [CONDITIONAL, UNCONDITIONAL])
def test_a_report_has_a_row_for_each_factor_and_method(gallery: Service, checkpoint: str) -> None:
    told = report(gallery.get(url(checkpoint)))
    assert (told["checkpoint"], told["seed"], told["count"]) == (gallery.id_of(checkpoint), 3, COUNT)
    assert told["judge"] == JUDGE
    manners = [(row["nice_factor"], row["nice_method"]) for row in told["rows"]]
    assert manners == [(1, None), *((factor, method) for factor in NICE_FACTORS for method in ("top", "drs"))]
    assert [row["candidates"] for row in told["rows"]] == [COUNT * factor for factor, _ in manners]
    assert [row["accepted_share"] is None for row in told["rows"]] == [method != "drs" for _, method in manners]
    assert told["rows"][0]["diversity"] == 1
    assert told["sentence"].startswith("20 candidates a picture: the best of each, recognised ")


def test_a_report_is_of_the_pictures_that_are_drawn(gallery: Service, pretrained: Path) -> None:
    sampler, judge = load_sampler(pretrained / CONDITIONAL), load_judge("segments")
    made = report_nice(sampler, judge, seed=3, count=COUNT)
    told = report(gallery.get(url()))
    assert [row["recognised"] for row in told["rows"]] == pytest.approx([row.recognised for row in made.rows], abs=1e-4)
    assert told["sentence"] == made.sentence


def test_a_report_is_made_once_and_then_kept_and_a_client_that_has_it_is_told_so(service: Service) -> None:
    first = service.get(url())
    with service.given.engine.turns.taken(), service.given.engine.turns.taken():  # no turn is left to draw by
        again = service.get(url())
        unchanged = service.get(url(), headers={"If-None-Match": first.headers["etag"]})
    assert again.content == first.content
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["etag"].startswith('"')


def test_other_pictures_have_another_tag(gallery: Service) -> None:
    urls = [url(), url(count=10), url(seed=4), url(UNCONDITIONAL)]
    assert len({gallery.get(one).headers["etag"] for one in urls}) == len(urls)


def test_a_checkpoint_that_there_is_not_is_refused(gallery: Service) -> None:
    refusal(gallery.get(url("nobody")), 404, "no-such-checkpoint")


def test_without_a_score_or_a_judge_nothing_can_be_told(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(trained("vae"), tmp_path / "mute")
    save(trained("ebgan"), tmp_path / "energetic")
    ship(monkeypatch, {name: tmp_path / name for name in ("mute", "energetic")})
    problem = refusal(service.get(url("mute")), 422)
    assert "vae has no score" in places(problem)["parameter", "checkpoint_id"]
    assert {row["nice_method"] for row in report(service.get(url("energetic", count=10)))["rows"]} == {None, "top"}
    monkeypatch.setattr("app.routes.nice_report.has_judge", lambda dataset: False)
    problem = refusal(service.get(url("energetic")), 422)
    assert "no classifier ships for segments" in places(problem)["parameter", "checkpoint_id"]


@pytest.mark.parametrize(
    ("query", "parameter", "right"),
    [
        ("count=9", "count", "should be a whole number from 10 up to 500"),
        ("count=501", "count", "should be a whole number from 10 up to 500"),
        ("seed=-1", "seed", "should be a whole number from 0 on"),
        ("sead=1", "sead", "known are seed, count"),
    ],
)
def test_bad_input_is_refused_by_name(gallery: Service, query: str, parameter: str, right: str) -> None:
    problem = refusal(gallery.get(f"/checkpoints/{CONDITIONAL}/nice-report?{query}"), 422)
    assert right in places(problem)["parameter", parameter]


def test_the_work_is_bounded_and_waits_for_its_turn(pretrained: Path, tmp_path: Path) -> None:
    with running(tmp_path, max_candidates=200, concurrent_grids=1, waiting_grids=0) as service:
        problem = refusal(service.get(url()), 422)
        assert "that is 10 pictures" in places(problem)["parameter", "count"]
        with service.given.engine.turns.taken():
            refusal(service.get(url(count=10)), 503, "busy")


def test_a_damaged_checkpoint_is_not_reported_on(service: Service) -> None:
    checkpoint = service.keep_checkpoint(service.claim(), 2)
    flip_a_bit(service.given.catalogue.find(checkpoint).directory / "networks.safetensors")
    refusal(service.get(url(checkpoint)), 503, "checkpoint-damaged")
