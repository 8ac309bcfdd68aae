"""What Gulrajani et al. say, in closed form."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from models import MNIST, SEGMENTS, Batch, ModelConfig, UnsupportedShapeError
from models.wgan_gp import FAMILY, WGANGPHyperparameters, build, compute_critic_loss
from tests.models.closed_form import Bowl, Grey, all_differ, inputs_of, players, step_noise, terms
from tests.training import BATCH_SIZE, train

CONFIG = ModelConfig(WGANGPHyperparameters(), SEGMENTS)
MANY = 500
LEVELS = MANY, 1, SEGMENTS.size, SEGMENTS.size


def losses(*, real: float, fake: float, slope: float) -> dict[str, float]:
    return terms(compute_critic_loss, players(fake=fake, slope=slope, judge="critic"), CONFIG.hyperparameters, real)


def points_between(real: Tensor, fake: float) -> tuple[Tensor, Tensor]:
    """Where the critic is penalised, (n, c, h, w), and the penalty, whose slope there is the point itself."""
    networks = nn.ModuleDict({"generator": Grey(fake), "critic": Bowl()})
    judged = inputs_of(networks["critic"])
    batch = Batch(real, torch.zeros(len(real), dtype=torch.int64))
    objective = compute_critic_loss(networks, batch, CONFIG, step_noise(len(real)))
    (points,) = [images for images in judged if not torch.equal(images, real) and not (images == fake).all()]
    return points, objective.terms["penalty"]


# --- The loss -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", [0.25, 1.0, 3.0])
def test_penalty_of_a_linear_critic_is_ten_times_the_squared_distance_of_its_slope_from_one(norm: float) -> None:
    slope = norm * SEGMENTS.size
    found = losses(real=0.5, fake=-0.2, slope=slope)
    expected = {"real": -0.5 * slope, "fake": -0.2 * slope, "penalty": 10 * (norm - 1) ** 2}
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_penalty_is_the_mean_over_pictures_of_their_own_norms_over_all_pixels() -> None:
    """The traps of a norm over channels, rows or the batch."""
    points, penalty = points_between(torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(1)) / 4, -0.1)
    norms = points.numpy().reshape(8, -1).__pow__(2).sum(axis=1) ** 0.5
    assert penalty.item() == pytest.approx(10 * ((norms - 1) ** 2).mean(), rel=1e-5)
    assert len(set(norms.round(4).tolist())) == 8


def test_points_lie_between_a_real_and_a_fake_picture_by_one_share_for_each() -> None:
    """The trap of a share for each pixel; here real pictures are white, and fakes black."""
    points, _ = points_between(torch.ones(LEVELS), -1.0)
    shares = (points[:, 0, 0, 0] + 1) / 2
    torch.testing.assert_close(points, (2 * shares - 1)[:, None, None, None].expand(LEVELS))
    assert len(torch.unique(shares)) == MANY
    assert 0 <= shares.min() < 0.02
    assert 0.98 < shares.max() <= 1
    assert shares.mean().item() == pytest.approx(0.5, abs=0.05)


def test_each_real_picture_is_mixed_with_a_fake_one_pixel_by_pixel() -> None:
    real = torch.rand(LEVELS, generator=torch.Generator().manual_seed(1))
    points, _ = points_between(real, -1.0)
    shares = (points + 1) / (real + 1)
    torch.testing.assert_close(shares, shares[:, :, :1, :1].expand(LEVELS), rtol=1e-3, atol=1e-4)


def test_estimate_leaves_the_penalty_out() -> None:
    found = train(FAMILY, width=8, hidden=32).step()
    expected = -(found["critic/real"] + found["critic/fake"])
    assert found["critic/penalty"] > 0
    assert found["critic/wasserstein_estimate"].item() == pytest.approx(expected.item())


def test_generator_raises_the_scores_of_its_pictures() -> None:
    _, phase = FAMILY.phases(CONFIG)
    found = terms(phase.loss, players(fake=-0.2, slope=3.0, judge="critic"), CONFIG.hyperparameters, 0.5)
    assert found == pytest.approx({"wasserstein": 0.6})


def test_a_critic_without_slope_has_a_finite_gradient() -> None:
    """The trap of a root without a small number beneath."""
    dense = nn.Linear(SEGMENTS.size**2, 1)
    nn.init.zeros_(dense.weight)
    critic = nn.Sequential(nn.Flatten(), dense, nn.Flatten(0))
    networks = nn.ModuleDict({"generator": Grey(-0.2), "critic": critic})
    batch = Batch(torch.full((4, 1, 16, 16), 0.5), torch.zeros(4, dtype=torch.int64))
    penalty = compute_critic_loss(networks, batch, CONFIG, step_noise()).terms["penalty"]
    assert penalty.item() == pytest.approx(10, rel=1e-5)
    (gradient,) = torch.autograd.grad(penalty, dense.weight)
    assert gradient.isfinite().all()


def test_a_slope_remains_where_real_and_fake_pictures_are_alike() -> None:
    """Why the method need not converge: the critic does not pay for a slope of 1, but for none."""
    with_slope, without = (sum(losses(real=0.3, fake=0.3, slope=slope).values()) for slope in (SEGMENTS.size, 0.0))
    assert with_slope == pytest.approx(0, abs=1e-5)
    assert without == pytest.approx(10, rel=1e-5)


def test_batch_norm_in_the_critic_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"batch_norm(.|\n)*couples"):
        FAMILY.configure({"batch_norm": True}, SEGMENTS)
    for preset in FAMILY.presets.values():
        critic = build(ModelConfig(preset.hyperparameters, SEGMENTS))["critic"]
        assert not any(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in critic.modules())


def test_losses_are_precise_where_the_networks_are_not() -> None:
    networks = build(CONFIG)
    batch = Batch(torch.rand(4, 1, 16, 16), torch.zeros(4, dtype=torch.int64))
    with torch.autocast("cpu", torch.bfloat16):
        rough = compute_critic_loss(networks, batch, CONFIG, step_noise())
    exact = compute_critic_loss(networks, batch, CONFIG, step_noise())
    for name, term in rough.terms.items():
        assert term.dtype == torch.float32
        assert term.item() == pytest.approx(exact.terms[name].item(), rel=0.02, abs=0.02)


# --- The game -----------------------------------------------------------------------------------------------------


def test_each_step_of_the_critic_has_real_pictures_and_latents_of_its_own() -> None:
    trainer = train(FAMILY, width=8, hidden=32)
    judged, latents = inputs_of(trainer.networks["critic"]), inputs_of(trainer.networks["generator"])
    trainer.step()
    assert (len(judged), len(latents)) == (5 * 3 + 1, 5 + 1)
    assert all_differ(judged)
    assert all_differ(latents)
    assert trainer.images_seen == 5 * BATCH_SIZE


def test_the_paper_preset_is_the_script_for_mnist() -> None:
    preset = FAMILY.preset("paper")
    chosen = preset.hyperparameters
    assert (chosen.penalty_weight, chosen.discriminator_steps, preset.batch_size) == (10, 5, 50)
    assert (chosen.latent, chosen.latent_dim) == ("normal", 128)
    for phase in FAMILY.phases(ModelConfig(chosen, MNIST)):
        (group,) = phase.optimizer([nn.Parameter(torch.zeros(1))]).param_groups
        assert (group["lr"], group["betas"]) == (1e-4, (0.5, 0.9))


# --- The script's networks ----------------------------------------------------------------------------------------


def test_the_scripts_networks_have_its_shapes_and_no_normalisation() -> None:
    networks = build(ModelConfig(FAMILY.preset("paper").hyperparameters, MNIST))
    shapes = {name: [tuple(p.shape) for p in network.parameters() if p.dim() > 1] for name, network in networks.items()}
    assert shapes["generator"] == [(4 * 4 * 256, 128), (256, 128, 5, 5), (128, 64, 5, 5), (64, 1, 5, 5)]
    assert shapes["critic"] == [(64, 1, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5), (1, 4 * 4 * 256)]
    assert not any("Norm" in type(module).__name__ for module in networks.modules())


def test_the_scripts_generator_crops_eight_pixels_to_seven() -> None:
    generator = build(ModelConfig(FAMILY.preset("paper").hyperparameters, MNIST))["generator"]
    sides: list[int] = []
    for layer in generator.children():
        layer.register_forward_hook(lambda module, inputs, output: sides.append(output.shape[-1]))
    generator(torch.randn(2, 128))
    assert sides[2:] == [4, 8, 8, 7, 14, 14, 28, 28]


def test_the_scripts_networks_need_a_side_that_is_a_multiple_of_four() -> None:
    with pytest.raises(UnsupportedShapeError, match="multiple of 4"):
        build(ModelConfig(WGANGPHyperparameters(architecture="script"), SEGMENTS.model_copy(update={"size": 18})))
