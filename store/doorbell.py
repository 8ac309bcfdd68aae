"""The doorbell's name and manners: what the service that rings and the workers that hear must agree on.

A message only says that there is work, and for which job it was rung; the database decides who does what.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from store.jobs import JobStore

Ring = Callable[[str], bool]
"""Announces a queued job to the workers; returns whether the broker took it."""

TASK: Final = "ganery.train"
QUEUE: Final = "ganery-train"

CELERY_SETTINGS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "task_default_queue": QUEUE,
        "task_ignore_result": True,  # the row is the result
        "task_publish_retry_policy": {  # whoever finds the broker away comes again
            "max_retries": 0,
            "interval_start": 0,
            "interval_step": 0,
            "interval_max": 0,
        },
        "broker_transport_options": {
            "visibility_timeout": 86400,  # the shortest of all programs at a broker counts
            "socket_timeout": 10,
            "socket_connect_timeout": 1,
            "socket_keepalive": True,
        },
    }
)


def sweep(jobs: JobStore, ring: Ring, *, again_seconds: float) -> None:
    """End the claims of lost workers, and ring if a queued job was not announced for so long.

    One message stands for all such jobs, as a worker that hears it runs whatever waits; the broker keeps each message
    for as long as every worker is at work. Raises DatabaseUnavailableError.
    """
    jobs.reap()
    unrung = jobs.unrung(again_seconds)
    if unrung and ring(unrung[0]):
        jobs.mark_rung(*unrung)
