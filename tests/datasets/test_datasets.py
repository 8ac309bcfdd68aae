"""Every data set that the zoo knows can be loaded, and no other."""

import pkgutil
from pathlib import Path

import pytest

import datasets
from datasets import DatasetNotHereError, is_here, load_dataset, load_here
from models import DATASETS, UnknownDatasetError


def test_each_data_set_has_a_module_and_each_module_a_data_set() -> None:
    modules = {module.name for module in pkgutil.iter_modules(datasets.__path__)}
    assert {name for name in modules if not name.startswith("_")} == set(DATASETS)


def test_an_unknown_data_set_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownDatasetError, match="there are mnist, fashion_mnist, "):
        load_dataset("cats", tmp_path)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "stacked_mnist"])
def test_what_must_be_fetched_is_not_here_before(tmp_path: Path, name: str) -> None:
    assert not is_here(name, tmp_path)
    with pytest.raises(DatasetNotHereError, match=f"{name} are not on this machine yet"):
        load_here(name, tmp_path)


@pytest.mark.parametrize("name", ["segments", "ring", "grid"])
def test_what_is_drawn_is_always_here(tmp_path: Path, name: str) -> None:
    assert is_here(name, tmp_path)


def test_what_is_here_is_the_same_without_a_network(tmp_path: Path) -> None:
    assert load_here("segments", tmp_path).digest == load_dataset("segments", tmp_path).digest
