"""The Celery application: carries doorbells. The database decides which job a worker takes.

The settings are those that passed every test in tests/chaos. Early acknowledgement and no result backend: a
lost or doubled message does no harm, and no redelivery clock ticks beside a long training.
"""

import logging
import warnings
from typing import Any, Final

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import celeryd_init
from kombu.exceptions import OperationalError

from store.doorbell import CELERY_SETTINGS, TASK
from workers.settings import WorkerSettings

_LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(message)s"

logger = logging.getLogger(__name__)


def configuration() -> dict[str, Any]:
    """Celery's settings, from the environment."""
    return {
        **CELERY_SETTINGS,
        "broker_url": WorkerSettings().broker,
        "include": ["workers.tasks"],
        "accept_content": ["json"],  # nothing is ever unpickled: see `let_root_be`
        "task_acks_late": False,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,  # else a message waits behind a training while others idle
        "worker_concurrency": 1,
        "worker_pool": "prefork",
        "worker_pool_start_method": "spawn",  # threads and database connections do not survive a fork
        "worker_proc_alive_timeout": 60.0,
        "worker_cancel_long_running_tasks_on_connection_loss": False,  # a training needs no broker
        "worker_redirect_stdouts": False,
        "worker_log_format": _LOG_FORMAT,
        "worker_task_log_format": _LOG_FORMAT,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
    }


class Application(Celery):  # type: ignore[misc]
    """An application that a pool process shares with its module: a pickled one would lose its settings."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Unpickle as this module's application."""
        return _application, ()


def _application() -> Celery:
    return app


app = Application("ganery")
app.add_defaults(configuration)  # called when first needed: importing this module reads nothing


@celeryd_init.connect  # type: ignore[untyped-decorator]
def let_root_be(**_: Any) -> None:
    """Keep back Celery's advice against root: it is about pickled messages, which run what they hold.

    Ours are JSON, and hold the id of a job.
    """
    warnings.filterwarnings("ignore", r"You're running the worker with superuser privileges", SecurityWarning)


def ring(job_id: str) -> bool:
    """Announce a queued job to the workers; return whether the broker took it. If not, the next sweep tries again.

    The web server's is written in app/queue.py: app and workers import nothing of each other, and store knows no
    Celery. What the two must agree on is in store/doorbell.py.
    """
    try:
        app.send_task(TASK, [job_id])
    except OperationalError as error:
        logger.warning("job %s is not announced, the broker is away: %s", job_id, error)
        return False
    return True
