"""What every page must be like, whatever it shows. Each function fails a test where a page is not."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

THEMES = ("light", "dark")
_GRAVE = {"serious", "critical"}
_SHIFTS = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 300);
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
    assert page.evaluate(_SHIFTS) < 0.01


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
    assert page.evaluate(_WIDE) == []


def assert_fits(page: Page) -> None:
    """Nothing is cut off, or must be scrolled to sideways, but in a box of its own."""
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
