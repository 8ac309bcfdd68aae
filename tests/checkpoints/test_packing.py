import pytest
import torch

from checkpoints.packing import pack, unpack


def test_each_number_keeps_its_place_within_its_row() -> None:
    weights = torch.randn(6, 5, 4, 4, generator=torch.Generator().manual_seed(0)) * torch.logspace(-6, 3, 6).view(
        6, 1, 1, 1
    )
    packed = pack({"weight": weights})
    assert packed["weight"].dtype == torch.int8
    found = unpack(packed)["weight"]
    assert found.shape == weights.shape
    error = (found - weights).abs().flatten(1).amax(dim=1)
    assert (error <= weights.abs().flatten(1).amax(dim=1) / 127 / 2 * 1.001).all()


@pytest.mark.parametrize("left", [torch.arange(3), torch.rand(4), torch.ones((), dtype=torch.int64)])
def test_what_is_no_matrix_of_weights_stays_as_it_is(left: torch.Tensor) -> None:
    assert pack({"other": left})["other"] is left
    assert unpack({"other": left})["other"] is left


def test_a_row_of_zeros_stays_zero() -> None:
    assert torch.equal(unpack(pack({"w": torch.zeros(2, 3)}))["w"], torch.zeros(2, 3))


def test_packed_tensors_take_a_quarter_of_the_room() -> None:
    weights = torch.randn(64, 512)
    room = sum(tensor.nbytes for tensor in pack({"w": weights}).values())
    assert room < weights.nbytes / 3.9


def test_names_are_those_that_were_packed() -> None:
    tensors = {"a.weight": torch.rand(2, 2), "a.bias": torch.rand(2)}
    assert list(unpack(pack(tensors))) == list(tensors)
