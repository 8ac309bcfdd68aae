"""POST /recall and POST /verify: what a PNG says of itself, and whether it is true."""

import base64
import html
import io
import json
import struct
import zlib
from pathlib import Path
from shutil import rmtree
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app.pictures.comparison import Verdict, compare
from models import SEGMENTS, encode_png
from tests.app.problems import refusal
from tests.app.service import Service, running
from tests.app.test_pictures import keep
from tests.app.zoo import CONDITIONAL, UNCONDITIONAL, flip_a_bit

SIZE = SEGMENTS.size
NAMED = f"checkpoint={CONDITIONAL}"
URL = f"/generate?checkpoint={CONDITIONAL}&seed=5&count=6&scale=2"


def post(service: Service, path: str, data: bytes) -> httpx.Response:
    return service.post(path, content=data, headers={"Content-Type": "image/png"})


def drawn(service: Service, url: str = URL) -> bytes:
    response = service.get(url)
    assert response.status_code == 200, response.text
    return response.content


def retold(png: bytes, *, pixels: Any = None, **changes: Any) -> bytes:
    """A PNG with other pixels, or with a recipe in which something is changed; None takes it out."""
    with Image.open(io.BytesIO(png)) as image:
        told = json.loads(image.info["ganery"]) | changes
        shown = np.asarray(image) if pixels is None else pixels
    kept = {name: value for name, value in told.items() if value is not None}
    grid = torch.from_numpy(np.array(shown)).view(*shown.shape[:2], -1)
    return encode_png(grid, {"ganery": json.dumps(kept)})


def verdict(service: Service, png: bytes) -> dict[str, Any]:
    response = post(service, "/verify", png)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def array(png: bytes) -> Any:
    with Image.open(io.BytesIO(png)) as image:
        return np.array(image)


# Recall


@pytest.mark.parametrize("url", [URL, f"{URL}&index=2&digit=7", f"/generate?checkpoint={UNCONDITIONAL}&seed=1"])
def test_a_picture_tells_the_url_that_draws_it_again(gallery: Service, url: str) -> None:
    png = drawn(gallery, url)
    told = post(gallery, "/recall", png).json()
    assert drawn(gallery, told["url"]) == png
    assert told["page"] == told["url"].replace("/generate?", "/?")
    assert told["parameters"]["seed"] == str(told["recipe"]["seed"])
    assert told["recipe"]["url"] == told["url"]
    assert told["checkpoint"] == told["parameters"]["checkpoint"]
    assert (told["available"], told["kept"]) == (True, None)


@pytest.mark.parametrize(
    ("url", "state"),
    [
        (f"/latent/walk?{NAMED}&from_seed=1&to_seed=2&label=3&steps=4&loop=true&scale=2", "tool=walk"),
        (f"/latent/sweep?{NAMED}&seed=1&coordinate=2&steps=3", "tool=sweep"),
        (f"/latent/matrix?{NAMED}&seed=1&rows=2", "tool=matrix"),
        (f"/latent/variations?{NAMED}&seed=1&count=6&columns=3", "tool=around"),
        (f"/latent/arithmetic?{NAMED}&a_seed=1&b_seed=2&c_seed=3", "tool=arithmetic"),
        (f"/latent/picture?{NAMED}&seed=1&index=4&truncation=0.7", "tool=around"),
    ],
)
def test_what_a_latent_tool_drew_tells_its_url_and_its_page_and_is_verified(
    gallery: Service, url: str, state: str
) -> None:
    png = drawn(gallery, url)
    told = post(gallery, "/recall", png).json()
    assert told["path"] == url.partition("?")[0]
    assert drawn(gallery, told["url"]) == png
    assert (told["available"], told["recipe"]["family"]) == (True, "projection_gan")
    assert state in told["page"]
    shown = gallery.get(told["page"])
    assert shown.status_code == 200
    as_shown = told["url"].replace("&loop=true", "").replace("&scale=2", "")
    if told["path"] != "/latent/picture":
        assert html.escape(as_shown) in shown.text
    found = verdict(gallery, png)
    assert (found["verdict"], found["same_bytes"], found["url"]) == ("equal", True, told["url"])
    pixels = array(png)
    pixels[5, 5] = 255 - pixels[5, 5]
    assert verdict(gallery, retold(png, pixels=pixels))["verdict"] == "different"


def test_what_was_found_for_an_upload_is_verified_from_its_latent(gallery: Service) -> None:
    upload = drawn(gallery, f"/generate?{NAMED}&seed=31&count=1&metadata=false")
    item = post(gallery, f"/latent/project?{NAMED}&count=1", upload).json()["items"][0]
    png = base64.b64decode(item["picture"].partition(",")[2])
    assert post(gallery, "/recall", png).json()["url"] == item["url"]
    assert verdict(gallery, png)["same_bytes"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("&seed=zAAAA&coordinate=0", "3 coordinates"),
        ("&seed=1&coordinate=1000", "the latents have the coordinates 0 to 63"),
        ("&seed=1", "name one thing that changes"),
    ],
)
def test_a_recipe_of_latents_that_cannot_be_drawn_is_refused(gallery: Service, change: str, told: str) -> None:
    png = retold(drawn(gallery), url=f"/latent/sweep?checkpoint={gallery.id_of(CONDITIONAL)}{change}")
    assert told in refusal(post(gallery, "/verify", png), 422, "no-recipe")["detail"]


def test_recall_draws_nothing_and_needs_no_checkpoint(service: Service) -> None:
    png = retold(drawn(service), url="/generate?checkpoint=gone-100&seed=3", checkpoint="gone-100")
    before = service.count("ganery_drawings_answered_total")
    told = post(service, "/recall", png).json()
    assert (told["checkpoint"], told["available"]) == ("gone-100", False)
    assert service.count("ganery_drawings_answered_total") == before


def test_a_kept_picture_is_recognised_by_its_bytes(service: Service) -> None:
    kept = keep(service)
    png = service.get(kept["image"]).content
    assert post(service, "/recall", png).json()["kept"] == verdict(service, png)["kept"] == kept["id"]
    assert post(service, "/recall", retold(png)).json()["kept"] is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no JSON", "is no JSON"),
        ("[1]", "no JSON object"),
        ('{"url": "http://elsewhere/generate?seed=1"}', "where one of /generate, /latent/picture"),
        ('{"url": 7}', "where one of /generate, /latent/picture"),
        ('{"url": "/latent/directions?checkpoint=a"}', "where one of /generate, /latent/picture"),
        ('{"url": "/latent/walk?checkpoint=a&to_seed=1"}', "names no checkpoint, or no seed"),
        ('{"url": "/latent/walk?checkpoint=a&from_seed=1&format=gif"}', "draws no PNG"),
        ('{"url": "/latent/variations?checkpoint=a&seed=1&format=json"}', "draws no PNG"),
        ('{"url": "/generate?seed=many&checkpoint=a"}', "seed: "),
        ('{"url": "/generate?nonesuch=1"}', "nonesuch: "),
        ('{"url": "/generate?checkpoint=a"}', "names no checkpoint, or no seed"),
        ('{"url": "/generate?checkpoint=a&seed=1", "score": 1e999}', "is no JSON"),
        ('{"url": "/generate?checkpoint=a&seed=1", "family": "\\ud800"}', "is no JSON"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_no_recipe_is_refused(gallery: Service, text: str, told: str) -> None:
    png = encode_png(torch.zeros(4, 4, 1, dtype=torch.uint8), {"ganery": text})
    for path in ("/recall", "/verify"):
        document = refusal(post(gallery, path, png), 422, "no-recipe")
        assert told in document["detail"]
        assert "as GET /generate or GET /latent/... answers it" in document["detail"]


def test_a_picture_of_others_is_refused(gallery: Service) -> None:
    plain = drawn(gallery, f"{URL}&metadata=false")
    assert "tells no recipe" in refusal(post(gallery, "/recall", plain), 422, "no-recipe")["detail"]
    jpeg = io.BytesIO()
    Image.new("L", (8, 8)).save(jpeg, "JPEG")
    for data in (b"", b"no picture", jpeg.getvalue(), drawn(gallery)[:20]):
        refusal(post(gallery, "/recall", data), 422, "unreadable-picture")
    refusal(gallery.post("/recall", content=b"x", headers={"Content-Type": "image/jpeg"}), 415)


def test_a_file_may_be_larger_than_other_bodies_and_not_boundless(pretrained: Path, tmp_path: Path) -> None:
    with running(tmp_path, body_limit_bytes=100, upload_limit_bytes=50_000) as service:
        assert post(service, "/recall", drawn(service)).status_code == 200
        for path in ("/recall", "/verify"):
            document = refusal(post(service, path, b"x" * 50_001), 413, "body-too-large")
            assert "at most 50000 bytes" in document["detail"]
        assert "at most 100 bytes" in refusal(post(service, "/classify", b"x" * 101), 413)["detail"]


# Verify


@pytest.mark.parametrize(
    "url", [URL, f"{URL}&index=2", f"{URL}&nice=true", f"/generate?checkpoint={UNCONDITIONAL}&seed=1"]
)
def test_a_picture_as_it_was_drawn_is_equal(gallery: Service, url: str) -> None:
    found = verdict(gallery, drawn(gallery, url))
    assert (found["verdict"], found["same_bytes"]) == ("equal", True)
    assert (found["differing_pixels"], found["largest_difference"]) == (0, 0)
    assert found["reasons"] == ["Every byte is what this service draws from the recipe."]


def test_a_file_that_was_saved_again_is_equal_in_its_pixels(gallery: Service) -> None:
    png = drawn(gallery)
    found = verdict(gallery, retold(png))
    assert (found["verdict"], found["same_bytes"], found["pixels"]) == ("equal", False, 4 * SIZE * 6 * SIZE)
    assert "only the text around them differs" in found["reasons"][0]
    coloured = np.stack([array(png)] * 3, axis=2)
    assert verdict(gallery, retold(png, pixels=coloured))["verdict"] == "equal"


def test_a_picture_that_was_rounded_otherwise_is_close(gallery: Service) -> None:
    png = drawn(gallery)
    pixels = array(png)
    pixels[0, :3] = np.where(pixels[0, :3] > 100, pixels[0, :3] - 2, pixels[0, :3] + 4)
    found = verdict(gallery, retold(png, pixels=pixels, version="0.0.1", device_class="cuda"))
    assert (found["verdict"], found["differing_pixels"]) == ("close", 3)
    assert found["largest_difference"] in {2, 4}
    told = " ".join(found["reasons"])
    assert "other rounding" in told
    assert "Ganery 0.0.1 drew it" in told
    assert "drawn on cuda; this service draws on cpu" in told


def test_a_picture_that_was_changed_is_different(gallery: Service) -> None:
    png = drawn(gallery)
    pixels = array(png)
    pixels[5, 5] = 255 - pixels[5, 5]
    found = verdict(gallery, retold(png, pixels=pixels))
    assert (found["verdict"], found["differing_pixels"]) == ("different", 1)
    assert found["largest_difference"] > 4
    assert "the picture was changed, or its recipe was" in found["reasons"][-1]


def test_a_picture_with_the_recipe_of_another_is_different(gallery: Service) -> None:
    png = drawn(gallery)
    other = retold(png, url=f"{URL.replace('seed=5', 'seed=6')}")
    assert verdict(gallery, other)["verdict"] == "different"


def test_a_picture_that_was_cut_is_different_and_nothing_is_counted(gallery: Service) -> None:
    png = drawn(gallery)
    found = verdict(gallery, retold(png, pixels=array(png)[:SIZE]))
    assert (found["verdict"], found["pixels"], found["largest_difference"]) == ("different", None, None)
    assert found["reasons"][0].startswith(f"The file is {4 * SIZE} x {SIZE} pixels, and its recipe draws")


def test_without_the_weights_nothing_is_said(service: Service) -> None:
    claim = service.claim()
    checkpoint = service.keep_checkpoint(claim, 1)
    png = drawn(service, f"/generate?checkpoint={checkpoint}&seed=1")
    gone = retold(png, url="/generate?checkpoint=gone-100&seed=3")
    refusal(post(service, "/verify", gone), 404, "no-such-checkpoint")
    other = retold(png, checkpoint_sha256="ab" * 32)
    document = refusal(post(service, "/verify", other), 409, "other-weights")
    assert "weights of sha256 abababababab… drew the picture" in document["detail"]
    rmtree(service.given.settings.checkpoints)
    service.given.engine._samplers._values.clear()
    service.given.engine._pictures._kept._values.clear()
    refusal(post(service, "/verify", png), 404, "checkpoint-missing")


def test_a_damaged_checkpoint_proves_nothing(service: Service) -> None:
    claim = service.claim()
    checkpoint = service.keep_checkpoint(claim, 1)
    png = drawn(service, f"/generate?checkpoint={checkpoint}&seed=1")
    for file in service.given.settings.checkpoints.rglob("*.safetensors"):
        flip_a_bit(file)
    service.given.engine._samplers._values.clear()
    service.given.engine._pictures._kept._values.clear()
    refusal(post(service, "/verify", png), 503, "checkpoint-damaged")


def test_a_recipe_beyond_the_limits_is_not_drawn(pretrained: Path, tmp_path: Path) -> None:
    with running(tmp_path, max_pixels=10_000) as service:
        png = drawn(service, f"/generate?checkpoint={CONDITIONAL}&seed=5&count=1")
        large = retold(png, url=f"/generate?checkpoint={CONDITIONAL}&seed=5&count=1024")
        assert "at most 10000 are drawn" in refusal(post(service, "/verify", large), 422, "no-recipe")["detail"]


def test_a_comparison_counts_pixels_and_not_their_colours() -> None:
    plain = torch.full((4, 4, 3), 100, dtype=torch.uint8)
    changed = plain.clone()
    changed[0, 0] = torch.tensor([103, 101, 100])
    found = compare(encode_png(changed), encode_png(plain))
    assert (found.verdict, found.pixels, found.differing, found.largest) == (Verdict.CLOSE, 16, 1, 3)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_chunk(png: bytes, name: bytes, data: bytes, *, before: bytes = b"IDAT") -> bytes:
    place = png.index(before) - 4
    return png[:place] + chunk(name, data) + png[place:]


def animated(png: bytes) -> bytes:
    """A PNG that viewers of animations show white: what is in IDAT is for others alone."""
    width, height = array(png).shape[::-1]
    white = zlib.compress((b"\0" + b"\xff" * width) * height)
    frame = struct.pack(">IIIIIHHBB", 0, width, height, 0, 0, 1, 10, 0, 0)
    png = with_chunk(png, b"acTL", struct.pack(">II", 1, 0))
    png = with_chunk(png, b"fcTL", frame, before=b"IEND")
    return with_chunk(png, b"fdAT", struct.pack(">I", 1) + white, before=b"IEND")


def shaded(png: bytes, alpha: Any, *, white: bool = False) -> bytes:
    """The picture with an alpha channel, its recipe in it."""
    with Image.open(io.BytesIO(png)) as image:
        told = PngInfo()
        told.add_itxt("ganery", image.info["ganery"])
        seen = Image.new("L", image.size, 255) if white else image.convert("L")
    out = io.BytesIO()
    Image.merge("LA", (seen, Image.fromarray(alpha))).save(out, "PNG", pnginfo=told)
    return out.getvalue()


def test_what_looks_otherwise_than_its_pixels_is_different(gallery: Service) -> None:
    png = drawn(gallery)
    forged = {
        "'acTL'": animated(png),
        "'gAMA'": with_chunk(png, b"gAMA", struct.pack(">I", 1000)),
        "'tRNS'": with_chunk(png, b"tRNS", struct.pack(">H", 0)),
        "transparency": shaded(png, array(png), white=True),
    }
    for told, forgery in forged.items():
        found = verdict(gallery, forgery)
        assert (found["verdict"], found["same_bytes"]) == ("different", False), told
        assert told in found["reasons"][0]


def test_what_does_no_harm_is_equal(gallery: Service) -> None:
    png = drawn(gallery)
    opaque = np.full(array(png).shape, 255, dtype=np.uint8)
    for same in (with_chunk(png, b"tIME", bytes(7)), with_chunk(png, b"sRGB", b"\0"), shaded(png, opaque)):
        assert verdict(gallery, same)["verdict"] == "equal"


def test_large_pictures_are_compared_in_parts() -> None:
    plain = torch.zeros(700, 5, 1, dtype=torch.uint8)
    changed = plain.clone()
    changed[699, 4] = 9
    changed[300, 0] = 200
    found = compare(encode_png(changed), encode_png(plain))
    assert (found.verdict, found.pixels, found.differing, found.largest) == (Verdict.DIFFERENT, 3500, 2, 200)


def test_a_recipe_that_is_nested_too_deep_is_refused(gallery: Service) -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    refusal(post(gallery, "/recall", retold(drawn(gallery), extra=deep)), 422, "no-recipe")


@pytest.mark.parametrize("damage", [(b"iCCP", b"x", b"IEND"), (b"PLTE", b"", b"IDAT")])
def test_what_the_reader_did_not_foresee_is_no_picture(gallery: Service, damage: tuple[bytes, bytes, bytes]) -> None:
    name, data, before = damage
    response = post(gallery, "/verify", with_chunk(drawn(gallery), name, data, before=before))
    assert response.status_code in {200, 422}, response.text
