"""The neutral backbone, counted by hand for pictures of 28 x 28, and the game on it."""

from functools import partial
from typing import Any, Literal

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from models import MNIST, SEGMENTS, Batch, DatasetSpec, ModelConfig, Networks, Noise, Objective, UnsupportedShapeError
from models import _neutral as neutral
from models._neutral import NeutralHyperparameters
from models._optimizers import exponential_decay, sgd
from tests.models.closed_form import COUNT, SHAPE, grey_batch, players, step_noise


def configure(dataset: DatasetSpec = MNIST, **values: Any) -> ModelConfig[NeutralHyperparameters]:
    return ModelConfig(NeutralHyperparameters.model_validate(values), dataset)


def shapes(network: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for parameter in network.parameters()]


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def kinds(network: nn.Module) -> list[type[nn.Module]]:
    return [type(module) for module in network.modules() if not list(module.children())]


# --- Networks -----------------------------------------------------------------------------------------------------


def test_generator_is_that_of_infogan() -> None:
    generator = neutral.build(configure())["generator"]
    assert kinds(generator) == [
        *(nn.Linear, nn.BatchNorm1d, nn.ReLU),
        *(nn.Linear, nn.BatchNorm1d, nn.ReLU),
        nn.Unflatten,
        *(nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU),
        *(nn.ConvTranspose2d, nn.Tanh),
    ]
    assert shapes(generator) == [
        *((1024, 64), (1024,), (1024,)),
        *((128 * 7 * 7, 1024), (128 * 7 * 7,), (128 * 7 * 7,)),
        *((128, 64, 4, 4), (64,), (64,)),
        *((64, 1, 4, 4), (1,)),
    ]
    assert count(generator) == 65_536 + 2 * 1024 + 6_422_528 + 2 * 6272 + 131_072 + 2 * 64 + 1024 + 1


def test_discriminator_is_that_of_infogan() -> None:
    discriminator = neutral.build(configure())["discriminator"]
    assert kinds(discriminator) == [
        *(nn.Conv2d, nn.LeakyReLU),
        *(nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU),
        nn.Flatten,
        *(nn.Linear, nn.BatchNorm1d, nn.LeakyReLU),
        *(nn.Linear, nn.Flatten),
    ]
    assert shapes(discriminator) == [
        *((64, 1, 4, 4), (64,)),
        *((128, 64, 4, 4), (128,), (128,)),
        *((1024, 128 * 7 * 7), (1024,), (1024,)),
        *((1, 1024), (1,)),
    ]
    assert count(discriminator) == 1024 + 64 + 131_072 + 2 * 128 + 6_422_528 + 2 * 1024 + 1024 + 1
    assert {module.negative_slope for module in discriminator.modules() if isinstance(module, nn.LeakyReLU)} == {0.2}


def test_without_batch_norm_the_discriminator_has_biases_in_its_place() -> None:
    plain = neutral.build(configure(batch_norm=False))
    assert not any("BatchNorm" in kind.__name__ for kind in kinds(plain["discriminator"]))
    assert count(plain["discriminator"]) == 1024 + 64 + 131_072 + 128 + 6_422_528 + 1024 + 1024 + 1
    assert sum("BatchNorm" in kind.__name__ for kind in kinds(plain["generator"])) == 3


def test_without_batch_norm_a_picture_is_judged_by_itself_in_training_too() -> None:
    images = torch.randn(6, *SHAPE)
    for batch_norm in (False, True):
        discriminator = neutral.build(configure(SEGMENTS, width=8, hidden=32, batch_norm=batch_norm))["discriminator"]
        together, alone = discriminator(images)[:3], discriminator(images[:3])
        assert torch.allclose(together, alone, atol=1e-5) is not batch_norm


def test_weights_are_drawn_as_pytorch_draws_them() -> None:
    """The trap of N(0, 0.02^2) without normalisation, by which nothing may ever be learnt: evenly, by the fan-in."""
    networks = neutral.build(configure(batch_norm=False))
    for layer in networks.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d) and layer.weight.numel() > 2000:
            reach = layer.weight[0].numel() ** -0.5
            assert layer.weight.std().item() == pytest.approx(reach / 3**0.5, rel=0.1)
            assert 0.9 * reach < layer.weight.abs().max().item() <= reach * (1 + 1e-6)  # single precision


def test_widths_and_inputs_are_choices() -> None:
    config = configure(DatasetSpec(name="other", channels=3, size=32, classes=("a",)), width=8, hidden=32)
    generator = neutral.NeutralGenerator(config, inputs=74)
    assert [shape for shape in shapes(generator) if len(shape) > 1] == [
        (32, 74),
        (16 * 8 * 8, 32),
        (16, 8, 4, 4),
        (8, 3, 4, 4),
    ]
    features = neutral.NeutralFeatures(config, slope=0.1)
    assert features(torch.zeros(5, 3, 32, 32)).shape == (5, 32)
    assert {module.negative_slope for module in features.modules() if isinstance(module, nn.LeakyReLU)} == {0.1}


def test_outputs_are_one_number_for_each_picture_and_pictures_end_in_tanh() -> None:
    networks = neutral.build(configure(width=8, hidden=32))
    images = networks["generator"](1000 * torch.randn(5, 64))
    assert images.shape == (5, 1, 28, 28)
    assert images.abs().max() <= 1
    assert networks["discriminator"](images).shape == (5,)


@pytest.mark.parametrize("size", [4, 10, 30])
def test_a_side_must_be_a_multiple_of_four_and_at_least_eight(size: int) -> None:
    with pytest.raises(UnsupportedShapeError, match=f"side {size}; .* multiple of 4 that is at least 8"):
        neutral.build(configure(MNIST.model_copy(update={"size": size})))


# --- The game -----------------------------------------------------------------------------------------------------


def test_real_and_fake_pictures_are_batches_of_their_own() -> None:
    """With batch norm, fakes in the same batch would change what the discriminator makes of the real ones."""
    config = configure(SEGMENTS, width=8, hidden=32)
    networks = neutral.build(config)
    batch = Batch(torch.randn(COUNT, *SHAPE).tanh(), torch.zeros(COUNT, dtype=torch.int64))
    on_real, on_fake = neutral.judge_both(networks, batch, config, step_noise())
    torch.testing.assert_close(on_real, networks["discriminator"](batch.images))
    fakes = networks["generator"](step_noise().uniform(64))
    torch.testing.assert_close(on_fake, networks["discriminator"](fakes))
    assert not torch.allclose(networks["discriminator"](torch.cat([batch.images, fakes]))[:COUNT], on_real, atol=1e-3)


def test_both_players_are_judged_and_scored_by_the_discriminator() -> None:
    networks, config = players(fake=-0.3, slope=2.0), configure(SEGMENTS)
    on_real, on_fake = neutral.judge_both(networks, grey_batch(0.5), config, step_noise())
    torch.testing.assert_close(on_real, torch.full((COUNT,), 1.0))
    torch.testing.assert_close(on_fake, torch.full((COUNT,), -0.6))
    torch.testing.assert_close(neutral.judge_fakes(networks, grey_batch(0.5), config, step_noise()), on_fake)
    batch = grey_batch(0.25)
    torch.testing.assert_close(neutral.score(networks, config, batch.images, batch.labels), torch.full((COUNT,), 0.5))


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_latents_are_of_the_kind_chosen(kind: Literal["uniform", "normal"]) -> None:
    config = configure(latent=kind, latent_dim=50)
    latents = neutral.draw_latent(config, step_noise(200))
    assert torch.equal(latents, step_noise(200).latent(kind, 50))
    assert latents.shape == (200, 50)
    deviation = {"uniform": 3**-0.5, "normal": 1.0}[kind]
    assert latents.mean().item() == pytest.approx(0, abs=0.05)
    assert latents.std().item() == pytest.approx(deviation, rel=0.05)
    assert bool(latents.abs().max() <= 1) == (kind == "uniform")


def test_pictures_are_drawn_from_the_latents() -> None:
    config = configure(SEGMENTS, width=8, hidden=32, latent="normal", latent_dim=7)
    networks = neutral.build(config).eval()
    images = neutral.sample(networks, config, step_noise(), torch.zeros(COUNT, dtype=torch.int64))
    torch.testing.assert_close(images, networks["generator"](step_noise().normal(7)))


def nothing(networks: Networks, batch: Batch, config: ModelConfig[Any], noise: Noise) -> Objective:
    return Objective({"nothing": torch.zeros(())})


def other(networks: Networks, batch: Batch, config: ModelConfig[Any], noise: Noise) -> Objective:
    return Objective({"other": torch.zeros(())})


def test_the_discriminator_moves_first_and_as_often_as_chosen() -> None:
    discriminator, generator = neutral.two_players(configure(discriminator_steps=5), nothing, other)
    assert (discriminator.name, generator.name) == ("discriminator", "generator")
    assert (discriminator.trains, generator.trains) == (("discriminator",), ("generator",))
    assert (discriminator.repeats, generator.repeats) == (5, 1)
    assert (discriminator.loss, generator.loss) == (nothing, other)


def test_both_players_have_the_chosen_adam_at_a_constant_rate() -> None:
    for phase in neutral.two_players(configure(learning_rate=3e-3, beta1=0.1, beta2=0.9), nothing, nothing):
        optimizer = phase.optimizer([nn.Parameter(torch.zeros(1))])
        assert isinstance(optimizer, torch.optim.Adam)
        (group,) = optimizer.param_groups
        assert (group["lr"], group["betas"]) == (3e-3, (0.1, 0.9))
        assert {phase.schedule(progress) for progress in (0.0, 0.5, 1.0)} == {1.0}


def test_both_players_can_have_another_optimiser_and_schedule() -> None:
    halving = partial(exponential_decay, end=0.25)
    for phase in neutral.two_players(configure(), nothing, nothing, optimizer=sgd(0.1, 0.9), schedule=halving):
        optimizer = phase.optimizer([nn.Parameter(torch.zeros(1))])
        assert isinstance(optimizer, torch.optim.SGD)
        assert optimizer.param_groups[0]["momentum"] == 0.9
        assert phase.schedule(0.5) == pytest.approx(0.5)


def test_all_losses_are_compared_in_one_frame() -> None:
    chosen = NeutralHyperparameters(latent_dim=3)
    preset = neutral.neutral_preset(chosen)
    assert preset.hyperparameters is chosen
    assert (preset.batch_size, preset.images, preset.averaging_half_life) == (64, 1_200_000, 10_000)
    defaults = NeutralHyperparameters()
    assert (defaults.latent, defaults.latent_dim, defaults.discriminator_steps) == ("uniform", 64, 1)
    assert (defaults.learning_rate, defaults.beta1, defaults.beta2) == (2e-4, 0.5, 0.999)


@pytest.mark.parametrize(("name", "kind"), [("adam", torch.optim.Adam), ("rmsprop", torch.optim.RMSprop)])
def test_an_optimiser_is_chosen_by_name(name: neutral.OptimizerName, kind: type[torch.optim.Optimizer]) -> None:
    chosen = NeutralHyperparameters(learning_rate=3e-3)
    optimizer = neutral.choose_optimizer(chosen, name)([nn.Parameter(torch.zeros(1))])
    assert type(optimizer) is kind
    assert optimizer.param_groups[0]["lr"] == 3e-3


def test_a_penalty_of_each_picture_refuses_batch_norm_and_says_why() -> None:
    assert neutral.PenalisedHyperparameters().batch_norm is False
    assert neutral.PenalisedHyperparameters(batch_norm=False).batch_norm is False
    with pytest.raises(ValidationError, match=r"couples them: use false"):
        neutral.PenalisedHyperparameters(batch_norm=True)


# --- The Wasserstein game -----------------------------------------------------------------------------------------


def test_the_critic_is_the_discriminator_by_another_name() -> None:
    built = neutral.build(configure(SEGMENTS, width=8, hidden=32))
    named = neutral.name_critic(built)
    assert list(named) == ["generator", "critic"]
    assert named["critic"] is built["discriminator"]


def test_the_critics_estimate_is_the_difference_of_its_mean_scores_without_penalties() -> None:
    objective = neutral.estimate_distance(
        torch.tensor([1.0, 3.0]), torch.tensor([-4.0, 5.0]), penalty=torch.tensor(9.0)
    )
    assert {name: term.item() for name, term in objective.terms.items()} == {"real": -2, "fake": 0.5, "penalty": 9}
    assert objective.observed["wasserstein_estimate"].item() == 1.5


def test_the_critic_moves_first_and_is_followed_by_what_is_said() -> None:
    def after(networks: Networks, config: ModelConfig[Any], objective: Objective) -> None: ...

    config = configure(discriminator_steps=5)
    critic, generator = neutral.wasserstein_players(config, nothing, sgd(0.1, 0.0), after_critic_step=after)
    assert (critic.name, critic.trains, critic.repeats, critic.after_step) == ("critic", ("critic",), 5, after)
    assert (generator.name, generator.trains, generator.repeats) == ("generator", ("generator",), 1)
    assert generator.after_step is None


def test_the_critic_scores_pictures() -> None:
    networks, batch = players(fake=-0.3, slope=2.0, judge="critic"), grey_batch(0.25)
    found = neutral.score_by_critic(networks, configure(SEGMENTS), batch.images, batch.labels)
    torch.testing.assert_close(found, torch.full((COUNT,), 0.5))
