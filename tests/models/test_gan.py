"""What Goodfellow et al. say, in closed form."""

from math import log
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from models import MNIST, SEGMENTS, Batch, ModelConfig
from models._layers import Maxout
from models.gan import FAMILY, GANHyperparameters, build, compute_discriminator_loss, compute_generator_loss
from tests.models.closed_form import SHAPE, Brightness, momentum_after, players, step_noise, terms

LOSSES = ("non_saturating", "minimax")


def losses(loss: str, *, real: float, fake: float, slope: float = 1.0) -> tuple[dict[str, float], dict[str, float]]:
    """The terms of both players where D(x) = slope * real and D(G(z)) = slope * fake."""
    chosen, networks = GANHyperparameters.model_validate({"loss": loss}), players(fake=fake, slope=slope)
    discriminator = terms(compute_discriminator_loss, networks, chosen, real)
    return discriminator, terms(compute_generator_loss, networks, chosen, real)


def paper(**values: Any) -> ModelConfig[GANHyperparameters]:
    return ModelConfig(FAMILY.preset("paper").hyperparameters.model_copy(update=values), MNIST)


# --- The game -----------------------------------------------------------------------------------------------------


def test_nobody_can_tell_at_the_equilibrium() -> None:
    for loss, expected in zip(LOSSES, (log(2), -log(2)), strict=True):
        discriminator, generator = losses(loss, real=0.5, fake=-0.3, slope=0.0)
        assert discriminator == pytest.approx({"real": log(2), "fake": log(2)})
        assert generator == pytest.approx({loss: expected})


def test_losses_are_cross_entropies_with_the_marks_one_and_zero() -> None:
    def cross_entropy(logit: float, mark: float) -> float:
        return binary_cross_entropy_with_logits(torch.tensor(logit), torch.tensor(mark)).item()

    discriminator, non_saturating = losses("non_saturating", real=0.5, fake=-0.3, slope=4.0)
    assert discriminator == pytest.approx({"real": cross_entropy(2.0, 1.0), "fake": cross_entropy(-1.2, 0.0)})
    assert non_saturating == pytest.approx({"non_saturating": cross_entropy(-1.2, 1.0)})
    same, minimax = losses("minimax", real=0.5, fake=-0.3, slope=4.0)
    assert same == discriminator
    assert minimax == pytest.approx({"minimax": -cross_entropy(-1.2, 0.0)})


class Deck(nn.Module):
    """A generator whose pictures are of one grey each, in a fixed order."""

    def __init__(self, levels: Tensor) -> None:
        super().__init__()
        self.levels = levels

    def forward(self, latents: Tensor) -> Tensor:
        return self.levels[:, None, None, None].expand(-1, *SHAPE)


class Table(nn.Module):
    """A discriminator that looks the logit of a grey up: those of 0, 0.1, 0.2, ..."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, images: Tensor) -> Tensor:
        return self.logits[(10 * images[:, 0, 0, 0]).round().long()]


def test_the_minimax_game_at_the_best_discriminator_is_the_jensen_shannon_divergence() -> None:
    """Theorem 1 on a distribution over three greys, its discriminator being proposition 1's."""
    shown, drawn = torch.tensor([7, 2, 1]), torch.tensor([1, 3, 6])
    p, q = shown.double() / 10, drawn.double() / 10
    middle = (p + q) / 2
    divergence = ((p * (p / middle).log()).sum() + (q * (q / middle).log()).sum()) / 2
    greys = torch.tensor([0.0, 0.1, 0.2])
    networks = nn.ModuleDict({"generator": Deck(greys.repeat_interleave(drawn)), "discriminator": Table((p / q).log())})
    pictures = Deck(greys.repeat_interleave(shown))(torch.zeros(10, 1))
    batch = Batch(pictures, torch.zeros(10, dtype=torch.int64))
    config = ModelConfig(GANHyperparameters(loss="minimax"), SEGMENTS)
    discriminator = compute_discriminator_loss(networks, batch, config, step_noise(10))
    generator = compute_generator_loss(networks, batch, config, step_noise(10))
    value = generator.total() - discriminator.terms["real"]
    assert value.item() == pytest.approx(2 * divergence.item() - 2 * log(2))
    torch.testing.assert_close(value, -discriminator.total())


class LearnedGrey(nn.Module):
    """A generator that is one number."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(level))

    def forward(self, latents: Tensor) -> Tensor:
        return self.level.expand(len(latents), *SHAPE)


@pytest.mark.parametrize(("loss", "expected"), [("non_saturating", -20.0), ("minimax", 0.0)])
def test_the_minimax_gradient_alone_vanishes_where_the_discriminator_wins(loss: str, expected: float) -> None:
    config = ModelConfig(GANHyperparameters.model_validate({"loss": loss}), SEGMENTS)
    networks = nn.ModuleDict({"generator": LearnedGrey(-1.0), "discriminator": Brightness(slope=20.0)})
    batch = Batch(torch.ones(4, *SHAPE), torch.zeros(4, dtype=torch.int64))
    objective = compute_generator_loss(networks, batch, config, step_noise())
    (gradient,) = torch.autograd.grad(objective.total(), list(networks.parameters()))
    assert gradient.item() == pytest.approx(expected, abs=1e-6)


def test_both_losses_pull_the_same_way_where_the_discriminator_is_undecided() -> None:
    batch = Batch(torch.ones(4, *SHAPE), torch.zeros(4, dtype=torch.int64))
    for loss in LOSSES:
        config = ModelConfig(GANHyperparameters.model_validate({"loss": loss}), SEGMENTS)
        networks = nn.ModuleDict({"generator": LearnedGrey(0.0), "discriminator": Brightness()})
        objective = compute_generator_loss(networks, batch, config, step_noise())
        (gradient,) = torch.autograd.grad(objective.total(), list(networks.parameters()))
        assert gradient.item() == pytest.approx(-0.5), loss


def test_the_preset_minimax_differs_by_the_loss_alone() -> None:
    neutral, minimax = FAMILY.preset("neutral"), FAMILY.preset("minimax")
    assert minimax.hyperparameters == neutral.hyperparameters.model_copy(update={"loss": "minimax"})
    assert (minimax.batch_size, minimax.images) == (neutral.batch_size, neutral.images)
    assert minimax.averaging_half_life == neutral.averaging_half_life


# --- The authors' perceptrons -------------------------------------------------------------------------------------


def test_perceptrons_have_the_authors_widths() -> None:
    networks = build(paper())
    generator = [tuple(p.shape) for p in networks["generator"].parameters()]
    assert generator == [(1200, 100), (1200,), (1200, 1200), (1200,), (784, 1200), (784,)]
    dense = [layer for layer in networks["discriminator"].modules() if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in dense] == [(784, 1200), (240, 1200), (240, 1)]
    assert [layer._pieces for layer in dense if isinstance(layer, Maxout)] == [5, 5]


def test_the_discriminator_drops_pixels_and_hidden_units_in_training_alone() -> None:
    config = paper()
    networks = build(config)
    order = [type(m) if not isinstance(m, nn.Dropout) else m.p for m in networks["discriminator"].layers]  # type: ignore[union-attr]
    assert order == [nn.Flatten, 0.2, Maxout, 0.5, Maxout, 0.5, nn.Linear, nn.Flatten]
    assert not any(isinstance(module, nn.Dropout) for module in networks["generator"].modules())
    images = torch.rand(4, 1, 28, 28) * 2 - 1
    assert not torch.equal(*(networks["discriminator"].train()(images) for _ in range(2)))
    assert torch.equal(*(networks["discriminator"].eval()(images) for _ in range(2)))


def test_weights_begin_within_the_authors_ranges() -> None:
    networks = build(paper())
    for name, reach in (("generator", 0.05), ("discriminator", 0.005)):
        for layer in (module for module in networks[name].modules() if isinstance(module, nn.Linear)):
            assert reach / 2 < layer.weight.abs().max() <= reach
            assert not layer.bias.any()


def test_pictures_are_those_of_a_sigmoid_on_the_scale_of_ours() -> None:
    networks = build(paper())
    layers = list(networks["generator"].children())
    latents = torch.rand(3, 100) * 2 - 1
    numbers = nn.Sequential(*layers[:-1])(latents)
    torch.testing.assert_close(networks["generator"](latents), 2 * numbers.sigmoid() - 1)
    seen: list[Tensor] = []
    flatten = next(module for module in networks["discriminator"].modules() if isinstance(module, nn.Flatten))
    flatten.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    networks["discriminator"](torch.cat([torch.full((1, 1, 28, 28), level) for level in (-1.0, 1.0)]))
    assert [torch.unique(image).tolist() for image in seen[0]] == [[0.0], [1.0]]


def test_perceptrons_need_no_side_that_is_a_multiple_of_four() -> None:
    odd = MNIST.model_copy(update={"size": 9, "channels": 3})
    networks = build(ModelConfig(paper().hyperparameters, odd)).eval()
    assert networks["generator"](torch.zeros(2, 100)).shape == (2, 3, 9, 9)


def test_learning_rate_of_the_paper_falls_by_its_factor_at_each_step() -> None:
    config, preset = paper(), FAMILY.preset("paper")
    steps = FAMILY.total_steps(config, preset.batch_size, preset.images)
    assert steps == 150_000
    for phase in FAMILY.phases(config):
        assert phase.schedule(1000 / steps) == pytest.approx(1.000004**-1000)
        (group,) = phase.optimizer([nn.Parameter(torch.zeros(1))]).param_groups
        assert group["lr"] == 0.1


def test_the_learning_rate_stays_where_nothing_else_is_asked_for() -> None:
    phases = FAMILY.phases(FAMILY.configure({}, SEGMENTS))
    assert {phase.schedule(progress) for phase in phases for progress in (0, 0.3, 1)} == {1.0}


def test_momentum_of_the_paper_rises_over_its_budget() -> None:
    for phase in FAMILY.phases(paper()):
        assert momentum_after(phase, 0, 75_000, 150_000, 200_000) == pytest.approx([0.5, 0.6, 0.7, 0.7])


def test_the_discriminators_loss_of_the_paper_is_half_the_sum() -> None:
    chosen = GANHyperparameters(discriminator_weight=FAMILY.preset("paper").hyperparameters.discriminator_weight)
    found = terms(compute_discriminator_loss, players(fake=0.0, slope=0.0), chosen, 0.5)
    assert found == pytest.approx({"real": log(2) / 2, "fake": log(2) / 2})
