import pytest
import torch
from torch import nn

from models._family import OptimizerFactory, constant
from models._optimizers import adam, exponential_decay, linear_decay, sgd


def descend(factory: OptimizerFactory, *, start: float, gradients: list[float]) -> list[float]:
    weight = nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = factory([weight])
    places = []
    for gradient in gradients:
        weight.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
        places.append(weight.item())
    return places


def test_first_step_of_adam_is_the_learning_rate_whatever_the_gradient() -> None:
    for gradient in (0.01, 100.0):
        (place,) = descend(adam(0.1, 0.5, 0.999), start=0.0, gradients=[gradient])
        assert place == pytest.approx(-0.1, rel=1e-5)


def test_weight_decay_of_adam_is_a_part_of_the_gradient() -> None:
    decayed = descend(adam(0.1, 0.5, 0.9, weight_decay=0.5), start=2.0, gradients=[0.25, -1.0])
    first = descend(adam(0.1, 0.5, 0.9), start=2.0, gradients=[0.25 + 0.5 * 2.0])[0]
    both = descend(adam(0.1, 0.5, 0.9), start=2.0, gradients=[0.25 + 0.5 * 2.0, -1.0 + 0.5 * first])
    assert decayed == pytest.approx(both)


def test_momentum_sums_up_gradients() -> None:
    assert descend(sgd(1.0, 0.5), start=0.0, gradients=[1.0, 1.0, 1.0]) == pytest.approx([-1.0, -2.5, -4.25])


def test_momentum_of_nesterov_looks_ahead() -> None:
    found = descend(sgd(1.0, 0.5, nesterov=True), start=0.0, gradients=[1.0, 1.0])
    assert found == pytest.approx([-1.5, -1.5 - (1 + 0.5 * 1.5)])


def test_constant_schedule_is_one() -> None:
    assert {constant(progress) for progress in (0.0, 0.5, 1.0)} == {1.0}


def test_linear_decay_holds_and_then_falls_to_its_floor() -> None:
    assert [linear_decay(progress, floor=0) for progress in (0, 0.5, 0.75, 1)] == [1, 1, 0.5, 0]
    assert linear_decay(1.0, floor=0.02) == 0.02
    assert linear_decay(0.2, start=0.0) == pytest.approx(0.8)


def test_exponential_decay_falls_by_equal_factors() -> None:
    found = [exponential_decay(progress, end=1e-4) for progress in (0, 0.25, 0.5, 1)]
    assert found == pytest.approx([1, 1e-1, 1e-2, 1e-4])
