"""Values beside their floors, and what is computed once."""

import torch

from metrics import Evidence, Reference, measure, tabulate
from models import SEGMENTS, Classifier
from tests.metrics.points import floor, fresh, reference


def test_a_value_stands_beside_that_of_training_pictures_and_its_count() -> None:
    (found,) = measure(fresh(), floor(), ["sharpness"])
    assert (found.name, found.count) == ("sharpness", 500)
    assert found.value == measure(fresh(), fresh(), ["sharpness"])[0].value
    assert found.floor == measure(floor(), floor(), ["sharpness"])[0].value


def test_the_floor_is_of_test_pictures_where_training_pictures_are_compared_with() -> None:
    nearest, accuracy = measure(floor(), floor(), ["nearest_training_picture", "gan_test"])
    assert (nearest.value, nearest.floor) == (0, 1)
    assert accuracy.floor == reference().test.accuracy


def test_what_does_not_apply_is_left_out() -> None:
    drawn = reference().compare(fresh().drawn.pixels, None)
    names = {one.name for one in measure(drawn, floor(), ["all"])}
    assert "fd" in names
    assert names.isdisjoint({"label_accuracy", "gan_test", "gan_train", "fid"})


class CountingJudge(Classifier):
    """Counts the pictures that it looks at."""

    seen = 0

    def features(self, images: torch.Tensor, *, batch_size: int = 500) -> torch.Tensor:
        self.seen += len(images)
        return super().features(images, batch_size=batch_size)


def test_the_judge_looks_at_each_picture_once() -> None:
    judge = CountingJudge(SEGMENTS)
    known, test = reference().train, reference().test
    split = known.first(300), test
    again = Reference.of(judge, *(Labels(one.pixels, one.labels) for one in split))
    drawn, beside = (again.compare(one.drawn.pixels, one.drawn.labels) for one in (fresh(), floor()))
    measure(drawn, beside, ["full"])
    assert judge.seen == 500 + 500 + len(test)
    measure(Evidence(again, fresh().drawn), beside, ["full"])
    assert judge.seen == 500 + 500 + len(test)


class Labels:
    """Pictures and their classes, as a data set has them."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor | None) -> None:
        assert labels is not None
        self.images, self.labels = images, labels


def test_a_table_tells_value_floor_count_and_direction() -> None:
    head, row = tabulate(measure(fresh(), floor(), ["classes_covered"]))
    assert head.split() == ["drawn", "real", "pictures", "better"]
    assert row.split() == ["classes", "covered", "10.00", "10.00", "500", "higher"]
