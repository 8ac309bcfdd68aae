"""Networks whose outputs are known, so that a loss on them can be worked out by hand."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from models import SEGMENTS, Batch, ModelConfig, Objective, Phase, StepNoise

COUNT = 4
SHAPE = (1, SEGMENTS.size, SEGMENTS.size)
PIXELS = SEGMENTS.size**2

LossFunction = Callable[..., Objective]


class Brightness(nn.Module):
    """A discriminator whose output is `slope` times the mean pixel, and whose gradient has the norm slope / size."""

    def __init__(self, slope: float = 1.0) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, images: Tensor, *labels: Tensor) -> Tensor:
        return self.slope * images.mean(dim=(1, 2, 3))


class Bowl(nn.Module):
    """A discriminator whose output is half the squared norm of a picture, so that the picture is its gradient."""

    def forward(self, images: Tensor, *labels: Tensor) -> Tensor:
        return images.square().sum(dim=(1, 2, 3)) / 2


class Grey(nn.Module):
    """A generator whose pictures are of one grey, whatever the latents."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = level

    def forward(self, latent: Tensor, *labels: Tensor) -> Tensor:
        return torch.full((len(latent), *SHAPE), self.level)


def grey_batch(level: float, *, step: int = 0, progress: float = 0.0) -> Batch:
    """Real pictures of one grey."""
    return Batch(torch.full((COUNT, *SHAPE), level), torch.zeros(COUNT, dtype=torch.int64), step, progress)


def step_noise(count: int = COUNT, seed: int = 0) -> StepNoise:
    return StepNoise(torch.Generator().manual_seed(seed), count)


def players(*, fake: float, slope: float = 1.0, judge: str = "discriminator") -> nn.ModuleDict:
    """Both players, the generator's pictures of one grey."""
    return nn.ModuleDict({"generator": Grey(fake), judge: Brightness(slope)})


def inputs_of(network: nn.Module) -> list[Tensor]:
    """A list to which every first input of the network is added from now on."""
    seen: list[Tensor] = []
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach().clone()))
    return seen


def all_differ(tensors: Sequence[Tensor]) -> bool:
    """Whether no two are equal."""
    return not any(torch.equal(one, other) for one, other in combinations(tensors, 2))


def terms(loss: LossFunction, networks: nn.ModuleDict, hyperparameters: Any, real: float) -> dict[str, float]:
    """The terms of a loss for real pictures of one grey."""
    objective = loss(networks, grey_batch(real), ModelConfig(hyperparameters, SEGMENTS), step_noise())
    return {name: term.item() for name, term in objective.terms.items()}


def momentum_after(phase: Phase[Any], *steps: int) -> list[float]:
    """The momentum of a phase's optimiser after so many steps."""
    weight = nn.Parameter(torch.zeros(1))
    optimizer = phase.optimizer([weight])
    found = []
    for done in steps:
        optimizer.state[weight]["step"] = torch.tensor(float(done))
        weight.grad = torch.ones(1)
        optimizer.step()
        found.append(float(optimizer.param_groups[0]["momentum"]))
    return found
