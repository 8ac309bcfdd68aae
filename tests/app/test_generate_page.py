"""The page Generate, as the server sends it."""

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from store.requests import TrainRequest
from tests.app.problems import refusal
from tests.app.service import WISH, Service
from tests.app.zoo import CONDITIONAL, UNCONDITIONAL, ship

PEOPLE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def parameters(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(unescape(url)).query))


def canonical(page: str) -> dict[str, str]:
    (url,) = re.findall(r'rel="canonical" href="([^"]+)"', page)
    return parameters(url)


def test_the_front_page_welcomes_with_pictures(gallery: Service) -> None:
    page = gallery.get("/").text
    state = canonical(page)
    assert state["count"] == "50"
    assert state["checkpoint"] == gallery.id_of(CONDITIONAL)
    assert len(re.findall(r"<rect ", page)) == 50


@pytest.mark.parametrize("query", ["seed=3", "seed=3&count=9&truncation=0.5&nice=true&digit=2", "seed=3&scale=3"])
def test_the_pictures_are_those_of_generate_by_the_same_query(gallery: Service, query: str) -> None:
    page = gallery.get(f"/?{query}").text
    (source,) = re.findall(r'<a class="button" href="([^"]+)" download>', page)
    assert gallery.get(unescape(source)).content == gallery.get(f"/generate?{query}").content


def test_a_state_without_its_defaults_is_one_url(gallery: Service) -> None:
    pinned = {"checkpoint": gallery.id_of(CONDITIONAL), "seed": "3"}
    assert canonical(gallery.get("/?seed=3&count=16&truncation=1&nice=false&digit=").text) == pinned


def test_a_picture_beyond_the_usual_count_is_in_the_grid(gallery: Service) -> None:
    page = gallery.get("/?seed=3&index=20").text
    assert len(re.findall(r"<rect ", page)) == 21
    assert 'aria-label="picture 21, class 0" aria-current="true"' in page


def test_a_network_without_labels_draws_any_class(gallery: Service) -> None:
    page = gallery.get("/", params={"checkpoint": UNCONDITIONAL, "seed": 1}).text
    assert "<span>any</span>" in page
    assert 'aria-label="picture 1"' in page


def test_the_controls_of_a_family_are_made_from_its_schema(service: Service) -> None:
    claim = service.claim(
        service.queue(TrainRequest(**{**WISH.model_dump(), "family": "infogan", "preset": "neutral"}))
    )
    infogan = service.keep_checkpoint(claim, 1)
    page = service.get("/", params={"checkpoint": infogan, "seed": 1, "code": 3, "c1": 0.5}).text
    assert re.findall(r'name="code" value="(\w*)"', page) == ["", *"0123456789"]
    assert '<input type="radio" name="code" value="3" checked>' in page
    assert re.search(r'<input id="c1" name="c1" type="number" step="any" min="-2" max="2" value="0.5"', page)
    assert re.search(r'<input id="c2" [^>]* value=""', page)
    assert canonical(page)["c1"] == "0.5"
    assert 'name="code"' not in service.get("/").text


def test_every_checkpoint_can_be_chosen_with_its_quality(service: Service) -> None:
    claim = service.claim()
    trained = service.keep_checkpoint(claim, 4, fd=1.5, fd_floor=0.5)
    page = service.get("/?seed=8&count=9&digit=2").text
    cards = {parameters(url)["checkpoint"]: url for url in re.findall(r'<a class="card" href="([^"]+)"', page)}
    assert set(cards) == {trained, service.id_of(UNCONDITIONAL)}
    assert "FD 1.50 (real pictures 0.50)" in page
    assert parameters(cards[trained]) == {"checkpoint": trained, "seed": "8", "count": "9"}
    assert service.get(unescape(cards[trained])).status_code == 200


def test_a_family_without_a_score_cannot_choose(service: Service) -> None:
    claim = service.claim(service.queue(TrainRequest(**{**WISH.model_dump(), "family": "vae", "preset": "neutral"})))
    page = service.get("/", params={"checkpoint": service.keep_checkpoint(claim, 1), "seed": 1}).text
    assert "vae has no score to choose by." in page
    assert "nice-report" not in page
    assert "nice-report" in service.get("/").text


def test_without_any_checkpoint_the_page_says_what_to_do(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    ship(monkeypatch, {})
    response = service.get("/")
    assert response.status_code == 200
    assert '<a href="/train">train one</a>, and promote it' in response.text
    refusal(service.get("/?checkpoint=nothing"), 404, "no-such-checkpoint")


def test_a_person_is_refused_by_a_page_and_a_program_by_json(gallery: Service) -> None:
    for path in ("/?digit=12", "/generate?digit=12"):
        response = gallery.get(path, headers=PEOPLE)
        assert response.status_code == 422
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["vary"] == "Accept"
        assert "<code>digit</code>: should be a whole number from 0 up to 9" in response.text
        assert refusal(gallery.get(path), 422)["detail"].startswith("digit")
    missing = gallery.get("/nowhere", headers=PEOPLE)
    assert missing.status_code == 404
    assert "nothing is at /nowhere" in missing.text


def test_what_was_asked_for_is_no_html_of_the_page(gallery: Service) -> None:
    page = gallery.get("/?label=<script>alert(1)</script>", headers=PEOPLE)
    assert page.status_code == 422
    assert "<script>alert" not in page.text


def test_the_neighbours_are_shown_only_where_the_data_set_is(gallery: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "/neighbours?" in gallery.get("/?seed=1&index=0").text
    monkeypatch.setattr("datasets.segments.is_here", lambda directory: False, raising=False)
    page = gallery.get("/?seed=1&index=0").text
    assert "/neighbours?" not in page
    assert "ganery data fetch segments" in page
