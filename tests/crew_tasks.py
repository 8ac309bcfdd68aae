"""What a crew's processes do in tests; its module is quick to import, for each of them imports it."""

import os
import time

from benchmarks._crew import Tell


def serve(task: str, tell: Tell) -> None:
    """Do what the name says."""
    tell(0.0, "")
    if task == "refuses":
        raise OSError("no room")
    if task == "dies":
        os._exit(3)
    while task == "waits":
        time.sleep(0.01)
    tell(1.0, "did it")
