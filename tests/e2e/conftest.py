"""Pages in a real browser. Every test fails on an error of the console, or where the policy forbade something."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from benchmarks._browser import NAMES, arguments, find_chromium
from tests.app.fixtures import pretrained, service
from tests.app.service import Service, running
from tests.e2e.faults import Faults

__all__ = ["pretrained", "service"]

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and put it last: the browser's event loop runs on in this thread until the end."""
    for item in items:
        if _is_here(item):
            item.add_marker(pytest.mark.e2e)
        elif "browser_name" in getattr(
            getattr(item, "callspec", None), "params", ()
        ):  # then it would run, with all here, before the others
            raise pytest.UsageError(f"{item.nodeid}: a parameter is called as a fixture of the browser's is, as `page`")
    items.sort(key=_is_here)


def _is_here(item: pytest.Item) -> bool:
    return FOLDER in item.path.parents


def _browser(playwright: Playwright) -> str:
    """Return a Chromium. Where there is none the test is skipped; GANERY_REQUIRE_BROWSER=1 makes that a failure."""
    found = find_chromium(playwright)
    if found is None:
        reason = f"no browser: none of {', '.join(NAMES)} is on the path"
        if os.environ.get("GANERY_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], playwright: Playwright) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": _browser(playwright), "args": arguments()}


@pytest.fixture(scope="package")
def served(pretrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real service, which all tests share that leave nothing behind."""
    with running(tmp_path_factory.mktemp("served")) as service:
        yield service


@pytest.fixture(scope="session")
def base_url() -> None:
    """Nothing at first: `page` knows where the shared service is."""


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], served: Service) -> dict[str, Any]:
    """Let a path alone lead to the shared service, in a window of a usual size."""
    return {**browser_context_args, "base_url": served.url, "viewport": {"width": 1280, "height": 900}}


@pytest.fixture
def page(page: Page, faults: Faults) -> Page:
    """A page of the shared service, under guard."""
    faults.watch(page)
    page.set_default_timeout(10_000)
    return page


@pytest.fixture
def faults() -> Iterator[Faults]:
    """What went wrong on the page; a test that provokes something says so by `faults.expect`."""
    faults = Faults()
    yield faults
    assert faults.unexpected() == []


@pytest.fixture
def unguarded(page: Page, faults: Faults) -> Callable[[str], None]:
    """Assert that a fault with this text was found, and let it pass."""

    def assert_found(text: str) -> None:
        page.wait_for_timeout(100)
        assert any(text in fault for fault in faults.unexpected())
        faults.expect(text)

    return assert_found
