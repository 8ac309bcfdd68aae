"""The trainer on a toy whose right answers are known: one number that goes half the way to the pictures' brightness."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from checkpoints.format import Checkpoint, CheckpointIncompleteError
from models import Family, Objective, Phase, find_family
from models._optimizers import adam, linear_decay, sgd
from models._registry import FLAGSHIP
from tests.training import BATCH_SIZE, TOY, toy_data, train, train_toy
from workers.trainer import AVERAGING_RAMP, CheckpointMismatchError, Trainer, TrainingDivergedError


def level(trainer: Trainer) -> float:
    return trainer.snapshot().networks["generator.level"].item()


def average(trainer: Trainer) -> float:
    return trainer.snapshot().averaged["generator.level"].item()


def with_phase(**changes: Any) -> Family[Any]:
    """The toy with another phase."""

    def phases(config: Any) -> tuple[Phase[Any], ...]:
        return tuple(replace(phase, **changes) for phase in TOY.phases(config))

    return replace(TOY, phases=phases)


def watch(family: Family[Any], **arguments: Any) -> tuple[Trainer, list[list[int]]]:
    """A trainer, and the labels of every batch that its loss is given: numbers of the pictures."""
    seen: list[list[int]] = []

    def loss(networks: Any, batch: Any, config: Any, noise: Any) -> Objective:
        seen.append(batch.labels.tolist())
        return Objective({"level": networks["generator"](torch.zeros(()))})

    def phases(config: Any) -> tuple[Phase[Any], ...]:
        return tuple(replace(phase, loss=loss) for phase in family.phases(config))

    return train(replace(family, phases=phases), data=toy_data(20), averaging_half_life=0, **arguments), seen


# --- A step -------------------------------------------------------------------------------------------------------


def test_each_step_descends_the_gradient() -> None:
    trainer = train_toy(data=toy_data(brightness=255))
    levels = []
    for _ in range(4):
        trainer.step()
        levels.append(level(trainer))
    assert levels == pytest.approx([1 - 0.5**step for step in (1, 2, 3, 4)])


def test_pictures_come_in_the_range_of_the_networks() -> None:
    assert level(train_toy(steps=1, data=toy_data(brightness=0))) == pytest.approx(-0.5)
    assert level(train_toy(steps=1, data=toy_data(brightness=51))) == pytest.approx(-0.3)


def test_repeats_take_a_step_each() -> None:
    trainer = train_toy(steps=2, data=toy_data(), repeats=3)
    assert level(trainer) == pytest.approx(1 - 0.5**6)
    assert trainer.images_seen == 2 * 3 * BATCH_SIZE


def test_schedule_scales_the_learning_rate_by_progress() -> None:
    trainer = train(
        with_phase(schedule=lambda progress: linear_decay(progress, start=0.0, floor=0.0)),
        data=toy_data(),
        averaging_half_life=0,
        images=4 * BATCH_SIZE,
        steps=4,
    )
    remaining = (1 - 0.5) * (1 - 0.5 * 0.75) * (1 - 0.5 * 0.5) * (1 - 0.5 * 0.25)
    assert level(trainer) == pytest.approx(1 - remaining)


def test_what_follows_a_step_follows_every_repeat() -> None:
    def clip(networks: Any, config: Any, objective: Any) -> None:
        with torch.no_grad():
            networks["generator"].level.clamp_(max=0.25)

    assert level(train(with_phase(after_step=clip), data=toy_data(), steps=3, repeats=2)) == 0.25


def test_metrics_are_the_means_over_every_repeat() -> None:
    """The toy goes half the way at each: the distances are 1, 1/2, 1/4, 1/8."""
    trainer = train_toy(steps=2, data=toy_data(), repeats=2)
    assert trainer.read_metrics()["generator/distance"] == pytest.approx((1 + 1 / 4 + 1 / 16 + 1 / 64) / 2 / 4)


def test_all_phases_of_a_step_see_the_same_batch() -> None:
    seen: list[Tensor] = []

    def look(networks: Any, batch: Any, config: Any, noise: Any) -> Objective:
        seen.append(batch.images)
        return Objective({"level": networks["generator"](torch.zeros(()))})

    one = Phase("generator", ("generator",), look, sgd(0.1, momentum=0), repeats=2)
    train(replace(TOY, phases=lambda config: (one, replace(one, name="other", repeats=1))), data=toy_data(), steps=1)
    assert [images is seen[0] for images in seen] == [True, False, True]


def test_training_ends_when_the_budget_is_used_up() -> None:
    trainer = train_toy(data=toy_data(), images=3 * BATCH_SIZE - 1)
    assert trainer.total_steps == 3
    steps = 0
    while not trainer.is_finished:
        trainer.step()
        steps += 1
    assert (steps, trainer.step_count, trainer.images_seen) == (3, 3, 3 * BATCH_SIZE)


def test_progress_is_the_share_of_the_budget() -> None:
    trainer = train_toy(data=toy_data(), images=4 * BATCH_SIZE)
    assert [trainer.step()["generator/progress"].item() for _ in range(4)] == [0, 0.25, 0.5, 0.75]


def test_terms_are_named_by_their_phase_and_are_those_that_were_minimised() -> None:
    terms = train_toy(data=toy_data()).step()
    assert terms["generator/distance"].item() == pytest.approx(0.5)
    assert not terms["generator/distance"].requires_grad


def test_a_phase_leaves_other_networks_alone_without_a_detach() -> None:
    """Two players on one product: each phase's gradient reaches the network that it names alone."""

    class Number(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value = nn.Parameter(torch.ones(()))

        def forward(self) -> Tensor:
            return self.value * 1

    learning: list[list[str]] = []

    def product(networks: Any, batch: Any, config: Any, noise: Any) -> Objective:
        learning.append([name for name, network in networks.items() if network.value.requires_grad])
        return Objective({"product": networks["generator"]() * networks["discriminator"]()})

    phases = tuple(Phase(name, (name,), product, sgd(0.25, momentum=0)) for name in ("discriminator", "generator"))
    family = replace(
        TOY,
        build=lambda config: nn.ModuleDict({"generator": Number(), "discriminator": Number()}),
        phases=lambda config: phases,
    )
    networks = train(family, data=toy_data(), averaging_half_life=0, steps=1).snapshot().networks
    assert learning == [["discriminator"], ["generator"]]
    assert networks["discriminator.value"].item() == 1 - 0.25 * 1
    assert networks["generator.value"].item() == 1 - 0.25 * 0.75


# --- Batches ------------------------------------------------------------------------------------------------------


def test_every_epoch_is_a_permutation_of_the_data_and_nothing_is_dropped() -> None:
    trainer, seen = watch(TOY)
    for _ in range(5):  # 40 pictures: two epochs of 20, though 20 is no multiple of 8
        trainer.step()
    pictures = [number for batch in seen for number in batch]
    first, second = pictures[:20], pictures[20:]
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    assert first != list(range(20))


def test_batches_depend_on_the_seed() -> None:
    batches = []
    for seed in (0, 0, 1):
        trainer, seen = watch(TOY, seed=seed)
        trainer.step()
        batches.append(seen)
    assert batches[0] == batches[1] != batches[2]


def test_batches_do_not_depend_on_an_interruption() -> None:
    undisturbed, expected = watch(TOY)
    for _ in range(6):
        undisturbed.step()
    first, seen_first = watch(TOY)
    for _ in range(3):
        first.step()
    second, seen_second = watch(TOY)
    second.restore(first.snapshot())
    for _ in range(3):
        second.step()
    assert seen_first + seen_second == expected


def test_repeats_have_batches_of_their_own() -> None:
    trainer, seen = watch(TOY, repeats=5)
    trainer.step()
    assert sorted(number for batch in seen for number in batch) == sorted(2 * list(range(20)))


def test_a_batch_may_be_larger_than_the_data() -> None:
    trainer = train_toy(data=toy_data(3))
    trainer.step()
    assert trainer.images_seen == BATCH_SIZE


def test_phases_of_a_step_see_the_same_batch() -> None:
    def twice(config: Any) -> tuple[Phase[Any], ...]:
        (phase,) = TOY.phases(config)
        return phase, replace(phase, name="again")

    trainer, seen = watch(replace(TOY, phases=twice))
    trainer.step()
    assert seen[0] == seen[1]
    assert trainer.images_seen == BATCH_SIZE


# --- The moving average -------------------------------------------------------------------------------------------


def test_average_halves_a_weights_share_in_its_half_life() -> None:
    half_life = 1.5 * BATCH_SIZE
    trainer = train_toy(data=toy_data(), averaging_half_life=half_life)
    expected = 0.0
    for step in range(1, 60):
        trainer.step()
        ramped = min(half_life, AVERAGING_RAMP * step * BATCH_SIZE)
        kept = 0.5 ** (BATCH_SIZE / ramped)
        expected = kept * expected + (1 - kept) * level(trainer)
        assert average(trainer) == pytest.approx(expected, abs=1e-6)


def test_average_forgets_the_initial_weights_at_once() -> None:
    trainer = train_toy(data=toy_data(), averaging_half_life=1e9, steps=1)
    assert average(trainer) == pytest.approx(level(trainer), rel=1e-5)


def test_average_lags_behind() -> None:
    trainer = train_toy(data=toy_data(), averaging_half_life=1e9, steps=30)
    assert 0 < average(trainer) < level(trainer)


def test_average_covers_the_statistics_of_batch_norm() -> None:
    class Normalised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(1)

        def forward(self, values: Tensor) -> Tensor:
            normalised: Tensor = self.norm(values)
            return normalised

    def loss(networks: Any, batch: Any, config: Any, noise: Any) -> Objective:
        return Objective({"sum": networks["generator"](noise.normal(1) + 5).square().mean()})

    family = replace(with_phase(loss=loss), build=lambda config: nn.ModuleDict({"generator": Normalised()}))
    snapshot = train(family, data=toy_data(), averaging_half_life=1e9, steps=40).snapshot()
    live, averaged = (
        tensors["generator.norm.running_mean"].item() for tensors in (snapshot.networks, snapshot.averaged)
    )
    assert 0 < averaged < live
    counted = "generator.norm.num_batches_tracked"
    assert snapshot.averaged[counted] == snapshot.networks[counted] == 40


def test_sampler_takes_the_average_where_there_is_one() -> None:
    for half_life in (0.0, 1e9):
        trainer = train_toy(data=toy_data(brightness=140), averaging_half_life=half_life, steps=20)
        drawn = trainer.sampler().sample(range(64), seed=0, labels=[0] * 64, truncation=1e-9)
        expected = average(trainer) if half_life else level(trainer)
        assert drawn.mean().item() == pytest.approx(expected, abs=1e-6)


def test_sampling_does_not_disturb_the_training() -> None:
    undisturbed, disturbed = (train(find_family(FLAGSHIP), steps=1) for _ in range(2))
    disturbed.sampler().sample(range(20), seed=0, labels=[0] * 20)
    torch.rand(3)
    for trainer in (undisturbed, disturbed):
        trainer.step()
    assert equal(undisturbed.snapshot(), disturbed.snapshot())


# --- Metrics ------------------------------------------------------------------------------------------------------


def test_metrics_are_means_since_the_last_reading() -> None:
    trainer = train_toy(data=toy_data(), steps=2)
    assert trainer.read_metrics()["generator/distance"] == pytest.approx((0.5 + 0.5 / 4) / 2)
    trainer.step()
    assert trainer.read_metrics()["generator/distance"] == pytest.approx(0.5 / 16)
    assert trainer.read_metrics() == {}


def test_metrics_that_were_not_read_survive_an_interruption() -> None:
    whole = train_toy(data=toy_data(), steps=3)
    first = train_toy(data=toy_data(), steps=2)
    second = train_toy(data=toy_data())
    second.restore(first.snapshot())
    second.step()
    assert second.read_metrics() == whole.read_metrics()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_term_that_is_not_finite_ends_the_training(value: float) -> None:
    def diverge(networks: Any, batch: Any, config: Any, noise: Any) -> Objective:
        bad = value if batch.step == 2 else 0.0
        number = networks["generator"](torch.zeros(()))
        return Objective({"good": number * 0, "bad": number * 0 + bad})

    trainer = train(with_phase(loss=diverge), data=toy_data(), steps=2)
    trainer.read_metrics()
    for _ in range(2):
        trainer.step()
    with pytest.raises(TrainingDivergedError, match=f"before step 4: generator/bad became {value}; halve") as caught:
        trainer.read_metrics()
    assert caught.value.step == 4
    assert list(caught.value.terms) == ["generator/bad"]


# --- Snapshot and restore -----------------------------------------------------------------------------------------


def equal(first: Checkpoint, second: Checkpoint) -> bool:
    return first.metadata == second.metadata and all(
        one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
        for one, other in (
            (first.networks, second.networks),
            (first.averaged, second.averaged),
            (first.training_state or {}, second.training_state or {}),
        )
    )


def optimizers() -> Iterator[Any]:
    yield pytest.param(sgd(0.1, momentum=0), id="descent")
    yield pytest.param(sgd(0.1, momentum=0.9, nesterov=True), id="momentum")
    yield pytest.param(adam(0.1, 0.5, 0.9, weight_decay=0.1), id="adam")


@pytest.mark.parametrize("optimizer", list(optimizers()))
def test_restoring_continues_bit_for_bit(optimizer: Any) -> None:
    family = with_phase(optimizer=optimizer, schedule=linear_decay)
    settings: dict[str, Any] = {"data": toy_data(), "images": 8 * BATCH_SIZE}
    undisturbed = train(family, steps=7, **settings)
    continued = train(family, **settings)
    continued.restore(train(family, steps=3, **settings).snapshot())
    for _ in range(4):
        continued.step()
    assert equal(continued.snapshot(), undisturbed.snapshot())


def test_restoring_at_the_very_start_is_possible() -> None:
    trainer = train_toy()
    trainer.restore(train_toy().snapshot())
    assert trainer.step_count == 0


def test_snapshot_describes_the_training() -> None:
    metadata = train_toy(data=toy_data(), steps=3, seed=5, learning_rate=0.25).snapshot().metadata
    assert (metadata.family, metadata.preset, metadata.dataset.name) == ("toy", "only", "bright")
    assert (metadata.seed, metadata.step, metadata.images_seen) == (5, 3, 3 * BATCH_SIZE)
    assert metadata.hyperparameters == {"learning_rate": 0.25, "repeats": 1}
    assert metadata.dataset_digest == "0" * 64
    assert metadata.versions["torch"] == torch.__version__


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("seed", {"seed": 1}),
        ("images", {"images": 8}),
        ("hyperparameters", {"learning_rate": 0.1}),
        ("dataset_digest", {"data": replace(toy_data(), digest="1" * 64)}),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(field: str, changes: dict[str, Any]) -> None:
    trainer = train_toy(**{"data": toy_data(), **changes})
    with pytest.raises(CheckpointMismatchError, match=f"has {field} ") as caught:
        trainer.restore(train_toy(data=toy_data(), steps=1).snapshot())
    assert caught.value.field == field
    assert trainer.step_count == 0


@pytest.mark.parametrize(
    ("field", "value"), [("family", "other"), ("preset", "other"), ("batch_size", 3), ("dataset", toy_data().spec)]
)
def test_metadata_of_another_training_are_refused(field: str, value: object) -> None:
    snapshot = train_toy().snapshot()
    changed = replace(snapshot, metadata=snapshot.metadata.model_copy(update={field: value}))
    with pytest.raises(CheckpointMismatchError, match=f"has {field} "):
        train_toy().restore(changed)


def test_a_checkpoint_for_sampling_alone_is_refused() -> None:
    with pytest.raises(CheckpointIncompleteError, match="of step 2 holds no training state"):
        train_toy().restore(replace(train_toy(steps=2).snapshot(), training_state=None))


# --- Precision ----------------------------------------------------------------------------------------------------


def test_half_precision_computes_in_it_and_keeps_whole_weights() -> None:
    seen: list[torch.dtype] = []
    family = find_family(FLAGSHIP)
    reference = train(family)
    trainer = Trainer(family, reference.config, reference.plan, reference.data, precision="bfloat16")
    for module in trainer.networks.modules():
        module.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    terms = trainer.step()
    assert torch.bfloat16 in seen
    assert all(term.isfinite() for term in terms.values())
    assert {tensor.dtype for tensor in trainer.networks.parameters()} == {torch.float32}


def test_dropout_does_not_follow_the_latents() -> None:
    """Both are drawn from generators seeded by the step: with one seed a mask would be a function of the latents."""
    seen: list[tuple[Tensor, Tensor]] = []

    def listen(networks: Any, batch: Any, config: Any, noise: Any) -> Objective:
        seen.append((noise.uniform(4, low=0, high=1), torch.rand(noise.count, 4)))
        return Objective({"level": networks["generator"](batch.images.mean())})

    train(with_phase(loss=listen), data=toy_data(), steps=2)
    assert all(not torch.equal(latents, masks) for latents, masks in seen)
    assert not torch.equal(seen[0][1], seen[1][1])


def test_the_players_have_the_weights_that_learn_and_the_sampler_their_average() -> None:
    trainer = train(find_family("lsgan"), steps=3, width=4, hidden=8)
    players, sampler = trainer.players(), trainer.sampler()
    assert players is not None
    live = trainer.networks["generator"].state_dict()
    assert all(torch.equal(live[name], value) for name, value in players.networks["generator"].state_dict().items())
    averaged = sampler.networks["generator"].state_dict()
    assert any(not torch.equal(live[name], value) for name, value in averaged.items())
    assert train(find_family("lsgan"), width=4, hidden=8, averaging_half_life=0).players() is None
