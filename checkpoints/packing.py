"""Tensors in eight bits, for networks that ship to score pictures and not to draw them.

A weight becomes integers in [-127, 127] and a scale for each row, so each number keeps its place to within 0.4 % of
the largest in its row: the order of scores hardly changes, and the file is a quarter as large.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

_LARGEST = 127
_SCALE = "|scale"


def pack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return floating-point tensors of two or more dimensions as int8 with their scales; all others as they are."""
    packed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or tensor.dim() < 2:
            packed[name] = tensor
            continue
        rows = tensor.float().flatten(1)
        scale = rows.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny) / _LARGEST
        packed[name] = (rows / scale[:, None]).round().to(torch.int8).view(tensor.shape)
        packed[name + _SCALE] = scale
    return packed


def unpack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what `pack` was given, but for rounding; what was not packed, as it is."""
    unpacked = {}
    for name, tensor in tensors.items():
        scale = tensors.get(name + _SCALE)
        if scale is not None:
            unpacked[name] = (tensor.flatten(1).float() * scale[:, None]).view(tensor.shape)
        elif not name.endswith(_SCALE):
            unpacked[name] = tensor
    return unpacked
