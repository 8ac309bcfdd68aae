"""The latent tools in a browser."""

import re
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from models import DIRECTION_NAMES
from tests.app.service import Service
from tests.e2e.faults import Faults
from tests.e2e.looks import assert_accessible, assert_fits


def strip(page: Page) -> str:
    source = page.locator("#result img.strip").get_attribute("src")
    assert source is not None
    return source


def asked(page: Page) -> dict[str, str]:
    """What the address bar says."""
    return {name: value for name, (value,) in parse_qs(urlsplit(page.url).query).items()}


def shown(page: Page) -> str:
    """The pixels of the player."""
    pixels: str = page.locator(".player canvas").evaluate("canvas => canvas.toDataURL()")
    return pixels


def found(page: Page) -> None:
    expect(page.locator("#matches li")).to_have_count(8, timeout=60_000)
    expect(page.locator("#found")).to_contain_text("8 latents found")


# --- Forms --------------------------------------------------------------------------------------------------------


def test_a_change_of_the_form_is_shown_and_is_the_url(page: Page) -> None:
    page.goto("/explore")
    before = strip(page)
    page.get_by_label("seed or latent").last.fill("12")
    expect(page.locator("#result img.strip")).not_to_have_attribute("src", before)
    assert asked(page)["to_seed"] == "12"
    after = strip(page)
    page.reload()
    assert strip(page) == after


def test_what_is_of_no_use_is_said_on_the_page(page: Page, faults: Faults) -> None:
    faults.expect("422")
    page.goto("/explore?tool=walk&from_seed=zAAAA")
    expect(page.get_by_role("alert")).to_contain_text("'zAAAA' has 3 coordinates")
    page.get_by_label("seed or latent").first.fill("5")
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("tool=walk&from_seed=zAAAA", "'zAAAA' has 3 coordinates"),
        ("tool=sweep&coordinate=999", "the latents have the coordinates 0 to 63, 999 came"),
        ("tool=sweep&direction=foo", "no direction is called 'foo'"),
        ("tool=zz", "no tool is called 'zz'; there are walk"),
    ],
)
def test_a_picture_that_cannot_be_drawn_is_refused_in_words_without_script(
    browser: Browser, served: Service, query: str, told: str
) -> None:
    with browser.new_context(java_script_enabled=False, base_url=served.url) as context:
        page = context.new_page()
        answer = page.goto(f"/explore?{query}")
        assert answer is not None
        assert answer.status == 422
        expect(page.get_by_role("alert")).to_contain_text(told)
        expect(page.locator("#result img")).to_have_count(0)


def test_a_refusal_that_only_drawing_tells_is_shown_in_the_place_of_the_picture(
    page: Page, faults: Faults, served: Service, service: Service
) -> None:
    """Directions are found by measuring pictures, for which the page does not wait."""
    faults.expect("422")
    found = served.get(f"/latent/directions?checkpoint={served.id_of('plain')}").json()["items"]
    name = next(name for name in DIRECTION_NAMES if name not in {item["name"] for item in found})
    page.goto(f"{service.url}/explore?tool=sweep&direction={name}&checkpoint={service.id_of('plain')}")
    expect(page.get_by_role("alert")).to_contain_text(f"no direction is called '{name}'; there are", timeout=60_000)
    expect(page.locator("#result img")).to_have_count(0)


def test_a_latent_that_is_pasted_needs_no_number(page: Page, served: Service) -> None:
    address = served.get("/latent/variations?seed=1&count=1&format=json").json()["items"][0]["latent"]
    page.goto("/explore?tool=walk&from_seed=1&from_index=3")
    seed, index = page.get_by_label("seed or latent").first, page.get_by_label("index", exact=True).first
    seed.fill(address)
    expect(index).to_be_disabled()
    expect(index).to_have_value("")
    expect(page.locator("#result img.strip")).to_have_attribute("src", re.compile(f"from_seed={address}"))
    expect(page.get_by_role("alert")).to_have_count(0)
    page.reload()
    expect(index).to_be_disabled()
    seed.fill("5")
    expect(index).to_be_enabled()
    expect(index).to_have_value("0")
    expect(page.locator("#result img.strip")).to_have_attribute("src", re.compile("from_seed=5&"))


def test_what_is_no_latent_is_said_whatever_the_number(page: Page, faults: Faults) -> None:
    faults.expect("422")
    page.goto("/explore?tool=walk&from_seed=1&from_index=3")
    page.get_by_label("seed or latent").first.fill("zzz")
    expect(page.get_by_role("alert")).to_contain_text("from_seed: no such address: 'zzz'")


def test_another_checkpoint_has_its_own_form(page: Page) -> None:
    page.goto("/explore")
    expect(page.get_by_label("class")).to_have_count(2)
    page.get_by_label("checkpoint").select_option(label=first_option(page, "dcgan"))
    page.wait_for_url(re.compile("checkpoint=plain"))
    expect(page.get_by_label("class")).to_have_count(0)
    expect(page.locator("#result img.strip")).to_be_visible()


def first_option(page: Page, text: str) -> str:
    options = page.locator("#checkpoint option").all_inner_texts()
    return next(option for option in options if text in option)


def test_a_network_that_knows_no_classes_says_so(page: Page, faults: Faults, served: Service) -> None:
    faults.expect("422")
    page.goto(f"/explore?tool=matrix&checkpoint={served.id_of('plain')}")
    expect(page.get_by_role("alert")).to_contain_text("dcgan can be asked for no class")


@pytest.mark.parametrize("tool", ["walk", "sweep", "matrix", "around", "arithmetic"])
def test_the_forms_work_without_script(browser: Browser, served: Service, tool: str) -> None:
    with browser.new_context(java_script_enabled=False, base_url=served.url) as context:
        page = context.new_page()
        page.goto(f"/explore?tool={tool}" + ("&coordinate=1" if tool == "sweep" else ""))
        page.locator("input[name$=seed]").first.fill("77")
        page.get_by_role("button", name="Show").click()
        page.wait_for_url(re.compile("seed=77"))
        picture = page.locator("#result img.strip")
        assert "seed=77" in (picture.get_attribute("src") or "")
        assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
        assert not any(one.is_visible() for one in page.locator(".live").all())


def test_without_script_one_is_told_how_to_draw_by_a_program(browser: Browser, served: Service) -> None:
    with browser.new_context(java_script_enabled=False, base_url=served.url) as context:
        page = context.new_page()
        page.goto("/explore?tool=draw")
        told = page.get_by_text("Drawing needs a script")
        expect(told).to_be_visible()
        expect(told).to_contain_text("POST /latent/project")
        page.get_by_text("The same by a program").click()
        expect(page.locator(".pad code").last).to_contain_text("curl")
        expect(page.locator(".pad code").last).to_contain_text("/latent/project")


# --- Players ------------------------------------------------------------------------------------------------------


def test_a_walk_is_played_and_stopped_by_keys(page: Page) -> None:
    page.goto("/explore")
    slider, output = page.get_by_label("step of the walk"), page.locator(".player output")
    expect(output).to_have_text("1 of 24")
    first = shown(page)
    slider.focus()
    page.keyboard.press("End")
    expect(output).to_have_text("24 of 24")
    assert shown(page) != first
    page.keyboard.press("Home")
    page.get_by_role("button", name="Play").press("Enter")
    expect(output).not_to_have_text("1 of 24")  # each is shown for a moment alone, which a busy machine may miss
    page.get_by_role("button", name="Stop").press("Enter")
    place = slider.input_value()
    page.wait_for_timeout(300)
    assert slider.input_value() == place


def test_a_slider_shows_each_value_of_a_sweep(page: Page) -> None:
    page.goto("/explore?tool=sweep&coordinate=0&start=-2&stop=2&steps=5&rows=3")
    slider, output = page.get_by_label("value"), page.locator(".player output")
    expect(output).to_have_text("0")
    middle = shown(page)
    slider.fill("4")
    expect(output).to_have_text("2")
    assert shown(page) != middle


def test_a_sweep_changes_one_thing_at_a_time(page: Page) -> None:
    page.goto("/explore?tool=sweep&coordinate=0")
    page.get_by_label("coordinate").fill("3")
    expect(page.locator("#result img.strip")).to_have_attribute("src", re.compile("coordinate=3"))
    page.get_by_label("direction", exact=True).select_option("component1")
    expect(page.locator("#result img.strip")).to_have_attribute("src", re.compile("direction=component1"))
    expect(page.get_by_label("coordinate")).to_have_value("")


def test_directions_are_measured_when_somebody_asks(page: Page) -> None:
    page.goto("/explore?tool=sweep&coordinate=0")
    page.get_by_role("button", name="Measure").click()
    expect(page.locator("#directions meter").first).to_be_visible(timeout=60_000)
    row = page.locator("#directions tbody tr").filter(has=page.locator("th", has_text="component1"))
    expect(row).to_contain_text("principal component 1 of the pictures")
    expect(row.locator("td").last).to_contain_text(re.compile(r"component1 \+\d+\.\d\d standard deviations"))
    expect(page.get_by_text("A component is a way in which")).to_be_visible()
    assert_fits(page)
    assert_accessible(page)


def test_a_variation_leads_to_what_is_around_it(page: Page) -> None:
    page.goto("/explore?tool=around&count=5")
    page.get_by_role("link", name="variation 2: go on from here").click()
    page.wait_for_url(re.compile("seed=z"))
    expect(page.get_by_role("link", name="the picture itself")).to_be_visible()


# --- Drawing ------------------------------------------------------------------------------------------------------


def test_what_is_drawn_by_mouse_is_found_and_walked_to(page: Page) -> None:
    page.goto("/explore?tool=draw")
    box = page.locator("#pad").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 80, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 60, steps=4)
    page.mouse.move(box["x"] + 120, box["y"] + 230, steps=4)
    page.mouse.up()
    found(page)
    distances = [float(text) for text in page.locator("#matches small").all_inner_texts()]
    assert distances == sorted(distances)
    assert len(set(distances)) > 1
    expect(page.locator("#found")).to_contain_text("in the order of the distance under each")
    expect(page.locator("#matches button").first).to_have_attribute("aria-pressed", "true")
    page.wait_for_url(re.compile("to_seed=z"))
    first = asked(page)
    page.locator("#matches button").nth(3).click()
    expect(page.locator("#matches button").nth(3)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#to_seed")).not_to_have_value(first["to_seed"])
    assert_accessible(page)
    page.set_viewport_size({"width": 360, "height": 780})
    assert_fits(page)
    page.reload()
    assert "to_seed=z" in strip(page)


def test_keys_alone_draw_undo_and_choose(page: Page) -> None:
    page.goto("/explore?tool=draw")
    page.locator("#pad").focus()
    page.keyboard.press(" ")
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    found(page)
    second = page.locator("#matches button").nth(1)
    second.press("Enter")
    expect(second).to_have_attribute("aria-pressed", "true")
    page.locator("#pad").focus()
    page.keyboard.press("Backspace")
    expect(page.locator("#found")).to_have_text("Draw, and eight latents are looked for.")
    expect(page.locator("#matches button")).to_have_count(0)


@pytest.mark.parametrize("ground", [0, 255])
def test_a_picture_is_uploaded_and_a_bright_ground_made_dark(page: Page, tmp_path: Path, ground: int) -> None:
    page.goto("/explore?tool=draw")
    image = Image.new("L", (60, 40), ground)
    image.paste(255 - ground, (25, 5, 35, 35))
    out = BytesIO()
    image.save(out, "PNG")
    (tmp_path / "drawn.png").write_bytes(out.getvalue())
    page.locator("#upload").set_input_files(tmp_path / "drawn.png")
    found(page)
    corner, middle = page.locator("#pad").evaluate(
        """(pad) => {
          const { data } = pad.getContext("2d").getImageData(0, 0, 280, 280);
          return [70, 140].map((at) => data[4 * (280 * at + at)]);
        }"""
    )
    assert corner < 20
    assert middle > 235


def test_nothing_is_played_before_something_was_found(page: Page) -> None:
    page.goto("/explore?tool=draw")
    expect(page.locator("#result")).to_contain_text("When something was found")
    expect(page.locator(".player")).to_have_count(0)
    page.locator("#pad").click()  # a dot
    found(page)
    expect(page.locator(".player")).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".player")).to_have_count(0)
    expect(page.locator("#to_seed")).to_have_value("")


@pytest.mark.parametrize("brightness", [0, 120, 255])
def test_a_picture_of_one_colour_is_refused(page: Page, tmp_path: Path, brightness: int) -> None:
    page.goto("/explore?tool=draw")
    Image.new("L", (60, 41), brightness).save(tmp_path / "blank.png")
    page.locator("#upload").set_input_files(tmp_path / "blank.png")
    expect(page.locator("#found")).to_have_text("blank.png is all of one colour.")
    expect(page.locator("#matches li")).to_have_count(0)


def test_a_picture_too_faint_to_be_seen_is_refused_by_the_service(page: Page, faults: Faults, tmp_path: Path) -> None:
    faults.expect("422")
    page.goto("/explore?tool=draw")
    image = Image.new("L", (40, 40))
    image.paste(40, (10, 10, 30, 30))
    image.save(tmp_path / "faint.png")
    page.locator("#upload").set_input_files(tmp_path / "faint.png")
    expect(page.locator("#found")).to_contain_text("Nothing found: the picture shows nothing")
    expect(page.locator("#matches li")).to_have_count(0)


def test_what_is_no_picture_is_said(page: Page, tmp_path: Path) -> None:
    page.goto("/explore?tool=draw")
    (tmp_path / "letter.png").write_text("dear all")
    page.locator("#upload").set_input_files(tmp_path / "letter.png")
    expect(page.locator("#found")).to_have_text("letter.png is no picture that can be read.")
