"""From the form to the pictures: ask for a training, and steer it."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from store.events import EventKind
from store.states import JobState
from tests.app.service import Service
from tests.e2e.looks import assert_accessible, assert_fits, assert_pictures_have_sizes
from tests.e2e.trainings import GRIDS, TINY, Crew, begin, crew

pytestmark = pytest.mark.timeout(600)
WAIT_MILLISECONDS = 400_000


@pytest.fixture(scope="module")
def whole(pretrained: object) -> Iterator[Crew]:
    """A whole service with a worker."""
    with crew() as one:
        yield one


def fill_in(page: Page, values: dict[str, str]) -> None:
    """Type into the fields of these names, one after the other."""
    for name, text in values.items():
        page.locator(f"[name='{name}']").fill(text)


@pytest.mark.slow
def test_a_training_goes_from_the_form_to_its_pictures(page: Page, whole: Crew) -> None:
    page.goto(f"{whole.service.url}/train")
    page.get_by_label("family", exact=True).select_option("dcgan")
    expect(page.get_by_role("heading", name="Hyperparameters of dcgan")).to_be_visible()
    page.get_by_label("data set", exact=True).select_option("segments")
    expect(page.get_by_role("img", name="training pictures of segments")).to_be_visible()
    fill_in(page, TINY)
    expect(page.locator("#plan")).to_contain_text("40")
    page.get_by_role("button", name="Train").click()
    page.wait_for_url("**/watch/*")
    job_id = page.url.rpartition("/")[2]
    whole.stack.adopt(job_id)

    picture = page.get_by_role("img", name="sample grid of step")
    expect(picture).to_be_visible(timeout=WAIT_MILLISECONDS)
    page.reload()
    expect(picture).to_be_visible()
    expect(page.locator("#status")).to_contain_text("succeeded", timeout=WAIT_MILLISECONDS)
    expect(page.get_by_role("img", name="sample grid of step 40")).to_be_visible()
    expect(page.get_by_role("slider")).to_have_attribute("max", str(GRIDS - 1))
    expect(page.locator("#curves .plot")).not_to_have_count(0)
    expect(page.locator("#turns")).to_contain_text("running, attempt 1")
    expect(page.locator("#checkpoints li")).to_have_count(2)
    told = whole.service.given.events.after(job_id, 0, [EventKind.SAMPLE])
    assert len(told) == GRIDS
    job = whole.service.given.jobs.get(job_id)
    assert (job.request.hyperparameters["width"], job.request.images, job.total_steps) == (4, 640, 40)
    assert_accessible(page)


def test_the_form_says_what_is_wrong_while_one_types_and_loses_nothing(page: Page) -> None:
    page.goto("/train?family=dcgan&dataset=segments")
    fill_in(page, {"hyperparameters.width": "many", "images": "60,000"})
    expect(page.locator("#hyperparameters-width-errors")).to_contain_text("a whole number")
    expect(page.get_by_label("width", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_role("alert")).to_contain_text("1 thing is not right yet")
    expect(page.get_by_label("width", exact=True)).to_have_value("many")
    expect(page.get_by_label("training pictures")).to_have_value("60,000")
    assert_accessible(page)
    page.get_by_role("alert").get_by_role("link", name="width").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("4")
    expect(page.locator("#hyperparameters-width-errors")).to_be_empty()


@pytest.fixture
def _provoked(faults: object) -> None:
    """A refused form is answered 422, which the console notes."""
    faults.expect("422")  # type: ignore[attr-defined]


pytest.mark.usefixtures("_provoked")(test_the_form_says_what_is_wrong_while_one_types_and_loses_nothing)


def test_another_family_keeps_what_still_has_a_meaning(page: Page) -> None:
    page.goto("/train?family=wgan&dataset=segments")
    fill_in(page, {"hyperparameters.latent_dim": "99", "hyperparameters.weight_clip": "0.5", "seed": "7"})
    page.get_by_label("family", exact=True).focus()
    page.get_by_label("family", exact=True).select_option("lsgan")
    expect(page.get_by_role("heading", name="Hyperparameters of lsgan")).to_be_visible()
    expect(page.get_by_label("latent dim")).to_have_value("99")
    expect(page.get_by_label("seed")).to_have_value("7")
    expect(page.locator("#faults")).to_contain_text("lsgan has no weight_clip")
    expect(page.get_by_label("family", exact=True)).to_be_focused()
    state = parse_qs(urlsplit(page.url).query)
    assert state["family"] == ["lsgan"]
    assert state["hyperparameters.latent_dim"] == ["99"]
    page.reload()
    expect(page.get_by_label("latent dim")).to_have_value("99")


def test_the_form_works_without_script(browser: Browser, service: Service) -> None:
    with browser.new_context(java_script_enabled=False, base_url=service.url) as context:
        page = context.new_page()
        page.goto("/train")
        page.get_by_label("family", exact=True).select_option("dcgan")
        page.get_by_label("data set", exact=True).select_option("segments")
        page.get_by_role("button", name="Show its settings").click()
        fill_in(page, TINY | {"images": "no number"})
        page.get_by_role("button", name="Train").click()
        expect(page.get_by_role("alert")).to_contain_text("training pictures")
        expect(page.locator("[name='hyperparameters.width']")).to_have_value("4")
        fill_in(page, {"images": "640"})
        page.get_by_role("button", name="Train").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("dcgan")
        expect(page.locator("#status")).to_contain_text("queued")
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("#status")).to_contain_text("paused")
    (job,) = service.given.jobs.list().items
    assert job.state is JobState.PAUSED
    assert job.total_steps == 40


def test_the_queue_is_steered_without_leaving_the_page(page: Page, service: Service) -> None:
    begin(service)
    first, second = service.queue(), service.queue()
    page.goto(f"{service.url}/train")
    rows = page.locator("#queue li")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("training")
    expect(rows.nth(0)).to_contain_text("about 3 min left")
    rows.nth(2).get_by_role("button", name="Move to the front").click()
    expect(rows.nth(1).locator(f"a[href='/watch/{second}']")).to_be_visible()
    rows.nth(1).get_by_label("priority").fill("-2")
    rows.nth(1).get_by_role("button", name="Set").click()
    expect(rows.nth(1).locator(f"a[href='/watch/{first}']")).to_be_visible()
    rows.nth(1).get_by_role("button", name="Pause").click()
    expect(rows.nth(2)).to_contain_text("paused")
    rows.nth(2).get_by_role("button", name="Resume").click()
    expect(rows.nth(1).locator(f"a[href='/watch/{first}']")).to_be_visible()
    expect(rows.nth(1)).to_contain_text("next in the queue")
    rows.nth(2).get_by_role("button", name="Cancel").click()
    expect(rows).to_have_count(2)
    assert service.given.jobs.get(second).state is JobState.CANCELLED
    assert page.url == f"{service.url}/train"


def test_the_queue_follows_what_happens_elsewhere(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/train")
    expect(page.locator("#queue")).to_contain_text("Nothing is at work")
    service.queue()
    expect(page.locator("#queue")).to_contain_text("next in the queue")


def test_a_change_that_is_not_possible_is_said(page: Page, service: Service, faults: object) -> None:
    job_id = service.queue()
    page.goto(f"{service.url}/train")
    page.get_by_label("priority").fill("high")
    faults.expect("422")  # type: ignore[attr-defined]
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("status")).to_contain_text("a priority is a whole number")
    assert service.given.jobs.get(job_id).priority == 0


def test_a_training_is_asked_for_by_keyboard_alone(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/train?family=dcgan&dataset=segments")
    page.get_by_label("training pictures").focus()
    page.keyboard.type("320")
    page.keyboard.press("Enter")
    page.wait_for_url("**/watch/*")
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("paused")
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    assert service.given.jobs.list().items[0].request.images == 320


def test_the_queue_is_usable_on_a_narrow_phone(page: Page, service: Service) -> None:
    begin(service)
    service.queue()
    page.set_viewport_size({"width": 360, "height": 780})
    for path in ("/train", "/watch"):
        page.goto(f"{service.url}{path}")
        assert_fits(page)
        assert_pictures_have_sizes(page)
        assert_accessible(page)
