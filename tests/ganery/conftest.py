import sys
from collections.abc import Iterator

import pytest

from tests.ganery.launched import Launched

if sys.platform != "linux":
    collect_ignore = ["test_launcher.py"]  # it looks at processes in /proc


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """The whole service, started as a newcomer does."""
    with Launched(tmp_path_factory.mktemp("service")) as launched:
        assert launched.url
        yield launched
