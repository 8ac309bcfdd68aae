"""Lessons in a browser: languages, formulas, pictures of games, the ranking and a study."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from models import families
from store.states import Succeeded
from tests.app.service import Service
from tests.app.test_leaderboard import finish
from tests.app.test_studies import create, train_next
from tests.e2e.looks import (
    assert_accessible,
    assert_fits,
    assert_nothing_moved,
    assert_pictures_have_sizes,
    assert_wide_boxes_are_within_reach,
)

SIZES = "elements => elements.map(one => { const box = one.getBoundingClientRect(); return [box.width, box.height]; })"


def test_one_walks_from_the_map_to_a_lesson_and_into_the_other_language_by_keyboard(page: Page) -> None:
    page.goto("/learn?lang=en")
    page.locator("svg.map a", has_text="WGAN-GP").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("WGAN-GP")
    page.get_by_role("link", name="中文").press("Enter")
    expect(page.get_by_role("heading", name="博弈图")).to_be_visible()
    page.get_by_role("link", name="源文件").press("Enter")
    expect(page.locator("#L1")).to_contain_text("WGAN-GP: improved training")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")


def test_the_browser_s_language_is_the_default(browser: Browser, served: Service) -> None:
    with browser.new_context(locale="zh-CN", base_url=served.url) as context:
        page = context.new_page()
        page.goto("/learn")
        expect(page.get_by_role("heading", level=1, name="学习")).to_be_visible()


def test_the_browser_draws_the_formulas_by_itself(page: Page) -> None:
    page.goto("/learn/ebgan")
    rows = page.locator(".formulas math")
    assert rows.count() == 4
    heights = [height for _, height in rows.evaluate_all(SIZES)]
    assert heights[3] > 1.5 * heights[1]  # the fraction is two lines high
    assert page.locator("mfrac").first.evaluate("one => one.namespaceURI") == "http://www.w3.org/1998/Math/MathML"


OUTSIDE = """boxes => boxes.flatMap(box => {
  const outer = box.getBoundingClientRect();
  const texts = [];
  for (let one = box.nextElementSibling; one?.tagName === "text"; one = one.nextElementSibling) texts.push(one);
  return texts.filter(one => {
    const inner = one.getBoundingClientRect();
    return inner.left < outer.left || inner.right > outer.right || inner.bottom > outer.bottom;
  }).map(one => one.textContent);
})"""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_lesson_fits_a_phone_and_no_text_runs_out_of_its_box(page: Page, language: str) -> None:
    """The browser's own fonts decide both."""
    page.set_viewport_size({"width": 360, "height": 780})
    for name in families():
        page.goto(f"/learn/{name}?lang={language}")
        assert_fits(page)
        assert_wide_boxes_are_within_reach(page)
        assert page.locator(".game :is(.box, .move)").evaluate_all(OUTSIDE) == [], name


def test_the_ranking_is_sorted_by_its_links_without_script(browser: Browser, service: Service) -> None:
    sharp = finish(service, {"fd": 3.0, "precision": 0.9, "precision_floor": 0.95})
    varied = finish(service, {"fd": 2.0, "precision": 0.5, "precision_floor": 0.95})
    with browser.new_context(java_script_enabled=False, base_url=service.url) as context:
        page = context.new_page()
        page.goto("/ranking?dataset=segments")
        table = page.get_by_role("region", name="Trainings of this service")
        expect(table.get_by_role("row").nth(1)).to_contain_text(varied)
        table.get_by_role("link", name="precision").click()
        expect(table.get_by_role("row").nth(1)).to_contain_text(sharp)
        expect(table.get_by_role("columnheader", name="precision")).to_have_attribute("aria-sort", "descending")
        expect(table.get_by_role("row").nth(1)).to_contain_text("0.9 0.95")


def test_a_study_and_a_full_ranking_keep_the_laws_of_all_pages(page: Page, service: Service) -> None:
    study = create(service, families=["lsgan", "wgan"], trials=3)["id"]
    for value in (1.0, 4.0, 2.0, 8.0):
        train_next(service, value)
    train_next(service, 3.0, fails=True)
    claim = service.claim()
    service.keep_checkpoint(claim, 1, fd=1.5, fd_floor=0.5)
    service.settle(claim, Succeeded())
    for path in (f"/ranking/studies/{study}", "/ranking/studies", "/ranking?dataset=segments"):
        page.set_viewport_size({"width": 360, "height": 780})
        page.goto(service.url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert_fits(page)
        assert_wide_boxes_are_within_reach(page)
        assert_nothing_moved(page)
        assert_pictures_have_sizes(page)
        page.set_viewport_size({"width": 1280, "height": 900})
        assert_accessible(page)
    page.goto(f"{service.url}/ranking/studies/{study}")
    plot = page.get_by_role("img", name=re.compile("A box for each family"))
    expect(plot).to_be_visible()
    assert plot.evaluate("one => one.complete && one.naturalWidth > 0")
    page.get_by_role("link", name="best checkpoint").click()
    expect(page.get_by_role("link", name="best checkpoint")).to_have_attribute("aria-current", "true")
