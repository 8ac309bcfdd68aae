"""The gallery: what is kept is found, changed, downloaded, deleted and restored."""

import io
import json
import zipfile
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest
from PIL import Image

from app.pictures.thumbnails import shrink
from app.routes import pictures as routes
from models import SEGMENTS
from tests.app.problems import places, refusal
from tests.app.service import Service, running
from tests.app.zoo import CONDITIONAL, UNCONDITIONAL
from tests.store.test_pictures import let_expire
from tests.workers.service import eventually

SIZE = SEGMENTS.size
ONE = {"checkpoint": CONDITIONAL, "seed": 5, "index": 3}


def post(service: Service, recipe: dict[str, Any], **marks: Any) -> httpx.Response:
    return service.post("/pictures", json={"recipe": recipe} | marks)


def keep(service: Service, recipe: dict[str, Any] | None = None, **marks: Any) -> dict[str, Any]:
    response = post(service, recipe or ONE, **marks)
    assert response.status_code in {200, 201}, response.text
    document: dict[str, Any] = response.json()
    return document


def items(service: Service, query: str = "") -> list[dict[str, Any]]:
    response = service.get(f"/pictures?{query}")
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["items"]
    return found


def seeds(service: Service, query: str = "") -> list[int]:
    return [one["seed"] for one in items(service, query)]


def patch(service: Service, picture: dict[str, Any], **change: Any) -> httpx.Response:
    return service.client.patch(f"/pictures/{picture['id']}", json=change)


def delete(service: Service, picture: dict[str, Any]) -> httpx.Response:
    return service.client.delete(f"/pictures/{picture['id']}")


def pixels(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)))


# Keeping


def test_a_picture_is_kept_by_its_whole_recipe_and_its_bytes(service: Service) -> None:
    response = post(service, ONE, starred=True, tags=["Bold", "three"], note="leans over")
    assert response.status_code == 201
    kept = response.json()
    assert response.headers["location"] == f"/pictures/{kept['id']}"
    assert service.get(f"/pictures/{kept['id']}").json() == kept
    drawn = service.get(f"/generate?{urlencode(ONE)}")
    assert kept["url"] == drawn.headers["content-location"]
    assert kept["page"] == kept["url"].replace("/generate?", "/?")
    assert kept["parameters"] == {"checkpoint": service.id_of(CONDITIONAL), "index": "3", "seed": "5"}
    assert service.get(kept["image"]).content == drawn.content
    assert (kept["sha256"], kept["size_bytes"]) == (sha256(drawn.content).hexdigest(), len(drawn.content))
    assert kept["score"] == pytest.approx(float(drawn.headers["x-ganery-score"]), rel=1e-5)
    assert kept["checkpoint_sha256"] == service.given.catalogue.find(CONDITIONAL).digest
    assert {name: kept[name] for name in ("family", "dataset", "label", "seed", "index", "count")} == {
        "family": "projection_gan",
        "dataset": "segments",
        "label": "3",
        "seed": 5,
        "index": 3,
        "count": 1,
    }
    assert (kept["width"], kept["height"], kept["deleted_at"]) == (SIZE, SIZE, None)
    assert (kept["starred"], kept["tags"], kept["note"]) == (True, ["bold", "three"], "leans over")


def test_the_same_picture_is_kept_once_from_whatever_grid(service: Service) -> None:
    first = keep(service, tags=["first"])
    for recipe in (ONE, ONE | {"count": 60, "columns": 10}, ONE | {"checkpoint": "default"}):
        again = post(service, recipe, tags=["second"])
        assert again.status_code == 200
        assert again.json() == first
    assert seeds(service) == [5]
    assert service.count("ganery_drawings_answered_total") == 1


def test_a_picture_is_kept_once_however_large_it_was_sent(service: Service) -> None:
    first = keep(service)
    enlarged = service.get(f"/generate?{urlencode(ONE | {'scale': 8})}").content
    told = service.post("/recall", content=enlarged, headers={"Content-Type": "image/png"}).json()
    assert told["parameters"]["scale"] == "8"
    for recipe in (told["parameters"], ONE | {"metadata": False}):
        again = post(service, recipe)
        assert (again.status_code, again.json()) == (200, first)
    other = keep(service, ONE | {"seed": 6, "scale": 8, "metadata": False})
    assert (other["width"], "scale" in other["url"]) == (SIZE, False)
    assert service.get(other["image"]).content == service.get(other["url"]).content
    assert seeds(service) == [6, 5]


def test_a_whole_grid_is_kept_and_has_a_class_only_if_it_is_of_one(service: Service) -> None:
    grid = {"checkpoint": CONDITIONAL, "seed": 1, "count": 6, "columns": 3}
    mixed, sevens = keep(service, grid), keep(service, grid | {"digit": 7})
    assert (mixed["label"], mixed["index"], mixed["count"], mixed["score"]) == (None, None, 6, None)
    assert (mixed["width"], mixed["height"]) == (3 * SIZE, 2 * SIZE)
    assert sevens["label"] == "7"
    assert keep(service, {"checkpoint": UNCONDITIONAL, "seed": 1, "index": 0})["label"] is None


def test_a_kept_picture_survives_its_checkpoint(service: Service) -> None:
    claim = service.claim()
    checkpoint = service.keep_checkpoint(claim, 1)
    kept = keep(service, {"checkpoint": checkpoint, "seed": 1, "index": 0})
    image = service.get(kept["image"]).content
    rmtree(service.given.settings.checkpoints)
    service.app.state.services.engine._samplers._values.clear()
    service.app.state.services.engine._pictures._kept._values.clear()
    refusal(service.get(kept["url"]), 404, "checkpoint-missing")
    assert service.get(kept["image"]).content == image
    assert items(service)[0]["checkpoint"] == checkpoint


@pytest.mark.parametrize(
    ("body", "pointer", "told"),
    [
        ({"recipe": {"index": 1}}, "#/recipe/seed", "is required"),
        ({"recipe": {"seed": 1, "digit": 10}}, "#/recipe/digit", "should be a whole number from 0 up to 9"),
        ({"recipe": {"seed": 1, "nice_factor": 3}}, "#/recipe/nice_factor", "means nothing without nice=true"),
        ({"recipe": {"seed": 1, "count": 4, "index": 4}}, "#/recipe/index", "has the pictures 0 to 3"),
        ({"recipe": {"seed": 1, "scale": 65}}, "#/recipe/scale", "should be a whole number from 1 up to 64"),
        ({"recipe": {"seed": 1, "sed": 2}}, "#/recipe/sed", "known are checkpoint, family"),
        ({"recipe": {"seed": 1}, "tags": ["a,b"]}, "#/tags/0", "should be a tag of 1 to 50 characters, no comma"),
        ({"recipe": {"seed": 1}, "tags": [" a"]}, "#/tags/0", "should be a tag of 1 to 50 characters, no comma"),
        ({"recipe": {"seed": 1}, "note": "x" * 2001}, "#/note", "at most 2,000 characters"),
        ({}, "#/recipe", "is required"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_place(
    gallery: Service, body: dict[str, Any], pointer: str, told: str
) -> None:
    document = refusal(gallery.post("/pictures", json=body), 422, "invalid-request")
    assert told in places(document)["pointer", pointer]


def test_a_checkpoint_that_is_not_there_is_refused(gallery: Service) -> None:
    refusal(post(gallery, {"checkpoint": "nonesuch", "seed": 1}), 404, "no-such-checkpoint")
    refusal(gallery.post("/pictures", content=b"{}"), 415)


# Finding


def test_pictures_are_listed_in_pages_and_both_orders(service: Service) -> None:
    for seed in range(5):
        keep(service, ONE | {"seed": seed})
    page = service.get("/pictures?limit=2").json()
    rest = items(service, f"limit=9&cursor={page['next_cursor']}")
    assert [one["seed"] for one in [*page["items"], *rest]] == [4, 3, 2, 1, 0]
    assert seeds(service, "order=oldest") == [0, 1, 2, 3, 4]
    assert "cursor" in refusal(service.get("/pictures?cursor=zzz"), 422)["detail"]


def test_pictures_are_searched_by_what_they_are_and_what_is_said_of_them(service: Service) -> None:
    keep(service, ONE | {"seed": 1}, tags=["bold"], note="leans over")
    keep(service, ONE | {"seed": 2, "index": 4}, starred=True, note="very bold")
    keep(service, {"checkpoint": UNCONDITIONAL, "seed": 3})
    found = {
        "family=dcgan": [3],
        "dataset=segments": [3, 2, 1],
        "dataset=mnist": [],
        "label=4": [2],
        "seed=1": [1],
        "tag=BOLD": [1],
        "tag=bold&label=4": [],
        "starred=true": [2],
        "starred=false": [3, 1],
        "text=bold": [2, 1],
        "text=Very+BOLD": [2],
        "text=bold&order=oldest": [1, 2],
    }
    assert {query: seeds(service, query) for query in found} == found
    assert service.get("/pictures/tags").json()["items"] == [{"tag": "bold", "count": 1}]


@pytest.mark.parametrize(
    ("query", "parameter"), [("trash=true&text=a", "text"), ("trash=true&tag=a", "tag"), ("text=%21%21", "text")]
)
def test_a_search_that_can_find_nothing_is_refused(gallery: Service, query: str, parameter: str) -> None:
    assert ("parameter", parameter) in places(refusal(gallery.get(f"/pictures?{query}"), 422))


# Seeing


def test_an_image_is_immutable(service: Service) -> None:
    kept = keep(service)
    response = service.get(kept["image"])
    assert response.headers["etag"] == f'"{kept["sha256"]}"'
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["content-disposition"] == (
        f'inline; filename="projection_gan-segments-5-3-{kept["id"]}.png"'
    )
    again = service.get(kept["image"], headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_thumbnail_is_small_and_keeps_the_pixels_of_what_is_small_already(service: Service) -> None:
    one, grid = keep(service), keep(service, {"checkpoint": CONDITIONAL, "seed": 1, "count": 100, "columns": 20})
    small = service.get(f"{one['thumbnail']}?size=64")
    assert np.array_equal(pixels(small.content), pixels(service.get(one["image"]).content))
    assert Image.open(io.BytesIO(small.content)).info == {}
    assert len(small.content) < one["size_bytes"]
    large = service.get(f"{grid['thumbnail']}?size=160")
    assert pixels(large.content).shape == (40, 160)
    assert pixels(large.content)[0, 0] == pytest.approx(
        pixels(service.get(grid["image"]).content)[:2, :2].mean(), abs=1
    )
    again = service.get(f"{grid['thumbnail']}?size=160", headers={"If-None-Match": large.headers["etag"]})
    assert again.status_code == 304
    assert service.get(f"{grid['thumbnail']}?size=161").headers["etag"] != large.headers["etag"]
    refusal(service.get(f"{grid['thumbnail']}?size=4096"), 422)


def test_a_thumbnail_is_made_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    make = Mock(wraps=shrink)
    monkeypatch.setattr("app.pictures.thumbnails.shrink", make)
    kept = keep(service)
    for size in (64, 32, 64):
        assert service.get(f"{kept['thumbnail']}?size={size}").status_code == 200
    assert make.call_count == 2


def test_a_full_gallery_says_how_to_make_room(pretrained: Path, tmp_path: Path) -> None:
    with running(tmp_path, pictures_limit=1) as service:
        kept = keep(service)
        delete(service, kept)
        problem = refusal(post(service, ONE | {"seed": 6}), 507, "gallery-full")
        assert "DELETE /pictures/{id}?for_good=true" in problem["detail"]
        assert service.client.delete(f"/pictures/{kept['id']}?for_good=true").json()["id"] == kept["id"]
        refusal(service.get(f"/pictures/{kept['id']}"), 404, "not-found")
        assert items(service, "trash=true") == []
        assert post(service, ONE | {"seed": 6}).status_code == 201


def test_a_coloured_thumbnail_stays_coloured() -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 32), (10, 200, 30)).save(out, "PNG")
    assert pixels(shrink(out.getvalue(), 16)).tolist() == [[[10, 200, 30]] * 16] * 8


def test_a_file_that_is_gone_or_damaged_is_not_served(service: Service) -> None:
    kept = keep(service)
    (file,) = (path for path in service.given.settings.pictures.rglob("*") if path.is_file())
    file.write_bytes(b"damaged")
    for path in ("image", "thumbnail"):
        refusal(service.get(kept[path]), 503, "file-damaged")
    file.unlink()
    refusal(service.get(kept["image"]), 404, "file-missing")
    refusal(service.get(f"/pictures/download?id={kept['id']}"), 404, "file-missing")


@pytest.mark.parametrize("path", ["", "/image", "/thumbnail"])
def test_a_picture_that_is_not_there_is_refused(gallery: Service, path: str) -> None:
    refusal(gallery.get(f"/pictures/nonesuch{path}"), 404, "not-found")


# Changing


def test_star_tags_and_note_are_changed_alone(service: Service) -> None:
    kept = keep(service, tags=["bold"], note="leans")
    assert patch(service, kept, starred=True).json() | {"updated_at": ""} == kept | {"starred": True, "updated_at": ""}
    assert patch(service, kept, tags=["Thin", "seven", "thin"]).json()["tags"] == ["seven", "thin"]
    assert patch(service, kept, note="").json()["note"] == ""
    assert (seeds(service, "tag=thin"), seeds(service, "text=leans")) == ([5], [])
    refusal(patch(service, kept, seed=3), 422)
    refusal(patch(service, {"id": "nonesuch"}, starred=True), 404)


def test_a_deleted_picture_can_be_restored_for_thirty_days(service: Service) -> None:
    kept = keep(service, tags=["bold"])
    gone = delete(service, kept).json()
    removed_at, deleted_at = (datetime.fromisoformat(gone[name]) for name in ("removed_at", "deleted_at"))
    assert removed_at - deleted_at == timedelta(days=30)
    assert delete(service, kept).json() == gone
    assert (seeds(service), seeds(service, "trash=true")) == ([], [5])
    assert service.get(kept["image"]).status_code == 200
    assert "restore it first" in refusal(patch(service, kept, starred=True), 409, "in-trash")["detail"]
    back = service.post(f"/pictures/{kept['id']}/restore").json()
    assert back | {"updated_at": ""} == kept | {"updated_at": ""}
    assert (seeds(service, "tag=bold"), seeds(service, "trash=true")) == ([5], [])
    delete(service, kept)
    assert keep(service)["deleted_at"] is None
    refusal(delete(service, {"id": "nonesuch"}), 404)
    refusal(service.post("/pictures/nonesuch/restore"), 404)


def test_the_sweeper_empties_the_trash_of_what_is_old(pretrained: Path, tmp_path: Path) -> None:
    with running(tmp_path) as service:
        kept, other = keep(service), keep(service, ONE | {"index": 4})
        delete(service, kept)
        let_expire(service.given.database, kept["id"])
    with running(tmp_path) as service:
        eventually(lambda: service.get(f"/pictures/{kept['id']}").status_code == 404)
        refusal(service.get(kept["image"]), 404, "not-found")
        assert [path.name for path in (tmp_path / "pictures").rglob("*") if path.is_file()] == [other["sha256"]]


# Downloading


@pytest.mark.parametrize("by", ["link", "body"])
def test_a_zip_file_has_the_pictures_and_what_each_is(service: Service, by: str) -> None:
    kept = [keep(service, ONE | {"index": index}, note=f"number {index}") for index in range(3)]
    ids = [kept[place]["id"] for place in (2, 0, 2)]
    if by == "link":
        response = service.get("/pictures/download?" + "&".join(f"id={one}" for one in ids))
    else:
        response = service.post("/pictures/download", json={"ids": ids})
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"] == 'attachment; filename="ganery-pictures.zip"'
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        assert [one["id"] for one in manifest["pictures"]] == ids[:2]
        assert len(archive.namelist()) == 3
        for told, place in zip(manifest["pictures"], (2, 0), strict=True):
            assert told == kept[place] | {"file": told["file"]}
            assert sha256(archive.read(told["file"])).hexdigest() == told["sha256"]


def test_a_download_is_bounded(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = keep(service)
    refusal(service.post("/pictures/download", json={"ids": ["a"] * 1001}), 422)
    refusal(service.post("/pictures/download", json={"ids": []}), 422)
    refusal(service.get("/pictures/download?" + "&".join(["id=a"] * 201)), 422)
    refusal(service.get("/pictures/download"), 422)
    refusal(service.post("/pictures/download", json={"ids": [kept["id"], "nonesuch"]}), 404, "not-found")
    monkeypatch.setattr(routes, "MOST_BYTES", 100)
    document = refusal(service.post("/pictures/download", json={"ids": [kept["id"]]}), 422)
    assert "at most 100 go into one zip file" in places(document)["pointer", "#/ids"]
    assert ("parameter", "id") in places(refusal(service.get(f"/pictures/download?id={kept['id']}"), 422))


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_picture_whose_file_is_lost_is_kept_again(service: Service, is_gone: bool) -> None:
    kept = keep(service)
    png = service.get(kept["image"]).content
    (file,) = (path for path in service.given.settings.pictures.rglob("*") if path.is_file())
    file.write_bytes(b"damaged")
    if is_gone:
        file.unlink()
    again = post(service, ONE)
    assert (again.status_code, again.json()["id"]) == (200, kept["id"])
    assert service.get(kept["image"]).content == png


def test_more_words_than_a_database_meets_are_refused(gallery: Service) -> None:
    text = " ".join(f"w{number}" for number in range(21))
    for path in ("/pictures", "/gallery"):
        assert gallery.get(path, params={"text": text}).status_code == 422
    problem = refusal(gallery.get("/pictures", params={"text": text}), 422)
    assert "21 words came; at most 20" in problem["detail"]
    assert gallery.get("/pictures", params={"text": text.rpartition(" ")[0]}).status_code == 200
