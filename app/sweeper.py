"""What must happen though nobody asks.

Give away the jobs of dead workers, ring again for what was not heard, empty the trash of what is old, and now and then
remove what killed writers left.
"""

import logging
import threading
import time

from store.database import Database
from store.doorbell import Ring, sweep
from store.errors import DatabaseUnavailableError
from store.jobs import JobStore
from store.pictures import PictureStore

_UNFINISHED_PAUSE_SECONDS = 3600
_log = logging.getLogger(__name__)


class Sweeper:
    """A thread that sweeps now and then until it is stopped. Any number of processes may sweep."""

    def __init__(
        self,
        database: Database,
        jobs: JobStore,
        pictures: PictureStore,
        ring: Ring,
        *,
        pause_seconds: float,
        again_seconds: float,
    ) -> None:
        self._database, self._jobs, self._pictures, self._ring = database, jobs, pictures, ring
        self._pause_seconds, self._again_seconds = pause_seconds, again_seconds
        self._looks_for_unfinished_at = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Sweep for the first time at once, in the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Wait until a sweep that is under way is over; no other follows."""
        self._stopped.set()
        self._thread.join()

    def sweep(self) -> None:
        """Look once. Raises DatabaseUnavailableError."""
        self._database.migrate()  # it may have been away when the service started
        sweep(self._jobs, self._ring, again_seconds=self._again_seconds)
        if removed := self._pictures.remove_expired():
            _log.info("%d pictures left the trash for good", removed)
        if time.monotonic() >= self._looks_for_unfinished_at:
            self._pictures.remove_unfinished()
            self._looks_for_unfinished_at = time.monotonic() + _UNFINISHED_PAUSE_SECONDS

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.sweep()
            except DatabaseUnavailableError as error:
                _log.warning("the sweeper could not look: %s", error)
            except Exception:
                _log.exception("the sweeper failed")  # and goes on: without it, lost jobs stay lost
            self._stopped.wait(self._pause_seconds)
