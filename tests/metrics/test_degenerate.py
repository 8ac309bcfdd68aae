"""Every metric on every degenerate generator: what must move, and which way. A new metric needs a row here."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from metrics import Evidence, Measurement, find_metric, measure, metrics
from tests.metrics.degenerate import GENERATORS, LABELS, least_squares, projections
from tests.metrics.points import floor, reference

EXPECTED: Mapping[str, tuple[float, str]] = {
    # real, copier, one a class, constant, noise, wrong class, blurred
    "fd": (0.5, "= = > > > = >"),
    "kid": (0.05, "= = > > > = >"),
    "fid": (0.2, "= = > > > = >"),
    "pairwise_distance": (0.5, "= = = < < = <"),
    "precision": (0.05, "= = = = < = <"),
    "recall": (0.05, "= = < < < = <"),
    "density": (0.2, "= = = ? < = ?"),
    "coverage": (0.1, "= = < < < = <"),
    "nearest_training_picture": (0.25, "= < < < > = >"),
    "label_accuracy": (0.05, "= = = < < < ?"),
    "gan_test": (0.05, "= = = < < < ?"),
    "classes_covered": (0.5, "= = = < < = ?"),
    "modes_covered": (0.5, "= = = < < = ?"),
    "classes_kl": (0.1, "= = = > > = ?"),
    "class_variance": (0.3, "= = < < ? = ?"),
    "sharpness": (0.3, "= = = ? > = <"),
    "gan_train": (0.1, "= = < < < < ?"),
}
"""By metric: how far from the floor a value may be and count as equal to it; and for each generator, whether the value
is equal (=), below (<) or above (>), or one or the other by chance (?)."""


@cache
def measured(generator: str) -> Mapping[str, Measurement]:
    known = replace(reference(), train_classifier=least_squares, inception=projections)
    found = measure(known.compare(GENERATORS[generator](), LABELS), Evidence(known, floor().drawn), ["all"])
    return {one.name: one for one in found}


def mark(found: Measurement, slack: float) -> str:
    if abs(found.value - found.floor) <= slack:
        return "="
    return "<" if found.value < found.floor else ">"


def test_every_metric_has_a_row() -> None:
    assert list(EXPECTED) == list(metrics())


@pytest.mark.parametrize("name", EXPECTED)
def test_a_metric_moves_the_right_way(name: str) -> None:
    slack, row = EXPECTED[name]
    marks = dict(zip(GENERATORS, row.split(), strict=True))
    found = {generator: measured(generator)[name] for generator in GENERATORS}
    seen = {generator: "?" if marks[generator] == "?" else mark(one, slack) for generator, one in found.items()}
    assert seen == marks, found


@pytest.mark.parametrize("name", EXPECTED)
def test_no_degenerate_generator_is_better_than_the_real_pictures(name: str) -> None:
    wrong = {"higher": ">", "lower": "<", "real": "nothing"}[find_metric(name).better]
    assert wrong not in EXPECTED[name][1]


def test_each_failure_is_seen_by_some_metric_and_none_is_seen_in_real_pictures() -> None:
    columns = zip(*(row.split() for _, row in EXPECTED.values()), strict=True)
    exposed = {generator: bool(set(column) & {"<", ">"}) for generator, column in zip(GENERATORS, columns, strict=True)}
    assert exposed == {generator: generator != "real" for generator in GENERATORS}


def test_the_document_shows_the_same_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    rows = [f"| {find_metric(name).title} | {' | '.join(row.split())} |" for name, (_, row) in EXPECTED.items()]
    assert f"| | {' | '.join(GENERATORS)} |\n|---|{':---:|' * len(GENERATORS)}\n" + "\n".join(rows) in text
