"""The supervisor, with shells as children."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganery.processes import Service, ServiceDiedError, Supervisor
from tests.ganery.launched import is_alive
from tests.workers.service import eventually

SLEEP = ("sh", "-c", "echo $$ >> $PIDS; exec sleep 1000")
STUBBORN = ("sh", "-c", "trap '' TERM; echo $$ >> $PIDS; while :; do sleep 0.1; done")


class Watched:
    """A supervisor, what it reported, and the processes that its services had."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lines: list[str] = []
        self.supervisor = Supervisor(self.lines.append)

    def start(self, name: str, command: tuple[str, ...] = SLEEP, *, stop_seconds: float = 60) -> int:
        environment = {"PIDS": str(self.directory / name)}
        self.supervisor.start(Service(name, command, environment, stop_seconds=stop_seconds))
        return self.await_pids(name, 1)[0]

    def pids(self, name: str) -> list[int]:
        path = self.directory / name
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def await_pids(self, name: str, count: int) -> list[int]:
        """Tend until the service has had so many processes."""

        def has_had() -> bool:
            self.supervisor.tend()
            return len(self.pids(name)) >= count

        eventually(has_had)
        return self.pids(name)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    watched.supervisor.stop(lambda: True)


def never() -> bool:
    return False


def test_a_killed_service_is_started_again_and_said_so(watched: Watched) -> None:
    first = watched.start("worker")
    os.kill(first, signal.SIGKILL)
    pids = watched.await_pids("worker", 2)
    assert len(set(pids)) == 2
    assert watched.lines == ["the worker was killed by SIGKILL; it is started again"]


def test_a_service_that_dies_at_once_is_started_again_ever_more_slowly(watched: Watched) -> None:
    began = time.monotonic()
    watched.start("worker", ("sh", "-c", "echo $$ >> $PIDS; exit 3"))
    watched.await_pids("worker", 3)
    assert time.monotonic() - began >= 0.5 + 1.0
    assert watched.lines[0] == "the worker ended with status 3; it is started again"


def test_what_a_dead_service_left_behind_is_ended(watched: Watched) -> None:
    parent = watched.start("worker", ("sh", "-c", "sh -c 'echo $$ >> $PIDS; exec sleep 1000' & echo $$ >> $PIDS; wait"))
    _, *others = watched.await_pids("worker", 2)
    left = others[0] if others[0] != parent else parent
    os.kill(os.getpgid(left), signal.SIGKILL)
    watched.await_pids("worker", 4)
    eventually(lambda: not is_alive(left))


def test_services_stop_in_the_reverse_order_of_their_start(watched: Watched) -> None:
    order = watched.directory / "order"
    for name in ("broker", "worker", "web server"):
        note = f"trap 'echo {name} >> {order}; exit 0' TERM; echo $$ >> $PIDS; while :; do sleep 0.02; done"
        watched.start(name, ("sh", "-c", note))
    watched.supervisor.stop(never)
    assert order.read_text().splitlines() == ["web server", "worker", "broker"]


def test_a_service_that_does_not_stop_in_time_is_killed(watched: Watched) -> None:
    pid = watched.start("worker", STUBBORN, stop_seconds=0.2)
    watched.supervisor.stop(never)
    assert not is_alive(pid)
    assert watched.lines == ["the worker did not stop in time and is killed"]


def test_someone_who_asks_twice_does_not_wait(watched: Watched) -> None:
    pid = watched.start("worker", STUBBORN, stop_seconds=10_000)
    watched.supervisor.stop(lambda: True)
    assert not is_alive(pid)


def test_waiting_ends_as_soon_as_a_service_dies(watched: Watched) -> None:
    watched.start("broker", ("sh", "-c", "echo $$ >> $PIDS; exit 7"))
    with pytest.raises(ServiceDiedError, match="the broker ended with status 7 while starting"):
        watched.supervisor.await_ready(never, TimeoutError("too late"), seconds=10_000)


def test_waiting_ends_in_the_failure_it_was_given(watched: Watched) -> None:
    watched.start("broker")
    with pytest.raises(TimeoutError, match="too late"):
        watched.supervisor.await_ready(never, TimeoutError("too late"), seconds=0.1)


def test_a_service_inherits_the_descriptors_and_the_environment_that_it_is_given(watched: Watched) -> None:
    reader, writer = os.pipe()
    script = ("sh", "-c", f"echo $GREETING > /dev/fd/{writer}")
    watched.supervisor.start(Service("greeter", script, {"GREETING": "hello"}, descriptors=[writer]))
    os.close(writer)
    with os.fdopen(reader) as received:
        assert received.read() == "hello\n"


def test_a_service_has_a_session_of_its_own(watched: Watched) -> None:
    pid = watched.start("worker")
    session: Callable[[int], int] = os.getsid
    assert session(pid) == pid
