"""Fixtures of whoever talks to the real web service. Import them in a conftest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.service import Service, running
from tests.app.zoo import shipped


@pytest.fixture(scope="package", autouse=True)
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the tiny checkpoints lie that every service of these tests ships."""
    with shipped(tmp_path_factory.mktemp("pretrained")) as directory:
        yield directory


@pytest.fixture
def service(pretrained: Path, tmp_path: Path) -> Iterator[Service]:
    """A service of the test's own: `service.url` is where a browser goes."""
    with running(tmp_path) as service:
        yield service
