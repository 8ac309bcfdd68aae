"""What Denton, Chintala, Szlam & Fergus say, in closed form."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from models import MNIST, SEGMENTS, Batch, BlockNoise, ModelConfig, Networks, StepNoise, UnsupportedShapeError
from models.lapgan import (
    COARSEST,
    FAMILY,
    LAPGANControls,
    LAPGANHyperparameters,
    build,
    compute_discriminator_loss,
    compute_generator_loss,
    descend,
    enlarge,
    sample,
    sample_level,
    score,
    shrink,
    split,
)
from tests.training import segments, train

LEVELS = range(COARSEST + 1)
FINE = range(COARSEST)


def configure(size: int = 16, **values: Any) -> ModelConfig[LAPGANHyperparameters]:
    chosen = LAPGANHyperparameters.model_validate({"width": 8, "hidden": 32} | values)
    return ModelConfig(chosen, SEGMENTS.model_copy(update={"size": size}))


def batch(count: int = 8) -> Batch:
    return Batch(segments().images[:count].float() / 127.5 - 1, segments().labels[:count])


def step_noise(count: int = 8) -> StepNoise:
    return StepNoise(torch.Generator().manual_seed(1), count)


def labels(count: int = 16) -> Tensor:
    return torch.zeros(count, dtype=torch.int64)


def watch(network: nn.Module) -> list[tuple[Tensor, ...]]:
    """The inputs that a network sees from now on."""
    seen: list[tuple[Tensor, ...]] = []
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs))
    return seen


# --- The pyramid --------------------------------------------------------------------------------------------------


def test_a_picture_is_restored_from_its_pyramid() -> None:
    image = torch.rand(3, 1, 28, 28) * 2 - 1
    residuals, coarsest = [], image
    for _ in FINE:
        residuals.append(split(coarsest)[0])
        coarsest = shrink(coarsest)
    restored = coarsest
    for residual in reversed(residuals):
        restored = enlarge(restored) + residual
    torch.testing.assert_close(restored, image)


@pytest.mark.parametrize(("size", "sides"), [(28, [28, 14, 7]), (16, [16, 8, 4]), (8, [8, 4, 2])])
def test_each_level_halves_the_side(size: int, sides: list[int]) -> None:
    images = torch.zeros(1, 1, size, size)
    assert [descend(images, level).shape[-1] for level in LEVELS] == sides
    config = configure(size)
    networks = build(config).eval()
    for level, side in enumerate(sides):
        drawn = sample_level(networks, config, BlockNoise(0, [0]), labels(), LAPGANControls(level=level))
        assert drawn.shape == (16, 1, side, side)
        assert drawn.abs().max() <= 1


@pytest.mark.parametrize("size", [4, 10, 18])
def test_a_side_without_a_pyramid_is_refused(size: int) -> None:
    with pytest.raises(UnsupportedShapeError, match="multiple of 4"):
        build(configure(size))


def test_shrinking_is_a_filter_against_aliasing() -> None:
    """The finest stripes vanish; taking every second pixel would leave them black or white."""
    stripes = torch.tensor([1.0, -1.0]).repeat(8).expand(1, 1, 16, 16)
    assert shrink(stripes)[..., 1:-1].abs().max().item() == pytest.approx(0, abs=1e-6)
    dot = torch.zeros(1, 1, 8, 8)
    dot[0, 0, 3, 4] = 64
    rows, columns = torch.tensor([[0.0, 3, 1, 0], [0.0, 1, 3, 0]])
    torch.testing.assert_close(shrink(dot)[0, 0], rows[:, None] * columns)


def test_shades_pass_unchanged_through_the_pyramid() -> None:
    grey = torch.full((2, 1, 16, 16), 0.3)
    torch.testing.assert_close(descend(grey, 2), torch.full((2, 1, 4, 4), 0.3))
    residual, low_pass = split(grey)
    torch.testing.assert_close(residual, torch.zeros_like(grey), atol=1e-6, rtol=0)
    torch.testing.assert_close(low_pass, grey)


# --- The games ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", FINE)
def test_a_fine_discriminator_sees_the_residual_plus_the_low_pass_picture(level: int) -> None:
    discriminator = build(configure())[f"discriminator_{level}"].eval()
    residuals, low_pass = torch.randn(2, 3, 1, 16 >> level, 16 >> level)
    logits = discriminator(residuals, low_pass)
    torch.testing.assert_close(logits, discriminator(residuals + low_pass, torch.zeros_like(low_pass)))
    assert not torch.allclose(logits, discriminator(residuals, torch.zeros_like(low_pass)))


@pytest.mark.parametrize("level", FINE)
def test_a_fine_generator_draws_on_the_low_pass_picture_and_on_noise(level: int) -> None:
    generator = build(configure())[f"generator_{level}"]
    side = 16 >> level
    planes, pictures = torch.randn(2, 2, 1, side, side)
    drawn = generator(planes, pictures)
    assert drawn.shape == (2, 1, side, side)
    assert not torch.allclose(drawn, generator(planes.flip(0), pictures))
    assert not torch.allclose(drawn, generator(planes, pictures.flip(0)))


@pytest.mark.parametrize("level", FINE)
def test_real_and_drawn_residuals_stand_on_the_same_low_pass_pictures(level: int) -> None:
    config, real = configure(), batch()
    networks = build(config)
    generator, discriminator = (watch(networks[f"{player}_{level}"]) for player in ("generator", "discriminator"))
    compute_discriminator_loss(networks, real, config, step_noise(), level=level)
    (on_real, on_fake), ((_, condition),) = discriminator, generator
    pictures = descend(real.images, level)
    torch.testing.assert_close(on_real[0] + on_real[1], pictures)
    torch.testing.assert_close(condition, enlarge(shrink(pictures)))
    assert torch.equal(on_real[1], condition)
    assert torch.equal(on_fake[1], condition)


@pytest.mark.parametrize("level", LEVELS)
def test_discriminators_see_what_the_level_draws(level: int) -> None:
    config, real = configure(), batch()
    networks = build(config)
    drawn: list[Tensor] = []
    networks[f"generator_{level}"].register_forward_hook(lambda module, inputs, output: drawn.append(output))
    seen = watch(networks[f"discriminator_{level}"])
    compute_discriminator_loss(networks, real, config, step_noise(), level=level)
    compute_generator_loss(networks, real, config, step_noise(), level=level)
    assert len(seen) == 3
    assert torch.equal(seen[1][0], drawn[0])
    assert torch.equal(seen[2][0], drawn[1])
    if level == COARSEST:
        assert torch.equal(seen[0][0], descend(real.images, level))


@pytest.mark.parametrize("level", LEVELS)
def test_losses_are_cross_entropies_and_the_generators_is_non_saturating(level: int) -> None:
    config, real = configure(batch_norm=False), batch()
    networks = build(config)
    logits: list[Tensor] = []
    networks[f"discriminator_{level}"].register_forward_hook(lambda module, inputs, output: logits.append(output))
    discriminator = compute_discriminator_loss(networks, real, config, step_noise(), level=level)
    on_real, on_fake = logits
    expected = [
        binary_cross_entropy_with_logits(on_real, torch.ones(8)),
        binary_cross_entropy_with_logits(on_fake, torch.zeros(8)),
    ]
    torch.testing.assert_close([discriminator.terms[name] for name in ("real", "fake")], expected)
    generator = compute_generator_loss(networks, real, config, step_noise(), level=level)
    torch.testing.assert_close(generator.total(), binary_cross_entropy_with_logits(logits[2], torch.ones(8)))


@pytest.mark.parametrize("level", LEVELS)
def test_a_discriminator_that_cannot_tell_pays_two_log_two(level: int) -> None:
    config = configure()
    networks = build(config)
    for parameter in networks[f"discriminator_{level}"].parameters():
        nn.init.zeros_(parameter)
    loss = compute_discriminator_loss(networks, batch(), config, step_noise(), level=level)
    assert loss.total().item() == pytest.approx(2 * math.log(2))


def test_a_fine_level_that_draws_nothing_is_seen_in_the_logged_deviations() -> None:
    config, real = configure(), batch()
    networks = build(config)
    for parameter in networks["generator_0"].parameters():
        nn.init.zeros_(parameter)
    observed = compute_discriminator_loss(networks, real, config, step_noise(), level=0).observed
    assert observed["deviation_fake"].item() == 0
    residual = real.images - enlarge(shrink(real.images))
    assert observed["deviation_real"].item() == pytest.approx(residual.std().item())
    assert observed["deviation_real"].item() > 0.1


@pytest.mark.slow
def test_a_trained_fine_level_draws_residuals_as_large_as_the_real_ones() -> None:
    trainer = train(FAMILY, steps=150, hidden=32, width=16, learning_rate=1e-3)
    trainer.read_metrics()
    trainer.step()
    terms = trainer.read_metrics()
    for level in FINE:
        real, fake = (terms[f"discriminator_{level}/deviation_{kind}"] for kind in ("real", "fake"))
        assert 0.3 * real < fake < 3 * real


def test_levels_train_apart() -> None:
    """What a level learns does not depend on the networks of the others."""
    trainer, other = (train(FAMILY, width=8, hidden=32) for _ in range(2))
    for player in ("generator", "discriminator"):
        for parameter in other.networks[f"{player}_1"].parameters():
            nn.init.normal_(parameter)
    trainer.step()
    other.step()
    ours, theirs = trainer.read_metrics(), other.read_metrics()
    same = {name for name in ours if ours[name] == theirs[name]}
    assert {name.split("/")[0] for name in same} >= {f"{p}_{k}" for p in ("generator", "discriminator") for k in (0, 2)}
    assert "generator_1/non_saturating" not in same


# --- Drawing ------------------------------------------------------------------------------------------------------


def test_a_picture_is_its_enlarged_coarser_one_plus_a_residual() -> None:
    config = configure()
    networks = build(config).eval()
    for level in FINE:
        coarser, finer = (
            sample_level(networks, config, BlockNoise(0, [0]), labels(), LAPGANControls(level=number))
            for number in (level + 1, level)
        )
        seen = watch(networks[f"generator_{level}"])
        sample(networks, config, BlockNoise(0, [0]), labels())
        plane, low_pass = seen[0]
        torch.testing.assert_close(low_pass, enlarge(coarser))
        residual = networks[f"generator_{level}"](plane, low_pass)
        torch.testing.assert_close(finer, (low_pass + residual).clamp(-1, 1))


def test_pictures_stay_in_range_at_every_level() -> None:
    config = configure()
    networks = build(config).eval()
    for level in FINE:
        last = [m for m in networks[f"generator_{level}"].modules() if isinstance(m, nn.Conv2d)][-1]
        assert last.bias is not None
        nn.init.constant_(last.bias, 5.0)
    seen = watch(networks["generator_0"])
    assert sample(networks, config, BlockNoise(0, [0]), labels()).max().item() == 1
    assert seen[0][1].max().item() == pytest.approx(1)


def test_level_zero_is_the_full_picture() -> None:
    config = configure()
    networks = build(config).eval()
    pictures = [sample(networks, config, BlockNoise(0, [0]), labels())]
    for level in (None, 0):
        pictures.append(sample_level(networks, config, BlockNoise(0, [0]), labels(), LAPGANControls(level=level)))
    assert torch.equal(pictures[0], pictures[1])
    assert torch.equal(pictures[0], pictures[2])


# --- The score ----------------------------------------------------------------------------------------------------


def test_score_is_the_sum_of_the_logits_of_a_pictures_pyramid() -> None:
    config, images = configure(), batch().images
    networks = build(config).eval()
    logits = {COARSEST: networks[f"discriminator_{COARSEST}"](descend(images, COARSEST))}
    for level in FINE:
        picture = descend(images, level)
        logits[level] = networks[f"discriminator_{level}"](picture, torch.zeros_like(picture))
    for level in LEVELS:
        expected = sum((logits[number] for number in range(level, COARSEST + 1)), torch.zeros(8))
        torch.testing.assert_close(score(networks, config, descend(images, level), labels(8)), expected)


# --- Networks and presets -----------------------------------------------------------------------------------------


def networks_of(preset: str) -> Networks:
    return build(ModelConfig(FAMILY.preset(preset).hyperparameters, MNIST))


def test_paper_preset_has_the_released_networks_and_recipe() -> None:
    networks = networks_of("paper")
    kernels = {
        name: [
            (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0])
            for m in network.modules()
            if isinstance(m, nn.Conv2d)
        ]
        for name, network in networks.items()
    }
    for level in FINE:
        assert kernels[f"generator_{level}"] == [(2, 64, 7, 1), (64, 64, 7, 1), (64, 1, 5, 1)]
        assert kernels[f"discriminator_{level}"] == [(1, 64, 5, 1), (64, 64, 5, 2)]
    assert not any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in networks.modules())
    for phase in FAMILY.phases(ModelConfig(FAMILY.preset("paper").hyperparameters, MNIST)):
        optimizer = phase.optimizer([nn.Parameter(torch.zeros(1))])
        assert isinstance(optimizer, torch.optim.SGD)
        assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]) == (0.02, 0.5)


@pytest.mark.parametrize("preset", list(FAMILY.presets))
def test_every_discriminator_drops_as_much_as_chosen_and_no_generator_anything(preset: str) -> None:
    networks, chosen = networks_of(preset), FAMILY.preset(preset).hyperparameters
    shares = {name: {m.p for m in network.modules() if isinstance(m, nn.Dropout)} for name, network in networks.items()}
    for level in LEVELS:
        assert shares[f"discriminator_{level}"] == {chosen.dropout}
        assert shares[f"generator_{level}"] == set()
