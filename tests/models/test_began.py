"""What Berthelot, Schumm & Metz say, in closed form."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from checkpoints.format import load, save
from models import MNIST, SEGMENTS, ModelConfig, Objective
from models.began import (
    FAMILY,
    Balance,
    BEGANHyperparameters,
    build,
    compute_discriminator_loss,
    compute_generator_loss,
    halve,
    reconstruction_error,
    remember_real_error,
    score,
    update_balance,
)
from tests.models.closed_form import COUNT, Grey, grey_batch, step_noise
from tests.training import train

REAL, FAKE = 0.8, 0.4
"""Greys, of which the autoencoder misses half."""


class Half(nn.Module):
    """An autoencoder that reconstructs half of a picture."""

    def forward(self, images: Tensor) -> Tensor:
        return images / 2


def game(*, k: float = 0.0, error_real: float = 0.0, fake: float = FAKE) -> nn.ModuleDict:
    networks = nn.ModuleDict({"generator": Grey(fake), "discriminator": Half(), "balance": Balance()})
    networks["balance"].get_buffer("k").fill_(k)
    networks["balance"].get_buffer("error_real").fill_(error_real)
    return networks


def configure(**values: Any) -> ModelConfig[BEGANHyperparameters]:
    return ModelConfig(BEGANHyperparameters(**values), SEGMENTS)


def play(networks: nn.ModuleDict, config: ModelConfig[BEGANHyperparameters], real: float = REAL) -> float:
    """Both phases without a step of the optimisers; return k."""
    for phase in FAMILY.phases(config):
        objective = phase.loss(networks, grey_batch(real), config, step_noise())
        assert phase.after_step is not None
        phase.after_step(networks, config, objective)
    return networks["balance"].get_buffer("k").item()


# --- The losses ---------------------------------------------------------------------------------------------------


def test_error_is_the_mean_distance_of_a_pixel_in_each_picture() -> None:
    images = torch.randn(3, 2, 5, 5)
    torch.testing.assert_close(reconstruction_error(Half(), images), (images / 2).abs().mean(dim=(1, 2, 3)))
    assert reconstruction_error(Half(), images.bfloat16()).dtype == torch.float32


def test_gradient_of_the_error_passes_through_the_target_too() -> None:
    images = torch.rand(2, 1, 4, 4, requires_grad=True)
    (slope,) = torch.autograd.grad(reconstruction_error(Half(), images).sum(), images)
    torch.testing.assert_close(slope, torch.full((2, 1, 4, 4), 0.5 / 16))


@pytest.mark.parametrize("k", [0.0, 0.3, 1.0])
def test_discriminator_weighs_the_fakes_error_by_k(k: float) -> None:
    objective = compute_discriminator_loss(game(k=k), grey_batch(REAL), configure(), step_noise())
    assert objective.total().item() == pytest.approx(REAL / 2 - k * FAKE / 2)
    assert {name: value.item() for name, value in objective.observed.items()} == pytest.approx(
        {"error_real": REAL / 2, "error_fake": FAKE / 2, "k": k}
    )


def test_generator_lowers_the_error_of_its_pictures_whatever_k() -> None:
    for k in (0.0, 1.0):
        objective = compute_generator_loss(game(k=k), grey_batch(REAL), configure(), step_noise())
        assert {name: term.item() for name, term in objective.terms.items()} == pytest.approx({"error": FAKE / 2})


def test_the_players_draw_latents_apart() -> None:
    config = configure(width=8, hidden=32)
    trainer = train(FAMILY, width=8, hidden=32)
    seen: list[Tensor] = []
    trainer.networks["generator"].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    trainer.step()
    assert len(seen) == len(FAMILY.phases(config)) == 2
    assert not torch.equal(*seen)


def test_convergence_is_the_real_error_and_the_distance_from_the_balance() -> None:
    for error_real, error_fake in ((0.4, 0.2), (0.4, 0.5)):
        networks = game(error_real=error_real, fake=2 * error_fake)
        objective = compute_generator_loss(networks, grey_batch(0.0), configure(diversity=0.75), step_noise())
        expected = error_real + abs(0.75 * error_real - error_fake)
        assert objective.observed["convergence"].item() == pytest.approx(expected)


def test_score_is_the_negative_error() -> None:
    batch = grey_batch(REAL)
    torch.testing.assert_close(score(game(), configure(), batch.images, batch.labels), torch.full((COUNT,), -REAL / 2))


# --- The balance --------------------------------------------------------------------------------------------------


def test_k_moves_by_both_errors() -> None:
    config = configure(diversity=0.5, balance_rate=0.1)
    assert play(game(k=0.5), config) == pytest.approx(0.5 + 0.1 * (0.5 * REAL / 2 - FAKE / 2))
    assert play(game(k=0.5, fake=0.0), config) == pytest.approx(0.5 + 0.1 * 0.5 * REAL / 2)
    assert play(game(k=0.5), config, real=0.0) == pytest.approx(0.5 - 0.1 * FAKE / 2)


def test_k_starts_at_zero_and_stays_between_zero_and_one() -> None:
    config = configure(diversity=1.0, balance_rate=1.0)
    assert Balance().k.item() == 0
    assert play(game(), config, real=0.0) == 0
    up = game(fake=0.0)
    assert [play(up, config) for _ in range(4)] == pytest.approx([0.4, 0.8, 1.0, 1.0])


def test_k_rests_where_the_fakes_error_is_the_share_of_the_real_one() -> None:
    assert play(game(k=0.3), configure(diversity=FAKE / REAL, balance_rate=1.0)) == pytest.approx(0.3)


def test_the_logged_k_is_the_one_that_was_used() -> None:
    networks, config = game(k=0.25), configure(balance_rate=1.0)
    objective = compute_discriminator_loss(networks, grey_batch(REAL), config, step_noise())
    remember_real_error(networks, config, objective)
    update_balance(networks, config, Objective({"error": torch.tensor(0.0)}))
    assert networks["balance"].get_buffer("k").item() > 0.25
    assert objective.observed["k"].item() == 0.25


def test_a_training_moves_k_by_the_errors_of_its_steps() -> None:
    trainer = train(FAMILY, width=8, hidden=32, balance_rate=0.1)
    expected = 0.0
    for _ in range(4):
        trainer.step()
        terms = trainer.read_metrics()
        assert terms["discriminator/k"] == pytest.approx(expected)
        gap = 0.75 * terms["discriminator/error_real"] - terms["generator/error"]
        expected = min(1.0, max(0.0, expected + 0.1 * gap))
    assert trainer.networks["balance"].get_buffer("k").item() == pytest.approx(expected)


def test_k_is_in_the_checkpoint(tmp_path: Path) -> None:
    trainer = train(FAMILY, width=8, hidden=32, balance_rate=0.1)
    trainer.networks["balance"].get_buffer("k").fill_(0.625)
    save(trainer.snapshot(), tmp_path / "checkpoint")
    continued = train(FAMILY, width=8, hidden=32, balance_rate=0.1)
    continued.restore(load(tmp_path / "checkpoint", for_training=True))
    continued.step()
    assert continued.read_metrics()["discriminator/k"] == 0.625
    assert not list(continued.networks["balance"].parameters())


# --- Networks and presets -----------------------------------------------------------------------------------------


def test_the_papers_generator_has_the_shape_of_its_decoder() -> None:
    networks = build(ModelConfig(FAMILY.preset("paper").hyperparameters, MNIST))
    decoder = networks["discriminator"].get_submodule("decoder")
    shapes = [[tuple(p.shape) for p in network.parameters()] for network in (networks["generator"], decoder)]
    assert shapes[0] == shapes[1]
    assert any(isinstance(m, nn.ELU) for m in networks.modules())
    assert not any(isinstance(m, nn.ReLU) for m in networks.modules())


def test_the_papers_encoder_widens_at_each_scale() -> None:
    encoder = build(ModelConfig(FAMILY.preset("paper").hyperparameters, MNIST))["discriminator"].get_submodule(
        "encoder"
    )
    convolutions = [m for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    assert [(m.out_channels, m.stride[0]) for m in convolutions] == [
        (64, 1),
        (64, 1),
        (128, 2),
        (128, 1),
        (192, 2),
        (192, 1),
        (192, 1),
    ]
    assert encoder(torch.zeros(2, 1, 28, 28)).shape == (2, 64)


def test_learning_rate_of_the_paper_is_halved_twice() -> None:
    config = ModelConfig(FAMILY.preset("paper").hyperparameters, MNIST)
    for phase in FAMILY.phases(config):
        (group,) = phase.optimizer([nn.Parameter(torch.zeros(1))]).param_groups
        assert (group["lr"], group["betas"]) == (8e-5, (0.5, 0.999))
        rates = [group["lr"] * phase.schedule(progress) for progress in (0, 0.3, 0.34, 0.66, 0.67, 1)]
        assert rates == pytest.approx([8e-5, 8e-5, 4e-5, 4e-5, 2e-5, 2e-5])
    assert FAMILY.preset("paper").batch_size == 16


def test_without_halvings_the_learning_rate_stays() -> None:
    assert [halve(progress, times=0) for progress in (0.0, 0.5, 1.0)] == [1, 1, 1]
