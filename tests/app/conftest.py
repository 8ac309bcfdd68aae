from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.fixtures import pretrained, service
from tests.app.service import Service, running

__all__ = ["pretrained", "service"]


@pytest.fixture(scope="package")
def gallery(pretrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that all tests share which leave nothing behind."""
    with running(tmp_path_factory.mktemp("gallery")) as service:
        yield service
