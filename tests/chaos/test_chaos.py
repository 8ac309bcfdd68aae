"""Whatever is killed, nothing is lost, nothing runs twice, and the result is the same to the last byte."""

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from tests.chaos.scenarios import SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_is_lost(scenario: str, performances: Mapping[str, Future[None]]) -> None:
    performances[scenario].result()
