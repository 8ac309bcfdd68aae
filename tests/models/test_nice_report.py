"""The report on choosing, on the toy whose classes are dark and bright and whose judge sees brightness."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models import Classifier, Conditioning, NoScoreError, Sampler, ScoreKind, draw, report_nice
from models._nice_report import NICE_FACTORS, NiceReport, NiceRow, mean_pairwise_distance
from models._selection import NiceMethod
from tests.training import TOY, TOY_SPEC, toy_sampler

TOP, DRS = NiceMethod.TOP, NiceMethod.DRS


class BrightnessJudge(Classifier):
    """Its one feature is the brightness; it is sure of all but pictures that are nearly grey."""

    def __init__(self) -> None:
        super().__init__(TOY_SPEC)
        seen = nn.Linear(1, 2, bias=False)
        nn.init.zeros_(seen.weight)[:] = torch.tensor([[-100.0], [100.0]])
        self.head = nn.Sequential(seen)

    def features(self, images: Tensor, *, batch_size: int = 500) -> Tensor:
        return images.mean(dim=(1, 2, 3))[:, None]


def other_toy(**changes: Any) -> Sampler:
    config = TOY.configure({}, TOY_SPEC)
    return Sampler(replace(TOY, **changes), config, TOY.build(config))


def report(sampler: Sampler | None = None, *, count: int = 400, seed: int = 3) -> NiceReport:
    with torch.no_grad():
        return report_nice(sampler or toy_sampler(), BrightnessJudge(), seed=seed, count=count)


def row(
    nice_factor: int = 1, method: NiceMethod | None = None, recognised: float = 0.986, diversity: float = 1.0
) -> NiceRow:
    return NiceRow(nice_factor, method, 100, recognised, 0.99, diversity, 1.0, None)


def test_the_distance_is_the_mean_over_pairs() -> None:
    assert mean_pairwise_distance(torch.tensor([[0.0, 0.0], [3.0, 4.0]])) == 5
    assert mean_pairwise_distance(torch.tensor([[0.0], [1.0], [5.0]])) == pytest.approx((1 + 5 + 4) / 3)
    assert math.isnan(mean_pairwise_distance(torch.zeros(1, 2)))


def test_there_is_a_row_for_no_choice_and_for_each_factor_and_method() -> None:
    made = report(count=20)
    manners = [(row.nice_factor, row.method) for row in made.rows]
    assert manners == [(1, None), *((factor, method) for factor in NICE_FACTORS for method in (TOP, DRS))]
    assert [row.candidates for row in made.rows] == [20 * factor for factor, _ in manners]
    assert [row.accepted_share is None for row in made.rows] == [method is not DRS for _, method in manners]


def test_the_best_of_twenty_are_recognised_of_one_class_and_nearly_alike() -> None:
    """Of two maxima of n numbers from U(-1, 1) the mean distance is 4n / (2n + 1)(n + 1), of two from U(0, 1) 1/3."""
    rows = {(row.nice_factor, row.method): row for row in report().rows}
    plain, top = rows[1, None], rows[20, TOP]
    assert (plain.diversity, plain.classes_covered, top.classes_covered) == (1, 1, 0.5)
    assert 0.95 < plain.recognised < top.recognised == 1
    assert top.diversity == pytest.approx(3 * 80 / (41 * 21), rel=0.15)


def test_rejection_costs_less_diversity_than_the_best() -> None:
    rows = {(row.nice_factor, row.method): row for row in report().rows}
    for factor in NICE_FACTORS[1:]:
        top, drs = rows[factor, TOP].diversity, rows[factor, DRS].diversity
        assert top is not None
        assert drs is not None
        assert top < drs


def test_a_conditional_picture_must_be_of_the_class_that_was_asked_for() -> None:
    plain = report(other_toy(conditioning=Conditioning.LABEL)).rows[0]
    assert plain.recognised == pytest.approx(0.5, abs=0.08)
    assert plain.confidence == pytest.approx(0.5, abs=0.08)


def test_the_pictures_are_those_that_are_drawn_for_the_seed() -> None:
    drawn = draw(toy_sampler(), seed=3, labels=[0] * 400, nice_factor=5)
    found = next(row for row in report().rows if (row.nice_factor, row.method) == (5, TOP))
    levels = drawn.images[:, 0, 0, 0]
    assert found.confidence == pytest.approx((200 * levels.abs()).sigmoid().mean().item(), abs=0.01)


def test_a_report_is_a_function_of_the_seed_and_the_count() -> None:
    assert report(count=50) == report(count=50)
    assert report(count=50) != report(count=50, seed=4)


def test_a_score_that_is_no_logit_is_reported_without_rejection() -> None:
    made = report(other_toy(score_kind=ScoreKind.ENERGY), count=20)
    assert {row.method for row in made.rows} == {None, TOP}
    assert "rejection" not in made.sentence


def test_a_family_without_a_score_has_no_report() -> None:
    with pytest.raises(NoScoreError):
        report(other_toy(score=None, score_kind=None))


def test_pictures_that_are_all_alike_have_no_diversity_to_compare() -> None:
    def grey(networks: object, config: object, noise: object, labels: Tensor) -> Tensor:
        return torch.zeros(len(labels), 1, 4, 4)

    made = report(other_toy(sample=grey), count=20)
    assert {row.diversity for row in made.rows} == {None}
    assert "diversity unknown" in made.sentence


def test_the_sentence_tells_what_the_most_candidates_do_and_what_chance_does() -> None:
    rows = (
        row(),
        row(2, TOP, 0.5),
        row(20, TOP, 0.98, diversity=0.881),
        row(20, DRS, 0.99, diversity=1.0149),
    )
    assert NiceReport(200, rows).sentence == (
        "20 candidates a picture: the best of each, recognised 98.6 % -> 98.0 %, diversity -12 %; "
        "by rejection sampling, recognised 98.6 % -> 99.0 %, diversity +1 %. "
        "By chance alone a share of 200 pictures deviates by 1.1 %."
    )


def test_chance_is_left_even_where_all_are_recognised() -> None:
    assert 0 < NiceReport(200, (row(recognised=1.0),)).deviation < 0.01
