import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot

from models._labels import MixedLabels

WEIGHTS = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [1.0, -1.0, 1.0]])


def test_an_embedding_is_mixed_as_the_classes_are() -> None:
    table = nn.Embedding(3, 4)
    first, second, third = table.weight
    mixed = table(MixedLabels.of(WEIGHTS))
    assert torch.equal(mixed[0], second)
    torch.testing.assert_close(mixed[1], (first + third) / 2)
    torch.testing.assert_close(mixed[2], first - second + third)


def test_a_one_hot_code_is_the_weights() -> None:
    assert torch.equal(one_hot(MixedLabels.of(WEIGHTS), 3), WEIGHTS)


def test_whatever_else_looks_sees_the_heaviest_class() -> None:
    labels = MixedLabels.of(WEIGHTS)
    assert torch.equal(labels % 2, torch.tensor([1, 0, 0]))
    assert torch.equal(torch.arange(30).view(3, 10)[labels, 0], torch.tensor([10, 0, 0]))
    assert len(labels) == 3
    assert type(labels + 1) is torch.Tensor


@pytest.mark.parametrize("sum_of", [torch.stack, torch.cat])
def test_labels_in_a_list_are_seen_too(sum_of: object) -> None:
    labels = MixedLabels.of(WEIGHTS)
    assert callable(sum_of)
    assert torch.equal(sum_of([labels, labels]).flatten(), torch.tensor([1, 0, 0, 1, 0, 0]))
