"""Child processes that are started again when they die, stopped in order, and never outlive their parent."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workers.processes import describe_end, end_with_parent, kill_group

Say = Callable[[str], None]
"""Takes a line for a person to read."""

POLL_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_SETTLED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """A program that is to be kept running.

    environment: what its environment has beside ours. descriptors: open files that it inherits.
    stop_seconds: how long it may take to stop before it is killed. log: where it writes, if not to our output.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()
    stop_seconds: float = 10.0
    log: Path | None = None


class ServiceDiedError(Exception):
    """A service ended while the whole was starting."""

    def __init__(self, service: Service, code: int) -> None:
        self.service, self.code = service, code
        place = "its messages above" if service.log is None else service.log
        super().__init__(f"the {service.name} {describe_end(code)} while starting: see {place}")


class Child:
    """The process of a service. To be used in the main thread alone, with whose end it ends."""

    def __init__(self, service: Service, say: Say) -> None:
        self.service = service
        self._say = say
        self._pause = _FIRST_PAUSE_SECONDS
        self._start_again: float | None = None
        self._start()

    def _start(self) -> None:
        """Start the process, in its own session: a terminal's Ctrl-C reaches the launcher alone."""
        self._process = subprocess.Popen(
            self.service.command,
            env={**os.environ, **self.service.environment},
            pass_fds=self.service.descriptors,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - the launcher has one thread
        )
        self._started = time.monotonic()
        self._start_again = None

    def ended(self) -> int | None:
        """Return the exit code of a process that has ended; None while it runs."""
        return self._process.poll()

    def tend(self) -> None:
        """Start the process again if it died, after a pause that doubles while it dies young."""
        code = self.ended()
        if code is None:
            return
        now = time.monotonic()
        if self._start_again is None:
            kill_group(self._process)
            if now - self._started > _SETTLED_SECONDS:
                self._pause = _FIRST_PAUSE_SECONDS
            self._start_again = now + self._pause
            self._say(f"the {self.service.name} {describe_end(code)}; it is started again")
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        if now >= self._start_again:
            self._start()

    def stop(self, is_urgent: Callable[[], bool]) -> None:
        """Ask the process to end, and kill it when its time is over or the matter becomes urgent."""
        deadline = time.monotonic() + self.service.stop_seconds
        self._process.terminate()
        while self._process.poll() is None and time.monotonic() < deadline and not is_urgent():
            time.sleep(POLL_SECONDS)
        if self._process.poll() is None:
            self._say(f"the {self.service.name} did not stop in time and is killed")
        kill_group(self._process)


class Supervisor:
    """The processes of several services, in the order in which they were started."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self._children: list[Child] = []

    def start(self, service: Service) -> None:
        """Start a service and keep it."""
        self._children.append(Child(service, self.say))

    def await_ready(self, is_ready: Callable[[], bool], failure: Exception, seconds: float) -> None:
        """Wait for what was started. Raises the failure in the end, ServiceDiedError as soon as one died."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            for child in self._children:
                if (code := child.ended()) is not None:
                    raise ServiceDiedError(child.service, code)
            if time.monotonic() > deadline:
                raise failure
            time.sleep(POLL_SECONDS)

    def forget(self, service: Service) -> None:
        """Keep a service no longer that died."""
        self._children = [child for child in self._children if child.service is not service]

    def tend(self) -> None:
        """Start again what died."""
        for child in self._children:
            child.tend()

    def stop(self, is_urgent: Callable[[], bool]) -> None:
        """Stop all, the last that was started first."""
        for child in reversed(self._children):
            child.stop(is_urgent)
