"""What a family's networks look like: their layers in the order of the data, with shapes and numbers of parameters.

Found by letting pictures without content pass through networks without memory (torch's device "meta"), so it takes no
knowledge of any family, and no more time for large networks than for small ones: some tenths of a second, and the first
time in a process some seconds, in which torch loads what that device needs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from models._family import Batch, Family, ModelConfig, Networks
from models._noise import Noise

_COUNT = 2
"""Pictures that pass: batch norm in training takes no single one."""


@dataclass(frozen=True, slots=True)
class LayerOutline:
    """A layer as data first met it. inputs, output: shapes of a single picture's values, without the batch.

    name: its place in the network. kind: of its class. settings: what its class says of it, for a person to read.
    """

    name: str
    kind: str
    settings: str
    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]
    parameters: int


@dataclass(frozen=True, slots=True)
class NetworkOutline:
    """A network. parameters: numbers that are learnt, those of all layers. draws: whether sampling needs it."""

    name: str
    draws: bool
    parameters: int
    layers: tuple[LayerOutline, ...]


def outline(family: Family[Any], config: ModelConfig[Any]) -> tuple[NetworkOutline, ...]:
    """Return the networks that a configuration builds, in the order in which the family names them.

    Layers that only hold numbers, and compute nothing, are left out. Raises what `family.build` raises.
    """
    with torch.device("meta"):
        networks = family.build(config)
    layers = {name: _Layers() for name in networks}
    with _watched(networks, layers):
        _pass_through(family, config, networks)
    return tuple(
        NetworkOutline(name, name in family.generators, _count(network), tuple(layers[name].met.values()))
        for name, network in networks.items()
    )


@dataclass(slots=True)
class _Layers:
    """The layers of a network that data has met, in this order."""

    met: dict[str, LayerOutline] = field(default_factory=dict)

    def meet(self, name: str, layer: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        if name in self.met or not isinstance(output, Tensor):
            return
        shapes = tuple(tuple(one.shape[1:]) for one in inputs if isinstance(one, Tensor))
        settings = " ".join(layer.extra_repr().split())
        kind = type(layer).__name__
        self.met[name] = LayerOutline(name, kind, settings, shapes, tuple(output.shape[1:]), _count(layer))


@contextmanager
def _watched(networks: Networks, layers: dict[str, _Layers]) -> Iterator[None]:
    """Within, each layer that has no layers inside is noted when data passes it."""
    hooks = []
    for name, network in networks.items():
        for place, layer in network.named_modules():
            if not any(layer.children()):
                hooks.append(layer.register_forward_hook(_note(layers[name], place)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _note(layers: _Layers, place: str) -> Any:
    def hook(layer: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        layers.meet(place, layer, inputs, output)

    return hook


def _pass_through(family: Family[Any], config: ModelConfig[Any], networks: Networks) -> None:
    """Draw pictures, and compute every loss: so each network is met."""
    dataset, noise = config.dataset, _NoNumbers()
    labels = torch.zeros(_COUNT, dtype=torch.int64, device="meta")
    images = noise.normal(dataset.channels, dataset.size, dataset.size)
    family.sample(networks, config, noise, labels)
    for phase in family.phases(config):
        phase.loss(networks, Batch(images, labels), config, noise)


class _NoNumbers(Noise):
    """Noise that has a shape and no values."""

    count = _COUNT

    def normal(self, *shape: int) -> Tensor:
        """Return (count, *shape)."""
        return torch.empty(self.count, *shape, device="meta")

    def uniform(self, *shape: int, low: float = -1.0, high: float = 1.0) -> Tensor:
        """Return (count, *shape)."""
        return self.normal(*shape)


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
