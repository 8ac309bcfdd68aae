"""What Mirza & Osindero and the DCGAN authors' conditional network say, in closed form."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models import MNIST, SEGMENTS, Batch, ModelConfig, Networks, StepNoise, UnsupportedShapeError
from models._layers import Maxout
from models.cgan import FAMILY, CGANHyperparameters, build, compute_discriminator_loss, sample, score
from tests.models.closed_form import momentum_after
from tests.training import segments, train

CLASSES = 10


def configure(preset: str, **values: Any) -> ModelConfig[CGANHyperparameters]:
    return ModelConfig(FAMILY.preset(preset).hyperparameters.model_copy(update=values), MNIST)


def weight_shapes(network: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(p.shape) for name, p in network.named_parameters() if name.endswith("weight") and p.dim() > 1]


each_preset = pytest.mark.parametrize("preset", list(FAMILY.presets))


# --- Labels -------------------------------------------------------------------------------------------------------


@each_preset
def test_fakes_are_asked_for_by_the_labels_of_the_real_batch(preset: str) -> None:
    trainer = train(FAMILY, preset=preset)
    told: dict[str, list[Tensor]] = {"generator": [], "discriminator": []}
    for name, seen in told.items():
        trainer.networks[name].register_forward_pre_hook(
            lambda module, inputs, seen=seen: seen.append(inputs[1].argmax(dim=1))
        )
    trainer.step()
    labels = told["discriminator"][0]
    assert len(torch.unique(labels)) > 1
    assert [len(seen) for seen in told.values()] == [2, 3]
    assert all(torch.equal(one, labels) for seen in told.values() for one in seen)


@each_preset
def test_the_discriminator_checks_the_label(preset: str) -> None:
    config = configure(preset)
    networks = build(config).eval()
    images = torch.rand(CLASSES, 1, 28, 28) * 2 - 1
    of_one_picture = score(networks, config, images[:1].expand(CLASSES, -1, -1, -1), torch.arange(CLASSES))
    assert len(torch.unique(of_one_picture)) == CLASSES


@each_preset
def test_a_wrong_label_does_not_change_the_real_term_of_the_other_pictures(preset: str) -> None:
    config = configure(preset)
    networks = build(config).eval()
    images, labels = torch.rand(4, 1, 28, 28) * 2 - 1, torch.tensor([1, 2, 3, 4])
    before, after = (score(networks, config, images, labels + torch.tensor([0, 0, 0, more])) for more in (0, 3))
    torch.testing.assert_close(before[:3], after[:3])
    assert before[3] != after[3]


# --- The DCGAN authors' network -----------------------------------------------------------------------------------


def test_every_layer_of_the_convolutional_networks_is_told_the_label() -> None:
    networks = build(configure("conv"))
    assert weight_shapes(networks["generator"]) == [
        (1024, 100 + CLASSES),
        (128 * 7 * 7, 1024 + CLASSES),
        (128 + CLASSES, 64, 5, 5),
        (64 + CLASSES, 1, 5, 5),
    ]
    assert weight_shapes(networks["discriminator"]) == [
        (64, 1 + CLASSES, 5, 5),
        (128, 64 + CLASSES, 5, 5),
        (1024, 128 * 7 * 7 + CLASSES),
        (1, 1024 + CLASSES),
    ]


def test_convolutional_networks_have_neither_biases_nor_scales() -> None:
    parameters = build(configure("conv")).parameters()
    assert min(parameter.dim() for parameter in parameters) == 2


def test_convolutional_recipe_is_adam_with_weight_decay() -> None:
    config = configure("conv")
    for phase in FAMILY.phases(config):
        (group,) = phase.optimizer([nn.Parameter(torch.zeros(1))]).param_groups
        assert (group["lr"], group["betas"], group["weight_decay"]) == (2e-4, (0.5, 0.999), 2.5e-5)
        assert [phase.schedule(progress) for progress in (0, 0.5, 0.75, 1)] == [1, 1, 0.5, 0]
    assert FAMILY.preset("conv").batch_size == 128


def test_convolutions_need_a_side_that_is_a_multiple_of_four() -> None:
    odd = SEGMENTS.model_copy(update={"size": 18})
    with pytest.raises(UnsupportedShapeError, match=r"side 18; .* multiple of 4"):
        build(ModelConfig(CGANHyperparameters(), odd))
    assert build(ModelConfig(CGANHyperparameters(architecture="perceptron"), odd))


# --- The paper's perceptrons --------------------------------------------------------------------------------------


def test_perceptrons_have_the_papers_widths() -> None:
    networks = build(configure("paper"))
    assert weight_shapes(networks["generator"]) == [(200, 100), (1000, CLASSES), (1200, 1200), (784, 1200)]
    pieces = {
        (layer.in_features, layer.out_features, layer._pieces)
        for layer in networks["discriminator"].modules()
        if isinstance(layer, Maxout)
    }
    assert pieces == {(784, 240 * 5, 5), (CLASSES, 50 * 5, 5), (290, 240 * 4, 4)}


def test_perceptrons_drop_half_of_their_hidden_units_in_training_alone() -> None:
    config = configure("paper")
    networks = build(config)
    assert [m.p for m in networks.modules() if isinstance(m, nn.Dropout)] == [0.5] * 6
    images, labels = torch.rand(4, 1, 28, 28) * 2 - 1, torch.arange(4)
    assert not torch.equal(*(score(networks.train(), config, images, labels) for _ in range(2)))
    assert torch.equal(*(score(networks.eval(), config, images, labels) for _ in range(2)))


def test_learning_rate_of_the_paper_falls_by_its_factor_down_to_its_floor() -> None:
    config, preset = configure("paper"), FAMILY.preset("paper")
    steps = FAMILY.total_steps(config, preset.batch_size, preset.images)
    for phase in FAMILY.phases(config):
        assert phase.schedule(1000 / steps) == pytest.approx(1.00004**-1000, rel=1e-5)
        assert config.hyperparameters.learning_rate * phase.schedule(1.0) == pytest.approx(1e-6)


def test_momentum_of_the_paper_rises_over_its_budget() -> None:
    for phase in FAMILY.phases(configure("paper")):
        assert momentum_after(phase, 0, 287_829, 300_000) == pytest.approx([0.5, 0.7, 0.7])


# --- Both ---------------------------------------------------------------------------------------------------------


@each_preset
def test_pictures_are_those_of_a_sigmoid_on_the_scale_of_ours(preset: str) -> None:
    """The discriminator sees [0, 1]: a black picture, 0 there, leaves the first layer its bias and its label."""
    config = configure(preset, dropout=0.0)
    networks = build(config)
    seen: list[Tensor] = []
    first = next(m for m in networks["discriminator"].modules() if isinstance(m, nn.Conv2d | nn.Flatten))
    first.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0][:, :1]))
    score(networks, config, torch.full((2, 1, 28, 28), -1.0), torch.tensor([1, 2]))
    score(networks, config, torch.full((2, 1, 28, 28), 1.0), torch.tensor([1, 2]))
    assert [torch.unique(value).tolist() for value in seen] == [[0.0], [1.0]]


@each_preset
def test_loss_is_two_log_two_before_the_discriminator_knows_anything(preset: str) -> None:
    config = ModelConfig(FAMILY.preset(preset).hyperparameters, SEGMENTS)
    networks = silence(build(config))
    data = segments()
    batch = Batch(data.images[:8].float() / 127.5 - 1, data.labels[:8])
    noise = StepNoise(torch.Generator().manual_seed(0), 8)
    loss = compute_discriminator_loss(networks, batch, config, noise).total()
    assert loss.item() == pytest.approx(2 * 0.693147, abs=1e-4)
    assert sample(networks, config, noise, batch.labels).shape == (8, 1, 16, 16)


def silence(networks: Networks) -> Networks:
    """Set the discriminator's last layer to 0."""
    last = [module for module in networks["discriminator"].modules() if isinstance(module, nn.Linear)][-1]
    nn.init.zeros_(last.weight)
    if last.bias is not None:
        nn.init.zeros_(last.bias)
    return networks
