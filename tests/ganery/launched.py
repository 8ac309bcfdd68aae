"""`ganery up` in a directory of its own, and a look at the processes below it."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.snapshot import snapshot
from tests.workers.service import eventually

START_SECONDS = 200.0
_PROGRAMS = {"broker": "valkey-server", "worker": "workers.celery_app", "web server": "app.main:create_app"}
_QUICK = {
    "GANERY_NICENESS": "0",
    "GANERY_PORT": "0",
    "GANERY_RING_AGAIN_SECONDS": "1",
    "GANERY_SWEEP_SECONDS": "1",
    "GANERY_TRAINING_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
_READY = re.compile(r"ready at (\S+) after")


class Launched:
    """A launcher. Leaving the block kills it, and all that it started."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.directory = directory
        self.log = directory.with_name(f"{directory.name}-{os.urandom(4).hex()}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ganery", "up"],
                cwd=snapshot(),
                env={**_clean_environment(), **_QUICK, "GANERY_DATA_DIR": str(directory), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._seen: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._seen |= set(self.descendants())
        self.process.kill()
        self.process.wait()
        for pid in self._seen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @property
    def text(self) -> str:
        """What it and its children said."""
        return self.log.read_text()

    @property
    def url(self) -> str:
        """Where it answers, once it says so."""
        eventually(lambda: self.process.poll() is not None or _READY.search(self.text), seconds=START_SECONDS)
        found = _READY.search(self.text)
        assert found is not None, f"it ended with {self.process.returncode}:\n{self.text}"
        return found[1]

    def await_line(self, line: str) -> None:
        """Wait until it was said."""
        eventually(lambda: line in self.text, seconds=START_SECONDS)

    def child(self, name: str) -> int | None:
        """Return the process of a service: None while it has none."""
        for pid in _children(self.process.pid):
            if _PROGRAMS[name] in _command(pid):
                return pid
        return None

    def await_child(self, name: str, *, other_than: int = 0) -> int:
        """Wait until a service has a process, another than one that it had."""
        eventually(lambda: (self.child(name) or other_than) != other_than, seconds=START_SECONDS)
        pid = self.child(name)
        assert pid is not None
        return pid

    def descendants(self) -> list[int]:
        """Return the processes below it, at any depth."""
        below = _children(self.process.pid)
        for pid in below:
            below += _children(pid)
        return below

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send it a signal, and return its exit status."""
        self._seen |= set(self.descendants())
        self.process.send_signal(number)
        return self.process.wait(START_SECONDS)


def is_alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def _clean_environment() -> dict[str, str]:
    """Without what would lead to another service."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GANERY_", "REDIS_"))}
    return inherited | {"PYTHONPATH": str(snapshot())}


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
