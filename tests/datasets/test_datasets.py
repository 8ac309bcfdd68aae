"""Every data set that the zoo knows can be loaded, and no other."""

import pkgutil
from pathlib import Path

import pytest

import datasets
from datasets import load_dataset
from models import DATASETS, UnknownDatasetError


def test_each_data_set_has_a_module_and_each_module_a_data_set() -> None:
    modules = {module.name for module in pkgutil.iter_modules(datasets.__path__)}
    assert {name for name in modules if not name.startswith("_")} == set(DATASETS)


def test_an_unknown_data_set_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownDatasetError, match="there are mnist, fashion_mnist, "):
        load_dataset("cats", tmp_path)
