"""The whole report on samplers that draw training pictures."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
import torch

from datasets import load_dataset
from metrics import Reference, UnknownMetricError
from models import Controls, Sampler, from_pixels
from tests.training import TOY, segments, segments_judge
from workers.evaluation import Report, draw_beside, evaluate, take_real


class Copier(Sampler):
    """Draws training pictures of the class that is asked for, or of the one after it."""

    def __init__(self, *, class_shift: int = 0, is_conditional: bool = True) -> None:
        config = TOY.configure({}, segments().spec)
        super().__init__(TOY, config, TOY.build(config))
        self._class_shift, self._is_conditional = class_shift, is_conditional

    @property
    def is_conditional(self) -> bool:
        return self._is_conditional

    def sample(
        self,
        indices: Sequence[int],
        *,
        seed: int,
        labels: Sequence[int],
        truncation: float = 1.0,
        controls: Controls | None = None,
    ) -> torch.Tensor:
        data = segments()
        places = {label: (data.labels == label).nonzero()[:, 0] for label in range(10)}
        chosen = [places[(label + self._class_shift) % 10][index % 200] for index, label in enumerate(labels)]
        return from_pixels(data.images[torch.stack(chosen)])


@cache
def reference() -> Reference:
    return Reference.of(segments_judge(), segments(), load_dataset("segments", Path("unused"), split="test"))


def report_on(sampler: Sampler) -> Report:
    return evaluate(sampler, reference(), count=500)


def test_real_pictures_score_as_real_ones() -> None:
    report = report_on(Copier())
    assert report.count == 500
    assert report.distance_ratio == pytest.approx(1, abs=0.5)
    for name in ("label_accuracy", "coverage"):
        assert report[name].value == pytest.approx(report[name].floor, abs=0.1)


def test_pictures_of_another_class_than_asked_for_are_not_recognised_and_as_near() -> None:
    right, wrong = report_on(Copier()), report_on(Copier(class_shift=1))
    assert wrong["label_accuracy"].value < 0.1
    assert wrong["fd"].value == pytest.approx(right["fd"].value, rel=0.5, abs=0.2)


def test_a_network_without_labels_has_no_label_accuracy() -> None:
    report = report_on(Copier(is_conditional=False))
    assert report.find("label_accuracy") is None
    with pytest.raises(KeyError, match="label_accuracy"):
        report["label_accuracy"]


def test_some_metrics_alone_are_measured_and_unknown_ones_refused() -> None:
    report = evaluate(Copier(), reference(), count=200, names=["sharpness"])
    assert [one.name for one in report.measurements] == ["sharpness"]
    assert report.distance_ratio is None
    with pytest.raises(UnknownMetricError, match="there is no metric 'beauty'"):
        evaluate(Copier(), reference(), count=200, names=["beauty"])


def test_the_real_column_is_at_most_the_whole_training_set() -> None:
    assert evaluate(Copier(), reference(), count=10_000, names=["sharpness"]).count == len(segments().labels)


def test_drawn_pictures_are_of_the_floors_classes() -> None:
    floor = take_real(reference(), count=100, seed=3)
    drawn = draw_beside(floor, Copier(), seed=3).drawn
    assert floor.drawn.labels is not None
    assert drawn.labels is not None
    assert torch.equal(drawn.labels, floor.drawn.labels)
