"""The laws of all pages."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from starlette.responses import HTMLResponse

from tests.app.service import Service, listening
from tests.app.test_leaderboard import finish
from tests.app.test_studies import create
from tests.e2e.in_pieces import InPieces
from tests.e2e.looks import (
    assert_accessible,
    assert_fits,
    assert_nothing_moved,
    assert_painted_before_scripts,
    assert_pictures_have_sizes,
    assert_wide_boxes_are_within_reach,
)
from tests.pages import OF_RECORDS, PAGES, scripts_of

every_page = pytest.mark.parametrize("path", PAGES)


@pytest.fixture(scope="module")
def slow_url(served: Service) -> Iterator[str]:
    """Where the shared service answers as over a slow line."""
    with listening(InPieces(served.app), lifespan="off") as url:
        yield url


@every_page
def test_axe_finds_nothing_serious_in_either_theme(page: Page, path: str) -> None:
    page.goto(path)
    assert_accessible(page)


@every_page
def test_a_page_fits_a_narrow_phone(page: Page, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto(path)
    assert_fits(page)
    assert_wide_boxes_are_within_reach(page)


def test_the_guard_sees_what_moves_while_a_page_arrives(page: Page) -> None:
    columns = "display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr))"
    part = f"<p>{'of many words ' * 50}</p>"
    app = HTMLResponse(f'<!doctype html><title>one</title><div style="{columns}">{part * 4}</div>')
    with listening(InPieces(app), lifespan="off") as url:
        page.goto(url)
        with pytest.raises(AssertionError, match="of many words"):
            assert_nothing_moved(page)


@pytest.mark.parametrize("width", [1280, 800, 360])
@every_page
def test_nothing_moves_while_a_page_arrives(page: Page, slow_url: str, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 780})
    page.goto(f"{slow_url}{path}")
    assert_nothing_moved(page)
    assert_pictures_have_sizes(page)


@every_page
def test_the_first_key_leads_past_the_header(page: Page, path: str) -> None:
    page.goto(path)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name=re.compile("^(Skip to the content|跳到正文)$"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


@every_page
def test_a_page_is_painted_before_any_script_arrives(page: Page, served: Service, path: str) -> None:
    assert_painted_before_scripts(page, path, expected=scripts_of(served.client, path).keys())


def test_a_page_of_a_record_is_painted_before_any_script_arrives(page: Page, service: Service) -> None:
    shown = {"job_id": finish(service, {"fd": 1.0}), "study_id": create(service)["id"]}
    for path in OF_RECORDS:
        address = path.format(**shown)
        expected = scripts_of(service.client, address).keys()
        assert_painted_before_scripts(page, service.url + address, expected=expected)
        assert_nothing_moved(page)


@every_page
def test_a_page_is_there_without_script(browser: Browser, served: Service, path: str) -> None:
    with browser.new_context(java_script_enabled=False, base_url=served.url) as context:
        page = context.new_page()
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("main").get_by_text(re.compile("needs? (java)?script", re.IGNORECASE))).to_have_count(0)


@every_page
def test_a_page_loads_only_the_scripts_that_are_counted(page: Page, served: Service, path: str) -> None:
    loaded: set[str] = set()

    def note(request: Request) -> None:
        if request.resource_type == "script":
            loaded.add(request.url.removeprefix(served.url))

    page.on("request", note)
    page.goto(path)
    assert loaded <= scripts_of(served.client, path).keys()


def test_the_guard_sees_what_the_policy_forbids(page: Page, unguarded: Callable[[str], None]) -> None:
    page.goto("/docs")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">red</p>')")
    unguarded("style-src")


def test_the_guard_sees_errors_of_scripts(page: Page, unguarded: Callable[[str], None]) -> None:
    page.goto("/docs")
    page.evaluate("setTimeout(() => { throw new Error('oh dear'); }, 0)")
    unguarded("oh dear")
