"""What a data set's pictures look like, over HTTP."""

from concurrent.futures import ThreadPoolExecutor, wait
from io import BytesIO
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from PIL import Image

from app.pictures.previews import COLUMNS, ROWS, choose_examples
from app.pictures.training_pictures import TrainingPictures
from datasets import TrainingData, load_dataset, load_here
from models import SEGMENTS
from tests.app.problems import refusal
from tests.app.service import Service


def test_a_preview_shows_the_first_pictures_of_each_class(gallery: Service, tmp_path: Path) -> None:
    response = gallery.get("/datasets/segments/preview")
    assert response.headers["content-type"] == "image/png"
    shown = np.asarray(Image.open(BytesIO(response.content)))
    size = SEGMENTS.size
    assert shown.shape == (ROWS * size, COLUMNS * size)
    data = load_dataset("segments", tmp_path)
    sevens = data.images[data.labels == 7]
    assert np.array_equal(shown[7 * size : 8 * size, size : 2 * size], sevens[1, 0].numpy())


def test_a_preview_is_drawn_once_and_kept_by_the_client(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    load = Mock(wraps=load_here)
    monkeypatch.setattr("app.pictures.training_pictures.load_here", load)
    first, second = (service.get("/datasets/ring/preview") for _ in range(2))
    assert first.content == second.content
    assert load.call_count == 1
    known = {"If-None-Match": first.headers["etag"]}
    assert service.get("/datasets/ring/preview", headers=known).status_code == 304


def test_many_classes_are_spread_over_the_rows() -> None:
    labels = torch.arange(50)
    spec = SEGMENTS.model_copy(update={"classes": tuple(map(str, range(50)))})
    images = labels.view(-1, 1, 1, 1).to(torch.uint8)
    chosen = choose_examples(TrainingData(spec, images, labels, digest=""))
    assert chosen.flatten()[::COLUMNS].tolist() == spec.spread_labels(ROWS)
    assert len(chosen) == ROWS * COLUMNS  # each class has one picture, again and again


def test_pictures_that_are_not_here_are_not_fetched(gallery: Service) -> None:
    problem = refusal(gallery.get("/datasets/mnist/preview"), 404, "data-set-not-here")
    assert "the first training on it fetches them" in problem["detail"]
    here = {one["name"]: one["is_here"] for one in gallery.get("/datasets").json()["items"]}
    assert here["segments"]
    assert not here["mnist"]


def test_a_data_set_that_there_is_not_is_refused(gallery: Service) -> None:
    problem = refusal(gallery.get("/datasets/cats/preview"), 404, "no-such-data-set")
    assert "there are mnist" in problem["detail"]


def test_previews_and_neighbours_read_a_data_set_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    load = Mock(wraps=load_here)
    monkeypatch.setattr("app.pictures.training_pictures.load_here", load)
    service.get("/datasets/segments/preview")
    for index in range(2):
        assert service.get(f"/neighbours?seed=1&index={index}").status_code == 200
    assert [call.kwargs["split"] for call in load.call_args_list] == ["train", "test"]


def test_a_preview_is_drawn_in_a_turn(service: Service) -> None:
    turns = service.given.engine.turns
    with ThreadPoolExecutor(1) as threads:
        with turns.taken(), turns.taken():
            waiting = threads.submit(service.get, "/datasets/grid/preview")
            assert not wait([waiting], timeout=0.5).done
        assert waiting.result().status_code == 200


def test_a_data_set_beyond_the_memory_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = Mock(wraps=load_here)
    monkeypatch.setattr("app.pictures.training_pictures.load_here", load)
    pictures = TrainingPictures(tmp_path, limit_bytes=1000)
    assert pictures.load("segments").digest == pictures.load("segments").digest
    assert load.call_count == 2
