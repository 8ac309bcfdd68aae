from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate

from models._layers import (
    Maxout,
    SigmoidPixels,
    UpsampleConv2d,
    append_label,
    batch_statistics,
    encode_labels,
    evaluating,
    initialise_glorot,
    initialise_normal,
    initialise_uniform,
    to_unit_range,
)


def plain(layer: UpsampleConv2d, images: Tensor) -> Tensor:
    large = interpolate(images, scale_factor=2, mode="nearest")
    return conv2d(large, layer.weight, layer.bias, padding=layer.kernel_size[0] // 2)


@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7])
def test_folded_upsampling_equals_upsampling_and_convolution(kernel_size: int) -> None:
    layer = UpsampleConv2d(3, 2, kernel_size).double()
    images = torch.randn(4, 3, 5, 6, dtype=torch.float64)
    torch.testing.assert_close(layer(images), plain(layer, images), rtol=1e-12, atol=1e-12)


def test_folded_upsampling_has_the_gradients_of_the_plain_one() -> None:
    layer = UpsampleConv2d(3, 2, 5).double()
    images = torch.randn(4, 3, 5, 5, dtype=torch.float64, requires_grad=True)
    inputs = (images, *layer.parameters())
    found, expected = (
        torch.autograd.grad(f(images).square().sum(), inputs) for f in (layer, lambda x: plain(layer, x))
    )
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_folded_upsampling_keeps_the_parameters_of_the_plain_convolution() -> None:
    folded, convolution = UpsampleConv2d(3, 2, 5), nn.Conv2d(3, 2, 5)
    assert {k: v.shape for k, v in folded.state_dict().items()} == {
        k: v.shape for k, v in convolution.state_dict().items()
    }


def test_folded_upsampling_follows_the_layout_of_its_input() -> None:
    layer = UpsampleConv2d(3, 4, 5).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(4, 3, 5, 5)
    torch.testing.assert_close(layer(images.contiguous(memory_format=torch.channels_last)), plain(layer, images))


def test_maxout_takes_the_largest_of_its_pieces() -> None:
    layer = Maxout(2, 3, pieces=2)
    values = torch.randn(5, 2)
    pieces = (values @ layer.weight.T + layer.bias).view(5, 3, 2)
    torch.testing.assert_close(layer(values), torch.maximum(pieces[:, :, 0], pieces[:, :, 1]))


def test_maxout_of_two_pieces_can_be_the_absolute_value() -> None:
    layer = Maxout(1, 1, pieces=2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        layer.bias.zero_()
    torch.testing.assert_close(layer(torch.tensor([[-3.0], [2.0]])), torch.tensor([[3.0], [2.0]]))


def test_labels_become_numbers_one_hot() -> None:
    assert encode_labels(torch.tensor([2, 0]), 3).tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]


def test_label_is_appended_as_numbers_or_as_constant_maps() -> None:
    label = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    numbers = append_label(torch.zeros(2, 3), label)
    assert torch.equal(numbers[:, 3:], label)
    maps = append_label(torch.zeros(2, 3, 4, 5), label)
    assert maps.shape == (2, 5, 4, 5)
    assert torch.equal(maps[:, 3:], label[:, :, None, None].expand(2, 2, 4, 5))


def test_normal_initialisation_has_the_deviation_of_the_dcgan_paper() -> None:
    layers: list[Any] = [
        nn.Linear(100, 200),
        nn.Conv2d(20, 40, 5),
        nn.ConvTranspose2d(40, 20, 5, bias=False),
        nn.BatchNorm2d(20_000),
    ]
    initialise_normal(nn.Sequential(*layers))
    for layer, mean in zip(layers, (0, 0, 0, 1), strict=True):
        assert layer.weight.mean().item() == pytest.approx(mean, abs=1e-3)
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert layer.bias is None or not layer.bias.any()


def test_glorot_initialisation_is_uniform_by_fan_in_and_fan_out() -> None:
    layers: list[Any] = [nn.Linear(100, 200), UpsampleConv2d(20, 40, 5)]
    initialise_glorot(nn.Sequential(*layers))
    for layer, fans in zip(layers, (100 + 200, 25 * (20 + 40)), strict=True):
        bound = (6 / fans) ** 0.5
        assert layer.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
        assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
        assert not layer.bias.any()


def test_uniform_initialisation_reaches_as_far_as_asked_and_has_no_biases() -> None:
    layers: list[Any] = [nn.Linear(100, 200), Maxout(50, 40, pieces=5)]
    initialise_uniform(nn.Sequential(*layers), 0.05)
    for layer in layers:
        assert layer.weight.abs().max().item() == pytest.approx(0.05, rel=0.01)
        assert layer.weight.std().item() == pytest.approx(0.05 / 3**0.5, rel=0.05)
        assert not layer.bias.any()


def test_pixels_of_a_sigmoid_are_brought_to_our_range_and_back() -> None:
    numbers = torch.randn(2, 1, 3, 3, dtype=torch.float64)
    pixels = SigmoidPixels()(numbers)
    torch.testing.assert_close(to_unit_range(pixels), numbers.sigmoid())
    assert to_unit_range(torch.tensor([-1.0, 0.0, 1.0])).tolist() == [0.0, 0.5, 1.0]


def test_evaluating_leaves_statistics_alone_and_restores_the_mode() -> None:
    network = nn.BatchNorm1d(3)
    before = {name: value.clone() for name, value in network.named_buffers()}
    with evaluating(network):
        network(torch.randn(8, 3) + 5)
        assert not network.training
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.named_buffers())
    network.eval()
    with evaluating(network):
        pass
    assert not network.training


def test_batch_statistics_are_of_the_batch_alone_and_leave_the_moving_ones() -> None:
    network = nn.Sequential(nn.BatchNorm1d(3, affine=False, eps=1e-9)).eval()
    rows = torch.tensor([[1.0, 5.0, 0.0], [3.0, 1.0, 8.0]])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert torch.equal(network(rows), rows)  # the moving statistics of nothing
    with batch_statistics(network):
        assert torch.allclose(network(rows), torch.tensor([[-1.0, 1.0, -1.0], [1.0, -1.0, 1.0]]))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.equal(network(rows), rows)
    assert not network.training
