import pytest
import torch
from torch import nn

from models._family import OptimizerFactory, constant
from models._optimizers import (
    adagrad,
    adam,
    exponential_decay,
    linear_decay,
    rmsprop,
    sgd,
    sgd_with_rising_momentum,
)


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


def test_rising_momentum_goes_evenly_from_one_value_to_the_other_and_stays() -> None:
    found = descend(sgd_with_rising_momentum(1.0, 0.5, 0.7, 2), start=0.0, gradients=[1.0] * 4)
    velocities, velocity = [], 0.0
    for momentum in (0.5, 0.6, 0.7, 0.7):
        velocity = momentum * velocity + 1
        velocities.append(velocity)
    assert found == pytest.approx([-sum(velocities[: step + 1]) for step in range(4)])


def test_rising_momentum_goes_on_where_a_state_was_saved() -> None:
    weight = nn.Parameter(torch.zeros(3))
    first, second = (sgd_with_rising_momentum(1.0, 0.0, 0.8, 4)([weight]) for _ in range(2))
    for optimizer, momentum in ((first, 0.0), (first, 0.2), (second, 0.4)):
        if optimizer is second:
            second.load_state_dict(first.state_dict() | {"param_groups": second.state_dict()["param_groups"]})
        weight.grad = torch.ones(3)
        optimizer.step()
        assert optimizer.param_groups[0]["momentum"] == pytest.approx(momentum)


def test_rmsprop_divides_by_the_root_of_the_mean_square() -> None:
    found = descend(rmsprop(0.1), start=0.0, gradients=[2.0, -3.0])
    first_square = 0.01 * 2.0**2
    second_square = 0.99 * first_square + 0.01 * 3.0**2
    first = -0.1 * 2.0 / (first_square**0.5 + 1e-8)
    assert found == pytest.approx([first, first + 0.1 * 3.0 / (second_square**0.5 + 1e-8)])


def test_rmsprop_has_no_momentum() -> None:
    first, second = descend(rmsprop(0.1), start=0.0, gradients=[1.0, 0.0])
    assert second == first


def test_adagrad_divides_by_the_root_of_the_sum_of_squares() -> None:
    found = descend(adagrad(0.1), start=0.0, gradients=[3.0, -4.0])
    assert found == pytest.approx([-0.1, -0.1 + 0.1 * 4 / 5])


def test_weight_decay_of_adagrad_is_a_part_of_the_gradient() -> None:
    decayed = descend(adagrad(0.1, weight_decay=0.5), start=2.0, gradients=[2.0, 4.0])
    first = 2.0 - 0.1
    gradient = 4.0 + 0.5 * first
    assert decayed == pytest.approx([first, first - 0.1 * gradient / (3.0**2 + gradient**2) ** 0.5])


def test_constant_schedule_is_one() -> None:
    assert {constant(progress) for progress in (0.0, 0.5, 1.0)} == {1.0}


def test_linear_decay_holds_and_then_falls_to_its_floor() -> None:
    assert [linear_decay(progress, floor=0) for progress in (0, 0.5, 0.75, 1)] == [1, 1, 0.5, 0]
    assert linear_decay(1.0, floor=0.02) == 0.02
    assert linear_decay(0.2, start=0.0) == pytest.approx(0.8)


def test_exponential_decay_falls_by_equal_factors() -> None:
    found = [exponential_decay(progress, end=1e-4) for progress in (0, 0.25, 0.5, 1)]
    assert found == pytest.approx([1, 1e-1, 1e-2, 1e-4])
