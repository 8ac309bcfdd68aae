"""The laws of every family in the zoo; none is mentioned by name.

A law that fails for one family is a fault of the family, not an exception in the law.
"""

import importlib
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from checkpoints.format import load, save
from models import (
    MNIST,
    SEGMENTS,
    Batch,
    BlockNoise,
    Conditioning,
    DatasetSpec,
    Family,
    LatentSpace,
    ModelConfig,
    Networks,
    NoClassifierError,
    NoScoreError,
    NotALogitError,
    Objective,
    Phase,
    ScoreKind,
    StepNoise,
    UnsupportedShapeError,
    draw_burn_in,
    draw_hyperparameters,
    families,
    mix,
    outline,
)
from models._rejection import Rejection
from tests import training
from tests.training import BATCH_SIZE, segments
from workers.trainer import Trainer

LABELS = [index % 10 for index in range(40)]

SMALL = {"width": 8, "hidden": 32}
"""Networks as small as a family's hyperparameters allow, where they have these: a law holds at any size."""

STEP = 1e-8
"""Of finite differences in double precision: small, for a unit that is switched on or off on the way adds its slope."""


def train(family: Family[Any], *, preset: str | None = None, **options: Any) -> Trainer:
    small = {name: value for name, value in SMALL.items() if name in family.hyperparameters.model_fields}
    return training.train(family, preset=preset, **(small | options))


each_family = pytest.mark.parametrize("family", list(families().values()), ids=families())
each_preset = pytest.mark.parametrize(
    ("family", "preset"),
    [
        pytest.param(family, preset, id=f"{name}-{preset}")
        for name, family in families().items()
        for preset in family.presets
    ],
)


def parameters(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in trainer.networks.named_parameters()}


def objective_of(trainer: Trainer, phase: Phase[Any], real: Tensor | None = None) -> Objective:
    """The phase's loss on a batch of real pictures, with the networks that it names ready to learn."""
    for name, network in trainer.networks.items():
        network.train().requires_grad_(name in phase.trains)
    real = segments().images[:BATCH_SIZE] / 127.5 - 1 if real is None else real
    noise = StepNoise(torch.Generator().manual_seed(5), BATCH_SIZE)
    return phase.loss(trainer.networks, Batch(real, segments().labels[:BATCH_SIZE]), trainer.config, noise)


# --- What a family says of itself ---------------------------------------------------------------------------------


@each_family
def test_module_is_named_after_the_family(family: Family[Any]) -> None:
    assert importlib.import_module(f"models.{family.name}").FAMILY is family
    assert families()[family.name] is family


@each_family
def test_docstring_gives_the_source_the_idea_the_traps_and_the_deviations(family: Family[Any]) -> None:
    description = importlib.import_module(f"models.{family.name}").__doc__ or ""
    paragraphs = description.split("\n\n")
    heads = [head for head in ("Source", "Idea", "Traps", "Deviations") if f"\n\n{head}" in description]
    assert heads == ["Source", "Idea", "Traps", "Deviations"]
    source = next(one for one in paragraphs if one.startswith("Source: "))
    assert family.paper.url in source
    assert re.search(r"\b(section|sections|eq\.|eqs\.|table) \d", source), (
        "the source names no section, equation or table"
    )


@each_family
def test_every_hyperparameter_is_described(family: Family[Any]) -> None:
    fields = family.hyperparameters.model_fields
    assert [name for name, field in fields.items() if not field.description] == []


@each_family
def test_a_fractional_hyperparameter_changes_no_shape_unless_it_is_zero(family: Family[Any]) -> None:
    default = family.preset(family.default_preset).hyperparameters
    values = default.model_dump(mode="json")
    shapes = _shapes(family, values)
    for name, value in values.items():
        if isinstance(value, float):
            other = {**values, name: value * 0.75}
            assert _shapes(family, other) == shapes, name
            assert family.architecture(family.configure(other, MNIST)) == family.architecture(
                family.configure(values, MNIST)
            )


def _shapes(family: Family[Any], values: dict[str, Any]) -> dict[str, torch.Size]:
    with torch.device("meta"):
        networks = family.build(family.configure(values, MNIST))
    return {name: tensor.shape for name, tensor in networks.state_dict().items()}


@each_family
def test_what_a_study_varies_are_hyperparameters_and_every_draw_is_allowed(family: Family[Any]) -> None:
    assert set(family.search) <= set(family.hyperparameters.model_fields)
    default = family.preset(family.default_preset).hyperparameters.model_dump(mode="json")
    corners = [{name: one.at(share) for name, one in family.search.items()} for share in (0, 0.5, 1 - 2**-53)]
    drawn = [draw_hyperparameters(family.search, seed=0, family=family.name, trial=trial) for trial in range(20)]
    for values in corners + drawn:
        chosen = family.configure(default | values, SEGMENTS).hyperparameters.model_dump(mode="json")
        assert {name: chosen[name] for name in values} == values


@each_preset
def test_hyperparameters_survive_json(family: Family[Any], preset: str) -> None:
    hyperparameters = family.preset(preset).hyperparameters
    assert type(hyperparameters) is family.hyperparameters
    assert family.hyperparameters.model_validate_json(hyperparameters.model_dump_json()) == hyperparameters


@each_family
def test_unknown_hyperparameters_are_refused(family: Family[Any]) -> None:
    with pytest.raises(ValidationError, match="no_such_key"):
        family.configure({"no_such_key": 1}, SEGMENTS)


@each_family
def test_hyperparameters_that_are_no_number_are_refused(family: Family[Any]) -> None:
    numbers = [name for name, field in family.hyperparameters.model_fields.items() if field.annotation is float]
    for name in numbers:
        for value in ("inf", "nan"):
            with pytest.raises(ValidationError, match=name):
                family.configure({name: value}, SEGMENTS)


@each_preset
def test_the_outline_meets_every_layer_that_learns(family: Family[Any], preset: str) -> None:
    config = family.configure(family.preset(preset).hyperparameters.model_dump(mode="json"), SEGMENTS)
    with torch.device("meta"):
        networks = family.build(config)
    outlines = {one.name: one for one in outline(family, config)}
    assert list(outlines) == list(networks)
    assert {name for name, one in outlines.items() if one.draws} == set(family.generators)
    for name, network in networks.items():
        assert outlines[name].parameters == sum(values.numel() for values in network.parameters())
        assert sum(layer.parameters for layer in outlines[name].layers) == outlines[name].parameters


@each_family
def test_the_outline_tells_the_shapes_that_pictures_take(family: Family[Any]) -> None:
    config = family.configure(family.preset(family.default_preset).hyperparameters.model_dump(mode="json"), SEGMENTS)
    outputs = [layer.output for one in outline(family, config) if one.draws for layer in one.layers]
    assert (SEGMENTS.channels, SEGMENTS.size, SEGMENTS.size) in outputs


@each_family
def test_every_number_has_a_largest_value(family: Family[Any]) -> None:
    """What is beyond would fail in the midst of a training."""
    for name, field in family.hyperparameters.model_fields.items():
        if field.annotation in (int, float):
            with pytest.raises(ValidationError, match=name):
                family.configure({name: field.annotation(1e300)}, SEGMENTS)


@each_family
def test_hyperparameters_cannot_change(family: Family[Any]) -> None:
    hyperparameters = family.hyperparameters()
    name = next(iter(family.hyperparameters.model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(hyperparameters, name, getattr(hyperparameters, name))


# --- Networks -----------------------------------------------------------------------------------------------------


@each_family
@pytest.mark.parametrize("size", [4, 10, 18, 28, 32])
def test_pictures_of_any_side_are_drawn_or_refused(family: Family[Any], size: int) -> None:
    config = family.configure({}, DatasetSpec(name="other", channels=3, size=size, classes=("cat", "dog")))
    networks = build_if_possible(family, config)
    if networks is None:
        return
    labels = torch.tensor([0, 1]).repeat(8)
    images = family.sample(networks.eval(), config, BlockNoise(0, [0]), labels)
    assert images.shape == (16, 3, size, size)
    if family.score is not None:
        assert family.score(networks, config, images, labels).shape == (16,)


def build_if_possible(family: Family[Any], config: ModelConfig[Any]) -> Networks | None:
    try:
        return family.build(config)
    except UnsupportedShapeError:
        return None


@each_family
@pytest.mark.parametrize("size", [SEGMENTS.size, MNIST.size])
def test_the_sides_of_our_data_sets_are_drawn(family: Family[Any], size: int) -> None:
    assert build_if_possible(family, family.configure({}, SEGMENTS.model_copy(update={"size": size})))


@each_preset
def test_initial_weights_are_a_function_of_the_seed(family: Family[Any], preset: str) -> None:
    first, again = (parameters(train(family, preset=preset)) for _ in range(2))
    other = parameters(train(family, preset=preset, seed=1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@each_preset
def test_no_normalisation_has_a_momentum_in_the_place_of_its_epsilon(family: Family[Any], preset: str) -> None:
    epsilons = [getattr(module, "eps", 0.0) for module in train(family, preset=preset).networks.modules()]
    assert max(epsilons) <= 1e-3


# --- Phases -------------------------------------------------------------------------------------------------------


@each_preset
def test_every_network_with_parameters_is_trained_by_some_phase(family: Family[Any], preset: str) -> None:
    trainer = train(family, preset=preset)
    with_parameters = {name for name, network in trainer.networks.items() if list(network.parameters())}
    trained = {name for phase in family.phases(trainer.config) for name in phase.trains}
    assert trained == with_parameters
    assert set(family.generators) <= set(trainer.networks)


@each_preset
def test_a_phase_changes_exactly_the_networks_that_it_names(family: Family[Any], preset: str) -> None:
    for number, phase in enumerate(family.phases(train(family, preset=preset).config)):

        def only_this(config: Any, number: int = number) -> tuple[Phase[Any], ...]:
            return (family.phases(config)[number],)

        trainer = train(replace(family, phases=only_this), preset=preset)
        before = parameters(trainer)
        trainer.step()
        after = parameters(trainer)
        changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
        assert changed == set(phase.trains), phase.name


@each_preset
def test_every_term_is_a_finite_scalar_with_a_gradient(family: Family[Any], preset: str) -> None:
    trainer = train(family, preset=preset)
    for phase in family.phases(trainer.config):
        terms = objective_of(trainer, phase).terms
        assert terms
        for name, term in terms.items():
            assert term.shape == (), name
            assert term.isfinite(), name
            for network in phase.trains:
                learning = list(trainer.networks[network].parameters())
                gradients = torch.autograd.grad(term, learning, retain_graph=True, allow_unused=True)
                assert any(g is not None and g.abs().max() > 0 for g in gradients), (name, network)


@pytest.fixture
def double_precision() -> Iterator[None]:
    """Within, new numbers are of 64 bits."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(usual)


@each_preset
@pytest.mark.usefixtures("double_precision")
def test_gradients_are_those_of_finite_differences(family: Family[Any], preset: str) -> None:
    """Along a random direction of all the weights that learn: no term is cut off from them, as a held target is."""
    trainer = train(family, preset=preset)
    trainer.networks.double()

    def total(phase: Phase[Any]) -> Tensor:
        torch.manual_seed(0)  # of dropout
        return objective_of(trainer, phase).total()

    for phase in family.phases(trainer.config):
        loss = total(phase)
        assert loss.dtype == torch.float64, f"{phase.name}: precise(x), and not x.float(), keeps what is more precise"
        learning = [parameter for name in phase.trains for parameter in trainer.networks[name].parameters()]
        direction = [torch.randn(parameter.shape) / parameter.numel() ** 0.5 for parameter in learning]
        gradients = torch.autograd.grad(loss, learning)
        expected = sum((g * d).sum().item() for g, d in zip(gradients, direction, strict=True))
        beside = []
        for step in (STEP, -2 * STEP):
            for parameter, move in zip(learning, direction, strict=True):
                parameter.data += step * move
            beside.append(total(phase).item())
        assert (beside[0] - beside[1]) / (2 * STEP) == pytest.approx(expected, rel=1e-3, abs=1e-6), phase.name


@each_preset
def test_a_loss_leaves_the_batch_as_it_is(family: Family[Any], preset: str) -> None:
    """The next phase sees the same one."""
    trainer = train(family, preset=preset)
    real = segments().images[:BATCH_SIZE].float() / 127.5 - 1
    before = real.clone()
    for phase in family.phases(trainer.config):
        objective_of(trainer, phase, real)
        assert not real.requires_grad, phase.name
        assert torch.equal(real, before), phase.name


@each_preset
def test_a_loss_is_a_function_of_its_arguments(family: Family[Any], preset: str) -> None:
    trainer = train(family, preset=preset)
    for phase in family.phases(trainer.config):
        values = []
        for _ in range(2):
            torch.manual_seed(0)  # dropout alone may draw from the global generator
            values.append({name: term.item() for name, term in objective_of(trainer, phase).terms.items()})
        assert values[0] == pytest.approx(values[1], rel=1e-6)


# --- Sampling -----------------------------------------------------------------------------------------------------


@each_preset
def test_pictures_have_the_shape_and_the_range_of_the_data(family: Family[Any], preset: str) -> None:
    sampler = train(family, preset=preset, steps=1).sampler()
    images = sampler.sample(range(40), seed=3, labels=LABELS)
    assert images.shape == (40, 1, 16, 16)
    assert images.dtype == torch.float32
    assert images.isfinite().all()
    assert images.abs().max() <= 1


@each_preset
def test_network_output_is_in_range_before_it_is_clamped(family: Family[Any], preset: str) -> None:
    trainer = train(family, preset=preset, steps=1)
    images = family.sample(trainer.networks.eval(), trainer.config, BlockNoise(0, [0]), torch.zeros(16).long())
    assert images.abs().max() <= 1


@each_preset
def test_pictures_are_a_function_of_the_seed(family: Family[Any], preset: str) -> None:
    sampler = train(family, preset=preset, steps=1).sampler()
    first, again, other = (sampler.sample(range(40), seed=seed, labels=LABELS) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@each_preset
def test_a_picture_does_not_depend_on_count_or_company(family: Family[Any], preset: str) -> None:
    sampler = train(family, preset=preset, steps=1).sampler()
    many = sampler.sample(range(40), seed=3, labels=LABELS)
    few = sampler.sample([2, 17, 39], seed=3, labels=[LABELS[index] for index in (2, 17, 39)])
    assert torch.equal(few, many[[2, 17, 39]])
    in_other_company = sampler.sample(range(40), seed=3, labels=[2] * 40)
    assert torch.equal(in_other_company[2], many[2])
    assert torch.equal(in_other_company[12], many[12])


@each_preset
def test_pictures_of_a_seed_differ(family: Family[Any], preset: str) -> None:
    images = train(family, preset=preset, steps=1).sampler().sample(range(20), seed=3, labels=[0] * 20)
    assert len(torch.unique(images, dim=0)) == 20


@each_preset
def test_labels_matter_exactly_where_the_family_is_conditional(family: Family[Any], preset: str) -> None:
    sampler = train(family, preset=preset, steps=2).sampler()
    first, second = (sampler.sample(range(10), seed=3, labels=[label] * 10) for label in (1, 7))
    differs = [not torch.equal(one, other) for one, other in zip(first, second, strict=True)]
    assert differs == [family.conditioning is Conditioning.LABEL] * 10
    assert sampler.is_conditional == (family.conditioning is Conditioning.LABEL)


@each_preset
def test_a_score_is_one_number_for_each_picture_alone(family: Family[Any], preset: str) -> None:
    if family.score is None:
        pytest.skip("the family has no score")
    sampler = train(family, preset=preset, steps=1).sampler()
    images = sampler.sample(range(40), seed=3, labels=LABELS)
    scores = sampler.score(images, torch.tensor(LABELS))
    assert scores.shape == (40,)
    assert scores.isfinite().all()
    assert len(torch.unique(scores)) > 1
    assert torch.equal(sampler.score(images[:3], torch.tensor(LABELS[:3])), scores[:3])


@each_family
def test_a_score_says_what_kind_it_is(family: Family[Any]) -> None:
    assert (family.score_kind is None) == (family.score is None)


@each_family
def test_rejection_is_measured_by_logits_and_refused_of_other_scores(family: Family[Any]) -> None:
    sampler = train(family, steps=1).sampler()
    if family.score_kind is ScoreKind.LOGIT:
        rejection = Rejection.measured(draw_burn_in(sampler, 3), run=20)
        assert math.isfinite(rejection.maximum)
        assert math.isfinite(rejection.gamma)
        return
    with pytest.raises(NoScoreError if family.score is None else NotALogitError, match=family.name):
        draw_burn_in(sampler, 3)


@each_preset
def test_class_probabilities_are_told_for_each_picture_alone(family: Family[Any], preset: str) -> None:
    sampler = train(family, preset=preset, steps=1).sampler()
    images = sampler.sample(range(20), seed=3, labels=LABELS[:20])
    if family.classify is None:
        with pytest.raises(NoClassifierError, match=family.name):
            sampler.classify(images)
        return
    probabilities = sampler.classify(images)
    assert probabilities.shape == (20, 10)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(20))
    assert torch.equal(sampler.classify(images[:3]), probabilities[:3])


# --- Latents ------------------------------------------------------------------------------------------------------


@each_preset
def test_the_point_of_a_picture_draws_it_again(family: Family[Any], preset: str) -> None:
    """So walks, sweeps and projections know every family, and begin and end with the pictures of GET /generate."""
    sampler = train(family, preset=preset, steps=2).sampler()
    space, numbers, labels = LatentSpace(sampler), [0, 3, 17, 40], [1, 2, 3, 1]
    drawn = sampler.sample(numbers, seed=5, labels=labels, truncation=0.7)
    points = space.find(5, numbers)
    assert torch.equal(space.draw(points, space.weigh(labels), truncation=0.7), drawn)
    assert points.std().item() == pytest.approx(1, abs=0.1)


@each_preset
def test_classes_are_mixed_where_labels_matter(family: Family[Any], preset: str) -> None:
    sampler = train(family, preset=preset, steps=2).sampler()
    space, shares = LatentSpace(sampler), torch.linspace(0, 1, 9)
    weights = mix(space.weigh([1])[0], space.weigh([3])[0], shares)
    images = space.draw(space.find(5, [0]).expand(9, -1), weights)
    for place, label in ((0, 1), (8, 3)):
        assert torch.equal(images[place], sampler.sample([0], seed=5, labels=[label])[0])
    steps = images.diff(dim=0).flatten(1).abs().amax(dim=1)
    if sampler.is_conditional:
        assert (steps > 0).all()
        assert steps.max() < (images[0] - images[8]).abs().max()
    else:
        assert (steps == 0).all()


# --- Steering -----------------------------------------------------------------------------------------------------


@each_family
def test_a_control_is_described_and_may_be_left_out(family: Family[Any]) -> None:
    if family.steering is None:
        return
    fields = family.steering.controls.model_fields
    assert fields
    assert [name for name, field in fields.items() if not field.description or field.default is not None] == []


@each_preset
def test_pictures_that_nobody_steers_are_the_usual_ones(family: Family[Any], preset: str) -> None:
    if family.steering is None:
        return
    sampler = train(family, preset=preset, steps=1).sampler()
    usual = sampler.sample(range(20), seed=3, labels=LABELS[:20])
    unsteered = sampler.sample(range(20), seed=3, labels=LABELS[:20], controls=family.steering.controls())
    assert torch.equal(usual, unsteered)


@each_preset
def test_every_control_changes_the_pictures(family: Family[Any], preset: str) -> None:
    if family.steering is None:
        return
    sampler = train(family, preset=preset, steps=1).sampler()
    usual = sampler.sample(range(20), seed=3, labels=LABELS[:20])
    for name in family.steering.controls.model_fields:
        steered = sampler.sample(
            range(20), seed=3, labels=LABELS[:20], controls=family.steering.controls.model_validate({name: 1})
        )
        assert not torch.equal(usual, steered), name
        assert steered.abs().max() <= 1


def test_controls_of_one_name_are_one_control() -> None:
    declared: dict[str, set[str]] = {}
    for family in families().values():
        if family.steering is not None:
            for name, field in family.steering.controls.model_fields.items():
                declared.setdefault(name, set()).add(repr(field))
    assert [name for name, fields in declared.items() if len(fields) > 1] == []


# --- Continuing ---------------------------------------------------------------------------------------------------


@each_preset
def test_continuing_from_disk_equals_the_uninterrupted_training(
    family: Family[Any], preset: str, tmp_path: Path
) -> None:
    few = replace(segments(), images=segments().images[:20], labels=segments().labels[:20])  # passes end on the way
    undisturbed = train(family, preset=preset, steps=7, data=few)
    save(train(family, preset=preset, steps=3, data=few).snapshot(), tmp_path / "checkpoint")
    continued = train(family, preset=preset, data=few)
    continued.restore(load(tmp_path / "checkpoint", for_training=True))
    for _ in range(4):
        continued.step()
    expected, found = undisturbed.snapshot(), continued.snapshot()
    assert found.metadata == expected.metadata
    for kind in ("networks", "averaged", "training_state"):
        wanted, got = getattr(expected, kind), getattr(found, kind)
        assert wanted.keys() == got.keys()
        assert [name for name in wanted if not torch.equal(wanted[name], got[name])] == []
