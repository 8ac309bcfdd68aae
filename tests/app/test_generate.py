"""GET /generate, sentence by sentence."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import numpy as np
import pytest
import torch
from PIL import Image

from checkpoints.format import read_metadata, save
from checkpoints.library import DEFAULT_CHECKPOINT, judge_directory, load_judge, load_sampler
from models import (
    BURN_IN,
    FLAGSHIP,
    SEGMENTS,
    Sampler,
    UnknownFamilyError,
    draw_burn_in,
    from_pixels,
    measure_rejections,
    to_pixels,
)
from models._selection import draw
from tests.app.problems import places, refusal
from tests.app.service import Service, running
from tests.app.zoo import CONDITIONAL, UNCONDITIONAL, UNCONDITIONAL_FAMILY, flip_a_bit, ship, trained

SIZE = SEGMENTS.size
NAMED = f"/generate?checkpoint={CONDITIONAL}&seed=5"
PLAIN = f"/generate?checkpoint={UNCONDITIONAL}&seed=5"
DRS = "&nice=true&nice_method=drs"


def png(response: httpx.Response) -> Image.Image:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    return Image.open(io.BytesIO(response.content))


def pixels(response: httpx.Response) -> Any:
    return np.asarray(png(response))


def cells(response: httpx.Response, columns: int) -> Any:
    """The places of a grid, row by row: (n, 1, h, w)."""
    grid = pixels(response)
    rows = grid.shape[0] // SIZE
    return grid.reshape(rows, SIZE, columns, SIZE).swapaxes(1, 2).reshape(-1, 1, SIZE, SIZE)


def recipe(response: httpx.Response) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(png(response).info["ganery"])
    return document


def judged(response: httpx.Response, columns: int) -> list[int]:
    """The class of each picture, as the shipped classifier sees it."""
    images = from_pixels(torch.from_numpy(cells(response, columns).copy()))
    classes: list[int] = load_judge("segments").probabilities(images).argmax(dim=1).tolist()
    return classes


@pytest.fixture(scope="module")
def frequent_class(gallery: Service) -> int:
    """The class that the classifier sees most often in what the unconditional checkpoint draws."""
    classes = judged(gallery.get(f"{PLAIN}&count=256"), 16)
    return max(set(classes), key=classes.count)


@pytest.fixture(scope="module")
def rare_class(gallery: Service) -> int:
    """A class that the classifier never sees there."""
    return (set(range(10)) - set(judged(gallery.get(f"{PLAIN}&count=1024"), 32))).pop()


# The grid


def test_sixteen_pictures_of_the_default_checkpoint_are_drawn_where_nothing_is_asked(gallery: Service) -> None:
    response = gallery.get("/generate")
    assert png(response).size == (4 * SIZE, 4 * SIZE)
    assert response.headers["x-ganery-checkpoint"] == gallery.id_of(DEFAULT_CHECKPOINT)


def test_the_pictures_are_the_networks_own_pixels_row_by_row(gallery: Service, pretrained: Any) -> None:
    shown = cells(gallery.get(f"{NAMED}&count=6&columns=3&digit=7"), 3)
    sampler = load_sampler(pretrained / CONDITIONAL)
    drawn = to_pixels(sampler.sample(range(6), seed=5, labels=[7] * 6)).numpy()
    assert np.array_equal(shown, drawn)


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (3, 1), (4, 2), (15, 3), (17, 4)])
def test_columns_are_the_floor_of_the_root_of_count(gallery: Service, count: int, columns: int) -> None:
    rows = -(-count // columns)
    assert png(gallery.get(f"{NAMED}&count={count}")).size == (columns * SIZE, rows * SIZE)


def test_the_rest_of_the_last_row_is_background(gallery: Service) -> None:
    places = cells(gallery.get(f"{NAMED}&count=5&columns=4"), 4)
    assert all(places[place].any() for place in range(5))
    assert not places[5:].any()


@pytest.mark.parametrize(
    "url",
    [NAMED, PLAIN, f"{NAMED}&digit=3", f"{NAMED}&nice=true", f"{PLAIN}&nice=true", f"{NAMED}{DRS}", f"{PLAIN}{DRS}"],
)
def test_picture_i_of_a_seed_is_the_same_whatever_the_count(gallery: Service, url: str) -> None:
    few, many = (cells(gallery.get(f"{url}&count={count}&columns=4"), 4) for count in (4, 37))
    assert np.array_equal(few, many[:4])


@pytest.mark.parametrize("url", [NAMED, PLAIN, f"{NAMED}&digit=3", f"{NAMED}&nice=true", f"{PLAIN}{DRS}"])
def test_one_picture_of_a_grid_can_be_had_alone(gallery: Service, url: str) -> None:
    grid, one = cells(gallery.get(f"{url}&count=9"), 3), gallery.get(f"{url}&count=9&columns=3&index=7")
    assert np.array_equal(cells(one, 1), grid[7:8])
    assert one.content == gallery.get(f"{url}&index=7").content
    told = recipe(one)
    assert (told["index"], told["count"], told["columns"]) == (7, 1, 1)
    assert "&index=7&" in told["url"]
    assert "count" not in told["url"]
    assert gallery.get(told["url"]).content == one.content


def test_one_picture_tells_its_class_and_its_score(gallery: Service, pretrained: Any) -> None:
    response = gallery.get(f"{NAMED}&index=13")
    sampler, labels = load_sampler(pretrained / CONDITIONAL), [index % 10 for index in range(14)]
    score = sampler.score(sampler.sample(range(14), seed=5, labels=labels)[13:], torch.tensor([3]))
    told = recipe(response)
    assert told["labels"] == ["3"]
    assert told["score"] == pytest.approx(float(score), abs=1e-5)
    assert float(response.headers["x-ganery-score"]) == pytest.approx(told["score"], rel=1e-5)
    assert png(response).info["Title"].startswith("picture 14 by ")
    assert recipe(gallery.get(f"{NAMED}&index=13&nice=true"))["scores"] == [pytest.approx(max_score(sampler), abs=1e-5)]
    assert not {"index", "score"} & recipe(gallery.get(NAMED)).keys()
    assert "x-ganery-score" not in gallery.get(NAMED).headers


def max_score(sampler: Sampler) -> float:
    """The best score of the twenty candidates of picture 13."""
    candidates = sampler.sample(range(260, 280), seed=5, labels=[3] * 20)
    return float(sampler.score(candidates, torch.tensor([3] * 20)).max())


def test_a_picture_that_the_grid_has_not_is_refused(gallery: Service) -> None:
    problem = refusal(gallery.get(f"{NAMED}&count=4&index=4"), 422)
    assert "has the pictures 0 to 3" in places(problem)["parameter", "index"]
    refusal(gallery.get(f"{NAMED}&index=1024"), 422)


def test_scale_makes_each_pixel_a_square(gallery: Service) -> None:
    small, large = pixels(gallery.get(NAMED)), pixels(gallery.get(f"{NAMED}&scale=3"))
    assert np.array_equal(large, small.repeat(3, 0).repeat(3, 1))


def test_without_a_class_picture_i_is_of_class_i(gallery: Service) -> None:
    assert recipe(gallery.get(f"{NAMED}&count=12"))["labels"] == [*"012345678901"]
    every, three = cells(gallery.get(f"{NAMED}&count=4"), 2), cells(gallery.get(f"{NAMED}&count=4&digit=3"), 2)
    assert np.array_equal(every[3], three[3])
    assert not np.array_equal(every[2], three[2])


def test_label_and_digit_name_the_same(gallery: Service) -> None:
    by_digit, by_label = (gallery.get(f"{NAMED}&{name}=4") for name in ("digit", "label"))
    assert by_digit.content == by_label.content == gallery.get(f"{NAMED}&digit=4&label=4").content


def test_seeds_and_truncations_draw_other_pictures(gallery: Service) -> None:
    grids = [pixels(gallery.get(f"/generate?seed={seed}")).tobytes() for seed in (0, 1, 2**63 - 1)]
    grids += [pixels(gallery.get(f"/generate?seed=0&truncation={value}")).tobytes() for value in (0.5, 1e-6)]
    assert len(set(grids)) == 5


def test_an_empty_value_is_left_out_as_a_form_sends_it(gallery: Service) -> None:
    response = gallery.get(f"{NAMED}&digit=&columns=&truncation=&family=")
    assert response.content == gallery.get(NAMED).content


# Nice, and classes by selection


def test_nice_keeps_the_best_of_the_candidates(gallery: Service, pretrained: Any) -> None:
    response = gallery.get(f"{NAMED}&nice=true&nice_factor=3&count=4&digit=1")
    chosen = draw(load_sampler(pretrained / CONDITIONAL), seed=5, labels=[1] * 4, nice_factor=3)
    assert np.array_equal(cells(response, 2), to_pixels(chosen.images).numpy())
    assert response.headers["x-ganery-candidates"] == "12"
    assert float(response.headers["x-ganery-threshold"]) == pytest.approx(chosen.threshold, rel=1e-5)
    assert recipe(response)["scores"] == pytest.approx(chosen.scores, abs=1e-5)


def test_nice_takes_twenty_candidates_a_picture(gallery: Service) -> None:
    response = gallery.get(f"{NAMED}&nice=true&count=2")
    assert response.headers["x-ganery-candidates"] == "40"
    assert recipe(response)["nice_factor"] == 20


def test_drs_keeps_the_first_of_the_candidates_that_is_accepted(gallery: Service, pretrained: Any) -> None:
    response = gallery.get(f"{NAMED}{DRS}&nice_factor=3&count=9")
    sampler, labels = load_sampler(pretrained / CONDITIONAL), list(range(9))
    rejections = measure_rejections(sampler, labels, 3, partial(draw_burn_in, sampler))
    chosen = draw(sampler, seed=5, labels=labels, nice_factor=3, rejections=rejections)
    assert chosen.accepted is not None
    assert np.array_equal(cells(response, 3), to_pixels(chosen.images).numpy())
    assert response.headers["x-ganery-candidates"] == "27"
    assert float(response.headers["x-ganery-accepted-share"]) == pytest.approx(chosen.accepted_share, rel=1e-5)
    assert "x-ganery-threshold" not in response.headers
    told = recipe(response)
    assert (told["nice_method"], told["threshold"]) == ("drs", None)
    assert told["accepted"] == chosen.accepted.tolist()
    assert told["accepted_share"] == pytest.approx(chosen.accepted_share, rel=1e-5)
    assert "Nice method: drs" in png(response).info["parameters"]
    assert "nice_method=drs" in told["url"]
    assert gallery.get(told["url"]).content == response.content


def test_the_burn_in_counts_among_the_candidates_of_a_grid(pretrained: Any, tmp_path: Path) -> None:
    with running(tmp_path, max_candidates=2 * BURN_IN + 40) as service:
        path = f"{NAMED}{DRS}&nice_factor=20&truncation=0.37"
        assert service.get(f"{path}&count=2").status_code == 200
        problem = refusal(service.get(f"{path}&count=15&digit=1"), 422)
        told = places(problem)["parameter", "nice_factor"]
        assert f"beside the {BURN_IN} that drs draws first; at most {BURN_IN + 40} are drawn" in told
        refusal(service.get(f"{path}&count=3"), 422)
        assert service.get(f"{NAMED}&nice=true&nice_factor=20&count=15").status_code == 200


def test_drs_of_a_class_chooses_among_what_the_classifier_passed(gallery: Service, frequent_class: int) -> None:
    few, more = (
        gallery.get(f"{PLAIN}{DRS}&nice_factor=3&digit={frequent_class}&columns=4&count={count}") for count in (4, 9)
    )
    assert set(judged(few, 4)) == {frequent_class}
    assert few.headers["x-ganery-selected-by"] == "judge-segments; confidence=0.5"
    assert np.array_equal(cells(few, 4), cells(more, 4)[:4])


def test_top_is_the_method_where_none_is_named_and_a_grid_tells_nothing_of_it(gallery: Service) -> None:
    implied, named = (gallery.get(f"{NAMED}&nice=true{method}") for method in ("", "&nice_method=top"))
    assert named.content == implied.content
    assert named.headers["etag"] == implied.headers["etag"]
    assert "x-ganery-accepted-share" not in named.headers
    assert not {"nice_method", "accepted", "accepted_share"} & recipe(named).keys()
    assert "nice_method" not in named.headers["content-location"]


def test_nice_of_a_score_that_does_not_allow_it_is_refused(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"wgan": "critic", "ebgan": "energy", "lsgan": "regression"}
    for name in (*names, "vae"):
        save(trained(name), tmp_path / name)
    ship(monkeypatch, {name: tmp_path / name for name in (*names, "vae")})
    for name, kind in names.items():
        assert service.get(f"/generate?checkpoint={name}&nice=true&count=1").status_code == 200
        told = places(refusal(service.get(f"/generate?checkpoint={name}{DRS}"), 422))["parameter", "nice_method"]
        assert f"the score of {name} is of the kind {kind}" in told
        assert "use nice_method=top, or a checkpoint of " in told
        assert FLAGSHIP in told
    problem = refusal(service.get(f"/generate?checkpoint=vae{DRS}"), 422)
    assert "vae has no score" in places(problem)["parameter", "nice"]


def test_a_grid_that_is_not_nice_has_no_threshold(gallery: Service) -> None:
    response = gallery.get(NAMED)
    assert response.headers["x-ganery-candidates"] == "16"
    assert "x-ganery-threshold" not in response.headers


def test_a_checkpoint_without_labels_meets_a_digit_by_selection_and_says_so(
    gallery: Service, frequent_class: int
) -> None:
    response = gallery.get(f"{PLAIN}&digit={frequent_class}&count=16")
    assert set(judged(response, 4)) == {frequent_class}
    assert response.headers["x-ganery-selected-by"] == "judge-segments; confidence=0.5"
    assert int(response.headers["x-ganery-candidates"]) >= 16
    assert recipe(response)["selected_by"] == {
        "classifier": "judge-segments",
        "classifier_sha256": read_metadata(judge_directory("segments")).digest,
        "confidence": 0.5,
    }
    more = gallery.get(f"{PLAIN}&digit={frequent_class}&count=20&columns=4")
    assert np.array_equal(cells(more, 4)[:16], cells(response, 4))


def test_without_a_digit_nothing_is_selected(gallery: Service) -> None:
    response = gallery.get(PLAIN)
    assert "x-ganery-selected-by" not in response.headers
    assert recipe(response)["selected_by"] is None
    assert recipe(response)["labels"] is None


def test_a_class_that_is_not_drawn_is_refused_and_not_replaced(gallery: Service, rare_class: int) -> None:
    problem = refusal(gallery.get(f"{PLAIN}&digit={rare_class}&count=1"), 422, "too-few-of-class")
    assert "the classifier recognised" in problem["detail"]


# Entity tags and caches


def test_a_pinned_grid_is_immutable(gallery: Service) -> None:
    pinned = f"/generate?checkpoint={gallery.id_of(CONDITIONAL)}&seed=5"
    response = gallery.get(pinned)
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "content-location" not in response.headers
    assert response.headers["etag"].startswith('"')
    assert gallery.get(pinned).content == response.content


def test_a_link_to_replaced_weights_is_refused_and_their_name_draws_the_new_ones(
    service: Service, pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = service.get(NAMED)
    pinned = before.headers["content-location"]
    release = copytree(pretrained / UNCONDITIONAL, tmp_path / CONDITIONAL)
    ship(monkeypatch, {CONDITIONAL: release})
    refusal(service.get(pinned), 404, "no-such-checkpoint")
    after = service.get(NAMED)
    assert after.headers["x-ganery-checkpoint"] != before.headers["x-ganery-checkpoint"]
    assert after.content != before.content


@pytest.mark.parametrize("named", ["", "&checkpoint=default", f"&checkpoint={CONDITIONAL}", f"&family={FLAGSHIP}"])
def test_a_grid_of_whatever_is_current_must_be_revalidated(gallery: Service, named: str) -> None:
    response = gallery.get(f"/generate?seed=5{named}")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["etag"] == gallery.get(NAMED).headers["etag"]
    pinned = gallery.get(response.headers["content-location"])
    assert "immutable" in pinned.headers["cache-control"]
    assert pinned.content == response.content


def test_a_drawn_seed_is_told_by_the_link_that_repeats_it(gallery: Service) -> None:
    first, second = gallery.get("/generate?digit=2"), gallery.get("/generate?digit=2")
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["x-ganery-seed"] != second.headers["x-ganery-seed"]
    link = first.headers["content-location"]
    assert dict(parse_qsl(urlsplit(link).query)) == {
        "checkpoint": gallery.id_of(DEFAULT_CHECKPOINT),
        "columns": "4",
        "count": "16",
        "digit": "2",
        "seed": first.headers["x-ganery-seed"],
    }
    assert gallery.get(link).content == first.content


def test_the_canonical_url_holds_all_that_matters_in_order(gallery: Service) -> None:
    asked = "nice=1&scale=2&truncation=0.50&label=3&metadata=0&seed=7&count=9&nice_factor=2"
    link = gallery.get(f"/generate?{asked}").headers["content-location"]
    assert link == (
        f"/generate?checkpoint={gallery.id_of(DEFAULT_CHECKPOINT)}&columns=3&count=9&digit=3&metadata=false"
        "&nice=true&nice_factor=2&scale=2&seed=7&truncation=0.5"
    )


@pytest.mark.parametrize("url", [NAMED, "/generate?seed=5"])
def test_a_client_that_has_the_grid_gets_304_before_any_network_runs(service: Service, url: str) -> None:
    tag = service.get(url).headers["etag"]
    ran = service.count("ganery_drawings_answered_total", source="network")
    for sent in (tag, f'"other", W/{tag}', "*"):
        response = service.get(url, headers={"If-None-Match": sent})
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["etag"] == tag
    assert service.count("ganery_drawings_answered_total", source="network") == ran == 1


def test_a_tag_may_come_in_any_of_several_headers(service: Service) -> None:
    tag = service.get(NAMED).headers["etag"]
    headers = [("If-None-Match", '"other"'), ("If-None-Match", tag)]
    assert service.client.get(NAMED, headers=headers).status_code == 304


def test_a_grid_of_a_seed_that_is_drawn_is_always_new(gallery: Service) -> None:
    assert gallery.get("/generate?count=1", headers={"If-None-Match": "*"}).status_code == 200


def test_304_needs_no_checkpoint_in_memory(service: Service, gallery: Service) -> None:
    tag = gallery.get(NAMED).headers["etag"]  # of a process that has another cache
    assert service.get(NAMED, headers={"If-None-Match": tag}).status_code == 304
    assert service.count("ganery_drawings_answered_total", source="network") == 0


def test_another_tag_gets_the_grid(gallery: Service) -> None:
    assert gallery.get(NAMED, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "other",
    ["&digit=1", "&columns=2", "&scale=2", "&truncation=0.9", "&metadata=false", "&count=17", "&nice=true", DRS],
)
def test_whatever_changes_the_bytes_changes_the_tag(gallery: Service, other: str) -> None:
    assert gallery.get(f"{NAMED}{other}").headers["etag"] != gallery.get(NAMED).headers["etag"]


def test_a_grid_is_rendered_once_and_then_kept(service: Service) -> None:
    assert service.get(NAMED).content == service.get(NAMED).content
    assert service.count("ganery_drawings_answered_total", source="network") == 1
    assert service.count("ganery_drawings_answered_total", source="memory") == 1
    assert service.count("ganery_pictures_generated_total") == 16


def test_head_tells_what_get_would(gallery: Service) -> None:
    get, head = gallery.get(NAMED), gallery.client.head(NAMED)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("etag", "content-length", "content-type", "cache-control", "x-ganery-seed"):
        assert head.headers[name] == get.headers[name]


def test_requests_at_once_get_the_same_bytes(gallery: Service) -> None:
    urls = [f"/generate?seed=9&checkpoint={CONDITIONAL}&count={count}&columns=2" for count in (4, 6, 4, 8)]
    with ThreadPoolExecutor(4) as pool:
        grids = [cells(response, 2) for response in pool.map(gallery.get, urls)]
    assert all(np.array_equal(grid[:4], grids[0]) for grid in grids)


# What the PNG tells


def test_the_png_tells_how_it_was_made(gallery: Service, pretrained: Any) -> None:
    response = gallery.get("/generate?seed=5&digit=7&count=3&scale=2")
    told = recipe(response)
    metadata = json.loads((pretrained / CONDITIONAL / "metadata.json").read_text())
    assert told["checkpoint"] == gallery.id_of(DEFAULT_CHECKPOINT)
    assert told["family"] == FLAGSHIP
    assert told["job"] is None
    assert told["dataset"] == "segments"
    assert told["dataset_sha256"] == metadata["dataset_digest"]
    assert told["labels"] == ["7", "7", "7"]
    assert (told["seed"], told["count"], told["columns"], told["scale"]) == (5, 3, 1, 2)
    assert (told["candidates"], told["truncation"], told["device_class"]) == (3, 1.0, "cpu")
    assert told["version"] == gallery.app.version
    assert gallery.get(told["url"]).content == response.content


def test_the_png_tells_people_and_programs_that_it_is_synthetic(gallery: Service) -> None:
    info = png(gallery.get(f"{NAMED}&digit=7")).info
    assert info["Software"].startswith("Ganery ")
    assert info["Source"].startswith("/generate?checkpoint=")
    assert info["Title"] == f"16 pictures by {gallery.id_of(CONDITIONAL)}"
    assert "of class 7" in info["Description"]
    assert "Seed: 5" in info["parameters"]
    assert "\n" not in info["parameters"]
    assert "digitalsourcetype/trainedAlgorithmicMedia" in info["XML:com.adobe.xmp"]
    assert "Creation Time" not in info


def test_metadata_false_leaves_all_of_it_out(gallery: Service) -> None:
    response = gallery.get(f"{NAMED}&metadata=false")
    assert png(response).info == {}
    assert np.array_equal(pixels(response), pixels(gallery.get(NAMED)))


# Which checkpoint


def test_the_family_means_its_newest_checkpoint(service: Service) -> None:
    first = service.get(f"/generate?family={UNCONDITIONAL_FAMILY}")
    assert first.headers["x-ganery-checkpoint"] == service.id_of(UNCONDITIONAL)
    claim = service.claim()
    service.keep_checkpoint(claim, 2)
    newest = service.keep_checkpoint(claim, 4)
    response = service.get(f"/generate?family={UNCONDITIONAL_FAMILY}&seed=1")
    assert response.headers["x-ganery-checkpoint"] == newest
    assert recipe(response)["job"] == claim.job.id


def test_family_and_checkpoint_may_agree(gallery: Service) -> None:
    assert gallery.get(f"{NAMED}&family={FLAGSHIP}").status_code == 200


def test_a_family_that_nobody_trained_is_refused(gallery: Service) -> None:
    problem = refusal(gallery.get("/generate?family=cgan"), 404, "no-checkpoint-of-family")
    assert "POST /train" in problem["detail"]


def test_a_checkpoint_that_there_is_not_is_refused(gallery: Service) -> None:
    problem = refusal(gallery.get("/generate?checkpoint=nobody"), 404, "no-such-checkpoint")
    assert "'nobody'" in problem["detail"]


# A damaged checkpoint


@pytest.mark.parametrize("file", ["networks.safetensors", "metadata.json"])
def test_flipped_bytes_are_refused_and_never_served(service: Service, file: str) -> None:
    checkpoint = service.keep_checkpoint(service.claim(), 2)
    directory = service.given.catalogue.find(checkpoint).directory
    flip_a_bit(directory / file)
    problem = refusal(service.get(f"/generate?checkpoint={checkpoint}&seed=1"), 503, "checkpoint-damaged")
    assert file in problem["detail"]
    assert service.count("ganery_pictures_generated_total") == 0


def test_a_checkpoint_whose_family_is_gone_is_refused(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = service.keep_checkpoint(service.claim(), 2)

    def find(name: str) -> Any:
        raise UnknownFamilyError(name, ("dcgan",))

    monkeypatch.setattr("checkpoints.library.find_family", find)
    problem = refusal(service.get(f"/generate?checkpoint={checkpoint}&seed=1"), 503, "checkpoint-unusable")
    assert "there is no family" in problem["detail"]


def test_another_checkpoint_in_its_place_is_refused(service: Service, pretrained: Any) -> None:
    checkpoint = service.keep_checkpoint(service.claim(), 2)
    directory = service.given.catalogue.find(checkpoint).directory
    for file in directory.iterdir():
        file.unlink()
    for file in (pretrained / UNCONDITIONAL).iterdir():
        (directory / file.name).write_bytes(file.read_bytes())
    problem = refusal(service.get(f"/generate?checkpoint={checkpoint}&seed=1"), 503, "checkpoint-damaged")
    assert "was registered" in problem["detail"]


def test_what_was_loaded_whole_may_be_served_after_the_file_is_damaged(service: Service) -> None:
    checkpoint = service.keep_checkpoint(service.claim(), 2)
    url = f"/generate?checkpoint={checkpoint}&seed=1"
    before = service.get(url)
    flip_a_bit(service.given.catalogue.find(checkpoint).directory / "networks.safetensors")
    assert service.get(url).content == before.content
    assert service.get(url, headers={"If-None-Match": before.headers["etag"]}).status_code == 304


def test_a_checkpoint_whose_files_are_gone_is_missing(service: Service) -> None:
    checkpoint = service.keep_checkpoint(service.claim(), 2)
    (service.given.catalogue.find(checkpoint).directory / "metadata.json").unlink()
    problem = refusal(service.get(f"/generate?checkpoint={checkpoint}"), 404, "checkpoint-missing")
    assert str(service.given.settings.data_dir) not in problem["detail"]  # which is nobody's business


# Bad input


@pytest.mark.parametrize(
    ("query", "parameter", "right"),
    [
        ("digit=10", "digit", "should be a whole number from 0 up to 9; '10' came"),
        ("digit=-1", "digit", "should be a whole number from 0 up to 9; '-1' came"),
        ("digit=seven", "digit", "should be a whole number from 0 up to 9; 'seven' came"),
        ("label=seven", "label", "it has 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ("label=10", "label", "the indices 0 to 9"),
        ("digit=1&label=2", "label", "name different classes"),
        ("count=0", "count", "should be a whole number from 1 up to 1,024; '0' came"),
        ("count=1000000000", "count", "should be a whole number from 1 up to 1,024; '1000000000' came"),
        ("count=1.5", "count", "should be a whole number"),
        ("columns=0", "columns", "should be a whole number from 1 up to 1,024"),
        ("columns=1025", "columns", "should be a whole number from 1 up to 1,024"),
        ("seed=-1", "seed", "should be a whole number from 0 on; '-1' came"),
        ("seed=9223372036854775808", "seed", "up to 9,223,372,036,854,775,807"),
        (f"seed={'9' * 5000}", "seed", "came"),
        ("scale=0", "scale", "should be a whole number from 1 up to"),
        ("scale=2.5", "scale", "should be a whole number"),
        ("scale=64&count=1024", "scale", "at most 64000000 are drawn"),
        ("truncation=0", "truncation", "should be a number above 0 up to 1"),
        ("truncation=1.1", "truncation", "should be a number above 0 up to 1"),
        ("truncation=nan", "truncation", "should be a number above 0 up to 1"),
        ("nice=maybe", "nice", "should be true or false"),
        ("nice=true&nice_factor=1", "nice_factor", "should be a whole number from 2 up to 100"),
        ("nice=true&nice_factor=101", "nice_factor", "should be a whole number from 2 up to 100"),
        ("nice=true&nice_factor=100&count=1024", "nice_factor", "at most 20480 are drawn for such a grid"),
        ("nice=true&nice_factor=100&count=205", "nice_factor", "that is 204 pictures"),
        (f"checkpoint={UNCONDITIONAL}&digit=1&nice=true&count=513", "nice_factor", "that is 512 pictures"),
        ("nice_factor=5", "nice_factor", "without nice=true"),
        ("nice_method=drs", "nice_method", "nice_method=drs means nothing without nice=true"),
        ("nice=true&nice_method=best", "nice_method", "should be top or drs"),
        ("family=nobody", "family", "the zoo has "),
        (f"family=cgan&checkpoint={CONDITIONAL}", "family", "leave out one of the two"),
        ("didgit=7", "didgit", "digit, label, seed, count"),
        ("seed=1&seed=2", "seed", "came 2 times; give it once"),
        (f"checkpoint={'x' * 101}", "checkpoint", "1 to 100 characters"),
        ("metadata=perhaps", "metadata", "should be true or false"),
    ],
)
def test_bad_input_is_refused_by_name_with_what_would_have_been_right(
    gallery: Service, query: str, parameter: str, right: str
) -> None:
    problem = refusal(gallery.get(f"/generate?{query}"), 422)
    assert right in places(problem)["parameter", parameter]
    assert parameter in problem["detail"]


def test_all_that_is_wrong_is_told_at_once(gallery: Service) -> None:
    problem = refusal(gallery.get("/generate?digit=10&count=0&seed=-1"), 422)
    assert {parameter for _, parameter in places(problem)} == {"digit", "count", "seed"}


def test_a_digit_without_a_classifier_is_refused(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.pictures.recipes.has_judge", lambda dataset: False)
    problem = refusal(service.get(f"{PLAIN}&digit=1"), 422)
    assert "no classifier ships for segments" in places(problem)["parameter", "digit"]


def test_too_many_at_once_are_told_to_come_again(pretrained: Any, tmp_path: Any) -> None:
    with running(tmp_path, concurrent_grids=1, waiting_grids=0) as service:
        with service.given.engine.turns.taken():
            response = service.get(NAMED)
        refusal(response, 503, "busy")
        assert response.headers["retry-after"] == "2"
        assert service.get(NAMED).status_code == 200
