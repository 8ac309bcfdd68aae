"""What Chen et al. say, in closed form."""

import math
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.distributions import Normal

from models import SEGMENTS, Batch, BlockNoise, ControlError, ModelConfig, Networks
from models.infogan import (
    FAMILY,
    InfoGANControls,
    InfoGANHyperparameters,
    Latents,
    bound_information,
    build,
    compute_discriminator_loss,
    compute_generator_loss,
    draw_latents,
    recognise,
    sample,
    score,
    share_information,
    steer,
)
from tests.models.closed_form import SHAPE, step_noise

SMALL = {"width": 8, "hidden": 32}
NO_LABELS = torch.zeros(16, dtype=torch.int64)


def configure(**values: Any) -> ModelConfig[InfoGANHyperparameters]:
    return FAMILY.configure(SMALL | values, SEGMENTS)


def latents(code: Tensor, continuous: Tensor) -> Latents:
    return Latents(torch.zeros(len(code), 1), code, continuous)


def bounds(recognised: Tensor, code: Tensor, continuous: Tensor, **values: Any) -> dict[str, float]:
    found = bound_information(configure(**values), recognised, latents(code, continuous))
    return {kind: bound.item() for kind, bound in found.items()}


CODE = torch.tensor([0, 3, 9, 3])
CONTINUOUS = torch.tensor([[0.5, -1.0], [0.0, 0.25], [-0.75, 1.0], [0.9, -0.1]])
SURE = 50 * torch.eye(10)[CODE]


# --- The bound on the information ---------------------------------------------------------------------------------


def test_a_perfect_guess_of_the_code_is_all_of_its_entropy() -> None:
    recognised = torch.cat([SURE, CONTINUOUS], dim=1)
    assert bounds(recognised, CODE, CONTINUOUS)["categorical"] == pytest.approx(math.log(10))


def test_a_guess_that_knows_nothing_holds_no_information() -> None:
    recognised = torch.cat([torch.zeros(4, 10), CONTINUOUS], dim=1)
    assert bounds(recognised, CODE, CONTINUOUS)["categorical"] == pytest.approx(0, abs=1e-6)


def test_the_bound_is_one_of_the_true_information() -> None:
    """A channel over 10 codes that errs in a fifth of all cases: Q at its best reaches I(c; x), another stays below."""
    error = 0.2
    code = torch.arange(10).repeat(10)
    seen = (code + (torch.arange(100) // 10 < 10 * error).long()) % 10
    posterior = torch.full((10, 10), 1e-9)
    posterior[torch.arange(10), torch.arange(10)] = 1 - error
    posterior[torch.arange(10), (torch.arange(10) - 1) % 10] = error
    conditional_entropy = -(error * math.log(error) + (1 - error) * math.log(1 - error))

    def bound(logits: Tensor) -> float:
        return bounds(logits[seen], code, torch.zeros(100, 0), continuous_codes=0)["categorical"]

    assert bound(posterior.log()) == pytest.approx(math.log(10) - conditional_entropy, rel=1e-5)
    assert bound(0.5 * posterior.log()) < bound(posterior.log())


def test_categories_are_a_matter_of_logits_and_not_of_probabilities() -> None:
    """The trap of two softmaxes: a sure and right head would be left with log 10 - 1.46 nats."""
    assert not any(isinstance(module, nn.Softmax | nn.LogSoftmax) for module in build(configure()).modules())
    assert bounds(torch.cat([SURE, CONTINUOUS], dim=1), CODE, CONTINUOUS)["categorical"] > 2.3


def test_a_fixed_deviation_makes_the_continuous_bound_half_the_squared_error() -> None:
    means = CONTINUOUS + torch.tensor([[0.3, -0.2], [0.1, 0.0], [0.0, 0.5], [-0.4, 0.1]])
    best, found = (
        bounds(torch.cat([SURE, guess], dim=1), CODE, CONTINUOUS)["continuous"] for guess in (CONTINUOUS, means)
    )
    assert best == pytest.approx(2 * (math.log(2) - math.log(2 * math.pi) / 2))
    assert best - found == pytest.approx((means - CONTINUOUS).square().sum(dim=1).mean().item() / 2)


def test_a_learnt_deviation_is_the_exponential_of_the_heads_last_outputs() -> None:
    """Against torch's normal distribution."""
    means, logarithms = 0.5 * CONTINUOUS, torch.tensor([[-0.5, 0.3]]).expand(4, 2)
    found = bounds(torch.cat([SURE, means, logarithms], dim=1), CODE, CONTINUOUS, fixed_deviation=False)
    log_likelihoods: Tensor = Normal(means, logarithms.exp()).log_prob(CONTINUOUS)  # type: ignore[no-untyped-call]
    assert found["continuous"] == pytest.approx(2 * math.log(2) + log_likelihoods.sum(dim=1).mean().item())
    heads = [
        build(configure(fixed_deviation=fixed)).get_submodule("discriminator.recognition") for fixed in (True, False)
    ]
    assert [shapes(head)[-1] for head in heads] == [(12, 128), (14, 128)]


# --- Losses -------------------------------------------------------------------------------------------------------


class Blank(nn.Module):
    """A generator of blank pictures that keeps what it was told."""

    told: Tensor

    def forward(self, values: Tensor) -> Tensor:
        self.told = values
        return torch.zeros(len(values), *SHAPE)


class Knowing(nn.Module):
    """A discriminator that finds the codes by looking at what the generator was told; its logits are 0."""

    def __init__(self, generator: Blank) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        told = getattr(self.generator, "told", torch.zeros(len(images), 12))
        return torch.zeros(len(images)), torch.cat([50 * told[:, -12:-2], told[:, -2:]], dim=1)


each_loss = pytest.mark.parametrize("loss", [compute_discriminator_loss, compute_generator_loss])


@each_loss
def test_codes_that_are_found_take_all_of_the_information_off_the_loss(loss: Any) -> None:
    generator = Blank()
    networks = nn.ModuleDict({"generator": generator, "discriminator": Knowing(generator)})
    config = configure(information_weight=2.0, continuous_weight=0.5)
    objective = loss(networks, Batch(torch.zeros(16, *SHAPE), NO_LABELS), config, step_noise(16))
    game = {"real", "fake"} if loss is compute_discriminator_loss else {"non_saturating"}
    assert set(objective.terms) == game | {"information_categorical", "information_continuous"}
    assert [objective.terms[name].item() for name in game] == pytest.approx([math.log(2)] * len(game))
    of_continuous = 2 * (math.log(2) - math.log(2 * math.pi) / 2)
    assert objective.observed["mutual_information_categorical"].item() == pytest.approx(math.log(10))
    assert objective.observed["mutual_information_continuous"].item() == pytest.approx(of_continuous)
    assert objective.terms["information_categorical"].item() == pytest.approx(-2.0 * math.log(10))
    assert objective.terms["information_continuous"].item() == pytest.approx(-0.5 * of_continuous)


def test_without_continuous_codes_there_is_no_term_for_them() -> None:
    config = configure(continuous_codes=0)
    objective = compute_generator_loss(build(config), Batch(torch.zeros(16, *SHAPE), NO_LABELS), config, step_noise(16))
    assert set(objective.terms) == {"non_saturating", "information_categorical"}


@each_loss
@pytest.mark.parametrize("term", ["information_categorical", "information_continuous"])
def test_the_information_has_a_slope_in_the_head_the_features_and_the_generator(loss: Any, term: str) -> None:
    """The trap of a bound rebuilt from numbers, which teaches nobody."""
    config = configure()
    networks = build(config)
    objective = loss(networks, Batch(torch.zeros(16, *SHAPE), NO_LABELS), config, step_noise(16))
    for part in ("discriminator.recognition", "discriminator.features", "generator"):
        learning = list(networks.get_submodule(part).parameters())
        slopes = torch.autograd.grad(objective.terms[term], learning, retain_graph=True)
        assert any(slope.abs().max() > 0 for slope in slopes)


def test_the_head_learns_in_the_discriminators_step_alone() -> None:
    assert [phase.trains for phase in FAMILY.phases(configure())] == [("discriminator",), ("generator",)]


def test_learning_the_bound_alone_makes_the_codes_readable() -> None:
    """Both players descending only -lambda L_I, as a game without an opponent."""
    torch.manual_seed(0)
    config = configure(latent_dim=4)
    networks = build(config)
    optimizer = torch.optim.Adam(networks.parameters(), 3e-3)
    for step in range(40):
        objective = compute_generator_loss(
            networks, Batch(torch.zeros(1, *SHAPE), NO_LABELS), config, step_noise(32, seed=step)
        )
        optimizer.zero_grad()
        (objective.terms["information_categorical"] + objective.terms["information_continuous"]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert objective.observed["mutual_information_categorical"].item() > 2.0


# --- Drawing codes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("truncation", [1.0, 0.1])
def test_every_category_is_as_likely_whatever_the_truncation(truncation: float) -> None:
    """The trap of shrunken draws, which would leave the middle categories alone."""
    drawn = draw_latents(configure(), BlockNoise(0, range(500), truncation=truncation))
    counts = drawn.code.bincount(minlength=10)
    assert ((counts - 800).square() / 800).sum().item() < 27.9  # chi-squared, 9 degrees of freedom, one in a thousand
    assert drawn.continuous.abs().max() <= truncation


def test_truncation_leaves_the_code_of_a_picture_alone() -> None:
    plain, truncated = (draw_latents(configure(), BlockNoise(3, [0, 1], truncation=share)) for share in (1.0, 0.2))
    assert torch.equal(plain.code, truncated.code)
    torch.testing.assert_close(truncated.continuous, 0.2 * plain.continuous)
    torch.testing.assert_close(truncated.noise, 0.2 * plain.noise)


def test_codes_of_a_block_do_not_depend_on_its_company() -> None:
    alone, among = (draw_latents(configure(), BlockNoise(3, blocks)) for blocks in ([5], [2, 5]))
    assert torch.equal(alone.code, among.code[16:])
    assert torch.equal(alone.continuous, among.continuous[16:])


# --- Steering -----------------------------------------------------------------------------------------------------


def told_to_the_generator(config: ModelConfig[InfoGANHyperparameters], **controls: Any) -> Tensor:
    generator = Blank()
    steer(nn.ModuleDict({"generator": generator}), config, BlockNoise(0, [0]), NO_LABELS, InfoGANControls(**controls))
    return generator.told


@pytest.mark.parametrize(
    ("controls", "columns"),
    [({"code": 7}, range(4, 14)), ({"c1": -2.0}, [14]), ({"c2": 1.5}, [15]), ({"c1": 0.0, "c2": 0.0}, [14, 15])],
)
def test_a_control_changes_its_own_numbers_and_no_others(controls: dict[str, float], columns: Any) -> None:
    config = configure(latent_dim=4)
    usual, steered = told_to_the_generator(config), told_to_the_generator(config, **controls)
    others = [column for column in range(16) if column not in columns]
    assert torch.equal(usual[:, others], steered[:, others])
    if "code" in controls:
        assert torch.equal(steered[:, 4:14], torch.eye(10)[7].expand(16, -1))
    else:
        assert torch.equal(steered[:, list(columns)], torch.tensor([list(controls.values())]).expand(16, -1))


def test_without_controls_the_codes_are_drawn() -> None:
    config = configure(latent_dim=4)
    drawn = draw_latents(config, BlockNoise(0, [0]))
    told = told_to_the_generator(config)
    assert torch.equal(told, torch.cat([drawn.noise, torch.eye(10)[drawn.code], drawn.continuous], dim=1))


@pytest.mark.parametrize("controls", [{"code": 10}, {"code": -1}, {"c1": 2.1}, {"c2": -2.1}, {"c3": 0}])
def test_controls_out_of_range_are_refused(controls: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(controls))):
        InfoGANControls.model_validate(controls)


@pytest.mark.parametrize("controls", [{"code": 4}, {"c2": 0.5}])
def test_a_code_that_the_model_does_not_have_is_refused(controls: dict[str, float]) -> None:
    config = configure(categories=4, continuous_codes=1)
    told_to_the_generator(config, code=3, c1=0.5)
    with pytest.raises(ControlError) as refusal:
        told_to_the_generator(config, **controls)
    assert refusal.value.control == next(iter(controls))


# --- Networks and recognition -------------------------------------------------------------------------------------


def shapes(network: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for parameter in network.parameters() if parameter.dim() > 1]


def test_q_is_a_head_on_the_features_of_the_discriminator() -> None:
    networks = build(FAMILY.configure(FAMILY.preset("paper").hyperparameters.model_dump(), SEGMENTS))
    assert shapes(networks.get_submodule("discriminator.features")) == [
        (64, 1, 4, 4),
        (128, 64, 4, 4),
        (1024, 128 * 4 * 4),
    ]
    assert shapes(networks.get_submodule("discriminator.logit")) == [(1, 1024)]
    assert shapes(networks.get_submodule("discriminator.recognition")) == [(128, 1024), (12, 128)]
    assert shapes(networks["generator"])[0] == (1024, 62 + 10 + 2)


@pytest.mark.parametrize(("preset", "slope"), [("neutral", 0.2), ("paper", 0.1)])
def test_every_leaky_layer_has_the_chosen_slope(preset: str, slope: float) -> None:
    networks = build(FAMILY.configure(FAMILY.preset(preset).hyperparameters.model_dump() | SMALL, SEGMENTS))
    leaky = [module.negative_slope for module in networks.modules() if isinstance(module, nn.LeakyReLU)]
    assert leaky == [slope] * 4


def test_recognition_gives_the_probabilities_of_the_categories() -> None:
    generator = Blank()
    networks: Networks = nn.ModuleDict({"generator": generator, "discriminator": Knowing(generator)})
    config = configure()
    images = sample(networks, config, BlockNoise(0, [0]), NO_LABELS)
    probabilities = recognise(networks, config, images)
    torch.testing.assert_close(probabilities, torch.eye(10)[draw_latents(config, BlockNoise(0, [0])).code])
    assert torch.equal(score(networks, config, images, NO_LABELS), torch.zeros(16))


def test_the_paper_preset_is_the_authors_program_for_mnist() -> None:
    preset = FAMILY.preset("paper")
    chosen = preset.hyperparameters
    assert (chosen.latent, chosen.latent_dim, chosen.categories, chosen.continuous_codes) == ("uniform", 62, 10, 2)
    assert (chosen.information_weight, chosen.continuous_weight, chosen.fixed_deviation) == (1.0, 1.0, True)
    assert (preset.batch_size, preset.images // preset.batch_size) == (128, 5000)
    optimizers = [phase.optimizer([nn.Parameter(torch.zeros(1))]) for phase in FAMILY.phases(configure())]
    assert [one.param_groups[0]["lr"] for one in optimizers] == [2e-4, 1e-3]
    assert [one.param_groups[0]["betas"][0] for one in optimizers] == [0.5, 0.5]


# --- Codes that a small move leaves alone -------------------------------------------------------------------------


def test_codes_that_are_sure_and_agree_share_all_their_information() -> None:
    codes = torch.eye(10).repeat(3, 1)
    assert share_information(codes, codes).item() == pytest.approx(math.log(10), abs=1e-5)


def test_codes_that_agree_on_one_category_alone_share_nothing() -> None:
    """The trap of asking for agreement only: all pictures in one category would be the best answer."""
    codes = torch.eye(10)[torch.zeros(30, dtype=torch.int64)]
    assert share_information(codes, codes).item() == pytest.approx(0, abs=1e-5)


def test_codes_that_say_nothing_of_each_other_share_nothing() -> None:
    first, second = torch.eye(10).repeat_interleave(10, dim=0), torch.eye(10).repeat(10, 1)
    assert share_information(first, second).item() == pytest.approx(0, abs=1e-5)


def test_shared_information_is_that_of_the_symmetric_joint_distribution() -> None:
    """Two categories, 3 of 4 pairs agree: log 2 less the entropy of a coin of 1/4."""
    first, second = (
        torch.eye(2)[torch.tensor([0, 1, 0, 1, 0, 1, 0, 1])],
        torch.eye(2)[torch.tensor([0, 1, 0, 1, 0, 1, 1, 0])],
    )
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert share_information(first, second).item() == pytest.approx(math.log(2) - entropy, abs=1e-6)
    assert share_information(second, first).item() == pytest.approx(share_information(first, second).item())


def test_the_paper_has_no_term_of_moved_pictures() -> None:
    networks = build(configure())
    batch = Batch(torch.rand(8, *SHAPE) * 2 - 1, torch.zeros(8, dtype=torch.int64))
    with_it = compute_discriminator_loss(networks, batch, configure(invariance_weight=2.0), step_noise(8)).terms
    without = compute_discriminator_loss(networks, batch, configure(), step_noise(8)).terms
    assert set(with_it) - set(without) == {"invariance"}
    assert with_it["invariance"].item() == pytest.approx(0, abs=0.2)  # untrained: next to no information, twice
