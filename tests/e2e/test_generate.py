"""The page Generate, as people use it."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app.service import Service
from tests.e2e.drops import drop
from tests.e2e.faults import Faults
from tests.e2e.looks import assert_accessible, assert_fits, assert_nothing_moved

STATE = "/?seed=5&count=12&columns=4"


def query_of(page: Page) -> dict[str, str]:
    return {name: value[0] for name, value in parse_qs(urlsplit(page.url).query).items()}


def settle(page: Page) -> None:
    """Wait until the state that was asked for is shown."""
    page.wait_for_timeout(250)  # what a slider moves comes a little later
    expect(page.locator("#generate.busy")).to_have_count(0)


def picture(page: Page, index: int) -> str:
    return f'#grid a[data-index="{index}"]'


def test_the_address_says_all_that_is_shown(page: Page, browser: Browser, served: Service) -> None:
    page.goto(STATE)
    page.get_by_role("radio", name="7", exact=True).check()
    settle(page)
    page.get_by_label("count").fill("6")
    page.get_by_label("count").press("Enter")
    settle(page)
    assert query_of(page) == {
        "checkpoint": served.id_of("projection_gan-mnist"),
        "seed": "5",
        "count": "6",
        "columns": "4",
        "digit": "7",
    }
    with browser.new_context(base_url=served.url) as context:
        other = context.new_page()
        other.goto(page.url)
        for selector in ("#grid image", "#grid"):
            assert other.locator(selector).get_attribute("href") == page.locator(selector).get_attribute("href")
        expect(other.get_by_role("radio", name="7", exact=True)).to_be_checked()
        expect(other.get_by_label("count")).to_have_value("6")


def test_a_dropped_picture_leads_to_where_it_was_made(page: Page, served: Service, unguarded: Any) -> None:
    page.goto(STATE)
    drop(page, served.get("/generate?seed=9&count=2&digit=4").content)
    expect(page.get_by_label("seed", exact=True)).to_have_value("9")
    assert query_of(page)["digit"] == "4"
    sweep = f"/latent/sweep?checkpoint={served.id_of('projection_gan-mnist')}&coordinate=2&seed=7&steps=3"
    page.goto(STATE)
    drop(page, served.get(sweep).content)
    expect(page.locator("#result .strip")).to_have_attribute("src", sweep)
    page.goto(STATE)
    drop(page, served.get("/generate?seed=9&count=2&metadata=false").content)
    expect(page.locator("#status")).to_contain_text("tells no recipe")
    unguarded("422")


def test_the_pages_query_is_that_of_generate(page: Page, served: Service) -> None:
    page.goto(STATE)
    grid = served.get(page.url.replace("/?", "/generate?").removeprefix(served.url))
    shown = served.get(page.locator("#grid image").get_attribute("href") or "")
    assert grid.content == shown.content


def test_the_front_page_names_the_seed_that_it_drew(page: Page) -> None:
    page.goto("/")
    seed = page.get_by_label("seed", exact=True).input_value()
    assert query_of(page)["seed"] == seed
    page.reload()
    expect(page.get_by_label("seed", exact=True)).to_have_value(seed)


def test_the_seed_goes_up_and_down_and_is_drawn_and_kept(page: Page) -> None:
    page.goto(STATE)
    seed = page.get_by_label("seed", exact=True)
    page.get_by_role("link", name="one seed up").click()
    settle(page)
    assert query_of(page)["seed"] == "6"
    page.get_by_role("link", name="one seed down").click()
    settle(page)
    page.get_by_role("button", name="keep the seed").click()
    page.get_by_role("button", name="Draw", exact=True).click()
    settle(page)
    expect(seed).to_have_value("5")
    page.get_by_role("button", name="keep the seed").click()
    page.get_by_role("button", name="Draw", exact=True).click()
    settle(page)
    drawn = query_of(page)["seed"]
    assert drawn != "5"
    page.get_by_role("link", name="draw another seed").click()
    settle(page)
    assert query_of(page)["seed"] not in {"5", drawn}
    seed.fill("77")
    seed.press("Enter")
    settle(page)
    assert query_of(page)["seed"] == "77"


def test_the_way_back_leads_to_what_was_shown(page: Page) -> None:
    page.goto(STATE)
    page.get_by_role("radio", name="3", exact=True).check()
    settle(page)
    page.get_by_role("link", name="one seed up").click()
    settle(page)
    page.go_back()
    settle(page)
    expect(page.get_by_label("seed", exact=True)).to_have_value("5")
    expect(page.get_by_role("radio", name="3", exact=True)).to_be_checked()
    page.go_back()
    settle(page)
    expect(page.get_by_role("radio", name="each in turn")).to_be_checked()


def test_a_picture_is_looked_at_closely(page: Page, served: Service) -> None:
    page.goto(STATE)
    page.locator(picture(page, 7)).click()
    expect(page.get_by_role("heading", name="Picture 8")).to_be_focused()
    assert query_of(page)["index"] == "7"
    details = page.locator("#details")
    expect(details.get_by_text("class 7")).to_be_visible()
    expect(details.get_by_text("log odds")).to_be_visible()
    expect(details.get_by_text("judge-segments", exact=True)).to_be_visible()
    expect(details.get_by_text(re.compile("as far as it typically is for test pictures"))).to_be_visible(timeout=60_000)
    for image in details.get_by_role("img").all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("image => image.naturalWidth") > 0
    with page.expect_download() as download:
        details.get_by_role("link", name="Download PNG").click()
    saved = download.value
    assert saved.suggested_filename == "picture-8.png"
    assert saved.path().read_bytes() == served.get("/generate?seed=5&index=7&scale=8").content
    details.get_by_role("link", name="the next picture").click()
    expect(page.get_by_role("heading", name="Picture 9")).to_be_visible()
    details.get_by_role("link", name="close").click()
    expect(page.locator(picture(page, 8))).to_be_focused()
    expect(details).to_be_hidden()


def test_the_variations_go_as_far_as_is_asked(page: Page) -> None:
    page.goto(f"{STATE}&index=2")
    with page.expect_response(re.compile(r"/latent/variations.*spread=0\.9")) as response:
        page.get_by_label("how far from it").fill("0.9")
    assert response.value.status == 200


def test_links_and_commands_are_copied(page: Page, served: Service) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{STATE}&index=2")
    clipboard: Callable[[], str] = lambda: page.evaluate("navigator.clipboard.readText()")  # noqa: E731
    page.locator("#details").get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert clipboard() == page.url
    page.locator("#result").get_by_role("button", name="Copy curl").click()
    expect(page.get_by_role("button", name="Copied")).to_have_count(2)
    (url,) = re.findall(r"^curl -o pictures.png '([^']+)'$", clipboard())
    assert url.startswith(served.url)
    assert httpx.get(url, verify=False).headers["content-type"] == "image/png"


def test_another_checkpoint_brings_its_own_form(page: Page, served: Service) -> None:
    page.goto(f"{STATE}&digit=3")
    page.get_by_text("choose another").click()
    page.get_by_role("link", name=re.compile("dcgan")).click()
    settle(page)
    assert query_of(page) == {"checkpoint": served.id_of("plain"), "seed": "5", "count": "12", "columns": "4"}
    expect(page.get_by_role("radio", name="any")).to_be_checked()
    expect(page.locator("#picker summary")).to_be_focused()


def test_a_refusal_is_told_in_place_and_the_form_stays(page: Page, faults: Faults) -> None:
    faults.expect("422")
    page.goto(STATE)
    page.locator("#nice_factor").fill("5")
    page.locator("#nice_factor").press("Tab")
    expect(page.get_by_role("status")).to_contain_text("means nothing without nice=true")
    page.get_by_label("keep those that look real").check()
    settle(page)
    expect(page.get_by_role("status")).to_have_text(re.compile("12 pictures of seed 5"))
    assert query_of(page)["nice_factor"] == "5"


@pytest.mark.slow
def test_what_choosing_is_worth_is_told_in_place(page: Page) -> None:
    page.goto(STATE)
    page.get_by_text("what choosing is worth here").click()
    table = page.locator(".report table")
    expect(table).to_be_visible(timeout=60_000)
    expect(table.get_by_role("rowheader", name="best of 20", exact=True)).to_be_visible()


def test_the_keyboard_does_all(page: Page) -> None:
    page.goto(STATE)
    page.get_by_role("button", name="Draw", exact=True).focus()
    while not page.evaluate("document.activeElement.matches('#grid a')"):
        page.keyboard.press("Tab")
    expect(page.locator(picture(page, 0))).to_be_focused()
    for key, index in (("ArrowRight", 1), ("ArrowDown", 5), ("End", 11), ("ArrowUp", 7), ("ArrowLeft", 6)):
        page.keyboard.press(key)
        expect(page.locator(picture(page, index))).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Picture 7")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(picture(page, 6))).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(picture(page, 6))).not_to_be_focused()
    assert page.evaluate("document.activeElement.matches('#grid a')") is False


def test_another_seed_by_a_key_leaves_the_focus_where_it_was(page: Page) -> None:
    page.goto(STATE)
    page.locator(picture(page, 0)).focus()
    page.keyboard.press("ArrowDown")
    seeds = {query_of(page)["seed"]}
    for _ in range(2):
        page.keyboard.press("r")
        settle(page)
        expect(page.locator(picture(page, 4))).to_be_focused()
        seeds.add(query_of(page)["seed"])
    assert len(seeds) == 3
    page.keyboard.press("ArrowRight")
    expect(page.locator(picture(page, 5))).to_be_focused()
    expect(page.locator("#result")).to_contain_text("Where a picture has the focus")


def test_without_script_every_state_can_be_reached(browser: Browser, served: Service) -> None:
    with browser.new_context(java_script_enabled=False, base_url=served.url) as context:
        page = context.new_page()
        page.goto(STATE)
        page.get_by_role("radio", name="4", exact=True).check()
        page.get_by_label("count").fill("5")
        page.get_by_role("button", name="Draw", exact=True).click()
        assert {"seed": "5", "count": "5", "digit": "4"}.items() <= query_of(page).items()
        expect(page.locator("#grid a")).to_have_count(5)
        page.locator(picture(page, 3)).click()
        expect(page.get_by_role("heading", name="Picture 4")).to_be_visible()
        expect(page.get_by_role("button", name="Copy link")).to_have_count(0)
        page.get_by_role("link", name="close").click()
        page.get_by_role("link", name="draw another seed").click()
        assert page.get_by_label("seed", exact=True).input_value() != "5"
        page.goto("/?digit=12")
        expect(page.get_by_role("heading", name="A value is of no use")).to_be_visible()


def test_a_zoomed_grid_scrolls_in_its_own_box(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto(f"{STATE}&scale=8")
    assert_fits(page)
    assert page.locator("#grid").evaluate("grid => grid.getBoundingClientRect().width") == 4 * 16 * 8
    assert page.locator("#grid image").evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"


def test_a_close_look_fits_a_narrow_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto(f"{STATE}&index=2")
    page.get_by_text("recipe, and as a command").click()
    assert_fits(page)
    assert_accessible(page)


def test_a_page_that_refuses_is_accessible_too(page: Page, faults: Faults) -> None:
    faults.expect("422")
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto("/?digit=12")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert_fits(page)
    assert_accessible(page)


def test_nothing_moves_when_another_state_comes(page: Page) -> None:
    page.goto(f"{STATE}&index=2")
    page.get_by_role("link", name="one seed up").click()
    settle(page)
    assert_nothing_moved(page)


@pytest.mark.parametrize(("query", "place"), [("", "#result"), ("&index=7", "#details")])
def test_what_is_shown_is_kept_in_the_gallery_and_taken_out_again(
    page: Page, service: Service, query: str, place: str
) -> None:
    page.goto(f"{service.url}{STATE}{query}")
    page.locator(place).get_by_role("button", name="Keep").click()
    expect(page.get_by_text("Kept in the gallery.")).to_be_visible()
    (kept,) = service.get("/pictures").json()["items"]
    shown = service.get(f"{STATE}{query}".replace("/?", "/generate?"))
    assert service.get(f"/pictures/{kept['id']}/image").content == shown.content
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken out of the gallery again.")).to_be_visible()
    assert service.get("/pictures").json()["items"] == []


def test_what_is_kept_already_stays(page: Page, service: Service) -> None:
    page.goto(f"{service.url}{STATE}")
    keep = page.locator("#result").get_by_role("button", name="Keep")
    keep.click()
    expect(page.get_by_text("Kept in the gallery.")).to_be_visible()
    keep.click()
    expect(page.get_by_text("It is in the gallery: it was kept before.")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
