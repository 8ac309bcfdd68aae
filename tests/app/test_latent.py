"""GET /latent/... and POST /latent/project, sentence by sentence, on the tiny checkpoints."""

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from checkpoints.format import save
from models import DIRECTION_NAMES, SEGMENTS
from tests.app.problems import places, refusal
from tests.app.service import Service, running
from tests.app.zoo import CONDITIONAL, JUDGE, UNCONDITIONAL, flip_a_bit, ship, trained

SIZE = SEGMENTS.size
NAMED = f"checkpoint={CONDITIONAL}"
PLAIN = f"checkpoint={UNCONDITIONAL}"
TOOLS = ["picture", "variations", "walk", "sweep", "matrix", "arithmetic"]
SEEDED = {
    "picture": "seed=1&label=2",
    "variations": "seed=1&label=2&count=4",
    "walk": "from_seed=1&to_seed=2&label=3&to_label=8&steps=5",
    "sweep": "seed=1&coordinate=0&steps=3",
    "matrix": "seed=1&rows=2",
    "arithmetic": "a_seed=1&b_seed=2&c_seed=3",
}
Cells = NDArray[np.uint8]


def url(tool: str, query: str = "", checkpoint: str = NAMED) -> str:
    return f"/latent/{tool}?{checkpoint}&{query or SEEDED[tool]}"


def cells(response: httpx.Response) -> Cells:
    """The pictures of a grid: (rows, columns, h, w)."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    grid = np.asarray(Image.open(io.BytesIO(response.content)))
    return grid.reshape(grid.shape[0] // SIZE, SIZE, grid.shape[1] // SIZE, SIZE).swapaxes(1, 2)


def generated(service: Service, query: str, checkpoint: str = NAMED) -> Cells:
    """The pictures of GET /generate in one row: (n, h, w)."""
    row: Cells = cells(service.get(f"/generate?{checkpoint}&columns=1&{query}"))[:, 0]
    return row


def parameter(response: httpx.Response, name: str) -> str:
    return places(refusal(response, 422))["parameter", name]


# --- All of them --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS)
def test_the_same_url_is_the_same_bytes_for_ever(gallery: Service, service: Service, tool: str) -> None:
    pinned = url(tool, checkpoint=f"checkpoint={gallery.id_of(CONDITIONAL)}")
    first, elsewhere = gallery.get(pinned), service.get(pinned)
    assert first.content == elsewhere.content
    assert "immutable" in first.headers["cache-control"]
    assert "content-location" not in first.headers
    assert first.headers["x-ganery-checkpoint"] == gallery.id_of(CONDITIONAL)
    unchanged = gallery.get(pinned, headers={"If-None-Match": first.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize("tool", TOOLS)
def test_what_was_left_out_is_told_by_the_url_that_repeats_it(gallery: Service, tool: str) -> None:
    sparse = "coordinate=0&steps=3" if tool == "sweep" else "scale=1"
    first = gallery.get(url(tool, sparse))
    assert first.headers["cache-control"] == "no-store"
    again = gallery.get(first.headers["content-location"])
    assert again.content == first.content
    assert "immutable" in again.headers["cache-control"]
    assert gallery.get(url(tool, sparse)).content != first.content


@pytest.mark.parametrize("tool", TOOLS)
def test_a_picture_tells_how_it_was_made(gallery: Service, tool: str) -> None:
    response = gallery.get(url(tool))
    text = Image.open(io.BytesIO(response.content)).info
    assert text["Source"] == response.headers["content-location"]
    assert "trainedAlgorithmicMedia" in text["XML:com.adobe.xmp"]
    assert text["Title"].startswith(response.headers["x-ganery-pictures"])
    told = json.loads(text["ganery"])
    assert told["url"] == text["Source"]
    assert (told["checkpoint"], told["dataset"]) == (gallery.id_of(CONDITIONAL), "segments")


@pytest.mark.parametrize("tool", TOOLS)
def test_an_answer_is_made_once_and_then_kept(service: Service, tool: str) -> None:
    first = service.get(url(tool))
    with service.given.engine.turns.taken(), service.given.engine.turns.taken():  # no turn is left to draw by
        assert service.get(url(tool)).content == first.content


@pytest.mark.parametrize("tool", TOOLS)
def test_bad_input_is_refused_by_name(gallery: Service, tool: str) -> None:
    assert "known are" in parameter(gallery.get(url(tool, "sead=1")), "sead")
    assert "came 2 times" in parameter(gallery.get(url(tool, "scale=1&scale=2")), "scale")
    assert "should be a number above 0 up to 1" in parameter(gallery.get(url(tool, "truncation=1.5")), "truncation")
    refusal(gallery.get(url(tool, checkpoint="checkpoint=nobody")), 404, "no-such-checkpoint")
    for name in [f"{prefix}seed" for prefix in {"walk": ["from_"], "arithmetic": ["a_", "c_"]}.get(tool, [""])]:
        assert "should be a whole number from 0 on, or" in parameter(gallery.get(url(tool, f"{name}=-1")), name)
        assert f"at most {2**63 - 1}" in parameter(gallery.get(url(tool, f"{name}={2**63}")), name)
        thing = "&coordinate=0" if tool == "sweep" else ""
        told = parameter(gallery.get(url(tool, f"{name}=zAAAA{thing}&rows=1" if thing else f"{name}=zAAAA")), name)
        assert "'zAAAA' has 3 coordinates" in told or "one row" in told


def test_the_work_is_bounded_and_waits_for_its_turn(pretrained: Path, tmp_path: Path) -> None:
    with running(tmp_path, max_pixels=30 * SIZE**2, max_candidates=40, concurrent_grids=1, waiting_grids=0) as service:
        for query, name in (
            ("walk?steps=31", "steps"),
            ("walk?steps=17&loop=true", "steps"),
            ("walk?steps=2&format=gif&scale=64", "steps"),
            ("variations?count=41", "count"),
            ("sweep?coordinate=0&rows=3&steps=11", "rows"),
            ("matrix?rows=4", "rows"),
            ("picture?scale=6", "scale"),
        ):
            assert "ask for fewer, or a smaller scale" in parameter(service.get(f"/latent/{query}"), name)
        with service.given.engine.turns.taken():
            refusal(service.get(url("picture")), 503, "busy")
            refusal(service.get(f"/latent/directions?{NAMED}"), 503, "busy")


def test_a_damaged_checkpoint_draws_nothing(service: Service) -> None:
    checkpoint = service.keep_checkpoint(service.claim(), 2)
    flip_a_bit(service.given.catalogue.find(checkpoint).directory / "networks.safetensors")
    refusal(service.get(f"/latent/picture?checkpoint={checkpoint}"), 503, "checkpoint-damaged")


# --- One picture --------------------------------------------------------------------------------------------------


def test_a_seed_and_a_number_are_the_picture_of_generate(gallery: Service) -> None:
    grid = generated(gallery, "seed=5&count=20&truncation=0.6")
    for index in (0, 7, 19):
        drawn = cells(gallery.get(url("picture", f"seed=5&index={index}&truncation=0.6")))
        assert np.array_equal(drawn[0, 0], grid[index])
    of_class = generated(gallery, "seed=5&count=3&digit=8")
    assert np.array_equal(cells(gallery.get(url("picture", "seed=5&index=2&label=8")))[0, 0], of_class[2])
    plain = generated(gallery, "seed=5&count=3", PLAIN)
    assert np.array_equal(cells(gallery.get(url("picture", "seed=5&index=2", PLAIN)))[0, 0], plain[2])


def test_labels_are_refused_where_the_network_takes_none(gallery: Service) -> None:
    assert "dcgan takes no labels" in parameter(gallery.get(url("picture", "label=3", PLAIN)), "label")
    assert "has no class 'ten'" in parameter(gallery.get(url("picture", "label=ten")), "label")


def test_an_address_has_no_number(gallery: Service) -> None:
    address = gallery.get(url("variations", "seed=1&count=1&format=json")).json()["items"][0]["latent"]
    assert "leave out index=3" in parameter(gallery.get(url("picture", f"seed={address}&index=3")), "index")


def test_the_page_says_in_plain_words_what_would_have_been_right(gallery: Service) -> None:
    for query, told in {
        "tool=walk&from_seed=x": "from_seed: should be a whole number from 0 on, or the address of a latent",
        "tool=walk&steps=many": "steps: should be a whole number from 2 up to 240",
        "tool=matrix&truncation=0": "truncation: should be a number above 0 up to 1",
    }.items():
        response = gallery.get(f"/explore?{query}")
        assert response.status_code == 422
        assert told in response.text


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("tool=walk&from_seed=zAAAA", "from_seed: no such address: &#39;zAAAA&#39; has 3 coordinates"),
        ("tool=walk&to_seed=zAAAA", "to_seed: no such address: &#39;zAAAA&#39; has 3 coordinates"),
        ("tool=arithmetic&c_seed=zAAAA", "c_seed: no such address: &#39;zAAAA&#39; has 3 coordinates"),
        ("tool=sweep&coordinate=999", "coordinate: the latents have the coordinates 0 to 63, 999 came"),
        ("tool=sweep&direction=foo", "direction: no direction is called &#39;foo&#39;; there are thickness, slant"),
        ("tool=zz", "tool: no tool is called &#39;zz&#39;; there are walk, sweep"),
    ],
)
def test_the_page_refuses_what_the_api_would_not_draw(gallery: Service, query: str, told: str) -> None:
    response = gallery.get(f"/explore?{NAMED}&{query}")
    assert response.status_code == 422
    assert told in response.text
    assert 'class="picture strip"' not in response.text


def test_the_page_drops_the_number_of_an_address(gallery: Service) -> None:
    """Forms without script send it along: it holds what it held for the seed that stood there."""
    address = gallery.get(url("variations", "seed=1&count=1&format=json")).json()["items"][0]["latent"]
    walk = gallery.get(f"/explore?{NAMED}&tool=walk&from_seed=1&from_index=3&to_seed={address}&to_index=8")
    assert walk.status_code == 200
    assert "from_index=3" in walk.text.partition('id="result"')[2]
    assert "to_index=8" not in walk.text
    assert 'name="to_index" type="number" min="0"' in walk.text  # empty
    for tool in ("sweep", "matrix"):
        page = gallery.get(f"/explore?{NAMED}&tool={tool}&seed={address}&index=2&rows=6")
        assert page.status_code == 200
        assert 'name="rows" type="number" value="1"' in page.text
    wrong = gallery.get(f"/explore?{NAMED}&tool=walk&from_seed=zzz&from_index=3")
    assert wrong.status_code == 422
    assert "from_seed: no such address: &#39;zzz&#39; has 1 coordinate, and the latents" in wrong.text


def test_the_page_refuses_a_direction_that_was_not_found(service: Service) -> None:
    page = f"/explore?{PLAIN}&tool=sweep&direction="
    known = {item["name"] for item in service.get(f"/latent/directions?{PLAIN}").json()["items"]}
    assert known < set(DIRECTION_NAMES)  # the tiny network draws next to nothing to measure
    for name in DIRECTION_NAMES:
        assert service.get(page + name).status_code == (200 if name in known else 422)


# --- Variations ---------------------------------------------------------------------------------------------------


def test_the_first_of_the_variations_is_the_picture_itself(gallery: Service) -> None:
    drawn = cells(gallery.get(url("variations", "seed=5&index=2&count=9&spread=0.4")))
    assert drawn.shape[:2] == (3, 3)
    assert np.array_equal(drawn[0, 0], generated(gallery, "seed=5&count=3")[2])
    others = drawn.reshape(9, -1)[1:]
    assert len({one.tobytes() for one in others}) == 8


def test_the_farther_the_spread_the_farther_the_variations(gallery: Service) -> None:
    def distance(spread: float) -> float:
        first, *others = cells(gallery.get(url("variations", f"seed=5&count=25&spread={spread}"))).reshape(25, -1)
        return float(np.abs(np.stack(others).astype(int) - first).mean())

    assert distance(0) <= 1  # drawn from the nearest address
    assert distance(0) < distance(0.2) < distance(0.5) < distance(1)


def test_variations_are_told_by_their_addresses(gallery: Service) -> None:
    told = gallery.get(url("variations", "seed=5&label=4&count=4&format=json&truncation=0.9")).json()
    grid = cells(gallery.get(url("variations", "seed=5&label=4&count=4&truncation=0.9"))).reshape(4, SIZE, SIZE)
    assert told["checkpoint"] == gallery.id_of(CONDITIONAL)
    for item, picture in list(zip(told["items"], grid, strict=True))[1:]:
        assert item["label"] == "4"
        again = gallery.get(item["url"])
        assert "immutable" in again.headers["cache-control"]
        assert np.array_equal(cells(again)[0, 0], picture)
        assert np.array_equal(decode(item["picture"]), picture)


def test_what_is_told_of_variations_is_asked_about_again(gallery: Service) -> None:
    """The bytes of pictures are promised; of what is told of them, a later version may tell more."""
    pinned = url("variations", "seed=5&label=4&count=4&format=json", f"checkpoint={gallery.id_of(CONDITIONAL)}")
    first = gallery.get(pinned)
    assert first.headers["cache-control"] == "no-cache"
    assert gallery.get(pinned, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def decode(data_url: str) -> Cells:
    kind, _, data = data_url.partition(";base64,")
    assert kind == "data:image/png"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


# --- Walks --------------------------------------------------------------------------------------------------------


def test_a_walk_begins_and_ends_with_pictures_of_generate(gallery: Service) -> None:
    drawn = cells(gallery.get(url("walk", "from_seed=1&from_index=3&to_seed=2&label=3&to_label=8&steps=7")))
    assert drawn.shape[:2] == (1, 7)
    assert np.array_equal(drawn[0, 0], generated(gallery, "seed=1&count=4&digit=3")[3])
    assert np.array_equal(drawn[0, -1], generated(gallery, "seed=2&count=1&digit=8")[0])
    assert len({one.tobytes() for one in drawn[0]}) == 7


def test_a_walk_that_names_no_end_stays_and_may_change_the_class_alone(gallery: Service) -> None:
    still = cells(gallery.get(url("walk", "from_seed=1&from_index=2&label=3&steps=3")))[0]
    assert all(np.array_equal(one, still[0]) for one in still)
    changing = cells(gallery.get(url("walk", "from_seed=1&from_index=2&label=3&to_label=8&steps=3")))[0]
    assert np.array_equal(changing[0], still[0])
    assert np.array_equal(changing[2], generated(gallery, "seed=1&count=3&digit=8")[2])


def test_a_network_without_labels_is_walked_too(gallery: Service) -> None:
    drawn = cells(gallery.get(url("walk", "from_seed=1&to_seed=2&to_index=1&steps=3", PLAIN)))[0]
    assert np.array_equal(drawn[0], generated(gallery, "seed=1&count=1", PLAIN)[0])
    assert np.array_equal(drawn[2], generated(gallery, "seed=2&count=2", PLAIN)[1])


def test_a_loop_goes_back_without_showing_its_ends_twice(gallery: Service) -> None:
    there = cells(gallery.get(url("walk", SEEDED["walk"])))[0]
    loop = cells(gallery.get(url("walk", f"{SEEDED['walk']}&loop=true&columns=4")))
    assert loop.shape[:2] == (2, 4)
    assert np.array_equal(loop.reshape(8, SIZE, SIZE), np.concatenate([there, there[3:0:-1]]))


def test_a_walk_is_a_gif_of_the_same_pictures(gallery: Service) -> None:
    there = cells(gallery.get(url("walk")))[0]
    response = gallery.get(url("walk", f"{SEEDED['walk']}&format=gif&scale=2&fps=10"))
    assert response.headers["content-type"] == "image/gif"
    film: Any = Image.open(io.BytesIO(response.content))
    assert (film.n_frames, film.size, film.info["duration"]) == (5, (2 * SIZE, 2 * SIZE), 100)
    for place in range(5):
        film.seek(place)
        assert np.array_equal(np.asarray(film.convert("L"))[::2, ::2], there[place])


def test_a_walk_is_a_webm_of_the_same_pictures(gallery: Service) -> None:
    there = cells(gallery.get(url("walk")))[0]
    response = gallery.get(url("walk", f"{SEEDED['walk']}&format=webm"))
    assert response.headers["content-type"] == "video/webm"
    with av.open(io.BytesIO(response.content), "r") as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert [frame.shape for frame in frames] == [(8 * SIZE, 8 * SIZE)] * 5
    for frame, picture in zip(frames, there, strict=True):
        assert np.abs(frame[4::8, 4::8].astype(int) - picture).mean() < 12


def test_a_walk_is_a_zip_of_the_same_pictures(gallery: Service) -> None:
    there = cells(gallery.get(url("walk")))[0]
    response = gallery.get(url("walk", f"{SEEDED['walk']}&format=zip"))
    assert response.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        *pictures, last = archive.namelist()
        assert pictures == [f"{place:03}.png" for place in range(5)]
        assert json.loads(archive.read(last))["url"] == response.headers["content-location"]
        for name, picture in zip(pictures, there, strict=True):
            file = archive.read(name)
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), picture)
            assert gallery.get(json.loads(Image.open(io.BytesIO(file)).info["ganery"])["url"]).content == file


def test_one_picture_of_a_walk_is_drawn_alone(gallery: Service) -> None:
    loop = cells(gallery.get(url("walk", f"{SEEDED['walk']}&loop=true")))[0]
    response = gallery.get(url("walk", f"{SEEDED['walk']}&loop=true&index=6"))
    assert np.array_equal(cells(response)[0], loop[6:7])
    assert response.headers["x-ganery-pictures"] == "1"
    beyond = gallery.get(url("walk", f"{SEEDED['walk']}&loop=true&index=8"))
    assert "has the pictures 0 to 7, 8 came" in parameter(beyond, "index")


def test_a_walk_leads_to_an_address(gallery: Service) -> None:
    item = gallery.get(url("variations", "seed=5&label=4&count=2&format=json")).json()["items"][1]
    drawn = cells(gallery.get(url("walk", f"from_seed=1&to_seed={item['latent']}&label=1&to_label=4&steps=4")))[0]
    assert np.array_equal(drawn[-1], decode(item["picture"]))


# --- Sweeps -------------------------------------------------------------------------------------------------------


def test_a_sweep_changes_each_row_evenly_and_through_its_own_picture(gallery: Service) -> None:
    directions = gallery.get(f"/latent/directions?{NAMED}").json()
    name = directions["items"][0]["name"]
    drawn = cells(gallery.get(url("sweep", f"seed=5&rows=3&direction={name}&start=-1&stop=1&steps=5")))
    assert drawn.shape[:2] == (3, 5)
    assert np.array_equal(drawn[:, 2], generated(gallery, "seed=5&count=3"))
    assert all(len({one.tobytes() for one in row}) == 5 for row in drawn)


def test_a_sweep_sets_a_coordinate_whatever_it_was(gallery: Service) -> None:
    first, second = (
        cells(gallery.get(url("sweep", f"seed=5&coordinate={place}&steps=3"))).reshape(3, -1) for place in (0, 1)
    )
    assert len({one.tobytes() for one in (*first, *second)}) == 6
    told = parameter(gallery.get(url("sweep", "seed=5&coordinate=1000")), "coordinate")
    assert "0 to 63" in told


@pytest.mark.parametrize("query", ["", "&coordinate=1&direction=slant"])
def test_a_sweep_changes_one_thing(gallery: Service, query: str) -> None:
    assert "name one thing" in parameter(gallery.get(url("sweep", f"seed=5{query}")), "direction")


def test_what_does_not_exist_cannot_change(gallery: Service) -> None:
    assert "there are " in parameter(gallery.get(url("sweep", "seed=5&direction=beauty")), "direction")
    assert "it has none" in parameter(gallery.get(url("sweep", "seed=5&control=c1")), "control")


@pytest.fixture
def steered(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    for family in ("infogan", "lapgan"):
        save(trained(family), tmp_path / family)
    ship(monkeypatch, {name: tmp_path / name for name in ("infogan", "lapgan")})
    return service


def test_a_control_is_swept_over_its_range(steered: Service) -> None:
    checkpoint = "checkpoint=infogan"
    drawn = cells(steered.get(url("sweep", "seed=5&control=c1&steps=5&rows=2", checkpoint)))
    for column, value in enumerate((-2, -1, 0, 1, 2)):
        assert np.array_equal(drawn[:, column], generated(steered, f"seed=5&count=2&c1={value}", checkpoint))
    codes = cells(steered.get(url("sweep", "seed=5&control=code&start=7&stop=5", checkpoint)))
    assert codes.shape[:2] == (1, 3)
    assert np.array_equal(codes[0, 0], generated(steered, "seed=5&count=1&code=7", checkpoint)[0])
    told = parameter(steered.get(url("sweep", "seed=5&control=c1&stop=3", checkpoint)), "stop")
    assert "c1 goes from -2 to 2, 3 came" in told
    told = parameter(steered.get(url("sweep", "seed=5&control=c7", checkpoint)), "control")
    assert "infogan has no control 'c7'; it has code, c1, c2" in told


def test_every_tool_is_steered_as_generate_is(steered: Service) -> None:
    checkpoint, c1 = "checkpoint=infogan", "&code=3&c1=-1.5"
    wanted = generated(steered, f"seed=5&count=2{c1}", checkpoint)
    assert not np.array_equal(wanted, generated(steered, "seed=5&count=2", checkpoint))
    assert np.array_equal(cells(steered.get(url("picture", f"seed=5&index=1{c1}", checkpoint)))[0, 0], wanted[1])
    walk = cells(steered.get(url("walk", f"from_seed=5&to_seed=5&to_index=1&steps=3{c1}", checkpoint)))[0]
    assert np.array_equal(walk[[0, 2]], wanted)
    sum_ = cells(steered.get(url("arithmetic", f"a_seed=5&b_seed=5&b_index=1&c_seed=6{c1}", checkpoint)))[0]
    assert np.array_equal(sum_[:2], wanted)
    swept = cells(steered.get(url("sweep", "seed=5&rows=2&control=c1&start=-1.5&steps=2&code=3", checkpoint)))
    assert np.array_equal(swept[:, 0], wanted)
    crossed = cells(steered.get(url("matrix", "seed=5&rows=2&c1=-1.5", checkpoint)))
    assert np.array_equal(crossed[:, 3], wanted)
    told = steered.get(url("variations", f"seed=5&count=2&format=json{c1}", checkpoint)).json()["items"][1]
    assert "c1=-1.5&" in told["url"]
    assert np.array_equal(cells(steered.get(told["url"]))[0, 0], decode(told["picture"]))


def test_what_steers_is_refused_where_it_cannot(steered: Service) -> None:
    swept = steered.get(url("sweep", "seed=5&control=c1&c1=1", "checkpoint=infogan"))
    assert "c1 is what changes from column to column" in parameter(swept, "c1")
    others = steered.get(url("walk", "from_seed=1&to_seed=2&c1=1", "checkpoint=lapgan"))
    assert "lapgan has no such control, but infogan" in parameter(others, "c1")


def test_the_page_asks_for_what_steers_and_forgets_that_of_another_family(steered: Service) -> None:
    shown = steered.get("/explore?tool=walk&checkpoint=infogan&c1=-1.5").text
    assert 'name="c1" type="number" value="-1.5" min="-2" max="2"' in shown
    assert "c1=-1.5" in shown.partition('id="result"')[2]
    assert 'name="code"' not in steered.get("/explore?tool=matrix&checkpoint=infogan").text
    assert steered.get("/explore?tool=walk&checkpoint=lapgan&c1=1").status_code == 200


def test_smaller_pictures_are_enlarged_to_stand_beside_the_others(steered: Service) -> None:
    drawn = cells(steered.get(url("sweep", "seed=5&control=level", "checkpoint=lapgan")))[0]
    assert len(drawn) == 3
    coarsest = drawn[2]
    assert np.array_equal(coarsest, coarsest[::4, ::4].repeat(4, 0).repeat(4, 1))


# --- Classes and arithmetic ---------------------------------------------------------------------------------------


def test_a_row_of_the_matrix_is_one_noise_and_a_column_one_class(gallery: Service) -> None:
    drawn = cells(gallery.get(url("matrix", "seed=5&rows=3&index=1")))
    assert drawn.shape[:2] == (3, 10)
    for digit in (0, 4, 9):
        assert np.array_equal(drawn[:, digit], generated(gallery, f"seed=5&count=4&digit={digit}")[1:])


def test_the_matrix_of_a_family_that_found_its_classes_is_of_its_codes(steered: Service) -> None:
    drawn = cells(steered.get(url("matrix", "seed=5&rows=2", "checkpoint=infogan")))
    assert drawn.shape[:2] == (2, 10)
    assert np.array_equal(drawn[:, 3], generated(steered, "seed=5&count=2&code=3", "checkpoint=infogan"))


def test_a_family_without_classes_has_no_matrix_and_says_which_have(gallery: Service) -> None:
    told = parameter(gallery.get(url("matrix", "seed=5", PLAIN)), "checkpoint")
    assert "dcgan can be asked for no class" in told
    assert "infogan" in told
    assert "projection_gan" in told


def test_arithmetic_shows_what_it_reckons_with_and_the_sum(gallery: Service) -> None:
    parts = "a_seed=1&a_label=3&b_seed=2&b_label=3&c_seed=3&c_index=1&c_label=8"
    drawn = cells(gallery.get(url("arithmetic", parts)))
    assert drawn.shape[:2] == (1, 4)
    assert np.array_equal(drawn[0, 2], generated(gallery, "seed=3&count=2&digit=8")[1])
    assert not np.array_equal(drawn[0, 3], drawn[0, 2])
    nothing_changes = parts.replace("b_seed=2", "b_seed=1")
    same = cells(gallery.get(url("arithmetic", nothing_changes)))[0]
    assert np.array_equal(same[3], same[2])


# --- Directions ---------------------------------------------------------------------------------------------------


def test_directions_are_told_with_what_they_explain(gallery: Service) -> None:
    first = gallery.get(f"/latent/directions?{NAMED}")
    told = first.json()
    assert (told["checkpoint"], told["dimensions"], told["pictures"]) == (gallery.id_of(CONDITIONAL), 64, 2048)
    names = [item["name"] for item in told["items"]]
    assert {"component1", "component2", "component3", "component4"} < set(names)
    for item in told["items"]:
        assert item["r_squared"] <= 1
        assert item["per_step"][item["name"]] > 0
    unchanged = gallery.get(f"/latent/directions?{NAMED}", headers={"If-None-Match": first.headers["etag"]})
    assert unchanged.status_code == 304


def test_directions_are_found_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    first = service.get(f"/latent/directions?{PLAIN}").json()
    monkeypatch.setattr("app.latent.answers.find_directions", None)
    assert service.get(f"/latent/directions?{PLAIN}").json() == first
    name = first["items"][0]["name"]
    cells(service.get(url("sweep", f"seed=1&direction={name}&steps=2", PLAIN)))


# --- Projection ---------------------------------------------------------------------------------------------------


def post(service: Service, picture: bytes, query: str = NAMED, kind: str = "image/png") -> httpx.Response:
    return service.post(f"/latent/project?{query}", content=picture, headers={"Content-Type": kind})


def png(picture: Cells) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


def test_the_latents_of_a_picture_are_told_the_best_first(gallery: Service) -> None:
    target = generated(gallery, "seed=31&count=1&digit=4")[0]
    told = post(gallery, png(target)).json()
    assert (told["checkpoint"], told["judge"], len(told["items"])) == (gallery.id_of(CONDITIONAL), JUDGE, 8)
    assert np.array_equal(decode(told["target"]), target)
    distances = [item["distance"] for item in told["items"]]
    assert distances == sorted(distances)
    first = told["items"][0]
    again = cells(gallery.get(first["url"]))[0, 0]
    assert np.array_equal(again, decode(first["picture"]))
    assert gallery.get(first["url"]).content == base64.b64decode(first["picture"].partition(",")[2])
    error = np.sqrt(np.square((again.astype(float) - target) / 255).mean())
    assert first["pixel_error"] == pytest.approx(error, abs=0.003)
    assert post(gallery, png(target)).json() == told


def test_a_walk_leads_from_a_picture_to_the_one_that_was_drawn(gallery: Service) -> None:
    item = post(gallery, png(generated(gallery, "seed=31&count=1")[0]), f"{NAMED}&label=6&count=1").json()["items"][0]
    assert item["label"] == "6"
    there = f"from_seed=1&label=2&to_seed={item['latent']}&to_label=6&steps=4"
    assert np.array_equal(cells(gallery.get(url("walk", there)))[0, -1], decode(item["picture"]))


def test_without_labels_or_a_judge_the_pixels_decide(gallery: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.latent.answers.has_judge", lambda dataset: False)
    told = post(gallery, png(generated(gallery, "seed=31&count=1", PLAIN)[0]), f"{PLAIN}&count=2").json()
    assert told["judge"] is None
    assert [item["label"] for item in told["items"]] == [None, None]


def test_what_is_drawn_is_brought_to_the_middle(gallery: Service) -> None:
    strokes = np.zeros((280, 280), np.uint8)
    strokes[10:70, 20:30] = 255
    told = post(gallery, png(strokes), f"{NAMED}&count=1&centre=true").json()
    understood = decode(told["target"])
    rows, columns = (np.flatnonzero(understood.max(axis=axis) > 127) for axis in (1, 0))
    assert len(rows) == round(SIZE * 20 / 28)
    assert abs(rows.mean() - (SIZE - 1) / 2) <= 1
    assert abs(columns.mean() - (SIZE - 1) / 2) <= 1


@pytest.mark.parametrize("centre", ["true", "false"])
@pytest.mark.parametrize("brightness", [0, 120, 255])
def test_a_picture_of_one_colour_is_refused(gallery: Service, brightness: int, centre: str) -> None:
    blank = png(np.full((40, 60), brightness, np.uint8))
    told = refusal(post(gallery, blank, f"{NAMED}&centre={centre}"), 422, "blank-picture")
    assert told["detail"] == "the picture shows nothing, all of it is of one colour: draw something bright on black"


def test_a_picture_too_dark_to_be_brought_to_the_middle_is_refused(gallery: Service) -> None:
    dark = np.zeros((SIZE, SIZE), np.uint8)
    dark[2:5, 2:5] = 63
    told = refusal(post(gallery, png(dark), f"{NAMED}&centre=true"), 422, "blank-picture")
    assert "nothing on it is brighter than 63 of 255" in told["detail"]
    assert post(gallery, png(dark), f"{NAMED}&count=1").status_code == 200


def test_nothing_is_walked_to_before_something_was_found(gallery: Service) -> None:
    page = gallery.get(f"/explore?{NAMED}&tool=draw")
    assert page.status_code == 200
    assert "/latent/walk" not in page.text
    assert 'class="player' not in page.text
    found = gallery.get(f"/explore?{NAMED}&tool=draw&to_seed=5")
    assert "to_seed=5" in found.text.partition('id="result"')[2]


def test_what_is_no_picture_is_refused(gallery: Service) -> None:
    refusal(post(gallery, b"GIF89a"), 422, "unreadable-picture")
    refusal(post(gallery, png(np.zeros((4, 4), np.uint8)), kind="text/plain"), 415, "unsupported-media-type")
    assert "takes no labels" in parameter(post(gallery, b"", f"{PLAIN}&label=3"), "label")
    assert "should be a whole number from 1 up to 8" in parameter(post(gallery, b"", "count=9"), "count")
