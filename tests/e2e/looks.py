"""What every page must be like, whatever it shows. Each function fails a test where a page is not."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

THEMES = ("light", "dark")
_GRAVE = {"serious", "critical"}
_SHIFTS = """() => new Promise((resolve) => {
  const found = [];
  const at = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(" ");
  const tell = ({ node, previousRect, currentRect }) =>
    `${node?.outerHTML?.slice(0, 80) ?? node?.textContent}: ${at(previousRect)} -> ${at(currentRect)}`;
  new PerformanceObserver((list) => {
    const unasked = list.getEntries().filter((one) => !one.hadRecentInput);
    found.push(...unasked.map(({ value, sources }) => [value, sources.map(tell)]));
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(found), 300);
})"""


def assert_accessible(page: Page) -> None:
    """Let axe-core look at the page as it stands, in both themes."""
    for theme in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        found = Axe().run(page).response["violations"]
        grave = {one["id"]: [node["html"] for node in one["nodes"]] for one in found if one["impact"] in _GRAVE}
        assert grave == {}, theme


def assert_nothing_moved(page: Page) -> None:
    """Nothing changed its place by itself since the page began to show."""
    shifts = page.evaluate(_SHIFTS)
    assert sum(value for value, _ in shifts) < 0.01, shifts


_FIRST_PAINT = """() => new Promise((resolve) => {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName("first-contentful-paint")) resolve(entry.startTime);
  }).observe({ type: "paint", buffered: true });
  setTimeout(() => resolve(null), 20_000);
})"""
_ARRIVALS = """() => performance.getEntriesByType("resource")
  .filter((one) => new URL(one.name).pathname.endsWith(".js"))
  .map((one) => [one.name, one.responseEnd])"""


def assert_painted_before_scripts(page: Page, address: str, *, expected: Collection[str]) -> None:
    """Go to an address where no script arrives until the page has shown its content.

    expected: the paths of all scripts that it may load.
    """
    held: list[Route] = []
    is_painted = False

    def hold(route: Route) -> None:
        if is_painted:
            route.continue_()
        else:
            held.append(route)

    page.route(re.compile(r"\.js$"), hold)
    page.goto(address, wait_until="commit")
    painted = page.evaluate(_FIRST_PAINT)
    assert painted is not None
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert bool(held) == bool(expected)
    is_painted = True
    for route in held:
        route.continue_()
    page.wait_for_load_state()
    arrivals = page.evaluate(_ARRIVALS)
    assert {urlsplit(name).path for name, _ in arrivals} <= set(expected)
    assert all(painted < arrived for _, arrived in arrivals)
    page.unroute_all()


def assert_pictures_have_sizes(page: Page) -> None:
    """Every picture says how large it will be."""
    without = (
        "images => images.filter(one => !one.hasAttribute('width') || !one.hasAttribute('height')).map(one => one.src)"
    )
    assert page.eval_on_selector_all("img", without) == []


_WIDE = """() => [...document.querySelectorAll("*")].filter((one) =>
  ["auto", "scroll"].includes(getComputedStyle(one).overflowX) && one.scrollWidth > one.clientWidth + 1
).map((one) => {
  const names = one.getAttribute("aria-labelledby")?.split(" ");
  const named = one.ariaLabel || names?.every((id) => document.getElementById(id));
  const pinned = one.querySelector("table > tbody > tr > th[scope=row]");
  one.scrollLeft = 60;
  const stays = !pinned || pinned.getBoundingClientRect().left >= one.getBoundingClientRect().left - 1;
  const faults = { "no key reaches it": one.tabIndex < 0, "it has no name": !named,
    "it has no role": one.tagName !== "PRE" && !["region", "group", "application"].includes(one.role),
    "nothing shows that there is more": !getComputedStyle(one).backgroundImage.includes("gradient"),
    "its first column goes away": !stays };
  one.scrollLeft = 0;
  return [one.outerHTML.slice(0, 120), ...Object.keys(faults).filter((fault) => faults[fault])];
}).filter((found) => found.length > 1)"""


def assert_wide_boxes_are_within_reach(page: Page) -> None:
    """What is scrolled sideways shows it, has a name, can be reached by keys, and keeps a table's names of rows."""
    found = page.evaluate(_WIDE)
    assert found == [], found


def assert_fits(page: Page) -> None:
    """Nothing is cut off, or must be scrolled to sideways, but in a box of its own."""
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
