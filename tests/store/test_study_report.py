"""Distributions of values, their table, and the picture of them."""

from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from metrics import find_metric
from store.study_plot import Axis, draw
from store.study_report import Distribution, Entry, TrialOutcome, arrange, find_floor, read_metric, tabulate

FD = find_metric("fd")


def entry(contestant: str, trial: int, value: float | None) -> Entry:
    drawn = {"learning_rate": 0.001 * (trial + 1)}
    if value is None:
        return Entry(contestant, trial, 1, f"{contestant}-{trial}", "failed", drawn, reason="it diverged")
    return Entry(contestant, trial, 1, f"{contestant}-{trial}", "finished", drawn, value, value)


ROWS = arrange(
    ["gan:neutral", "wgan:neutral", "vae:neutral"],
    [
        *(entry("gan:neutral", trial, value) for trial, value in enumerate([4.0, 1.0, None, 2.0])),
        *(entry("wgan:neutral", trial, 300.0) for trial in range(2)),
        entry("vae:neutral", 0, None),
    ],
)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7.0], Distribution(7, 7, 7, 7, 7)),
        ([2.0, 1.0], Distribution(1, 1.25, 1.5, 1.75, 2)),
        ([5.0, 1.0, 2.0, 4.0, 3.0], Distribution(1, 2, 3, 4, 5)),
    ],
)
def test_quartiles_lie_between_neighbours_in_proportion(values: list[float], expected: Distribution) -> None:
    assert Distribution.of(values) == expected


def test_the_table_counts_failures_beside_the_distribution_of_the_others() -> None:
    head, _, *lines = tabulate(ROWS)
    names = head.strip("| ").split(" | ")
    assert len(set(names)) == len(names) == 10
    assert lines == [
        "| gan:neutral | 4 | 3 | 1 | 1 | 1.5 | 2 | 3 | 4 | learning_rate 0.002 |",
        "| wgan:neutral | 2 | 2 | 0 | 300 | 300 | 300 | 300 | 300 | learning_rate 0.001 |",
        "| vae:neutral | 1 | 0 | 1 |  |  |  |  |  |  |",
    ]
    assert {line.count("|") for line in tabulate(ROWS)} == {11}


def test_what_is_no_finite_number_is_a_failure_and_what_was_not_measured_is_none() -> None:
    assert read_metric({"fd": 1.5}, FD) == ("finished", 1.5, None)
    assert read_metric({"loss": 1.5}, FD)[0] == read_metric(None, FD)[0] == "unjudged"
    for value in (None, float("nan"), float("inf")):
        assert read_metric({"fd": value}, FD)[0] == "failed"


def test_every_trial_is_in_the_picture_and_the_same_trials_are_the_same_picture() -> None:
    picture = draw(ROWS, title="five & two", axis_title="FD")
    drawing = ElementTree.fromstring(picture)
    name = "{http://www.w3.org/2000/svg}"
    assert len(drawing.findall(f"{name}circle")) == 5
    assert len(drawing.findall(f"{name}path")) == 2
    assert len(drawing.findall(f"{name}rect")) == 1 + 2  # the paper, and a box where there is a distribution
    labels = [label.text for label in drawing.iter(f"{name}title")]
    assert "gan:neutral, draw 2: it diverged (learning_rate 0.003)" in labels
    assert draw(ROWS, title="five & two", axis_title="FD") == picture


def test_what_real_pictures_have_is_the_median_of_what_the_trainings_saw() -> None:
    entries = [replace(entry("gan:neutral", trial, 50.0), floor=floor) for trial, floor in enumerate([1.0, None, 3.0])]
    assert find_floor(entries) == 2
    assert find_floor([entry("gan:neutral", 0, 50.0)]) is None
    assert "real pictures" in draw(arrange(["gan:neutral"], entries), title="", axis_title="")
    assert "real pictures" not in draw(ROWS, title="", axis_title="")


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ([], "no trial has finished yet"),
        (["waiting", "failed"], "no trial has finished yet"),
        (["failed", "cancelled"], "no trial has a value"),
    ],
)
def test_a_picture_without_a_value_says_so_in_the_place_of_an_axis(outcomes: list[TrialOutcome], told: str) -> None:
    entries = [replace(entry("gan:neutral", 0, None), outcome=outcome, floor=1.0) for outcome in outcomes]
    picture = draw(arrange(["gan:neutral"], entries), title="", axis_title="FD")
    texts = [one.text for one in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]
    assert told in texts
    assert "FD" not in texts
    assert 'class="grid"' not in picture
    assert picture.count('class="failed"') == outcomes.count("failed")


@pytest.mark.parametrize(
    "values", [[0.0], [5.0], [-3.0, 8.0], [0.2, 0.9], [146.7, 216.0], [1.0, 1000.0], [0.5, 3e9], [2.0, 41.0]]
)
def test_an_axis_has_room_for_all_values_and_a_few_marks(values: list[float]) -> None:
    axis = Axis.of(values)
    assert axis.is_logarithmic == (min(values) > 0 and max(values) / min(values) > 20)
    places = [axis.at(value) for value in (axis.low, *sorted(values), axis.high)]
    assert all(left < right for left, right in pairwise(places))
    assert 3 <= len(axis.ticks()) <= 13
