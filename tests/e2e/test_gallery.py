"""The gallery in a browser: keep, find, star, compare, delete, undo, recall and verify; by mouse and by keyboard."""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from models import encode_png
from tests.app.service import Service
from tests.app.test_pictures import items, keep
from tests.app.zoo import CONDITIONAL
from tests.e2e.drops import drop
from tests.e2e.looks import assert_accessible, assert_fits, assert_nothing_moved, assert_pictures_have_sizes


def fill(service: Service, count: int, **marks: Any) -> list[dict[str, Any]]:
    """Keep so many pictures, one of each class in turn, the newest first."""
    recipes = ({"checkpoint": CONDITIONAL, "seed": 5, "index": index} for index in range(count))
    return [keep(service, recipe, **marks) for recipe in recipes][::-1]


@pytest.fixture
def gallery(page: Page, service: Service) -> Page:
    """The gallery of a service of the test's own, with twelve pictures."""
    fill(service, 12)
    page.goto(f"{service.url}/gallery")
    expect(page.get_by_role("button", name="Select all shown")).to_be_visible()
    return page


def tiles(page: Page) -> Locator:
    return page.locator("#tiles > li")


def tile(page: Page, place: int) -> Locator:
    """The picture of this place in its grid."""
    return page.locator(f'#tiles > li[data-name$=", picture {place + 1}"]')


def selected(page: Page) -> set[int]:
    """The places of the pictures that are selected."""
    names = page.locator("#tiles > li:has(input:checked)").evaluate_all("all => all.map(one => one.dataset.name)")
    return {int(name.rpartition(" ")[2]) - 1 for name in names}


# Finding


def test_a_kept_picture_is_found_by_the_form(page: Page, service: Service) -> None:
    keep(service, {"checkpoint": CONDITIONAL, "seed": 1, "index": 3}, tags=["bold"], note="leans over")
    keep(service, {"checkpoint": CONDITIONAL, "seed": 2, "index": 4}, starred=True)
    page.goto(f"{service.url}/gallery")
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 pictures")
    expect(tiles(page)).to_have_count(2)
    page.get_by_label("Whole words").fill("leans bold")
    page.get_by_role("button", name="Find").click()
    expect(page).to_have_url(re.compile("text=leans\\+bold"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 picture")
    expect(tile(page, 3)).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    page.get_by_label("with a star").check()
    page.get_by_label("Class", exact=True).fill("4")
    page.get_by_role("button", name="Find").click()
    expect(tile(page, 4)).to_be_visible()
    page.get_by_role("textbox", name="Seed").fill("7")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("No picture is like that")).to_be_visible()


def test_what_cannot_be_searched_for_is_said_on_the_page(page: Page, served: Service, unguarded: Any) -> None:
    page.goto("/gallery?text=%21%21")
    expect(page.get_by_role("alert")).to_contain_text("there is no word in")
    page.goto("/gallery?cursor=zzz")
    expect(page.get_by_role("alert")).to_contain_text("no cursor of this list")
    unguarded("422")


def test_more_comes_as_one_scrolls_and_pages_are_links_too(page: Page, service: Service) -> None:
    fill(service, 25)
    page.goto(f"{service.url}/gallery?limit=10")
    page.locator("#pages").scroll_into_view_if_needed()
    expect(tiles(page)).to_have_count(25)
    expect(page.locator("#pages a")).to_have_count(0)
    expect(tile(page, 0).get_by_role("button", name="Star")).to_be_visible()


def test_nothing_moves_as_more_comes(page: Page, service: Service) -> None:
    fill(service, 136)
    page.goto(f"{service.url}/gallery")
    for _ in range(40):
        page.mouse.wheel(0, 150)
        page.wait_for_timeout(30)
    expect(tiles(page)).to_have_count(136)
    page.mouse.wheel(0, 3000)
    assert_nothing_moved(page)


def test_without_script_one_goes_by_links_and_downloads_by_the_form(browser: Browser, service: Service) -> None:
    fill(service, 25)
    with browser.new_context(java_script_enabled=False, base_url=service.url) as context:
        page = context.new_page()
        page.goto("/gallery?limit=10")
        expect(page.get_by_text("needs a script")).to_contain_text("POST /verify")
        expect(page.get_by_text("needs a script")).to_contain_text("POST /recall")
        expect(tiles(page)).to_have_count(10)
        page.get_by_role("link", name="Next").click()
        page.get_by_role("link", name="Next").click()
        expect(tiles(page)).to_have_count(5)
        page.get_by_role("link", name="Before").click()
        expect(tiles(page).first).to_have_attribute("data-name", re.compile("picture 15$"))
        page.get_by_role("link", name="Before").click()
        expect(tiles(page).first).to_have_attribute("data-name", re.compile("picture 25$"))
        expect(page.locator("#pages a")).to_have_text(["Next"])
        for place in (24, 20):
            tile(page, place).get_by_role("checkbox").check(force=True)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download zip").click()
        assert len(zipfile.ZipFile(download.value.path()).namelist()) == 3
        tile(page, 24).get_by_role("link").click()
        expect(page.get_by_role("heading", name="4 by projection_gan, seed 5, picture 25")).to_be_visible()
        expect(page.get_by_role("link", name="Use its parameters")).to_be_visible()
        expect(page.locator("main input[type=file]")).to_be_hidden()
        assert page.locator("main :is(button):visible").all_inner_texts() != []
        page.get_by_role("link", name="Close").click()
        expect(page.locator("#picture")).to_be_hidden()


def test_without_script_one_keeps_stars_tags_deletes_and_undoes(browser: Browser, service: Service) -> None:
    fill(service, 3)
    with browser.new_context(java_script_enabled=False, base_url=service.url) as context:
        page = context.new_page()
        page.goto("/?seed=8&count=4&index=2&scale=4")
        page.locator("#details").get_by_role("button", name="Keep").click()
        shown = page.locator("#picture")
        expect(shown.get_by_role("heading")).to_contain_text("seed 8")
        assert [one["seed"] for one in items(service)] == [8, 5, 5, 5]

        shown.get_by_role("button", name="Star").click()
        expect(shown.get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
        shown.get_by_label("Tags").fill("Bold, leaning")
        shown.get_by_label("Note").fill("over there")
        shown.get_by_role("button", name="Save").click()
        expect(shown.locator(".tag")).to_have_text(["bold", "leaning"])
        assert [(one["starred"], one["note"]) for one in items(service, "seed=8")] == [(True, "over there")]
        shown.get_by_role("button", name="Star").click()
        expect(shown.get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "false")

        shown.get_by_role("button", name="Delete").click()
        expect(page.get_by_text("1 picture deleted.")).to_be_visible()
        expect(tiles(page)).to_have_count(3)
        page.get_by_role("button", name="Undo").click()
        expect(tiles(page)).to_have_count(4)
        assert "deleted=" not in page.url

        for one in (0, 2):
            tiles(page).nth(one).get_by_role("checkbox").check(force=True)
        page.locator(".toolbar").get_by_role("button", name="Star").click()
        assert [one["starred"] for one in items(service)] == [True, False, True, False]
        for one in (0, 2):
            tiles(page).nth(one).get_by_role("checkbox").check(force=True)
        page.locator(".toolbar").get_by_role("button", name="Delete").click()
        expect(page.get_by_text("2 pictures deleted.")).to_be_visible()
        page.get_by_role("link", name="Trash").click()
        tiles(page).first.get_by_role("checkbox").check(force=True)
        page.locator(".toolbar").get_by_role("button", name="Restore").click()
        expect(tiles(page)).to_have_count(1)
        assert len(items(service)) == 3
        page.locator(".toolbar").get_by_role("button", name="Restore").click()
        expect(page.get_by_role("alert")).to_contain_text("no picture is selected")
        page.get_by_role("link", name="Go on from here").click()
        expect(page).to_have_url(re.compile("trash=true"))

        tiles(page).first.get_by_role("checkbox").check(force=True)
        for answer, left in (("Keep", 1), ("Remove for good", 0)):
            page.locator(".toolbar").get_by_role("button", name="Remove for good").click()
            expect(page.get_by_role("heading", name="Remove 1 picture for good?")).to_be_visible()
            assert_fits(page)
            page.get_by_role("main").get_by_text(answer, exact=True).click()
            expect(tiles(page)).to_have_count(left)
            for tile in tiles(page).all():
                tile.get_by_role("checkbox").check(force=True)


# The picture in full


def test_a_picture_is_shown_in_full_and_has_an_address(gallery: Page, service: Service) -> None:
    tile(gallery, 7).get_by_role("link").click()
    shown = gallery.locator("#picture")
    expect(shown.get_by_role("heading")).to_have_text("7 by projection_gan, seed 5, picture 8")
    expect(shown).to_be_focused()
    kept = next(one for one in items(service) if one["index"] == 7)
    assert f"picture={kept['id']}" in gallery.url
    expect(shown.get_by_role("link", name="Use its parameters")).to_have_attribute("href", kept["page"])
    gallery.reload()
    expect(shown.get_by_role("heading")).to_have_text("7 by projection_gan, seed 5, picture 8")
    shown.get_by_role("link", name="Close").click()
    expect(shown).to_be_hidden()
    expect(tile(gallery, 7).get_by_role("link")).to_be_focused()
    gallery.go_back()
    expect(shown.get_by_role("heading")).to_have_text("7 by projection_gan, seed 5, picture 8")
    gallery.get_by_role("link", name="Trash").click()
    gallery.goto(f"{service.url}/gallery?picture=nonesuch")
    expect(gallery.get_by_text("not here any more")).to_be_visible()


def test_a_picture_is_starred_tagged_and_described(gallery: Page, service: Service) -> None:
    tile(gallery, 3).hover()
    tile(gallery, 3).get_by_role("button", name="Star").click()
    expect(tile(gallery, 3).get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
    tile(gallery, 3).get_by_role("link").click()
    shown = gallery.locator("#picture")
    expect(shown.get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
    shown.get_by_label("Tags").fill("Bold, leaning  left ,")
    shown.get_by_label("Note").fill("a <b>tired</b> tree")
    shown.get_by_role("button", name="Save").click()
    expect(gallery.locator("#toast")).to_contain_text("Saved")
    expect(shown.locator(".tag")).to_have_text(["bold", "leaning  left"])
    expect(shown.locator("dd", has_text="a <b>tired</b> tree")).to_be_visible()
    (starred,) = items(service, "starred=true&text=tired")
    assert (starred["index"], starred["tags"]) == (3, ["bold", "leaning  left"])
    shown.get_by_role("link", name="bold").click()
    expect(tiles(gallery)).to_have_count(1)


def test_what_the_service_refuses_is_said(gallery: Page, service: Service, unguarded: Any) -> None:
    tile(gallery, 3).get_by_role("link").click()
    gallery.locator("#picture").get_by_label("Tags").fill("x" * 51)
    gallery.locator("#picture").get_by_role("button", name="Save").click()
    expect(gallery.locator("#toast")).to_contain_text("tags.0: should be a tag of 1 to 50 characters")
    unguarded("422")


# Selecting


def test_pictures_are_selected_by_mouse(gallery: Page) -> None:
    tile(gallery, 9).get_by_role("link").click(modifiers=["ControlOrMeta"])
    tile(gallery, 6).get_by_role("link").click(modifiers=["Shift"])
    assert selected(gallery) == {6, 7, 8, 9}
    expect(gallery.get_by_text("4 selected")).to_be_visible()
    tile(gallery, 7).get_by_role("link").click(modifiers=["ControlOrMeta"])
    tile(gallery, 1).get_by_role("checkbox").check()
    assert selected(gallery) == {1, 6, 8, 9}
    expect(gallery.get_by_role("button", name="Compare two")).to_be_disabled()
    gallery.get_by_role("button", name="Select all shown").click()
    assert selected(gallery) == set(range(12))


def test_the_keyboard_alone_does_it_all(gallery: Page, service: Service) -> None:
    tile(gallery, 11).get_by_role("link").focus()
    press = gallery.keyboard.press
    press("Space")
    press("ArrowRight")
    expect(tile(gallery, 10).get_by_role("link")).to_be_focused()
    press("Space")
    assert selected(gallery) == {11, 10}
    press("c")
    expect(gallery.get_by_role("dialog", name="Compare")).to_be_visible()
    press("Escape")
    expect(gallery.get_by_role("dialog", name="Compare")).to_be_hidden()
    press("Escape")
    press("Shift+ArrowRight")
    press("Shift+ArrowRight")
    assert selected(gallery) == {10, 9, 8}
    press("s")
    expect(tile(gallery, 8).get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
    press("ArrowDown")
    below = gallery.evaluate("document.activeElement.closest('li').dataset.name")
    assert int(below.rpartition(" ")[2]) < 9
    press("ArrowUp")
    press("Delete")
    expect(gallery.locator("#toast")).to_contain_text("3 pictures deleted")
    expect(tiles(gallery)).to_have_count(9)
    expect(gallery.get_by_role("heading", level=1)).to_contain_text("9 pictures")
    assert gallery.evaluate("document.activeElement.closest('#tiles > li') !== null")
    gallery.get_by_role("button", name="Undo").focus()
    press("Enter")
    expect(tiles(gallery)).to_have_count(12)
    tile(gallery, 5).get_by_role("link").focus()
    press("ControlOrMeta+a")
    assert len(selected(gallery)) == 12
    press("Enter")
    expect(gallery.locator("#picture")).to_be_focused()


def test_tab_reaches_one_picture_and_then_leaves_the_list(gallery: Page) -> None:
    tile(gallery, 11).get_by_role("link").focus()
    for _ in range(3):
        gallery.keyboard.press("Tab")
    assert gallery.evaluate("document.activeElement.closest('#tiles') === null")


# Comparing, downloading


def test_two_pictures_are_compared_side_by_side_and_by_a_slider(gallery: Page) -> None:
    for place in (4, 2):
        tile(gallery, place).get_by_role("link").click(modifiers=["ControlOrMeta"])
    gallery.get_by_role("button", name="Compare two").click()
    dialog = gallery.get_by_role("dialog", name="Compare")
    pictures = dialog.get_by_role("img")
    expect(pictures).to_have_count(2)
    first, second = (pictures.nth(place).bounding_box() for place in (0, 1))
    assert first and second and first["x"] + first["width"] <= second["x"]  # noqa: PT018
    assert_accessible(gallery)
    dialog.get_by_role("button", name="One over the other").click()
    first, second = (pictures.nth(place).bounding_box() for place in (0, 1))
    assert first == second
    dialog.get_by_label("Edge").fill("25")
    assert pictures.nth(1).evaluate("one => getComputedStyle(one).clipPath") == "inset(0px 0px 0px 25%)"
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize("most", ["200", "1"], ids=["by a link", "by a script"])
def test_a_selection_is_downloaded_with_its_recipes(gallery: Page, service: Service, most: str) -> None:
    gallery.locator("#pictures").evaluate("(form, most) => { form.dataset.most = most; }", most)
    for place in (4, 2):
        tile(gallery, place).get_by_role("link").click(modifiers=["ControlOrMeta"])
    with gallery.expect_download() as download:
        gallery.get_by_role("button", name="Download zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        told = json.loads(archive.read("manifest.json"))["pictures"]
        assert {one["index"] for one in told} == {2, 4}
        for one in told:
            assert archive.read(one["file"]) == service.get(one["image"]).content


# Deleting


def test_a_deleted_picture_comes_back_by_undo_and_from_the_trash(gallery: Page, service: Service) -> None:
    tile(gallery, 6).get_by_role("link").click()
    gallery.locator("#picture").get_by_role("button", name="Delete").click()
    expect(tile(gallery, 6)).to_have_count(0)
    expect(gallery.locator("#picture")).to_be_hidden()
    assert len(items(service, "trash=true")) == 1
    gallery.get_by_role("button", name="Undo").click()
    expect(tile(gallery, 6)).to_be_visible()
    places = gallery.locator("#tiles > li").evaluate_all("all => all.map(one => one.dataset.name.split(' ').pop())")
    assert places == [str(number) for number in range(12, 0, -1)]
    assert items(service, "trash=true") == []

    for place in (6, 2):
        tile(gallery, place).get_by_role("link").click(modifiers=["ControlOrMeta"])
    gallery.locator(".toolbar").get_by_role("button", name="Delete").click()
    expect(gallery.locator("#toast")).to_contain_text("2 pictures deleted")
    gallery.get_by_role("link", name="Trash").click()
    expect(tiles(gallery)).to_have_count(2)
    tile(gallery, 2).get_by_role("link").click()
    expect(gallery.locator("#picture")).to_contain_text("In the trash until")
    gallery.locator("#picture").get_by_role("button", name="Restore").click()
    expect(tiles(gallery)).to_have_count(1)
    gallery.get_by_role("button", name="Select all shown").click()
    gallery.locator(".toolbar").get_by_role("button", name="Restore").click()
    expect(tiles(gallery)).to_have_count(0)
    assert len(items(service)) == 12


def test_what_is_removed_for_good_is_asked_first(gallery: Page, service: Service) -> None:
    for place in (6, 4, 2):
        tile(gallery, place).get_by_role("link").click(modifiers=["ControlOrMeta"])
    gallery.locator(".toolbar").get_by_role("button", name="Delete").click()
    expect(gallery.locator("#toast")).to_contain_text("3 pictures deleted")
    gallery.get_by_role("link", name="Trash").click()
    tile(gallery, 6).get_by_role("link").click()
    remove = gallery.locator("#picture").get_by_role("button", name="Remove for good")
    gallery.once("dialog", lambda asked: asked.dismiss())
    remove.click()
    expect(tiles(gallery)).to_have_count(3)
    gallery.once("dialog", lambda asked: asked.accept())
    remove.click()
    expect(gallery.locator("#toast")).to_contain_text("1 picture removed for good.")
    expect(gallery.locator("#toast").get_by_role("button", name="Undo")).to_have_count(0)
    gallery.get_by_role("button", name="Select all shown").click()
    gallery.once("dialog", lambda asked: asked.accept())
    gallery.locator(".toolbar").get_by_role("button", name="Remove for good").click()
    expect(tiles(gallery)).to_have_count(0)
    assert items(service, "trash=true") == []
    assert len(items(service)) == 9


# Recall and verify


def test_a_dropped_picture_is_recalled_verified_and_kept(page: Page, service: Service) -> None:
    png = service.get(f"/generate?checkpoint={CONDITIONAL}&seed=3&count=4&digit=7").content
    page.goto(f"{service.url}/gallery")
    told = page.locator("#told")
    drop(page, png)
    expect(told.locator("dd", has_text="segments")).to_be_visible()
    link = told.get_by_role("link", name="Use its parameters")
    assert "seed=3" in (link.get_attribute("href") or "")
    told.get_by_role("button", name="Verify").click()
    expect(told.locator(".verdict")).to_contain_text("equal")
    expect(told.locator(".verdict")).to_contain_text("Every byte is what this service draws")
    assert_accessible(page)
    told.get_by_role("button", name="Keep").click()
    expect(told.get_by_role("button", name="Kept")).to_be_disabled()
    (kept,) = items(service)
    assert (kept["seed"], kept["label"]) == (3, "7")
    expect(page.locator(f'#tiles > [data-id="{kept["id"]}"]')).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 picture")
    page.get_by_role("button", name="Undo").click()
    expect(tiles(page)).to_have_count(0)
    expect(page.get_by_text("Nothing is kept yet")).to_be_visible()
    assert items(service) == []
    told.get_by_role("button", name="Keep", exact=True).click()
    expect(tiles(page)).to_have_count(1)
    drop(page, png)
    told.get_by_role("link", name="It is kept").click()
    expect(page.locator("#picture")).to_contain_text("4 pictures of 7 by projection_gan")


def test_a_dropped_walk_leads_to_explore_and_is_verified(page: Page, served: Service) -> None:
    walk = f"/latent/walk?checkpoint={served.id_of(CONDITIONAL)}&from_seed=1&label=3&steps=4&to_label=8&to_seed=2"
    page.goto("/gallery")
    drop(page, served.get(walk).content)
    told = page.locator("#told")
    expect(told.locator("dt", has_text="from seed")).to_be_visible()
    told.get_by_role("button", name="Verify").click()
    expect(told.locator(".verdict")).to_contain_text("equal")
    expect(told.get_by_role("button", name="Keep")).to_have_count(0)
    told.get_by_role("link", name="Open it in Explore").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Explore")
    expect(page.locator("#result .strip")).to_have_attribute("src", walk)
    expect(page.get_by_label("steps")).to_have_value("4")


def test_a_chosen_file_that_was_changed_is_told(page: Page, served: Service, tmp_path: Path) -> None:
    png = served.get(f"/generate?checkpoint={CONDITIONAL}&seed=3&count=4").content
    with Image.open(io.BytesIO(png)) as image:
        recipe, pixels = image.info["ganery"], 255 - np.array(image)
    file = tmp_path / "changed.png"
    file.write_bytes(encode_png(torch.from_numpy(pixels)[..., None], {"ganery": recipe}))
    page.goto("/gallery")
    page.get_by_label("What is this picture?").set_input_files(file)
    page.locator("#told").get_by_role("button", name="Verify").click()
    expect(page.locator("#told .verdict")).to_contain_text("different")
    expect(page.locator("#told .verdict")).to_contain_text("the picture was changed, or its recipe was")


def test_a_picture_of_others_is_refused_in_words(page: Page, served: Service, unguarded: Any) -> None:
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "PNG")
    page.goto("/gallery")
    drop(page, out.getvalue())
    expect(page.locator("#told")).to_contain_text("tells no recipe of Ganery's")
    unguarded("422")


def test_the_shown_picture_is_verified(gallery: Page) -> None:
    tile(gallery, 7).get_by_role("link").click()
    gallery.locator("#picture").get_by_role("button", name="Verify").click()
    expect(gallery.locator("#picture .verdict")).to_contain_text("equal")


# Looks


def test_the_gallery_with_pictures_is_accessible_still_and_fits_a_phone(gallery: Page) -> None:
    assert_pictures_have_sizes(gallery)
    assert_nothing_moved(gallery)
    tile(gallery, 7).get_by_role("link").click(modifiers=["ControlOrMeta"])
    tile(gallery, 3).get_by_role("link").click()
    expect(gallery.locator("#picture").get_by_role("heading")).to_be_visible()
    assert_accessible(gallery)
    gallery.set_viewport_size({"width": 360, "height": 780})
    assert_fits(gallery)
    gallery.reload()
    assert_fits(gallery)
    assert_accessible(gallery)
