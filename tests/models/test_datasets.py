import pytest

from models import DATASETS, MNIST, STACKED_MNIST, DatasetSpec, UnknownClassError, UnknownDatasetError, find_dataset
from tests.training import TOY_SPEC


def test_data_sets_are_found_by_their_own_name() -> None:
    assert all(find_dataset(name).name == name for name in DATASETS)


def test_unknown_data_set_names_those_that_there_are() -> None:
    with pytest.raises(UnknownDatasetError, match="no data set 'cats'; there are mnist, fashion_mnist, "):
        find_dataset("cats")


@pytest.mark.parametrize(("name", "label"), [("dark", 0), ("bright", 1), ("0", 0), ("1", 1)])
def test_classes_are_found_by_name_or_index(name: str, label: int) -> None:
    assert TOY_SPEC.label(name) == label


@pytest.mark.parametrize("name", ["10", "-1", "seven", "", "٣", "1.0", " 1"])
def test_unknown_class_names_those_that_there_are(name: str) -> None:
    with pytest.raises(UnknownClassError, match=r"it has 0, 1, .* 9 \(or the indices 0 to 9\)") as caught:
        MNIST.label(name)
    assert repr(name) in str(caught.value)


def test_classes_of_stacked_mnist_are_three_digits() -> None:
    assert [STACKED_MNIST.label(name) for name in ("000", "007", "7", "123", "999")] == [0, 7, 7, 123, 999]


def test_very_many_classes_are_not_all_named() -> None:
    with pytest.raises(UnknownClassError, match=r"it has 000, 001, 002, …, 999 \(or the indices 0 to 999\)"):
        STACKED_MNIST.label("1000")


@pytest.mark.parametrize(
    ("spec", "most", "labels"),
    [
        (MNIST, 10, list(range(10))),
        (MNIST, 20, list(range(10))),
        (MNIST, 3, [0, 4, 9]),
        (STACKED_MNIST, 10, [0, 111, 222, 333, 444, 555, 666, 777, 888, 999]),
        (STACKED_MNIST, 1, [0]),
    ],
)
def test_labels_are_spread_from_the_first_to_the_last(spec: DatasetSpec, most: int, labels: list[int]) -> None:
    assert spec.spread_labels(most) == labels
