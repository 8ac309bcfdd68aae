"""The zoo over HTTP."""

import pytest

from models import DATASETS, FLAGSHIP, Conditioning, families
from tests.app.problems import refusal
from tests.app.service import Service


@pytest.mark.parametrize("name", list(families()))
def test_each_family_tells_what_it_takes(gallery: Service, name: str) -> None:
    family, shown = families()[name], gallery.get(f"/families/{name}").json()
    assert shown in gallery.get("/families").json()["items"]
    assert shown["paper"]["title"] == family.paper.title
    assert shown["conditioning"] in {one.value for one in Conditioning}
    assert shown["has_score"] == (family.score is not None)
    assert shown["score_kind"] == family.score_kind
    assert shown["default_preset"] in shown["presets"]
    for preset_name, preset in shown["presets"].items():
        assert preset["hyperparameters"].keys() == shown["hyperparameters"]["properties"].keys()
        assert preset["images"] == family.preset(preset_name).images


def test_families_and_datasets_are_lists(gallery: Service) -> None:
    shown = gallery.get("/families").json()
    assert [family["name"] for family in shown["items"]] == list(families())
    assert FLAGSHIP in families()
    assert shown["next_cursor"] is None
    datasets = gallery.get("/datasets").json()
    assert [one["name"] for one in datasets["items"]] == list(DATASETS)
    assert datasets["items"][0]["classes"] == [*"0123456789"]
    has_classifier = {one["name"]: one["has_classifier"] for one in datasets["items"]}
    assert has_classifier["segments"]
    assert not has_classifier["mnist"]


def test_a_family_that_there_is_not_is_refused(gallery: Service) -> None:
    problem = refusal(gallery.get("/families/nobody"), 404, "no-such-family")
    assert FLAGSHIP in problem["detail"]
