"""Pictures of every page, as they stand in the documents: light, dark, and on a phone.

    python -m benchmarks.screenshots              # all of them into docs/pages
    python -m benchmarks.screenshots generate     # some

Starts the whole service, as `ganery up` does, in a directory of its own with the checkpoint that ships and the data
sets that are cached here. To add a page, add a line to SHOTS.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from app.settings import AppSettings
from benchmarks._browser import NAMES, arguments, find_chromium

_READY = re.compile(r"ready at (\S+) after")
_START_SECONDS = 120.0
_TRAINING_SECONDS = 600.0
_SETTLE_MILLISECONDS = 1000
_COLOURS = 128


@dataclass(frozen=True, slots=True)
class Shot:
    """A page in a state that shows what it can. path: prepares it through the API, and returns where it is.

    settled: what is on the page when all that it waits for has come, as a selector; None: nothing that takes long.
    """

    path: Callable[[httpx.Client], str]
    settled: str | None = None


@dataclass(frozen=True, slots=True)
class Screen:
    """On what a page is looked at."""

    width: int
    height: int
    theme: str


SCREENS: Mapping[str, Screen] = {
    "light": Screen(1280, 900, "light"),
    "dark": Screen(1280, 900, "dark"),
    "phone": Screen(360, 780, "light"),
}


def at(path: str) -> Callable[[httpx.Client], str]:
    """Return a preparation that needs none."""
    return lambda client: path


def keep_some(client: httpx.Client) -> str:
    """Keep thirty pictures, some of them starred and tagged; the same are kept once. Returns the gallery."""
    for index in range(30):
        marks = {"starred": index % 7 == 3, "tags": ["bold"] if index % 5 == 1 else []}
        client.post("/pictures", json={"recipe": {"seed": 7, "index": index}, **marks}).raise_for_status()
    return "/gallery"


def train_one(client: httpx.Client) -> str:
    """Train on the drawn data set, once for all screens, and wait until it has ended. Returns the page of the job."""
    wish = {"dataset": "segments", "images": 24_000, "seed": 0}
    answer = client.post("/train", json=wish, headers={"Idempotency-Key": "screenshots"}).raise_for_status()
    job: str = answer.json()["id"]
    until = time.monotonic() + _TRAINING_SECONDS
    while client.get(f"/jobs/{job}").json()["state"] != "succeeded":
        if time.monotonic() > until:
            raise SystemExit(f"job {job} did not end within {_TRAINING_SECONDS:.0f} seconds")
        time.sleep(1)
    return f"/watch/{job}"


SHOTS: Mapping[str, Shot] = {
    "generate": Shot(at("/?seed=7&count=100&columns=10")),
    "closer": Shot(at("/?seed=7&count=100&columns=10&index=47"), settled="#neighbours:has-text('typically')"),
    "explore": Shot(at("/explore?tool=walk&from_seed=1&to_seed=2&label=3&to_label=8&steps=12")),
    "draw": Shot(at("/explore?tool=draw")),
    "gallery": Shot(keep_some),
    "train": Shot(at("/train?family=wgan_gp&dataset=segments")),
    "watch": Shot(train_one),
    "learn": Shot(at("/learn?lang=en")),
    "lesson": Shot(at("/learn/wgan_gp?lang=en")),
    "lesson-zh": Shot(at("/learn/gan?lang=zh")),
    "ranking": Shot(at("/ranking")),
    "docs": Shot(at("/docs")),
}


@contextmanager
def service(directory: Path) -> Iterator[str]:
    """Start the service over a directory, and yield its address."""
    datasets = AppSettings().datasets.resolve()
    if datasets.is_dir():
        (directory / "datasets").symlink_to(datasets)
    environment = {**os.environ, "GANERY_DATA_DIR": str(directory), "GANERY_PORT": "0"}
    log = directory / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ganery", "up"], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield _await_ready(process, log)
    finally:
        process.terminate()
        process.wait()


def _await_ready(process: "subprocess.Popen[bytes]", log: Path) -> str:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if found := _READY.search(log.read_text()):
            return found[1]
        time.sleep(0.2)
    raise SystemExit(f"the service did not start:\n{log.read_text()}")


def take(browser: Browser, url: str, shot: Shot, screen: Screen) -> bytes:
    """Return a page as a PNG: what is seen first on a wide screen, all of it on a phone."""
    with httpx.Client(base_url=url, timeout=60) as client:
        path = shot.path(client)
    size = {"width": screen.width, "height": screen.height}
    with browser.new_context(base_url=url, viewport=size, color_scheme=screen.theme) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(path)
        _settle(page, shot)
        return page.screenshot(full_page=True)


def _settle(page: Page, shot: Shot) -> None:
    if shot.settled is not None:
        page.locator(shot.settled).wait_for(state="attached", timeout=120_000)
    page.evaluate(
        "Promise.all([...document.images].map((image) => { image.loading = 'eager'; return image.decode(); }))"
    )
    page.wait_for_timeout(_SETTLE_MILLISECONDS)


def shrink(png: bytes) -> bytes:
    """Return a screenshot with few colours, of which pages have few: a third of the bytes."""
    small = BytesIO()
    Image.open(BytesIO(png)).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(
        small, "PNG", optimize=True
    )
    return small.getvalue()


def main() -> None:
    """Take the pictures that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join(SHOTS)}; default all")
    parser.add_argument("--out", type=Path, default=Path("docs/pages"))
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - SHOTS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(SHOTS)}")
    chosen.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder, service(Path(folder)) as url:
        program = find_chromium(playwright)
        if program is None:
            raise SystemExit(f"there is no browser: install one that is called {' or '.join(NAMES)}")
        browser = playwright.chromium.launch(executable_path=program, args=arguments())
        for name in chosen.names or SHOTS:
            for kind, screen in SCREENS.items():
                file = chosen.out / f"{name}-{kind}.png"
                file.write_bytes(shrink(take(browser, url, SHOTS[name], screen)))
                print(f"{file}  {file.stat().st_size // 1024} KiB")
        browser.close()


if __name__ == "__main__":
    main()
