"""The autoencoder that serves as a discriminator."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models import MNIST, SEGMENTS, Family, ModelConfig, UnsupportedShapeError, began, ebgan
from models._autoencoder import AutoencoderHyperparameters, ConvolutionalAutoencoder, build
from models._datasets import DatasetSpec

FAMILIES: tuple[Family[Any], ...] = (began.FAMILY, ebgan.FAMILY)


def configure(dataset: DatasetSpec = SEGMENTS, **values: Any) -> ModelConfig[AutoencoderHyperparameters]:
    return ModelConfig(AutoencoderHyperparameters(**values), dataset)


def shapes(network: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(p.shape) for name, p in network.named_parameters() if name.endswith("weight") and p.dim() > 1]


def test_autoencoder_has_the_collections_layers() -> None:
    assert shapes(ConvolutionalAutoencoder(configure(MNIST))) == [
        (64, 1, 4, 4),
        (32, 64 * 14 * 14),
        (64 * 14 * 14, 32),
        (64, 1, 4, 4),
    ]


def test_the_code_is_the_bottleneck() -> None:
    network = ConvolutionalAutoencoder(configure(width=4, code_dim=5)).eval()
    images = torch.rand(3, 1, 16, 16) * 2 - 1
    codes = network.encoder(images)
    assert codes.shape == (3, 5)
    torch.testing.assert_close(network.decoder(codes), network(images))


def test_reconstructions_reach_both_ends_of_the_pictures_range() -> None:
    network = ConvolutionalAutoencoder(configure(width=4))
    (output,) = (m for m in network.modules() if isinstance(m, nn.ConvTranspose2d))
    assert output.bias is not None
    for end in (-1.0, 1.0):
        nn.init.constant_(output.bias, 100 * end)
        torch.testing.assert_close(network(torch.zeros(2, 1, 16, 16)), torch.full((2, 1, 16, 16), end))


@pytest.mark.parametrize("batch_norm", [True, False])
def test_batch_norm_is_a_choice_and_leaves_codes_alone(batch_norm: bool) -> None:
    network = ConvolutionalAutoencoder(configure(width=4, batch_norm=batch_norm)).train()
    assert any(isinstance(m, nn.BatchNorm1d) for m in network.modules()) == batch_norm
    images = torch.rand(4, 1, 16, 16) * 2 - 1

    def alone(function: nn.Module) -> bool:
        whole: Tensor = function(images)
        return torch.allclose(function(images[:2]), whole[:2], atol=1e-6)

    assert alone(network.encoder)
    assert alone(network) == (not batch_norm)


@pytest.mark.parametrize(
    "networks",
    [
        pytest.param(
            family.build(family.configure(preset.hyperparameters.model_dump(), SEGMENTS)), id=f"{family.name}-{name}"
        )
        for family in FAMILIES
        for name, preset in family.presets.items()
    ],
)
def test_no_preset_judges_fakes_by_the_statistics_of_fakes(networks: nn.ModuleDict) -> None:
    kinds = nn.BatchNorm1d | nn.BatchNorm2d
    assert not any(isinstance(module, kinds) for module in networks["discriminator"].modules())


def test_a_side_that_the_generator_cannot_draw_is_refused() -> None:
    assert set(build(configure(width=4, hidden=8))) == {"generator", "discriminator"}
    with pytest.raises(UnsupportedShapeError, match="multiple of 4"):
        build(configure(SEGMENTS.model_copy(update={"size": 18})))
