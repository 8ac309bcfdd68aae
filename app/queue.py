"""The doorbell: one message that wakes a worker. The job is the row; a message that is lost does no harm."""

import logging

from celery import Celery
from kombu.exceptions import OperationalError

from store.doorbell import CELERY_SETTINGS, TASK

_log = logging.getLogger(__name__)


class Doorbell:
    """Rings for a job at the broker, and gives up at once where there is none."""

    def __init__(self, broker: str) -> None:
        self._celery = Celery("ganery-app", broker=broker, set_as_current=False)
        self._celery.conf.update(CELERY_SETTINGS)

    def ring(self, job_id: str) -> bool:
        """Tell the workers of a job; return whether the broker took the message. The sweeper rings again if not."""
        try:
            self._celery.send_task(TASK, args=[job_id])
        except OperationalError as error:
            _log.warning("no doorbell for job %s, the sweeper will ring again: %s", job_id, error)
            return False
        return True

    def reaches_broker(self) -> bool:
        """Whether the broker answers."""
        try:
            with self._celery.connection_for_write() as connection:
                connection.ensure_connection(max_retries=0, timeout=1)
        except OperationalError:
            return False
        return True

    def close(self) -> None:
        """Close the connections."""
        self._celery.close()
