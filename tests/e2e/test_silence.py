"""A service that does not answer: the pages that follow it say so, until it answers again, and no script fails."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from tests.app.service import Service
from tests.e2e.faults import Faults
from tests.e2e.trainings import begin, draw

SILENCE = "The service does not answer. Try again when it runs."


@pytest.fixture(autouse=True)
def _expected(page: Page, faults: Faults) -> None:
    """The console notes each request that got no answer. page: is closed after the faults were looked at."""
    faults.expect("Failed to load resource: net::ERR_INTERNET_DISCONNECTED")


@contextmanager
def silent(page: Page) -> Iterator[None]:
    """Let nobody answer for a while."""
    page.context.set_offline(True)
    yield
    page.context.set_offline(False)


@pytest.mark.parametrize("path", ["/watch/{}", "/watch?jobs={},{}", "/watch", "/train"])
def test_a_page_that_follows_says_that_nobody_answers_until_somebody_does(
    page: Page, service: Service, path: str
) -> None:
    ids = [begin(service).job.id for _ in range(2)]
    page.goto(service.url + path.format(*ids))
    said = page.locator("#said")
    with silent(page):
        expect(said).to_have_text(SILENCE)
    expect(said).to_be_empty()


def test_a_button_says_that_nobody_answers_and_works_later(page: Page, service: Service) -> None:
    service.queue()
    page.goto(f"{service.url}/watch")
    with silent(page):
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("#said")).to_have_text(SILENCE, timeout=1000)  # at once, and not by the next turn
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#queue")).to_contain_text("paused")
    expect(page.locator("#said")).to_be_empty()


def test_what_was_refused_stays_said_while_the_service_answers(page: Page, service: Service, faults: Faults) -> None:
    service.queue()
    page.goto(f"{service.url}/watch")
    page.get_by_label("priority").fill("high")
    faults.expect("422")
    with page.expect_response("**/watch"):
        page.get_by_role("button", name="Set").click()
    expect(page.locator("#said")).to_contain_text("a priority is a whole number")


def test_a_form_that_could_not_follow_says_so_and_follows_later(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/train?family=wgan&dataset=segments")
    stale = page.locator("#stale")
    with silent(page):
        page.get_by_label("family", exact=True).select_option("lsgan")
        expect(stale).to_contain_text("still that of wgan, preset neutral")
    expect(page.get_by_role("heading", name="Hyperparameters of lsgan")).to_be_visible()
    expect(stale).to_be_hidden()
    with silent(page):
        page.get_by_label("training pictures").fill("many")
        expect(stale).to_contain_text("what you typed last was not looked at")
    expect(page.locator("#images-errors")).to_contain_text("a whole number")
    expect(stale).to_be_hidden()


def test_curves_and_pictures_that_came_meanwhile_are_shown(page: Page, service: Service, faults: Faults) -> None:
    claim = begin(service)
    faults.expect("status of 503")

    def refuse(route: Route) -> None:
        route.fulfill(status=503)

    page.route("**/events?*", refuse)  # such an answer the browser does not ask again after
    page.goto(f"{service.url}/watch/{claim.job.id}")
    expect(page.locator("#curves .plot")).not_to_have_count(0)
    draw(service, claim, 6)
    page.unroute("**/events?*", refuse)
    expect(page.get_by_role("img", name="sample grid of step 6")).to_be_visible()


def test_a_service_that_dies_before_the_curves_came_is_asked_again(
    page: Page, service: Service, faults: Faults
) -> None:
    claim = begin(service)
    faults.expect("ERR_FAILED")
    page.route("**/metrics*", lambda route: route.abort())
    page.goto(f"{service.url}/watch/{claim.job.id}")
    expect(page.locator("#said")).to_have_text(SILENCE)
    page.unroute_all()
    expect(page.locator("#curves .plot")).not_to_have_count(0)
    expect(page.locator("#said")).to_be_empty()
