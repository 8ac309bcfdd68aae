import json
from typing import Any

import pytest
from pydantic import ValidationError

from models import FLAGSHIP, SEGMENTS, families, find_family
from store import requests
from store.requests import LARGEST_SEED, RequestError, TrainRequest, complete
from store.retention import Keep


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


def test_a_short_training_leaves_one_checkpoint_unless_more_are_asked_for() -> None:
    short, steps = complete(TrainRequest(images=640, batch_size=64))
    assert steps < short.checkpoint_interval
    assert short.sample_interval == 1
    assert complete(TrainRequest(images=640, batch_size=64, checkpoint_interval=2))[0].checkpoint_interval == 2


def test_hyperparameters_differ_where_they_are_asked_to() -> None:
    job, _ = complete(TrainRequest(family="dcgan", preset="tutorial", hyperparameters={"latent_dim": 7}))
    assert job.hyperparameters["latent_dim"] == 7
    assert job.hyperparameters["architecture"] == "tutorial"


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [
        ("family", "nonesuch", "dcgan"),
        ("preset", "none", "has no preset 'none'"),
        ("dataset", "cats", "mnist, fashion_mnist"),
    ],
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


@pytest.mark.parametrize(
    ("name", "value"), [("latent_dim", "64"), ("latent_dim", True), ("learning_rate", "0.1"), ("latent_dim", 64.5)]
)
def test_a_hyperparameter_of_another_type_is_refused(name: str, value: object) -> None:
    found = problems(family="dcgan", hyperparameters={name: value})
    assert found.keys() == {f"hyperparameters.{name}"}
    assert repr(value) in found[f"hyperparameters.{name}"]


def test_an_integer_is_a_number() -> None:
    job, _ = complete(TrainRequest(family="dcgan", hyperparameters={"learning_rate": 1}))
    assert job.hyperparameters["learning_rate"] == 1.0


@pytest.mark.parametrize("field", ["seed", "images", "batch_size", "checkpoint_interval"])
@pytest.mark.parametrize("value", ["64", True, 64.5])
def test_a_wish_of_another_type_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        TrainRequest.model_validate({field: value})


@pytest.mark.parametrize("name", list(families()))
def test_what_is_stored_as_json_configures_the_same_again(name: str) -> None:
    family = families()[name]
    for preset in family.presets.values():
        stored = json.loads(json.dumps(preset.hyperparameters.model_dump(mode="json")))
        assert family.configure(stored, SEGMENTS).hyperparameters == preset.hyperparameters


@pytest.mark.parametrize(
    ("field", "least"),
    [("checkpoint_interval", 100), ("sample_interval", 100), ("metrics_interval", 10), ("quality_interval", 100)],
)
def test_an_interval_that_would_fill_the_disk_is_refused_with_the_smallest_one(field: str, least: int) -> None:
    wish = {"family": "dcgan", "images": 100_000 * 64, "batch_size": 64}
    (found,) = problems(**wish, **{field: least - 1}).items()
    assert found == (field, f"is too small for 100000 steps, {least - 1} came; the smallest allowed is {least}")
    assert getattr(complete(TrainRequest(**wish, **{field: least}))[0], field) == least  # type: ignore[arg-type]


def test_a_data_set_that_the_networks_cannot_draw_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "find_dataset", lambda name: SEGMENTS.model_copy(update={"size": 18}))
    assert problems(family="dcgan").keys() == {"dataset"}


def test_pictures_are_judged_as_often_as_a_checkpoint_is_saved() -> None:
    job, _ = complete(TrainRequest())
    assert job.quality_interval == job.checkpoint_interval
    short, _ = complete(TrainRequest(images=64 * 500))
    assert short.quality_interval == short.checkpoint_interval == 200
    assert complete(TrainRequest(quality_interval=7000))[0].quality_interval == 7000


def test_what_is_kept_and_what_follows_a_collapse_are_of_the_request() -> None:
    usual, _ = complete(TrainRequest())
    assert (usual.keep, usual.on_collapse) == (Keep(best=True, last=2, every=4), "warn")
    wish = {"keep": {"last": 1, "every": None}, "on_collapse": "pause"}
    chosen, _ = complete(TrainRequest.model_validate(wish))
    assert (chosen.keep, chosen.on_collapse) == (Keep(best=True, last=1, every=None), "pause")


@pytest.mark.parametrize("keep", [{"last": 0}, {"every": 0}, {"best": 1}, {"first": 1}])
def test_a_retention_that_means_nothing_is_refused(keep: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrainRequest.model_validate({"keep": keep})
