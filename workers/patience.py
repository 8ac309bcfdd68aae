"""Waiting for a database that is away: a training of hours does not end because a server restarts."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from store.errors import DatabaseUnavailableError

logger = logging.getLogger(__name__)

T = TypeVar("T")
_PAUSE_SECONDS = 1.0


def patiently(action: Callable[[], T]) -> T:
    """Return what the action returns, repeating it while the database is away. Raises what else it raises."""
    while True:
        try:
            return action()
        except DatabaseUnavailableError as error:
            logger.warning("trying again in %g s: %s", _PAUSE_SECONDS, error)
            time.sleep(_PAUSE_SECONDS)
