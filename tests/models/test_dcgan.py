"""What Radford et al. and the Keras tutorial say, in closed form."""

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from datasets import DatasetUnavailableError, load_dataset
from models import MNIST, SEGMENTS, Batch, ModelConfig, Networks, StepNoise
from models.dcgan import (
    FAMILY,
    DCGANHyperparameters,
    build,
    compute_discriminator_loss,
    compute_joint_discriminator_loss,
    sample,
)
from tests.training import train
from workers.trainer import Plan, Trainer

TUTORIAL = ModelConfig(FAMILY.preset("tutorial").hyperparameters, MNIST)
PAPER = ModelConfig(FAMILY.preset("paper").hyperparameters, MNIST)


def small(preset: str) -> tuple[ModelConfig[DCGANHyperparameters], Networks]:
    torch.manual_seed(0)
    config = ModelConfig(FAMILY.preset(preset).hyperparameters.model_copy(update={"width": 8}), SEGMENTS)
    return config, build(config)


def noise() -> StepNoise:
    return StepNoise(torch.Generator().manual_seed(4), 6)


def real_batch(seed: int = 0) -> Batch:
    images = torch.rand(6, 1, 16, 16, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return Batch(images, torch.zeros(6, dtype=torch.int64))


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


# --- The paper ----------------------------------------------------------------------------------------------------


def test_paper_defaults_are_the_authors_constants() -> None:
    chosen = DCGANHyperparameters()
    assert (chosen.optimizer, chosen.learning_rate, chosen.momentum, chosen.latent_dim) == ("adam", 2e-4, 0.5, 100)
    assert FAMILY.default_preset == "paper"
    assert FAMILY.preset("paper").batch_size == 128


def test_paper_networks_are_all_convolutional_but_for_the_first_and_the_last_layer() -> None:
    networks = build(PAPER)
    for network, where in ((networks["generator"], 0), (networks["discriminator"], -2)):
        layers = list(network.children())
        dense = [layer for layer in layers if isinstance(layer, nn.Linear)]
        assert dense == [layers[where]]
    assert not any(isinstance(module, nn.MaxPool2d | nn.Upsample) for module in networks.modules())


def test_paper_normalises_everywhere_but_at_the_pictures() -> None:
    networks = build(PAPER)
    generator, discriminator = (list(network.children()) for network in networks.values())
    assert isinstance(generator[-2], nn.ConvTranspose2d)
    assert isinstance(generator[-1], nn.Tanh)
    assert isinstance(discriminator[1], nn.LeakyReLU)
    assert [sum(isinstance(m, nn.BatchNorm2d) for m in layers) for layers in (generator, discriminator)] == [2, 1]


def test_paper_draws_its_weights_from_a_normal_of_deviation_two_hundredths() -> None:
    networks = build(PAPER)
    for layer in networks.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d) and layer.weight.numel() > 2000:
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)


def test_paper_keeps_real_and_fake_in_batches_of_their_own() -> None:
    config, networks = small("paper")
    batch = real_batch()
    terms = compute_discriminator_loss(networks, batch, config, noise()).terms
    torch.testing.assert_close(terms["real"], softplus(-networks["discriminator"](batch.images)).mean())
    fake = sample(networks, config, noise(), batch.labels)
    torch.testing.assert_close(terms["fake"], softplus(networks["discriminator"](fake)).mean())


def test_players_draw_latents_of_their_own() -> None:
    """The generator's latents in a step are not those that the discriminator has just learnt from."""
    trainer = train(FAMILY)
    drawn: list[Tensor] = []
    trainer.networks["generator"].register_forward_pre_hook(lambda module, inputs: drawn.append(inputs[0]))
    trainer.step()
    assert len(drawn) == 2
    assert not torch.equal(drawn[0], drawn[1])
    assert all(latents.abs().max() <= 1 for latents in drawn)


# --- The tutorial -------------------------------------------------------------------------------------------------


def test_tutorial_networks_are_as_large_as_those_of_keras() -> None:
    networks = build(TUTORIAL)
    dense = 100 * 1024 + 1024 + 1024 * 6272 + 6272 + 2 * 6272
    assert parameter_count(networks["generator"]) == dense + (25 * 128 * 64 + 64) + (25 * 64 + 1)
    convolutions = (25 * 64 + 64) + (25 * 64 * 128 + 128)
    assert parameter_count(networks["discriminator"]) == convolutions + (3200 * 1024 + 1024) + (1024 + 1)


def test_tutorial_pools_after_its_tanh_though_it_is_computed_the_other_way_round() -> None:
    discriminator = build(TUTORIAL)["discriminator"]
    first, _, _, second, _, _, *dense = discriminator.children()
    images = torch.rand(3, 1, 28, 28) * 2 - 1
    pool = nn.MaxPool2d(2)
    hidden = pool(second(pool(first(images).tanh())).tanh())
    assert torch.equal(discriminator(images), nn.Sequential(*dense)(hidden))


def test_tutorial_has_the_batch_norm_of_keras() -> None:
    (norm,) = (module for module in build(TUTORIAL).modules() if isinstance(module, nn.BatchNorm1d))
    assert (norm.num_features, norm.eps) == (6272, 1e-3)
    assert norm.momentum == pytest.approx(1 - 0.99)


def test_tutorial_trains_by_slow_nesterov_for_a_hundred_passes() -> None:
    chosen, preset = TUTORIAL.hyperparameters, FAMILY.preset("tutorial")
    assert (chosen.optimizer, chosen.learning_rate, chosen.momentum) == ("sgd", 5e-4, 0.9)
    (optimizer,) = {type(phase.optimizer([nn.Parameter(torch.zeros(1))])) for phase in FAMILY.phases(TUTORIAL)}
    assert optimizer is torch.optim.SGD
    assert FAMILY.total_steps(TUTORIAL, preset.batch_size, preset.images) == 100 * 468
    assert preset.averaging_half_life == 0


def test_tutorial_takes_the_mean_over_one_batch_of_real_and_fake() -> None:
    config, networks = small("tutorial")
    batch = real_batch()
    found = compute_joint_discriminator_loss(networks, batch, config, noise()).total()
    fake = sample(networks.eval(), config, noise(), batch.labels)
    logits = networks["discriminator"](torch.cat([batch.images, fake]))
    torch.testing.assert_close(found, binary_cross_entropy_with_logits(logits, torch.tensor([1.0] * 6 + [0.0] * 6)))


def test_tutorial_draws_the_discriminators_fakes_with_moving_statistics() -> None:
    """Keras' `predict`: the generator's batch norm neither sees this batch nor remembers it."""
    config, networks = small("tutorial")
    before = {name: value.clone() for name, value in networks["generator"].named_buffers()}
    compute_joint_discriminator_loss(networks.train(), real_batch(), config, noise())
    assert networks["generator"].training
    assert all(torch.equal(before[name], value) for name, value in networks["generator"].named_buffers())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_tutorial_begins_as_the_printed_trace_does() -> None:
    """keras-dcgan prints d 0.6489 and g 0.6722 for its first batch; then the discriminator wins for a while."""
    trainer = _tutorial_trainer()
    first = _losses(trainer)
    assert first["discriminator"] == pytest.approx(0.65, abs=0.1)
    assert first["generator"] == pytest.approx(0.67, abs=0.1)
    for _ in range(100):
        last = _losses(trainer)
    assert 0.1 < last["discriminator"] < 0.6
    assert 0.6 < last["generator"] < 1.8


def _tutorial_trainer() -> Trainer:
    preset = FAMILY.preset("tutorial")
    try:
        data = load_dataset("mnist", Path(os.environ.get("GANERY_DATA_DIR", "var")) / "datasets")
    except DatasetUnavailableError as error:
        pytest.skip(str(error))
    return Trainer(FAMILY, TUTORIAL, Plan("tutorial", 0, preset.batch_size, preset.images, 0), data)


def _losses(trainer: Trainer) -> dict[str, float]:
    """Sum each player's terms, as Keras prints them."""
    losses = {phase.name: 0.0 for phase in FAMILY.phases(TUTORIAL)}
    for name, term in trainer.step().items():
        losses[name.split("/")[0]] += term.item()
    return losses
