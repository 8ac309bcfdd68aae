"""Rejection sampling where both densities are known: the toy draws U(-1, 1), the data lean towards 1."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor

from models import Conditioning, NoScoreError, NotALogitError, Sampler, ScoreKind, draw_burn_in, measure_rejections
from models._rejection import BURN_IN, EPSILON, PASSING, Rejection, draw_lots
from models._selection import CONFIDENCE, Selection, draw, draw_class
from tests.training import TOY, TOY_SPEC, toy_sampler

SEED = 11
LOGITS = torch.randn(1000, generator=torch.Generator().manual_seed(0))


def leaning(networks: object, config: object, images: Tensor, labels: Tensor) -> Tensor:
    """Log p(x) / q(x) for p(x) = (1 + x) / 2 and q(x) = 1/2 on (-1, 1): at most log 2."""
    return images[:, 0, 0, 0].log1p()


def leaning_sampler(**changes: Any) -> Sampler:
    config = TOY.configure({}, TOY_SPEC)
    return Sampler(replace(TOY, score=leaning, **changes), config, TOY.build(config))


EXACT = dict.fromkeys((0, 1), Rejection(math.log(2)))
"""The true maximum, and no shift."""


def brightness(selection: Selection) -> Tensor:
    return selection.images[:, 0, 0, 0]


def drawn(
    count: int, nice_factor: int, rejections: Mapping[int, Rejection] | None = None, *, seed: int = SEED
) -> Selection:
    return draw(leaning_sampler(), seed=seed, labels=[0] * count, nice_factor=nice_factor, rejections=rejections)


# --- How often a candidate is accepted ----------------------------------------------------------------------------


def test_without_a_shift_a_candidate_is_accepted_as_often_as_its_ratio_is_of_the_highest() -> None:
    below = torch.tensor([0.0, 0.1, 1.0, 5.0, 20.0])
    probability = Rejection(3.0).probability(3 - below)
    torch.testing.assert_close(probability, (-below.double()).exp(), rtol=0, atol=2 * EPSILON)


def test_a_logit_above_the_highest_of_the_burn_in_counts_as_the_highest() -> None:
    assert torch.equal(*(Rejection(1.0, 0.5).log_odds(torch.tensor(logit)) for logit in (1.0, 9.0)))


def test_a_shift_of_all_logits_changes_nothing() -> None:
    probabilities = (Rejection.measured(LOGITS + by, run=20).probability(LOGITS + by) for by in (0, 64))
    torch.testing.assert_close(*probabilities, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("run", "share"), [(2, 1.0), (PASSING, 1.0), (5, 0.8), (20, 0.2), (100, 0.04)])
def test_gamma_leaves_about_so_many_of_a_run_an_even_chance(run: int, share: float) -> None:
    chances = Rejection.measured(LOGITS, run=run).probability(LOGITS)
    assert (chances >= 0.5).double().mean().item() == pytest.approx(share, abs=2e-3)


def test_equal_logits_have_an_even_chance() -> None:
    assert Rejection.measured(torch.zeros(9), run=20).probability(torch.zeros(1)).item() == 0.5


# --- What comes of it ---------------------------------------------------------------------------------------------


def test_accepted_pictures_have_the_density_of_the_data() -> None:
    """P has the distribution function (1 + x)^2 / 4, which is uniform over its own draws."""
    selection = drawn(1500, 24, EXACT)
    assert selection.accepted is not None
    assert selection.accepted.all()
    x = brightness(selection).double()
    counts = ((1 + x).square() / 4).histc(10, 0, 1)
    assert chisquare(counts.numpy()).pvalue > 0.01
    assert x.mean().item() == pytest.approx(1 / 3, abs=0.04)
    assert x.var().item() == pytest.approx(2 / 9, abs=0.03)


def test_as_many_are_accepted_as_the_ratio_says() -> None:
    """The mean of p/q over its maximum 2 is a half, so 3/4 of runs of two have one accepted."""
    share = drawn(2000, 2, EXACT).accepted_share
    assert share == pytest.approx(0.75, abs=0.03)


def test_the_first_that_is_accepted_becomes_the_picture() -> None:
    candidates = brightness(drawn(60, 1)).view(20, 3)
    accepted = draw_lots(torch.arange(60), SEED).view(20, 3) < Rejection(math.log(2)).probability(candidates.log1p())
    expected = [
        next((value for value, is_accepted in zip(*row, strict=True) if is_accepted), max(row[0]))
        for row in zip(candidates.tolist(), accepted.tolist(), strict=True)
    ]
    selection = drawn(20, 3, EXACT)
    assert brightness(selection).tolist() == expected
    assert selection.accepted is not None
    assert selection.accepted.tolist() == accepted.any(dim=1).tolist()
    assert 0 < accepted.any(dim=1).sum() < 20
    assert selection.candidates == 60
    assert selection.threshold is None


def test_accepting_all_takes_the_first_and_accepting_none_the_best() -> None:
    everything, nothing = ({0: Rejection(math.log(2), gamma)} for gamma in (-500, 500))
    assert torch.equal(brightness(drawn(9, 5, everything)), brightness(drawn(45, 1))[::5])
    best = drawn(9, 5, nothing)
    assert torch.equal(brightness(best), brightness(drawn(9, 5)))
    assert best.accepted_share == 0


@pytest.mark.parametrize("count", [1, 3, 10])
def test_picture_i_does_not_depend_on_the_count(count: int) -> None:
    most, few = (brightness(drawn(number, 3, EXACT)) for number in (40, count))
    assert torch.equal(few, most[:count])


def test_each_class_has_its_own_rejection() -> None:
    first_of_one_best_of_other = {0: Rejection(math.log(2), -500), 1: Rejection(math.log(2), 500)}
    labels = [0, 1] * 4
    mixed = draw(
        leaning_sampler(), seed=SEED, labels=labels, nice_factor=5, rejections=first_of_one_best_of_other
    ).images
    first, best = drawn(40, 1).images[::5], drawn(8, 5).images
    assert torch.equal(mixed[::2], first[::2])
    assert torch.equal(mixed[1::2], best[1::2])


def test_of_a_class_only_what_the_classifier_passed_is_accepted() -> None:
    def classify(images: Tensor) -> Tensor:
        is_dark = images[:, 0, 0, 0] < 0
        return torch.stack([is_dark, ~is_dark], dim=1).float()

    few, many = (
        draw_class(leaning_sampler(), classify, seed=SEED, label=0, count=count, nice_factor=3, rejections=EXACT)
        for count in (5, 30)
    )
    candidates = brightness(drawn(few.candidates, 1))
    passed = (classify(candidates[:, None, None, None])[:, 0] >= CONFIDENCE).nonzero()[:15, 0]
    is_accepted = draw_lots(passed, SEED) < EXACT[0].probability(candidates[passed].log1p())
    for picture, run in zip(brightness(few), torch.arange(15).view(5, 3), strict=True):
        accepted = [candidates[passed[place]] for place in run if is_accepted[place]]
        assert picture == (accepted[0] if accepted else candidates[passed[run]].max())
    assert torch.equal(few.images, many.images[:5])


# --- Lots and burn-ins --------------------------------------------------------------------------------------------


def test_a_lot_is_a_function_of_the_seed_and_the_number() -> None:
    all_of_them = draw_lots(torch.arange(100), SEED)
    some = torch.tensor([[3, 99], [17, 16]])
    assert torch.equal(draw_lots(some, SEED), all_of_them[some])
    assert not torch.equal(draw_lots(some, SEED + 1), all_of_them[some])
    assert len(torch.unique(all_of_them)) == 100
    assert all_of_them.mean().item() == pytest.approx(0.5, abs=0.1)


def test_a_burn_in_is_drawn_apart_from_the_pictures_and_always_the_same() -> None:
    logits = draw_burn_in(leaning_sampler(), 0)
    assert logits.shape == (BURN_IN,)
    assert torch.equal(logits, draw_burn_in(leaning_sampler(), 0))
    assert not torch.equal(logits, brightness(drawn(BURN_IN, 1, seed=0)).log1p())
    assert draw_burn_in(leaning_sampler(), 0, truncation=0.1).abs().max() < 0.2
    assert logits.max().item() == pytest.approx(math.log(2), abs=0.02)


def test_without_labels_one_rejection_serves_all_classes_and_with_them_each_has_its_own() -> None:
    def measured(conditioning: Conditioning) -> Mapping[int, Rejection]:
        sampler = leaning_sampler(conditioning=conditioning)
        return measure_rejections(sampler, [0, 1, 1], 20, lambda label: LOGITS + label)

    plain, of_class = measured(Conditioning.NONE), measured(Conditioning.LABEL)
    assert plain == dict.fromkeys((0, 1), Rejection.measured(LOGITS, run=20))
    assert of_class == {label: Rejection.measured(LOGITS + label, run=20) for label in (0, 1)}


def test_measured_on_its_burn_in_nearly_every_run_of_the_toy_accepts_one() -> None:
    sampler = leaning_sampler()
    rejections = measure_rejections(sampler, [0], 20, partial(draw_burn_in, sampler))
    share = drawn(300, 20, rejections).accepted_share
    assert share is not None
    assert share > 0.97


def test_a_score_that_is_no_logit_is_refused() -> None:
    config = TOY.configure({}, TOY_SPEC)
    for kind in set(ScoreKind) - {ScoreKind.LOGIT}:
        sampler = Sampler(replace(TOY, score_kind=kind), config, TOY.build(config))
        with pytest.raises(NotALogitError, match=f"toy is of the kind {kind}: .* needs the kind logit"):
            draw_burn_in(sampler, 0)
    with pytest.raises(NoScoreError):
        draw_burn_in(Sampler(replace(TOY, score=None, score_kind=None), config, TOY.build(config)), 0)


def test_the_toys_own_score_is_what_top_keeps() -> None:
    assert torch.equal(
        brightness(draw(toy_sampler(), seed=1, labels=[0] * 5, nice_factor=4)), brightness(drawn(5, 4, seed=1))
    )
