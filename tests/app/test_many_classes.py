"""The service with a data set of a thousand classes."""

from pathlib import Path

import pytest
import torch

from checkpoints.format import read_metadata, save
from datasets import TrainingData
from models import FLAGSHIP, STACKED_MNIST, find_family
from tests.app.problems import places, refusal
from tests.app.service import Service
from tests.app.zoo import ship
from tests.training import train

CONDITIONAL = "/generate?checkpoint=stacked&seed=1"
UNCONDITIONAL = "/generate?checkpoint=plain-stacked&seed=1"


@pytest.fixture(autouse=True)
def stacked(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny checkpoints of the data set, one that takes labels and one that takes none, are those that ship."""
    images, labels = torch.zeros(8, 3, 28, 28, dtype=torch.uint8), torch.arange(8)
    data = TrainingData(STACKED_MNIST, images, labels, "0" * 64)
    labelled = train(find_family(FLAGSHIP), data=data, generator_width=4, discriminator_width=4)
    save(labelled.snapshot(), tmp_path / "stacked")
    save(train(find_family("dcgan"), data=data, width=1).snapshot(), tmp_path / "plain-stacked")
    ship(monkeypatch, {name: tmp_path / name for name in ("stacked", "plain-stacked")})


def test_the_data_set_lists_its_classes(service: Service) -> None:
    response = service.get("/datasets")
    (shown,) = (one for one in response.json()["items"] if one["name"] == STACKED_MNIST.name)
    assert tuple(shown["classes"]) == STACKED_MNIST.classes
    assert len(response.content) < 20_000


def test_a_class_is_drawn_by_its_three_digits_or_its_number(service: Service) -> None:
    grids = [service.get(f"{CONDITIONAL}&count=4&label={label}") for label in ("007", "7", "123")]
    assert [grid.status_code for grid in grids] == [200] * 3
    assert grids[0].content == grids[1].content != grids[2].content
    assert "label=007" in grids[1].headers["content-location"]


def test_without_a_class_each_is_drawn_in_turn(service: Service) -> None:
    assert service.get(f"{CONDITIONAL}&count=1024").status_code == 200


def test_a_class_that_there_is_not_is_refused_briefly(service: Service) -> None:
    problem = refusal(service.get(f"{CONDITIONAL}&label=1000"), 422)
    assert "000, 001, 002, …, 999" in places(problem)["parameter", "label"]
    refusal(service.get(f"{CONDITIONAL}&digit=7"), 422)


def test_finding_a_class_among_a_thousand_has_a_limit(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.pictures.recipes.has_judge", lambda dataset: True)
    problem = refusal(service.get(f"{UNCONDITIONAL}&label=123&count=1024"), 422)
    assert "that is 102 pictures" in places(problem)["parameter", "count"]


def test_checkpoints_remember_their_thousand_classes(tmp_path: Path) -> None:
    assert read_metadata(tmp_path / "stacked").dataset == STACKED_MNIST
