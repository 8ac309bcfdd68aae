"""The form of a training: what it shows of a family, and which request it is."""

from typing import Any

import pytest

from app.web.train_form import TrainForm
from models import FLAGSHIP, Family, families
from store.requests import TrainRequest, complete
from store.retention import Keep


def values_of(form: TrainForm) -> dict[str, str]:
    """What a browser sends of the form as it is shown."""
    fields = (*form.general, *form.hyperparameters, *form.reports, *form.keeps)
    chosen = {"family": form.family.name, "preset": form.preset, "dataset": form.dataset, "shown": form.shown}
    return chosen | {field.name: field.value for field in fields}


def faults(**values: str) -> dict[str, str]:
    return {one.field: one.detail for one in TrainForm(values).faults}


def test_an_empty_form_is_the_flagship_on_mnist() -> None:
    form = TrainForm({})
    assert form.faults == []
    assert form.wish is not None
    assert form.plan is not None
    assert (form.wish.family, form.wish.dataset, form.wish.hyperparameters) == (FLAGSHIP, "mnist", {})


@pytest.mark.parametrize(
    ("family", "preset"),
    [
        pytest.param(family, preset, id=f"{family.name}-{preset}")
        for family in families().values()
        for preset in family.presets
    ],
)
def test_a_form_that_is_sent_as_it_is_shown_is_the_preset(family: Family[Any], preset: str) -> None:
    shown = TrainForm({"family": family.name, "preset": preset, "dataset": "segments"})
    sent = TrainForm(values_of(shown))
    assert sent.faults == []
    assert sent.wish is not None
    assert sent.wish.hyperparameters == {}
    request, steps = complete(sent.wish)
    usual, usual_steps = complete(TrainRequest(family=family.name, preset=preset, dataset="segments"))
    assert request.model_copy(update={"seed": 0}) == usual.model_copy(update={"seed": 0})
    assert steps == usual_steps
    assert [field.name for field in sent.hyperparameters] == [
        f"hyperparameters.{name}" for name in request.hyperparameters
    ]
    assert not any(field.is_changed for field in sent.hyperparameters)


@pytest.mark.parametrize("text", ["1000000", "1,000,000", "1 000 000", "1e6", "1000000.0"])
def test_a_whole_number_is_understood_as_people_write_it(text: str) -> None:
    form = TrainForm({"images": text})
    assert form.wish is not None
    assert form.wish.images == 1_000_000


def test_every_kind_of_value_is_understood() -> None:
    form = TrainForm(
        {
            "family": "gan",
            "dataset": "segments",
            "seed": "12",
            "images": "60 000",
            "batch_size": "1,024",
            "hyperparameters.learning_rate": "1e-3",
            "hyperparameters.batch_norm": "false",
            "hyperparameters.loss": "minimax",
            "keep.best": "false",
            "keep.every": "",
            "on_collapse": "stop",
        }
    )
    assert form.faults == []
    assert form.wish is not None
    assert (form.wish.seed, form.wish.images, form.wish.batch_size) == (12, 60_000, 1024)
    assert form.wish.hyperparameters == {"learning_rate": 1e-3, "batch_norm": False, "loss": "minimax"}
    assert form.wish.keep == Keep(best=False, every=None)
    assert form.wish.on_collapse == "stop"


def test_what_was_typed_stays_with_another_family_where_it_has_a_meaning() -> None:
    typed = values_of(TrainForm({"family": "wgan", "dataset": "segments"}))
    typed |= {"family": "lsgan", "hyperparameters.latent_dim": "99", "hyperparameters.weight_clip": "0.5", "seed": "7"}
    form = TrainForm(typed)
    assert form.left_out == ["hyperparameters.weight_clip"]
    assert form.preset == families()["lsgan"].default_preset
    assert form.wish is not None
    assert (form.wish.seed, form.wish.hyperparameters) == (7, {"latent_dim": 99})


def test_another_preset_brings_its_values_and_keeps_what_was_typed() -> None:
    typed = values_of(TrainForm({"family": "wgan_gp", "dataset": "segments"}))
    form = TrainForm(typed | {"preset": "paper", "hyperparameters.penalty_weight": "3"})
    preset = families()["wgan_gp"].preset("paper").hyperparameters.model_dump(mode="json")
    shown = {field.name.removeprefix("hyperparameters."): field for field in form.hyperparameters}
    assert shown["penalty_weight"].value == "3"
    assert [name for name, field in shown.items() if field.is_changed] == ["penalty_weight"]
    assert shown["architecture"].value == preset["architecture"]


@pytest.mark.parametrize(
    ("field", "text", "right"),
    [
        ("family", "nobody", "there is no family 'nobody'"),
        ("preset", "nothing", "has no preset 'nothing'"),
        ("dataset", "cats", "there are mnist"),
        ("images", "many", "should be a whole number"),
        ("images", "0", "from 1 up to 1,000,000,000"),
        ("batch_size", "1.5", "should be a whole number"),
        ("hyperparameters.latent_dim", "-1", "from 1 up to 1,024"),
        ("hyperparameters.loss", "none", "should be non_saturating or relativistic"),
        ("sample_interval", "1", "the smallest allowed is"),
        ("keep.last", "0", "from 1 up to 1,000"),
        ("keep.best", "perhaps", "should be true or false"),
        ("on_collapse", "dance", "should be one of warn, pause, stop"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(field: str, text: str, right: str) -> None:
    found = faults(**{"dataset": "segments", field: text})
    assert list(found) == [field]
    assert right in found[field]


def test_what_was_typed_is_shown_again_though_it_is_wrong() -> None:
    form = TrainForm({"images": "many", "hyperparameters.latent_dim": "x"})
    assert {field.name: field.value for field in form.general}["images"] == "many"
    assert {field.name: field.value for field in form.hyperparameters}["hyperparameters.latent_dim"] == "x"
    assert form.plan is None
