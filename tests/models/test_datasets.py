import pytest

from models import DATASETS, MNIST, UnknownClassError, UnknownDatasetError, find_dataset
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
