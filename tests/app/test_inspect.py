"""One picture looked at closely: its recipe, its judgement, its neighbours among the training pictures."""

import json
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from datasets import Say, load_dataset
from models import SEGMENTS, from_pixels
from tests.app.problems import places, refusal
from tests.app.service import Service, running
from tests.app.zoo import CONDITIONAL, JUDGE, UNCONDITIONAL


def asked(service: Service, checkpoint: str = CONDITIONAL, **parameters: object) -> dict[str, object]:
    return {"checkpoint": service.id_of(checkpoint), "seed": 3, "count": 12, "index": 7, **parameters}


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)))


def test_a_picture_tells_what_its_png_tells(gallery: Service) -> None:
    wanted = asked(gallery)
    found = gallery.get("/inspect", params=wanted).json()
    picture = Image.open(BytesIO(gallery.get(found["url"]).content))
    assert found["recipe"] == json.loads(picture.info["ganery"])
    assert found["label"] == "7"
    assert found["score"] == found["recipe"]["score"]
    assert found["score_kind"] == "logit"
    assert found["latent"] == {"seed": "3", "index": 7, "label": "7", "truncation": 1.0}


def test_its_url_draws_the_picture_that_stands_in_the_grid(gallery: Service) -> None:
    wanted = asked(gallery, columns=4)
    alone = pixels(gallery.get(gallery.get("/inspect", params=wanted).json()["url"]).content)
    grid = {name: value for name, value in wanted.items() if name != "index"}
    side = SEGMENTS.size
    assert (alone == pixels(gallery.get("/generate", params=grid).content)[side : 2 * side, 3 * side :]).all()


def test_the_judge_says_what_it_takes_the_picture_for(gallery: Service) -> None:
    judgement = gallery.get("/inspect", params=asked(gallery)).json()["judgement"]
    assert judgement["classifier"] == JUDGE
    assert len(judgement["classifier_sha256"]) == 64
    assert sum(judgement["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert judgement["label"] == next(iter(judgement["probabilities"]))
    assert list(judgement["probabilities"].values()) == sorted(judgement["probabilities"].values(), reverse=True)


def test_the_latent_of_a_chosen_picture_is_that_of_its_candidate(gallery: Service) -> None:
    chosen = gallery.get("/inspect", params=asked(gallery, nice=True, nice_factor=5)).json()
    assert chosen["label"] == "7"
    assert 35 <= chosen["latent"]["index"] < 40
    plain = {"checkpoint": gallery.id_of(CONDITIONAL), "seed": 3, "digit": 7, "index": chosen["latent"]["index"]}
    assert (pixels(gallery.get(chosen["url"]).content) == pixels(gallery.get("/generate", params=plain).content)).all()


def test_a_network_without_labels_has_none_in_its_latent(gallery: Service) -> None:
    found = gallery.get("/inspect", params=asked(gallery, UNCONDITIONAL)).json()
    assert found["label"] is None
    assert found["latent"]["label"] is None


def test_the_nearest_neighbours_come_first(gallery: Service) -> None:
    wanted = asked(gallery)
    found = gallery.get("/neighbours", params={**wanted, "neighbours": 5}).json()
    distances = [one["distance"] for one in found["items"]]
    assert len(distances) == 5
    assert distances == sorted(distances)
    assert found["judge"]["classifier"] == JUDGE
    assert found["dataset"] == "segments"
    data = load_dataset("segments", gallery.given.settings.datasets)
    for one in found["items"]:
        assert data.spec.classes[data.labels[one["number"]]] == one["label"]


def test_the_nearest_distance_is_that_to_the_nearest_training_picture(gallery: Service) -> None:
    wanted = asked(gallery)
    found = gallery.get("/neighbours", params=wanted).json()
    alone = torch.from_numpy(pixels(gallery.get(found["url"]).content).copy())
    there = from_pixels(load_dataset("segments", gallery.given.settings.datasets).images).flatten(1)
    distances = (there - from_pixels(alone[None]).flatten(1)).square().sum(dim=1).sqrt()
    assert found["nearest"] == pytest.approx(float(distances.min()), abs=1e-3)
    assert found["typical"] > 0


def test_the_strip_shows_the_same_pictures(gallery: Service) -> None:
    wanted = asked(gallery, neighbours=3, scale=2)
    found = gallery.get("/neighbours", params=wanted).json()
    strip = pixels(gallery.get("/neighbours", params={**wanted, "format": "strip"}).content)
    images = load_dataset("segments", gallery.given.settings.datasets).images
    first = images[found["items"][0]["number"], 0].repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert strip.shape == (32, 96)
    assert (strip[:, :32] == first.numpy()).all()


def test_the_neighbours_are_found_once_for_both_forms(service: Service) -> None:
    told = service.get("/neighbours", params=asked(service))
    assert told.status_code == 200
    assert service.get("/neighbours", params={**asked(service), "format": "strip"}).status_code == 200
    assert service.count("ganery_drawings_answered_total", route="/neighbours", source="memory") == 1


@pytest.mark.parametrize("path", ["/inspect", "/neighbours"])
def test_the_same_url_is_asked_about_again_and_not_answered_again(gallery: Service, path: str) -> None:
    """A later version may tell more of the same picture, so a client asks; the tag says that nothing has changed."""
    url = f"{path}?{urlencode(asked(gallery))}"
    first, second = gallery.get(url), gallery.get(url)
    assert first.content == second.content
    assert first.headers["cache-control"] == "no-cache"
    again = gallery.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"
    other = gallery.get(url.replace("seed=3", "seed=4"))
    assert other.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("path", ["/inspect", "/neighbours"])
def test_without_a_seed_it_says_where_the_answer_can_be_had_again(gallery: Service, path: str) -> None:
    first = gallery.get(path, params={"index": 2})
    assert first.headers["cache-control"] == "no-store"
    location = first.headers["content-location"]
    assert location.startswith(f"{path}?")
    assert gallery.get(location).json() == first.json()


def test_a_picture_must_be_named_and_be_in_the_grid(gallery: Service) -> None:
    assert ("parameter", "index") in places(refusal(gallery.get("/inspect"), 422))
    assert ("parameter", "index") in places(refusal(gallery.get("/inspect?count=4&index=4"), 422))
    assert ("parameter", "seed") in places(refusal(gallery.get("/inspect?index=0&seed=1&seed=2"), 422))


def test_nothing_is_fetched_to_compare_with(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(directory: Path, split: str, report: Say) -> tuple[Tensor, Tensor]:
        report("fetching")
        raise AssertionError("it went on")

    monkeypatch.setattr("datasets.segments.load", fetch)
    document = refusal(service.get("/neighbours?index=0&seed=99"), 404, "data-set-not-here")
    assert "segments" in document["detail"]


def test_a_strip_has_no_more_columns_than_pictures(gallery: Service) -> None:
    wanted = {**asked(gallery), "format": "strip"}
    wide = pixels(gallery.get("/neighbours", params={**wanted, "neighbours": 3, "columns": 1024}).content)
    assert wide.shape[1] == 3 * wide.shape[0]


def test_a_strip_beyond_the_limit_is_refused(pretrained: Path, tmp_path: Path) -> None:
    with running(tmp_path, max_pixels=5_000) as service:
        wanted = {**asked(service), "format": "strip", "neighbours": 50, "scale": 2}
        assert "at most 5000 are drawn" in refusal(service.get("/neighbours", params=wanted), 422)["detail"]
