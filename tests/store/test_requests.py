from typing import Any

import pytest

from models import FLAGSHIP, SEGMENTS, families, find_family
from store import requests
from store.requests import LARGEST_SEED, RequestError, TrainRequest, complete


def problems(**wish: Any) -> dict[str, str]:
    with pytest.raises(RequestError) as caught:
        complete(TrainRequest(**wish))
    return {".".join(map(str, problem.path)): problem.detail for problem in caught.value.problems}


def test_an_empty_wish_trains_the_flagship_on_mnist() -> None:
    job, steps = complete(TrainRequest())
    preset = find_family(FLAGSHIP).preset(job.preset)
    assert (job.family, job.preset, job.dataset) == (FLAGSHIP, find_family(FLAGSHIP).default_preset, "mnist")
    assert (job.images, job.batch_size) == (preset.images, preset.batch_size)
    assert job.hyperparameters == preset.hyperparameters.model_dump(mode="json")
    assert steps == -(-preset.images // preset.batch_size)


def test_a_seed_is_drawn_where_none_is_given() -> None:
    seeds = {complete(TrainRequest())[0].seed for _ in range(5)}
    assert len(seeds) == 5
    assert all(0 <= seed <= LARGEST_SEED for seed in seeds)
    assert complete(TrainRequest(seed=0))[0].seed == 0


@pytest.mark.parametrize("name", list(families()))
def test_every_preset_is_complete(name: str) -> None:
    for preset in families()[name].presets:
        job, steps = complete(TrainRequest(family=name, preset=preset, images=640, batch_size=64))
        assert job.preset == preset
        assert steps > 0
        assert 1 <= job.metrics_interval <= job.checkpoint_interval


def test_hyperparameters_differ_where_they_are_asked_to() -> None:
    job, _ = complete(TrainRequest(family="dcgan", preset="tutorial", hyperparameters={"latent_dim": 7}))
    assert job.hyperparameters["latent_dim"] == 7
    assert job.hyperparameters["architecture"] == "tutorial"


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [("family", "vae", "dcgan"), ("preset", "none", "has no preset 'none'"), ("dataset", "cats", "mnist, segments")],
)
def test_an_unknown_name_is_refused_with_those_that_there_are(field: str, value: str, right: str) -> None:
    (found,) = problems(**{field: value}).items()
    assert found[0] == field
    assert repr(value) in found[1]
    assert right in found[1]


def test_every_wrong_hyperparameter_is_refused_at_its_place() -> None:
    found = problems(family="dcgan", hyperparameters={"latent_dim": "many", "width": 10**9, "depth": 1})
    assert found.keys() == {f"hyperparameters.{name}" for name in ("latent_dim", "width", "depth")}
    assert "'many'" in found["hyperparameters.latent_dim"]


def test_a_data_set_that_the_networks_cannot_draw_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "find_dataset", lambda name: SEGMENTS.model_copy(update={"size": 18}))
    assert problems(family="dcgan").keys() == {"dataset"}
