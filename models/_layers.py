"""Layers, initialisations and small network helpers that several papers share."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, one_hot, pixel_shuffle


class UpsampleConv2d(nn.Conv2d):
    """Nearest-neighbour upsampling by 2 and a convolution, computed as one convolution of the small picture.

    After the upsampling, those taps of an odd k x k kernel that fall on copies of one pixel can be added up
    before they are applied. They fall in four ways, one for each place in a 2 x 2 cell; so a kernel of about
    half the side with four times the channels, and `pixel_shuffle`, give the same picture: for k = 5 with 9
    instead of 25 taps a pixel. The parameters are those of the plain convolution, (outputs, inputs, k, k).

    (n, inputs, h, w) to (n, outputs, 2 h, 2 w).
    """

    _taps: Tensor

    def __init__(self, inputs: int, outputs: int, kernel_size: int) -> None:
        super().__init__(inputs, outputs, kernel_size, padding=kernel_size // 2)
        self.register_buffer("_taps", _taps_of_cell(kernel_size), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the convolved picture of twice the side."""
        taps = self._taps.to(self.weight.dtype)
        folded = torch.einsum("ptk,qul,oikl->opqitu", taps, taps, self.weight)
        bias = None if self.bias is None else self.bias.repeat_interleave(4)
        cells = conv2d(images, folded.flatten(0, 2), bias, padding=taps.shape[1] // 2)
        return pixel_shuffle(cells, 2)


def _taps_of_cell(kernel_size: int) -> Tensor:
    """Return (2, t, k), by place in a cell: 1 where tap k of the kernel falls on pixel t of the small one."""
    reach = kernel_size // 2
    small_reach = (reach + 1) // 2
    place, small, tap = torch.arange(2), torch.arange(2 * small_reach + 1), torch.arange(kernel_size)
    fallen_on = (place[:, None] + tap - reach).div(2, rounding_mode="floor") + small_reach
    return (fallen_on[:, None, :] == small[:, None]).float()


class Maxout(nn.Linear):
    """The largest of `pieces` linear maps, unit by unit (Goodfellow et al. 2013).

    (n, inputs) to (n, outputs).
    """

    def __init__(self, inputs: int, outputs: int, pieces: int) -> None:
        super().__init__(inputs, outputs * pieces)
        self._pieces = pieces

    def forward(self, values: Tensor) -> Tensor:
        """Return the largest piece of each unit: (n, outputs)."""
        return super().forward(values).view(len(values), -1, self._pieces).amax(dim=2)


class SigmoidPixels(nn.Module):
    """Numbers a to tanh(a / 2): pixels s(a) in [0, 1], s the sigmoid, brought to our range of [-1, 1]."""

    def forward(self, values: Tensor) -> Tensor:
        """Return pixels of the shape of the numbers."""
        return sigmoid_pixels(values)


def sigmoid_pixels(values: Tensor) -> Tensor:
    """Return tanh(a / 2), which is s(a) brought from [0, 1] to [-1, 1]."""
    return torch.tanh(values / 2)


def to_unit_range(images: Tensor) -> Tensor:
    """Bring pixels from [-1, 1] to [0, 1]."""
    return (images + 1) / 2


def encode_labels(labels: Tensor, classes: int) -> Tensor:
    """Return labels (n,) one-hot, as numbers of torch's default type: (n, classes)."""
    return one_hot(labels, classes).to(torch.get_default_dtype())


def append_label(values: Tensor, label: Tensor) -> Tensor:
    """Append a one-hot label (n, classes): as numbers to (n, d), as constant maps to (n, c, h, w)."""
    if values.dim() == 4:
        label = label[:, :, None, None].expand(-1, -1, *values.shape[2:])
    return torch.cat([values, label], dim=1)


def initialise_normal(network: nn.Module, deviation: float = 0.02) -> nn.Module:
    """Draw weights from N(0, deviation^2) and batch norm's scales from N(1, deviation^2); all shifts are 0.

    The DCGAN authors' choice (Radford et al. 2015, section 4). Changes the network and returns it.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, deviation)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1.0, deviation)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    return network


def initialise_glorot(network: nn.Module) -> nn.Module:
    """Draw weights uniformly as Glorot & Bengio 2010 do, biases 0: Keras' default.

    Changes the network and returns it.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def initialise_uniform(network: nn.Module, reach: float) -> nn.Module:
    """Draw the weights of dense layers from U(-reach, reach); biases are 0: pylearn2's irange.

    Changes the network and returns it.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.uniform_(module.weight, -reach, reach)
            nn.init.zeros_(module.bias)
    return network


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Within, batch norm takes its moving statistics and leaves them alone, and dropout passes everything."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[None]:
    """Within, batch norm takes the statistics of the batch, and leaves its moving ones alone."""
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    before = [(norm.running_mean, norm.running_var) for norm in norms]
    for norm in norms:
        norm.running_mean = norm.running_var = None  # without any, it takes those of the batch
    try:
        yield
    finally:
        for norm, (mean, variance) in zip(norms, before, strict=True):
            norm.running_mean, norm.running_var = mean, variance
