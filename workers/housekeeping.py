"""What a worker's main process does beside waiting for doorbells.

It shows that it lives, finds lost jobs, and when it leaves it puts its own back.
"""

import logging
import threading
import time
from collections.abc import Callable

from store.doorbell import Ring, sweep
from store.errors import DatabaseUnavailableError
from store.jobs import JobStore
from workers.settings import WorkerSettings

logger = logging.getLogger(__name__)

_WISH_SECONDS = 1.0


class Housekeeper:
    """A thread of the main process."""

    def __init__(self, settings: WorkerSettings, jobs: JobStore, owner_prefix: str, ring: Ring) -> None:
        self._settings, self._jobs, self._owner_prefix, self._ring = settings, jobs, owner_prefix, ring
        self._leaving = threading.Event()

    def start(self) -> None:
        """Begin; the thread ends with the process."""
        threading.Thread(target=self._run, name="housekeeper", daemon=True).start()

    def leave(self) -> None:
        """Put this worker's jobs back from now on: for a signal handler."""
        self._leaving.set()

    def sweep(self) -> None:
        """End the claims of lost workers, and announce again what no worker has heard of."""
        sweep(self._jobs, self._ring, again_seconds=self._settings.ring_again_seconds)

    def _run(self) -> None:
        is_leaving = False
        while not is_leaving:
            self._try(self._show_life)
            self._try(self.sweep)
            is_leaving = self._leaving.wait(self._settings.sweep_seconds)
        while True:  # a job may still be claimed after the first wish
            self._try(lambda: self._jobs.preempt(self._owner_prefix))
            time.sleep(_WISH_SECONDS)

    def _show_life(self) -> None:
        self._settings.data_dir.mkdir(parents=True, exist_ok=True)
        self._settings.alive.touch()

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except DatabaseUnavailableError as error:
            logger.warning("trying again: %s", error)
        except Exception:
            logger.exception("trying again")  # without a housekeeper, lost jobs stay lost
