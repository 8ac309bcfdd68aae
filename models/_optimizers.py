"""Optimisers as factories: what a phase declares before the networks exist."""

import math
from collections.abc import Iterable

import torch
from torch import nn

from models._family import OptimizerFactory


def adam(learning_rate: float, beta1: float, beta2: float, *, weight_decay: float = 0.0) -> OptimizerFactory:
    """Adam (Kingma & Ba 2015) with epsilon 1e-8; the gradient gains weight_decay times the weight (L2)."""

    def build(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, learning_rate, betas=(beta1, beta2), weight_decay=weight_decay)

    return build


def sgd(learning_rate: float, momentum: float, *, nesterov: bool = False) -> OptimizerFactory:
    """Stochastic gradient descent with momentum, Nesterov's where asked for."""

    def build(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, learning_rate, momentum=momentum, nesterov=nesterov)

    return build


def rmsprop(learning_rate: float) -> OptimizerFactory:
    """RMSProp (Tieleman & Hinton 2012) with decay 0.99 and epsilon 1e-8, without momentum: torch's defaults."""

    def build(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(parameters, learning_rate)

    return build


def exponential_decay(progress: float, *, end: float) -> float:
    """Return the factor of the learning rate: from 1 down to `end`, by the same factor at every step."""
    return math.exp(progress * math.log(end))


def linear_decay(progress: float, *, start: float = 0.5, floor: float = 0.02) -> float:
    """Return the factor of the learning rate: 1 up to `start` of the training, then falling to `floor`."""
    if progress <= start:
        return 1.0
    return max(floor, (1 - progress) / (1 - start))
