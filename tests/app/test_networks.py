"""The networks of families and jobs, over HTTP."""

import resource
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest
from pydantic.fields import FieldInfo

from app.sharing import Turns
from app.teaching.networks import NetworkOutlines
from models import families, outline
from store.requests import TrainRequest
from tests.app.problems import places, refusal
from tests.app.service import Service


@pytest.mark.parametrize("name", list(families()))
def test_each_family_shows_its_networks(gallery: Service, name: str) -> None:
    networks = gallery.get(f"/families/{name}/networks", params={"dataset": "segments"}).json()["items"]
    assert {one["name"] for one in networks if one["draws"]} == set(families()[name].generators)
    for network in networks:
        assert sum(layer["parameters"] for layer in network["layers"]) == network["parameters"]
    assert [1, 16, 16] in [layer["output"] for one in networks if one["draws"] for layer in one["layers"]]


def test_presets_and_data_sets_have_networks_of_their_own(gallery: Service) -> None:
    def widths(query: str) -> list[int]:
        networks = gallery.get(f"/families/dcgan/networks?{query}").json()["items"]
        return [one["parameters"] for one in networks]

    assert len({tuple(widths(query)) for query in ("", "preset=tutorial", "dataset=stacked_mnist")}) == 3
    assert widths("") == widths("preset=paper&dataset=mnist")


def test_a_job_shows_the_networks_that_it_trains(service: Service) -> None:
    wish = TrainRequest(family="dcgan", dataset="segments", hyperparameters={"width": 3, "latent_dim": 5})
    networks = service.get(f"/jobs/{service.queue(wish)}/networks").json()["items"]
    first = networks[0]["layers"][0]
    assert (first["inputs"], first["output"]) == ([[5]], [6 * 4 * 4])


@pytest.mark.parametrize(
    ("query", "parameter", "right"),
    [
        ("preset=nobody", "preset", "it has paper, tutorial"),
        ("dataset=cats", "dataset", "there are mnist"),
        ("width=3", "width", "known are preset, dataset"),
    ],
)
def test_networks_that_there_are_not_are_refused(gallery: Service, query: str, parameter: str, right: str) -> None:
    problem = refusal(gallery.get(f"/families/dcgan/networks?{query}"), 422)
    assert right in places(problem)["parameter", parameter]


def test_nobody_has_no_networks(gallery: Service) -> None:
    refusal(gallery.get("/families/nobody/networks"), 404, "no-such-family")
    refusal(gallery.get("/jobs/0123456789abcdef/networks"), 404, "not-found")


@pytest.fixture
def networks() -> NetworkOutlines:
    return NetworkOutlines(Turns(at_once=1, waiting=8, wait_seconds=60))


def test_networks_that_several_ask_for_are_outlined_once(
    networks: NetworkOutlines, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Mock(wraps=outline)
    monkeypatch.setattr("app.teaching.networks.outline", made)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda width: networks.outline("dcgan", width, "segments"), [{"width": 3}] * 4))
    assert made.call_count == 1
    assert all(one is found[0] for one in found)
    networks.outline("dcgan", {"width": 3, "latent_dim": 100}, "segments")  # the same by its default, said or not
    assert made.call_count == 1


@pytest.mark.parametrize("name", list(families()))
def test_the_largest_networks_take_no_memory(networks: NetworkOutlines, name: str) -> None:
    fields = families()[name].hyperparameters.model_fields
    largest = {field: most for field, info in fields.items() if (most := _most(info)) is not None}
    largest |= {"halvings": 0} if "halvings" in fields else {}  # more halvings make it smaller
    networks.outline(name, {}, "mnist")  # what torch needs for it is loaded
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = networks.outline(name, largest, "mnist")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # kibibytes
    assert found != networks.outline(name, {}, "mnist")


def _most(info: FieldInfo) -> int | None:
    bounds = [one.le for one in info.metadata if isinstance(getattr(one, "le", None), int)]
    return bounds[0] if bounds and info.annotation is int else None
