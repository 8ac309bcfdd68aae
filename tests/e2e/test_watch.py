"""A training as it goes on, its timelapse, and several beside each other."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from store.events import EventKind, NewEvent
from store.states import Failed, Succeeded
from tests.app.service import WISH, Service, listening
from tests.e2e.faults import Faults
from tests.e2e.in_pieces import InPieces
from tests.e2e.looks import assert_accessible, assert_fits, assert_nothing_moved, assert_pictures_have_sizes
from tests.e2e.trainings import begin, draw, measure, tell
from tests.pages import SCRIPT_BUDGET_BYTES, gzipped_bytes, scripts_of

WARNING = "only 40% of the classes of real pictures are drawn; train for longer, or take larger batches"


def test_what_happens_shows_by_itself(page: Page, service: Service) -> None:
    claim = begin(service)
    page.goto(f"{service.url}/watch/{claim.job.id}")
    expect(page.locator("#status")).to_contain_text("running")
    expect(page.get_by_role("img", name="sample grid of step 4")).to_be_visible()
    draw(service, claim, 6)
    measure(service, claim, 6)
    tell(service, claim, NewEvent(EventKind.LOG, {"message": "half of it is done"}))
    tell(service, claim, NewEvent(EventKind.WARNING, {"message": WARNING, "symptom": "missing_classes"}, 6))
    expect(page.get_by_role("img", name="sample grid of step 6")).to_be_visible()
    expect(page.locator("#log")).to_contain_text("half of it is done")
    expect(page.locator("#warnings")).to_contain_text("What to do: train for longer")
    expect(page.locator("#values")).to_contain_text("16.7")  # FD of step 6
    expect(page.get_by_label(re.compile("loss of the generator, newest values"))).to_be_visible()
    expect(page.get_by_label(re.compile("FD.*drawn pictures 16.7"))).to_be_visible()
    service.settle(claim, Succeeded())
    expect(page.locator("#status")).to_contain_text("succeeded")
    expect(page.get_by_role("status")).to_contain_text("The training has ended: succeeded")


def test_a_reload_in_the_middle_loses_nothing(page: Page, service: Service) -> None:
    claim = begin(service, grids=4)
    page.goto(f"{service.url}/watch/{claim.job.id}")
    expect(page.locator("#curves .plot")).to_have_count(4)
    before = page.locator("main").inner_text()
    labels = page.locator("#curves .plot").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    page.reload()
    expect(page.locator("#curves .plot")).to_have_count(4)
    assert page.locator("main").inner_text() == before
    assert page.locator("#curves .plot").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))") == labels
    draw(service, claim, 8)
    expect(page.get_by_role("slider")).to_have_attribute("max", "4")
    expect(page.get_by_role("img", name="sample grid of step 8")).to_be_visible()


def test_attempts_and_recoveries_are_told(page: Page, service: Service) -> None:
    claim = begin(service)
    service.given.jobs.release(claim, "worker lost")
    begin(service, job_id=claim.job.id)
    page.goto(f"{service.url}/watch/{claim.job.id}")
    expect(page.locator("#status")).to_contain_text("attempt 2 of 3")
    expect(page.locator("#turns")).to_contain_text("worker lost, attempt 1 of 3, resumes from step 0")


def test_a_failed_training_says_why(page: Page, service: Service) -> None:
    claim = begin(service)
    service.settle(claim, Failed({"type": "TrainingDivergedError", "detail": "the loss is no number"}))
    page.goto(f"{service.url}/watch/{claim.job.id}")
    expect(page.get_by_role("alert")).to_contain_text("It failed: the loss is no number")


def test_the_slider_shows_every_grid(page: Page, service: Service) -> None:
    claim = begin(service, grids=6)
    page.goto(f"{service.url}/watch/{claim.job.id}")
    slider = page.get_by_role("slider", name="step of the training")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.get_by_role("img", name="sample grid of step 0")).to_be_visible()
    expect(page.locator(".player span")).to_have_text("step 0 of 10")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("img", name="sample grid of step 2")).to_be_visible()
    draw(service, claim, 12)  # whoever looks back is left in peace
    expect(slider).to_have_attribute("max", "6")
    expect(page.get_by_role("img", name="sample grid of step 2")).to_be_visible()
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("img", name="sample grid of step 12")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_visible()


@pytest.mark.parametrize(("name", "start"), [("GIF", b"GIF89a"), ("WebM", b"\x1aE\xdf\xa3")])
def test_the_timelapse_is_had_as_a_film(page: Page, service: Service, name: str, start: bytes) -> None:
    claim = begin(service)
    page.goto(f"{service.url}/watch/{claim.job.id}")
    with page.expect_download() as download:
        page.get_by_role("link", name=name).click()
    assert download.value.path().read_bytes().startswith(start)


def test_the_networks_are_drawn_with_their_shapes(page: Page, service: Service) -> None:
    claim = begin(service)
    page.goto(f"{service.url}/watch/{claim.job.id}")
    drawing = page.get_by_role("img", name="generator: 100 to")
    expect(drawing).to_be_visible()
    expect(drawing).to_contain_text("128 × 4 × 4")
    expect(drawing).to_contain_text("ConvTranspose2d")
    page.get_by_text("Every layer of the generator").click()
    expect(page.get_by_role("cell", name="204,800")).to_be_visible()


def test_four_trainings_are_compared(page: Page, service: Service) -> None:
    claims = [begin(service, grids=grids) for grids in (6, 6, 3, 6)]
    page.goto(f"{service.url}/watch")
    for claim in claims:
        page.get_by_label(f"compare dcgan {claim.job.id}").check()
    page.get_by_role("button", name="Compare the marked").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("4 trainings")
    expect(
        page.get_by_label(re.compile(r"FD.*: dcgan \w{4} 10, dcgan \w{4} 10, dcgan \w{4} 25, dcgan \w{4} 10"))
    ).to_be_visible()
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.get_by_role("img", name="sample grid of step 0")).to_have_count(4)
    page.keyboard.press("End")
    expect(page.get_by_role("img", name="sample grid of step 10")).to_have_count(3)
    expect(page.get_by_role("img", name="sample grid of step 4")).to_have_count(1)
    measure(service, claims[2], 6)
    draw(service, claims[2], 6)
    expect(page.get_by_role("img", name="sample grid of step 6")).to_have_count(1)
    assert_accessible(page)
    assert_pictures_have_sizes(page)
    page.set_viewport_size({"width": 360, "height": 780})
    assert_fits(page)


def test_a_comparison_without_curves_says_why(page: Page, service: Service) -> None:
    wishes = [
        WISH.model_copy(update={"family": family, "preset": "neutral", "dataset": "mnist"})
        for family in ("infogan", "vae")
    ]
    first, second = (begin(service, job_id=service.queue(wish), grids=1) for wish in wishes)
    page.goto(f"{service.url}/watch?jobs={first.job.id},{second.job.id}")
    about, values = page.locator("#about-curves"), page.locator("#values")
    expect(about).to_contain_text("Not all of them have told their losses.")
    expect(values).to_contain_text("No classifier ships for mnist")
    tell(service, first, NewEvent(EventKind.METRIC, {"discriminator/real": 1.0}, 2))
    tell(service, second, NewEvent(EventKind.METRIC, {"autoencoder/reconstruction": 1.0}, 2))
    expect(about).to_contain_text("They share no loss")
    expect(about).to_contain_text("No classifier ships for mnist")
    measure(service, first, 4)
    expect(about).to_contain_text("By the real pictures that were seen")


def test_the_list_to_compare_follows_and_keeps_what_is_marked(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/watch")
    expect(page.locator("#all")).to_contain_text("There is no training yet.")
    claim = begin(service)
    row = page.get_by_role("row", name=claim.job.id)
    expect(row).to_contain_text("running")
    mark = page.get_by_label(f"compare dcgan {claim.job.id}")
    mark.check()
    service.settle(claim, Succeeded())
    service.queue()
    expect(row).to_contain_text("succeeded")
    expect(page.locator("#rows tr")).to_have_count(2)
    expect(mark).to_be_checked()
    expect(mark).to_be_focused()
    mark.uncheck()
    service.queue()
    expect(page.locator("#rows tr")).to_have_count(3)
    expect(mark).not_to_be_checked()


def test_the_button_says_how_many_can_be_compared(page: Page, service: Service) -> None:
    ids = [service.queue() for _ in range(5)]
    page.goto(f"{service.url}/watch")
    button, told = page.get_by_role("button", name="Compare the marked"), page.locator("#marked")
    expect(button).to_be_disabled()
    expect(told).to_have_text("None is marked yet.")
    for count, job_id in enumerate(ids, start=1):
        page.get_by_label(f"compare dcgan {job_id}").check()
        expect(button).to_be_enabled(enabled=2 <= count <= 4)
        expect(told).to_have_text(re.compile(f"^{count} marked"))
    expect(told).to_contain_text("from 2 to 4 can be compared")
    page.get_by_label(f"compare dcgan {ids[0]}").uncheck()
    button.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("4 trainings")
    page.go_back()
    for job_id in ids[1:]:  # whether the browser kept the page, or made it anew
        page.get_by_label(f"compare dcgan {job_id}").check()
    expect(button).to_be_enabled()


def test_without_script_too_many_are_refused_by_the_server(browser: Browser, service: Service) -> None:
    ids = [service.queue() for _ in range(5)]
    with browser.new_context(java_script_enabled=False, base_url=service.url) as context:
        page = context.new_page()
        page.goto("/watch")
        expect(page.locator("#marked")).to_be_hidden()
        for job_id in ids:
            page.get_by_label(f"compare dcgan {job_id}").check()
        page.get_by_role("button", name="Compare the marked").click()
        expect(page.get_by_role("alert")).to_contain_text("at most 4 can be compared")


def test_five_are_too_many_to_compare(page: Page, service: Service, faults: Faults) -> None:
    faults.expect("422")
    ids = ",".join(service.queue() for _ in range(5))
    page.goto(f"{service.url}/watch?jobs={ids}")
    expect(page.get_by_role("alert")).to_contain_text("at most 4 can be compared")


def test_a_training_that_there_is_not_is_said(page: Page, faults: Faults) -> None:
    faults.expect("404")
    page.goto("/watch/0123456789abcdef")
    expect(page.get_by_role("alert")).to_contain_text("there is no job '0123456789abcdef'")


def test_the_page_of_a_training_is_accessible_and_fits_a_phone(page: Page, service: Service) -> None:
    claim = begin(service, grids=4)
    tell(service, claim, NewEvent(EventKind.WARNING, {"message": WARNING, "symptom": "missing_classes"}, 6))
    page.goto(f"{service.url}/watch/{claim.job.id}")
    expect(page.locator("#curves .plot")).to_have_count(4)
    assert_accessible(page)
    assert_pictures_have_sizes(page)
    page.set_viewport_size({"width": 360, "height": 780})
    page.reload()
    expect(page.locator("#curves .plot")).to_have_count(4)
    assert_fits(page)
    assert_accessible(page)


def test_a_link_keeps_the_focus_when_its_list_comes_anew(page: Page, service: Service) -> None:
    service.queue()
    page.goto(f"{service.url}/watch")
    link = page.locator("#queue").get_by_role("link").first
    link.focus()
    service.queue()
    expect(page.locator("#queue li")).to_have_count(2)
    expect(link).to_be_focused()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("path", ["/watch/{}", "/watch?jobs={},{}", "/watch?jobs={},{},{},{}"])
def test_nothing_moves_while_the_page_and_its_pictures_arrive(
    page: Page, service: Service, path: str, width: int
) -> None:
    claims = [begin(service, grids=4) for _ in range(path.count("{}"))]
    page.set_viewport_size({"width": width, "height": 900})
    with listening(InPieces(service.app), lifespan="off") as url:
        page.goto(url + path.format(*(claim.job.id for claim in claims)))
        assert_nothing_moved(page)


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("path", ["/watch/{}", "/watch?jobs={},{}"])
def test_the_first_pictures_and_curves_move_nothing_when_they_come(
    page: Page, service: Service, path: str, width: int
) -> None:
    claims = [begin(service, grids=0) for _ in range(2)]
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(service.url + path.format(*(claim.job.id for claim in claims)))
    expect(page.get_by_text("It has drawn nothing.").first).to_be_visible()
    for step in (0, 2, 4):
        draw(service, claims[0], step)
        if step and "jobs=" not in path:  # which curves several have is known when both have some
            measure(service, claims[0], step)
        expect(page.get_by_role("img", name=f"sample grid of step {step}")).to_be_visible()
    if "jobs=" not in path:
        expect(page.locator("#curves .plot")).to_have_count(4)
    assert_nothing_moved(page)


def test_the_page_of_a_training_is_there_without_script(browser: Browser, service: Service) -> None:
    claim = begin(service, grids=4)
    with browser.new_context(java_script_enabled=False, base_url=service.url) as context:
        page = context.new_page()
        page.goto(f"/watch/{claim.job.id}")
        expect(page.get_by_role("img", name="sample grid of step 6")).to_be_visible()
        expect(page.locator("#values")).to_contain_text("16.7")
        expect(page.get_by_role("img", name=re.compile("^generator"))).to_be_visible()
        expect(page.get_by_role("link", name="GIF")).to_be_visible()
        page.get_by_text("All sample grids").click()
        expect(page.locator("#grids a")).to_have_count(4)


def test_the_scripts_of_the_page_are_small(service: Service) -> None:
    path = f"/watch/{begin(service).job.id}"
    scripts = scripts_of(service.client, path)
    assert "/static/js/curves.js" in scripts
    assert gzipped_bytes(scripts) <= SCRIPT_BUDGET_BYTES
