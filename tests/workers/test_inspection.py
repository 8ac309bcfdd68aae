"""Signs and judgements of drawn pictures, on samplers whose faults are known."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from torch import Tensor

from checkpoints.format import CheckpointMissingError
from datasets import DatasetUnavailableError, TrainingData, load_dataset
from metrics import JUDGED
from models import Conditioning, Family, Sampler, from_pixels
from tests.training import TOY, segments, segments_judge
from workers import inspection
from workers.inspection import HEADLINE, Inspector, separation, spread

Draw = Callable[[Tensor, Tensor], Tensor]
"""Numbers of the pictures (n,) and labels (n,) to pictures (n, c, h, w) in [-1, 1]."""


@pytest.fixture(autouse=True)
def judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "has_judge", lambda dataset: True)
    monkeypatch.setattr(inspection, "load_judge", lambda dataset: segments_judge())


class Puppet(Sampler):
    """Draws what it is told, and scores by brightness or not at all."""

    def __init__(self, draw: Draw, *, is_labelled: bool = True) -> None:
        conditioning = Conditioning.LABEL if is_labelled else Conditioning.NONE
        config = TOY.configure({}, segments().spec)
        family: Family[object] = Family(  # type: ignore[type-var]
            **{name: getattr(TOY, name) for name in ("name", "paper", "hyperparameters", "presets", "build")},
            phases=TOY.phases,
            sample=TOY.sample,
            score=TOY.score,
            conditioning=conditioning,
        )
        super().__init__(family, config, TOY.build(config))
        self._puppet = draw

    def sample(self, indices, *, seed, labels, **_):  # type: ignore[no-untyped-def]
        return self._puppet(torch.tensor(list(indices)), torch.tensor(list(labels)))


def real(numbers: Tensor, labels: Tensor) -> Tensor:
    """Training pictures of the labels, a different one for each number."""
    data = segments()
    chosen = [torch.nonzero(data.labels == label)[int(n) % 100, 0] for n, label in zip(numbers, labels, strict=True)]
    return from_pixels(data.images[torch.stack(chosen)])


def inspect(draw: Draw, *, is_labelled: bool = True, thoroughly: bool = False) -> inspection.Inspection:
    inspector = Inspector(segments(), load_test, seed=0)
    look = inspector.judge if thoroughly else inspector.glance
    return look(Puppet(draw, is_labelled=is_labelled), step=7, progress=0.5)


def load_test() -> TrainingData:
    return load_dataset("segments", Path("never-written"), split="test")


def test_real_pictures_show_no_sign() -> None:
    found = inspect(real)
    assert found.count == inspection.GLANCED_AT
    look = found.look
    assert (look.step, look.progress) == (7, 0.5)
    assert look.spread == pytest.approx(1, abs=0.1)
    assert look.variety == pytest.approx(1, abs=0.15)
    assert look.classes == 1
    assert look.separation == pytest.approx(0.5, abs=0.05)


def test_one_picture_has_no_spread() -> None:
    look = inspect(lambda numbers, labels: real(torch.zeros_like(numbers), torch.zeros_like(labels))).look
    assert look.spread == 0
    assert look.variety == pytest.approx(0, abs=1e-3)
    assert look.classes == 0.1


def test_one_picture_a_class_is_no_variety() -> None:
    look = inspect(lambda numbers, labels: real(torch.zeros_like(numbers), labels)).look
    assert look.spread == 0
    assert look.variety == pytest.approx(0, abs=1e-3)
    assert look.classes == 1


def test_classes_that_are_left_out_are_seen() -> None:
    look = inspect(lambda numbers, labels: real(numbers, labels % 4), is_labelled=False).look
    assert look.classes == 0.4
    assert look.spread > 0.5


def test_a_score_that_knows_every_picture_separates() -> None:
    assert inspect(lambda numbers, labels: real(numbers, labels) - 2).look.separation == 1
    assert inspect(lambda numbers, labels: real(numbers, labels) + 2).look.separation == 0


def test_the_score_is_asked_about_pictures_of_the_weights_at_play() -> None:
    """The averaged generator may be far behind: a discriminator that beats the other has never met its pictures."""
    inspector = Inspector(segments(), load_test, seed=0)
    averaged, players = Puppet(lambda n, labels: real(n, labels) + 2), Puppet(lambda n, labels: real(n, labels) - 2)
    assert inspector.judge(averaged, step=7, progress=0.5).look.separation == 0
    look = inspector.judge(averaged, step=7, progress=0.5, players=players).look
    assert look.separation == 1
    assert look.spread == inspector.judge(averaged, step=7, progress=0.5).look.spread  # of what everybody gets


def test_a_judgement_has_a_headline_that_grows_with_the_faults() -> None:
    good, bad = inspect(real, thoroughly=True), inspect(lambda n, labels: -real(n, labels), thoroughly=True)
    assert good.headline is not None
    assert bad.headline is not None
    assert good.headline < bad.headline
    assert good.metrics[HEADLINE] == good.headline
    assert good.metrics[f"{HEADLINE}_floor"] < bad.headline
    assert inspect(real).headline is None


def test_what_is_measured_says_by_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "current_judge", {"segments": "abc"}.get)
    assert inspect(real).judge == inspect(real).event["judge"] == "abc"


def test_labels_count_only_where_they_were_asked_for() -> None:
    assert "label_accuracy" in inspect(real).metrics
    assert "label_accuracy" not in inspect(real, is_labelled=False).metrics


def test_without_a_judge_pixels_and_scores_are_looked_at_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "has_judge", lambda dataset: False)
    found = inspect(real, thoroughly=True)
    assert found.metrics == {}
    assert found.headline is None
    assert set(found.look.signs) == {"spread", "separation"}
    assert found.event == {
        "count": JUDGED,
        "judge": None,
        "progress": 0.5,
        "values": {},
        "floors": {},
        "signs": found.look.signs,
    }


def test_spread_is_within_groups() -> None:
    pixels = torch.tensor([0, 10, 100, 110], dtype=torch.uint8).view(4, 1, 1, 1)
    assert spread(pixels, torch.tensor([0, 0, 1, 1])) == 5
    assert spread(pixels, torch.zeros(4)) == pytest.approx(50.25, abs=0.01)


def test_separation_is_the_share_of_pairs() -> None:
    assert separation(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0])) == 0.75
    assert separation(torch.tensor([1.0]), torch.tensor([1.0])) == 0.5


def test_a_judge_or_test_pictures_that_cannot_be_had_end_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch() -> TrainingData:
        raise DatasetUnavailableError("segments", {"everywhere": "gone"})

    def damaged(dataset: str) -> NoReturn:
        raise CheckpointMissingError(Path("judge-segments"))

    for load_test_pictures, load in ((fetch, lambda dataset: segments_judge()), (load_test, damaged)):
        monkeypatch.setattr(inspection, "load_judge", load)
        told: list[str] = []
        inspector = Inspector(segments(), load_test_pictures, seed=0, warn=told.append)
        for _ in range(2):
            assert inspector.judge(Puppet(real), step=1, progress=0.5).measurements == ()
        (line,) = told
        assert line.startswith("the pictures are not judged: ")
