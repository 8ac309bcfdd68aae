"""Optimisers as factories: what a phase declares before the networks exist."""

import math
from collections.abc import Iterable

import torch
from torch import nn

from models._family import OptimizerFactory


def adam(learning_rate: float, beta1: float, beta2: float, *, weight_decay: float = 0.0) -> OptimizerFactory:
    """Adam (Kingma & Ba 2015) with epsilon 1e-8; the gradient gains weight_decay times the weight (L2).

    Fused: one pass over the memory of a weight and its moments, where the plain loop makes several and as many copies.
    """
    betas = beta1, beta2

    def build(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, learning_rate, betas=betas, weight_decay=weight_decay, fused=True)

    return build


def sgd(learning_rate: float, momentum: float, *, nesterov: bool = False) -> OptimizerFactory:
    """Stochastic gradient descent with momentum, Nesterov's where asked for."""

    def build(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, learning_rate, momentum=momentum, nesterov=nesterov)

    return build


def sgd_with_rising_momentum(learning_rate: float, start: float, end: float, steps: int) -> OptimizerFactory:
    """Stochastic gradient descent whose momentum goes evenly from `start` to `end` in so many steps, and stays.

    The steps are counted in the state of each parameter, so that a training that continues knows them.
    """

    def raise_momentum(optimizer: torch.optim.Optimizer, *_: object) -> None:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                state = optimizer.state[parameter]
                done = state.get("step", torch.zeros(()))
                group["momentum"] = start + (end - start) * min(1.0, done.item() / steps)
                state["step"] = done + 1

    def build(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        optimizer = torch.optim.SGD(parameters, learning_rate, momentum=start)
        optimizer.register_step_pre_hook(raise_momentum)
        return optimizer

    return build


def rmsprop(learning_rate: float) -> OptimizerFactory:
    """RMSProp (Tieleman & Hinton 2012) with decay 0.99 and epsilon 1e-8, without momentum: torch's defaults."""

    def build(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(parameters, learning_rate)

    return build


def adagrad(learning_rate: float, *, weight_decay: float = 0.0) -> OptimizerFactory:
    """Adagrad (Duchi et al. 2011) with epsilon 1e-10; the gradient gains weight_decay times the weight (L2)."""

    def build(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adagrad(parameters, learning_rate, weight_decay=weight_decay)

    return build


def exponential_decay(progress: float, *, end: float) -> float:
    """Return the factor of the learning rate: from 1 down to `end`, by the same factor at every step."""
    return math.exp(progress * math.log(end))


def linear_decay(progress: float, *, start: float = 0.5, floor: float = 0.02) -> float:
    """Return the factor of the learning rate: 1 up to `start` of the training, then falling to `floor`."""
    if progress <= start:
        return 1.0
    return max(floor, (1 - progress) / (1 - start))
