"""The pictures in the documents can be taken again."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from benchmarks.screenshots import SCREENS, SHOTS, Shot, at, shrink, take
from tests.app.service import Service

SHOWN = Path(__file__).parents[2] / "docs" / "pages"


@pytest.mark.parametrize("name", SHOTS)
def test_the_documents_have_every_page_on_every_screen(name: str) -> None:
    for kind, screen in SCREENS.items():
        with Image.open(SHOWN / f"{name}-{kind}.png") as image:
            assert image.width == screen.width


@pytest.mark.parametrize("kind", SCREENS)
def test_a_screenshot_shows_the_page_in_its_theme(browser: Browser, served: Service, kind: str) -> None:
    png = take(browser, served.url, Shot(at("/?seed=1&count=4")), SCREENS[kind])
    with Image.open(BytesIO(shrink(png))) as image:
        assert image.width == SCREENS[kind].width
        corner = image.convert("L").getpixel((0, image.height - 1))
        assert isinstance(corner, int)
        assert (corner < 128) == (SCREENS[kind].theme == "dark")
