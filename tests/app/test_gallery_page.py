"""The gallery as the server sends it, before any script."""

import re
from html import unescape
from urllib.parse import urlsplit

import pytest

from app.routes.pages import gallery as module
from tests.app.service import Service
from tests.app.test_pictures import ONE, delete, keep


def names(text: str) -> list[str]:
    return [unescape(name) for name in re.findall(r'data-name="([^"]+)"', text)]


def links(text: str, relation: str) -> list[str]:
    return [unescape(link) for link in re.findall(rf'href="([^"]+)" rel="{relation}"', text)]


def test_the_page_lists_what_the_api_lists(service: Service) -> None:
    keep(service, ONE, note="leans")
    keep(service, {"checkpoint": "default", "seed": 7, "count": 6, "digit": 2})
    text = service.get("/gallery").text
    assert names(text) == ["6 pictures of 2 by projection_gan, seed 7", "3 by projection_gan, seed 5, picture 4"]
    assert "2 pictures" in text
    assert names(service.get("/gallery?text=leans&family=&seed=").text) == ["3 by projection_gan, seed 5, picture 4"]


def test_a_page_leads_to_the_next_and_back_with_the_same_search(service: Service) -> None:
    for index in range(5):
        keep(service, ONE | {"index": index})
    first = service.get("/gallery?limit=2&dataset=segments").text
    (second,) = links(first, "next")
    assert "dataset=segments" in second
    (third,) = links(service.get(second).text, "next")
    assert links(service.get(third).text, "next") == []
    (back,) = links(service.get(third).text, "prev")
    assert names(service.get(back).text) == names(service.get(second).text)
    (begin,) = links(service.get(back).text, "prev")
    assert names(service.get(begin).text) == names(first)
    assert links(first, "prev") == []


def test_many_pictures_are_not_counted(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(3):
        keep(service, ONE | {"index": index})
    monkeypatch.setattr(module, "_COUNTED", 2)
    text = service.get("/gallery").text
    assert "more than 2 pictures" in text
    assert "data-count" not in text


def test_the_picture_in_full_is_part_of_the_page(service: Service) -> None:
    kept = keep(service, ONE, tags=["<b>bold</b>"], note="a & b")
    text = service.get(f"/gallery?picture={kept['id']}").text
    assert "&lt;b&gt;bold&lt;/b&gt;" in text
    assert "a &amp; b" in text
    assert f'href="{kept["page"].replace("&", "&amp;")}"' in text
    assert service.get(urlsplit(kept["page"]).path).status_code == 200
    delete(service, kept)
    assert "In the trash until" in service.get(f"/gallery?trash=true&picture={kept['id']}").text
    assert "not here any more" in service.get("/gallery?picture=nonesuch").text


def test_a_search_that_can_find_nothing_says_why(gallery: Service) -> None:
    for query, told in {
        "text=%21": "there is no word in",
        "trash=true&tag=a": "not searched by tag",
        "cursor=z": "cursor",
    }.items():
        response = gallery.get(f"/gallery?{query}")
        assert response.status_code == 422
        assert 'role="alert"' in response.text
        assert told in response.text


@pytest.mark.parametrize(
    ("query", "field", "told"),
    [
        ("seed=many", "seed", "should be a whole number from 0 on; &#39;many&#39; came"),
        ("seed=-1&family=dcgan", "seed", "a whole number from 0 on"),
        ("order=best", "order", "should be newest or oldest"),
        (f"text={'x' * 201}", "text", "should be a text of at most 200 characters"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words_at_its_field(gallery: Service, query: str, field: str, told: str) -> None:
    response = gallery.get(f"/gallery?{query}")
    assert response.status_code == 422
    at_the_field = response.text.partition(f'id="{field}-fault"')[2].partition("</p>")[0]
    assert told in at_the_field
    assert f'aria-describedby="{field}-fault"' in response.text
    if "family=" in query:
        assert "<option selected>dcgan" in response.text


def test_what_no_field_says_is_told_above_the_list(gallery: Service) -> None:
    for query, told in {
        "limit=1000": "a whole number from 1 up to 200",
        "starred=perhaps": "true or false",
    }.items():
        response = gallery.get(f"/gallery?{query}")
        assert response.status_code == 422
        assert f"should be {told}; " in response.text.partition('class="refusal" role="alert"')[2]
