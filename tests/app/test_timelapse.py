"""How the pictures of a training grew, over HTTP."""

from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from app.pictures.films import FilmFormat
from app.pictures.timelapse import FilmSettings, Grid, find_grids, make_film, thin_out
from app.routes import timelapse
from app.routes.pages import watch
from models import encode_png
from store.events import EventKind, NewEvent
from store.jobs import Claim
from store.settings import sample_name
from tests.app.problems import places, refusal
from tests.app.service import Service, running

SIDE = 6


def grid_of(step: int, channels: int = 1) -> bytes:
    return encode_png(torch.full((SIDE, SIDE, channels), 10 * step, dtype=torch.uint8))


def draw(service: Service, claim: Claim, *steps: int) -> None:
    """Store sample grids as a worker does."""
    folder = service.given.settings.samples(claim.job.id)
    folder.mkdir(parents=True, exist_ok=True)
    for step in steps:
        (folder / sample_name(step)).write_bytes(grid_of(step))
        service.given.jobs.record(claim, [NewEvent(EventKind.SAMPLE, {"count": 1, "columns": 1}, step)])


def test_the_grids_are_listed_in_the_order_of_their_steps(service: Service) -> None:
    claim = service.claim()
    draw(service, claim, 0, 4, 10)
    listed = service.get(f"/jobs/{claim.job.id}/timelapse").json()
    assert (listed["job_id"], listed["total_steps"]) == (claim.job.id, 10)
    assert [frame["step"] for frame in listed["frames"]] == [0, 4, 10]
    assert [service.get(frame["url"]).content for frame in listed["frames"]] == [grid_of(0), grid_of(4), grid_of(10)]


def test_a_job_that_has_drawn_nothing_has_an_empty_list_and_no_film(service: Service) -> None:
    job_id = service.queue()
    assert service.get(f"/jobs/{job_id}/timelapse").json()["frames"] == []
    problem = refusal(service.get(f"/jobs/{job_id}/timelapse?format=gif"), 404, "no-samples")
    assert job_id in problem["detail"]


def test_a_grid_whose_file_is_gone_is_left_out(service: Service) -> None:
    claim = service.claim()
    draw(service, claim, 0, 4)
    (service.given.settings.samples(claim.job.id) / sample_name(0)).unlink()
    listed = service.get(f"/jobs/{claim.job.id}/timelapse").json()
    assert [frame["step"] for frame in listed["frames"]] == [4]


def test_a_gif_shows_every_grid_with_a_bar_that_grows(service: Service) -> None:
    claim = service.claim()
    draw(service, claim, 0, 5, 10)
    response = service.get(f"/jobs/{claim.job.id}/timelapse?format=gif&scale=2&frames_per_second=5")
    assert response.headers["content-type"] == "image/gif"
    assert claim.job.id in response.headers["content-disposition"]
    film = Image.open(BytesIO(response.content))
    frames = [np.asarray(one.convert("L")) for one in ImageSequence.Iterator(film)]
    assert [frame[0, 0] for frame in frames[:3]] == [0, 50, 100]
    assert frames[0].shape == (2 * SIDE + 4, 2 * SIDE)
    assert [np.count_nonzero(frame[-1] > 200) for frame in frames[:3]] == [0, SIDE, 2 * SIDE]


def test_a_webm_shows_every_grid_and_lets_the_last_stay(service: Service) -> None:
    claim = service.claim()
    draw(service, claim, 0, 5, 10)
    response = service.get(f"/jobs/{claim.job.id}/timelapse?format=webm&frames_per_second=4")
    assert response.headers["content-type"] == "video/webm"
    with av.open(BytesIO(response.content), "r") as container:
        levels = [frame.to_ndarray(format="gray")[0, 0] for frame in container.decode(video=0)]
    assert len(levels) == 3 + 4
    assert np.allclose(levels, [0, 50, 100, 100, 100, 100, 100], atol=6)


def test_a_film_that_has_not_changed_is_not_made_again(service: Service) -> None:
    claim = service.claim()
    draw(service, claim, 0, 4)
    url = f"/jobs/{claim.job.id}/timelapse?format=gif"
    known = {"If-None-Match": service.get(url).headers["etag"]}
    assert service.get(url, headers=known).status_code == 304
    assert service.get(f"{url}&scale=3", headers=known).status_code == 200
    draw(service, claim, 10)
    assert service.get(url, headers=known).status_code == 200


def test_a_film_is_made_once_for_all_who_ask(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = service.claim()
    draw(service, claim, 0, 4)
    url = f"/jobs/{claim.job.id}/timelapse?format=gif"
    first = service.get(url).content
    monkeypatch.setattr(timelapse, "make_film", None)
    assert service.get(url).content == first


def test_grids_that_are_removed_while_a_film_is_made_are_not_there(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = service.claim()
    draw(service, claim, 0, 4)
    found = find_grids

    def find_and_lose(*place: Any) -> list[Grid]:
        grids = found(*place)
        for grid in grids:
            grid.path.unlink()
        return grids

    monkeypatch.setattr(timelapse, "find_grids", find_and_lose)
    refusal(service.get(f"/jobs/{claim.job.id}/timelapse?format=gif"), 404, "no-samples")


def test_the_page_of_a_job_whose_grids_are_being_removed_is_shown(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    claim = service.claim()
    monkeypatch.setattr(watch, "find_grids", lambda *place: [Grid(0, tmp_path / "gone.png")])
    assert service.get(f"/watch/{claim.job.id}").status_code == 200


def test_of_many_grids_some_are_taken_evenly(tmp_path: Path) -> None:
    grids = [Grid(step, tmp_path / sample_name(step)) for step in range(0, 101, 10)]
    assert [one.step for one in thin_out(grids, 3)] == [0, 50, 100]
    assert [one.step for one in thin_out(grids, 2)] == [0, 100]
    assert thin_out(grids, 11) == grids


def test_colours_stay_colours(tmp_path: Path) -> None:
    grid = Grid(5, tmp_path / sample_name(5))
    picture = torch.tensor([200, 30, 30], dtype=torch.uint8).expand(SIDE, SIDE, 3)
    grid.path.write_bytes(encode_png(picture))
    film = make_film([grid], FilmSettings(FilmFormat.GIF, 2, 1, 10), total_steps=10)
    shown = np.asarray(Image.open(BytesIO(film)).convert("RGB"))
    assert shown[0, 0].tolist() == [200, 30, 30]
    assert shown[-1, 0].tolist() == [230, 230, 230]


def test_a_film_of_more_pixels_than_are_drawn_is_refused(pretrained: Path, tmp_path: Path) -> None:
    with running(tmp_path, max_pixels=6 * (2 * SIDE) ** 2) as service:
        claim = service.claim()
        draw(service, claim, *range(5))
        url = f"/jobs/{claim.job.id}/timelapse?format=gif&frames_per_second=1"
        assert service.get(url).status_code == 200
        for query in ("scale=3", "frames_per_second=2"):
            problem = refusal(service.get(f"{url.replace('&frames_per_second=1', '')}&{query}"), 422)
            assert "ask for a smaller scale, or fewer frames" in places(problem)["parameter", "scale"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("format=mp4", "format"), ("scale=5", "scale"), ("frames_per_second=nan", "frames_per_second")],
)
def test_a_film_of_another_kind_is_refused(service: Service, query: str, parameter: str) -> None:
    problem = refusal(service.get(f"/jobs/{service.queue()}/timelapse?{query}"), 422)
    assert ("parameter", parameter) in places(problem)
