from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.service import Service, running
from tests.app.zoo import shipped


@pytest.fixture(scope="package", autouse=True)
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the checkpoints lie that every service of these tests ships."""
    with shipped(tmp_path_factory.mktemp("pretrained")) as directory:
        yield directory


@pytest.fixture(scope="package")
def gallery(pretrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that all tests share which leave nothing behind."""
    with running(tmp_path_factory.mktemp("gallery")) as service:
        yield service


@pytest.fixture
def service(pretrained: Path, tmp_path: Path) -> Iterator[Service]:
    """A service of the test's own."""
    with running(tmp_path) as service:
        yield service
