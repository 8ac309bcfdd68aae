"""The laws of every metric, which name none, and what a choice of them means."""

import re
from pathlib import Path

import pytest

import metrics as package
from metrics import GROUPS, Metric, UnknownMetricError, choose, find_metric, metrics

DOCUMENT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
EVERY = pytest.mark.parametrize("metric", metrics().values(), ids=lambda metric: metric.name)


@EVERY
def test_a_metric_says_what_it_cannot_see(metric: Metric) -> None:
    assert "annot see" in metric.description


@EVERY
def test_a_metric_has_a_title_of_its_own(metric: Metric) -> None:
    assert [one.name for one in metrics().values() if one.title == metric.title] == [metric.name]


@EVERY
def test_a_metric_is_documented_with_its_direction_and_cost(metric: Metric) -> None:
    (row,) = re.findall(rf"^\| `{metric.name}` \|.*$", DOCUMENT, re.MULTILINE)
    _, _, better, cost, unseen = row.strip("| ").split(" | ")
    assert (better, cost) == (metric.better, metric.cost)
    assert unseen


def test_no_other_metric_is_documented() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE)) == set(metrics())


def test_every_module_without_an_underscore_holds_a_metric() -> None:
    files = {path.stem for path in Path(str(package.__file__)).parent.glob("[!_]*.py")}
    assert {metric.compute.__module__ for metric in metrics().values()} == {f"metrics.{file}" for file in files}


def test_a_group_holds_what_costs_no_more() -> None:
    sizes = [len(choose([group])) for group in GROUPS]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == len(sizes)
    assert choose(["all"]) == tuple(metrics().values())


def test_a_choice_has_each_once_in_the_registrys_order() -> None:
    assert choose(["sharpness", "cheap", "fd"]) == choose(["cheap"])
    assert [metric.name for metric in choose(["sharpness", "fd"])] == ["fd", "sharpness"]


def test_an_unknown_metric_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownMetricError, match=r"no metric 'beauty'; there are fd, .*cheap"):
        find_metric("beauty")
