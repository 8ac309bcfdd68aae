"""The doorbell's name and manners: what the service that rings and the workers that hear must agree on.

A message only says that there is work, and for which job it was rung; the database decides who does what.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

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
