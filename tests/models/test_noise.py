import pytest
import torch

from models import BLOCK, BlockNoise, StepNoise, derive_seed


def test_seeds_are_fixed_and_within_63_bits() -> None:
    assert derive_seed("step", 1, 2) == derive_seed("step", 1, 2) == 4440182696560460951
    seeds = {derive_seed("step", seed, step) for seed in range(30) for step in range(30)}
    assert len(seeds) == 900
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive_seed("a", 12) != derive_seed("a", 1, 2)


def test_step_noise_continues_its_stream() -> None:
    generator = torch.Generator().manual_seed(1)
    noise = StepNoise(generator, 3)
    first, second = noise.normal(2, 4), noise.normal(2, 4)
    assert first.shape == (3, 2, 4)
    assert not torch.equal(first, second)
    assert torch.equal(StepNoise(generator.manual_seed(1), 3).normal(2, 4), first)


def test_step_noise_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    StepNoise(torch.Generator().manual_seed(1), 3).uniform(5)
    BlockNoise(1, [0, 1]).normal(5)
    assert torch.equal(before, torch.get_rng_state())


def test_uniform_keeps_its_bounds_and_its_moments() -> None:
    for noise in (StepNoise(torch.Generator().manual_seed(1), 160), BlockNoise(1, range(10))):
        drawn = noise.uniform(500, low=2.0, high=4.0)
        assert drawn.min() >= 2
        assert drawn.max() <= 4
        assert drawn.mean().item() == pytest.approx(3, abs=0.01)
        assert drawn.std().item() == pytest.approx(2 / 12**0.5, rel=0.01)


def test_normal_has_unit_variance() -> None:
    for noise in (StepNoise(torch.Generator().manual_seed(1), 160), BlockNoise(1, range(10))):
        drawn = noise.normal(500)
        assert drawn.mean().item() == pytest.approx(0, abs=0.01)
        assert drawn.std().item() == pytest.approx(1, rel=0.01)


def test_latents_are_of_the_kind_that_is_asked_for() -> None:
    assert BlockNoise(1, [0]).latent("uniform", 50).abs().max() <= 1
    assert BlockNoise(1, [0]).latent("normal", 50).abs().max() > 1


def test_a_block_is_the_same_in_any_company() -> None:
    alone, together = BlockNoise(9, [4]), BlockNoise(9, [0, 4, 7])
    for _ in range(2):
        assert torch.equal(alone.normal(3), together.normal(3)[BLOCK : 2 * BLOCK])
        assert torch.equal(alone.uniform(3), together.uniform(3)[BLOCK : 2 * BLOCK])


def test_blocks_and_seeds_differ() -> None:
    first, *others = (BlockNoise(*key).normal(3) for key in ((9, [4]), (9, [5]), (8, [4])))
    assert all(not torch.equal(first, other) for other in others)


def test_truncation_shrinks_every_draw_towards_its_middle() -> None:
    whole, half = BlockNoise(9, [0, 1]), BlockNoise(9, [0, 1], truncation=0.5)
    torch.testing.assert_close(half.normal(3), whole.normal(3) / 2)
    torch.testing.assert_close(half.uniform(3, low=2, high=4) - 3, (whole.uniform(3, low=2, high=4) - 3) / 2)
