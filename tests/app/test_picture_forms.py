"""Forms that keep and change pictures: they do what the API does, and go on to the gallery."""

import httpx
import pytest

from tests.app.problems import refusal
from tests.app.service import Service
from tests.app.test_pictures import ONE, delete, items, keep
from tests.app.zoo import CONDITIONAL

CHANGE = "/forms/pictures/change"


def send(service: Service, path: str, **values: str | list[str]) -> httpx.Response:
    return service.post(path, data=values)


def test_a_form_keeps_what_a_url_draws(service: Service) -> None:
    response = send(service, "/forms/pictures", recipe=f"/generate?checkpoint={CONDITIONAL}&seed=5&index=3&scale=8")
    (kept,) = items(service)
    assert (response.status_code, response.headers["location"]) == (303, f"/gallery?picture={kept['id']}#picture")
    assert kept == keep(service, ONE)
    assert service.get(response.headers["location"]).status_code == 200


@pytest.mark.parametrize(
    ("recipe", "told"),
    [("", "recipe.seed: is required"), ("/generate?seed=many", "recipe.seed: "), ("/generate?sead=1", "recipe.sead: ")],
)
def test_what_is_no_recipe_is_refused(gallery: Service, recipe: str, told: str) -> None:
    response = send(gallery, "/forms/pictures", recipe=recipe)
    assert response.status_code == 422
    assert told in response.text


def test_pictures_are_changed_together_or_one_by_its_button(service: Service) -> None:
    first, second, third = (keep(service, ONE | {"index": index}) for index in range(3))
    both = [first["id"], second["id"]]
    response = send(service, f"{CHANGE}?back=%2Fgallery%3Fseed%3D5", change="star", id=both)
    assert (response.status_code, response.headers["location"]) == (303, "/gallery?seed=5")
    assert [one["starred"] for one in items(service)] == [False, True, True]
    send(
        service, CHANGE, unstar=first["id"], id=[third["id"]]
    )  # a button of one picture leaves the selected ones alone
    assert [one["starred"] for one in items(service)] == [False, True, False]
    send(service, CHANGE, describe=third["id"], tags=" bold , Leaning,", note="over")
    assert (items(service)[0]["tags"], items(service)[0]["note"]) == (["bold", "leaning"], "over")


def test_a_deletion_can_be_undone_where_it_leads(service: Service) -> None:
    ids = [keep(service, ONE | {"index": index})["id"] for index in range(2)]
    response = send(service, f"{CHANGE}?back=%2Fgallery%3Ffamily%3Ddcgan", change="delete", id=ids)
    shown = service.get(response.headers["location"])
    assert response.headers["location"].startswith("/gallery?family=dcgan&deleted=")
    assert "2 pictures deleted." in shown.text
    assert [shown.text.count(f'<input type="hidden" name="id" value="{one}">') for one in ids] == [1, 1]
    assert items(service) == []
    assert send(service, CHANGE, change="restore", id=ids).headers["location"] == "/gallery"
    assert len(items(service)) == 2


def test_pictures_are_removed_for_good_when_one_has_said_so_twice(service: Service) -> None:
    ids = [keep(service, ONE | {"index": index})["id"] for index in range(2)]
    delete(service, {"id": ids[0]})
    asked = send(service, f"{CHANGE}?back=%2Fgallery%3Ftrash%3Dtrue", change="remove", id=ids)
    assert asked.status_code == 200
    assert "Remove 2 pictures for good?" in asked.text
    assert "Remove 1 picture for good?" in send(service, CHANGE, remove=ids[0], is_sure="false").text
    assert send(service, CHANGE, remove="nonesuch").status_code == 404
    assert len(items(service)) + len(items(service, "trash=true")) == 2
    assert send(service, CHANGE, change="remove", is_sure="true", id=ids).headers["location"] == "/gallery"
    assert items(service) == items(service, "trash=true") == []
    assert service.get(f"/pictures/{ids[0]}").status_code == 404


def test_what_cannot_be_changed_is_said(service: Service) -> None:
    kept = keep(service)
    refused = {
        (("change", "paint"), ("id", kept["id"])): (422, "there is no change &#39;paint&#39;; there are star, unstar"),
        (("change", "star"),): (422, "no picture is selected"),
        (("star", "nonesuch"),): (404, "nonesuch"),
        (("describe", kept["id"]), ("tags", "x" * 51)): (422, "a tag of 1 to 50 characters"),
    }
    for fields, (status, told) in refused.items():
        response = send(service, CHANGE, **dict(fields))
        assert (response.status_code, told in response.text) == (status, True), response.text
    delete(service, kept)
    assert send(service, CHANGE, star=kept["id"]).status_code == 409
    refusal(service.post(CHANGE, json={}), 415)


@pytest.mark.parametrize("path", ["/forms/pictures", CHANGE])
def test_the_address_of_a_form_leads_to_the_gallery(gallery: Service, path: str) -> None:
    for query, page in (
        ("", "/gallery"),
        ("?back=%2Fgallery%3Fseed%3D5", "/gallery?seed=5"),
        ("?back=%2F%2Fx", "/gallery"),
    ):
        response = gallery.get(path + query)
        assert (response.status_code, response.headers["location"]) == (303, page)


@pytest.mark.parametrize("back", ["https://elsewhere/gallery", "//elsewhere/gallery", "/watch", "javascript:alert(1)"])
def test_a_form_leads_to_the_gallery_and_nowhere_else(service: Service, back: str) -> None:
    kept = keep(service)
    response = service.client.post(CHANGE, params={"back": back}, data={"star": kept["id"]})
    assert response.headers["location"] == "/gallery"


def test_where_one_of_several_is_gone_none_is_changed(service: Service) -> None:
    kept = keep(service)
    assert send(service, CHANGE, change="delete", id=[kept["id"], "nonesuch"]).status_code == 404
    assert [one["id"] for one in items(service)] == [kept["id"]]


@pytest.mark.parametrize("text", ["//[", "https://[x"])
def test_what_is_no_address_does_no_harm(service: Service, text: str) -> None:
    kept = keep(service)
    response = service.client.post(CHANGE, params={"back": text}, data={"star": kept["id"]})
    assert (response.status_code, response.headers["location"]) == (303, "/gallery")
    assert send(service, "/forms/pictures", recipe=text).status_code == 422


def test_only_what_is_in_the_trash_can_be_undone(service: Service) -> None:
    kept = keep(service)
    assert "deleted." not in service.get(f"/gallery?deleted=,,,{kept['id']},x").text
    delete(service, kept)
    assert "1 picture deleted." in service.get(f"/gallery?deleted=,,,{kept['id']},x").text
