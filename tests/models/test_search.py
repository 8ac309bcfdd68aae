"""Ranges, and draws from them that are a function of seed, family and number."""

import math
from statistics import mean

import pytest

from models import Choice, LogUniform, Range, Uniform, draw_hyperparameters

SHARES = [number / 1000 for number in range(1000)]


def test_uniform_draws_fill_their_range_and_never_reach_its_end() -> None:
    drawn = [Uniform(0, 1).at(share) for share in [*SHARES, 1 - 2**-53]]
    assert (min(drawn), max(drawn)) == (0, 0.9999)
    assert drawn == sorted(drawn)
    assert mean(drawn) == pytest.approx(0.5, abs=1e-3)


def test_the_logarithms_of_log_uniform_draws_fill_their_range() -> None:
    drawn = [LogUniform(1e-5, 1e-2).at(share) for share in [*SHARES, 1 - 2**-53]]
    assert min(drawn) == 1e-5
    assert 0.0099 < max(drawn) < 1e-2
    assert drawn == sorted(drawn)
    assert mean(map(math.log10, drawn)) == pytest.approx(-3.5, abs=1e-2)


def test_drawn_numbers_are_short() -> None:
    assert {len(f"{LogUniform(1e-3, 1).at(share):.10e}".split("e")[0].rstrip("0")) <= 5 for share in SHARES} == {True}
    assert LogUniform(1e-5, 1e-2).at(0.5) == 0.0003162
    assert LogUniform(0.1, 100).at(0.9) == 50.11
    assert Uniform(0, 1).at(0.123456) == 0.1234


def test_a_choice_gives_each_value_an_equal_part() -> None:
    drawn = [Choice((1, 5)).at(share) for share in SHARES]
    assert drawn == [1] * 500 + [5] * 500


SEARCH: dict[str, Range] = {"rate": LogUniform(1e-5, 1e-2), "steps": Choice((1, 5)), "beta": Uniform(0, 1)}


def test_the_same_seed_family_and_trial_draw_the_same() -> None:
    first = draw_hyperparameters(SEARCH, seed=1, family="gan", trial=0)
    assert first == draw_hyperparameters(SEARCH, seed=1, family="gan", trial=0)
    assert first == {"rate": 0.0002957, "steps": 1, "beta": 0.7259}  # a study of today is the same one tomorrow
    others = [
        draw_hyperparameters(SEARCH, seed=2, family="gan", trial=0),
        draw_hyperparameters(SEARCH, seed=1, family="wgan", trial=0),
        draw_hyperparameters(SEARCH, seed=1, family="gan", trial=1),
    ]
    assert all(other["rate"] != first["rate"] for other in others)


def test_another_range_leaves_the_other_values_as_they_were() -> None:
    first = draw_hyperparameters(SEARCH, seed=1, family="gan", trial=0)
    more = draw_hyperparameters({"new": Uniform(0, 1), **SEARCH}, seed=1, family="gan", trial=0)
    assert more.items() >= first.items()


def test_draws_spread_over_the_whole_range() -> None:
    rates = [draw_hyperparameters(SEARCH, seed=0, family="gan", trial=trial)["rate"] for trial in range(200)]
    logarithms = [math.log10(float(rate)) for rate in rates]
    assert mean(logarithms) == pytest.approx(-3.5, abs=0.2)
    assert len(set(rates)) > 190
