import sys
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.chaos.scenarios import SCENARIOS
from tests.chaos.stack import DEADLINE_SECONDS
from tests.chaos.stage import perform


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.chaos)
            item.add_marker(pytest.mark.timeout(DEADLINE_SECONDS * 2))
            if sys.platform != "linux":
                item.add_marker(pytest.mark.skip(reason="finds processes in /proc"))


@pytest.fixture(scope="session")
def performances(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[None]]]:
    """The scenarios of the selected tests, under way."""
    selected = {item.name for item in request.session.items}
    scenarios = {name: play for name, play in SCENARIOS.items() if f"test_nothing_is_lost[{name}]" in selected}
    with perform(scenarios) as under_way:
        yield under_way
