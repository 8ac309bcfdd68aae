"""Several processes at work on named tasks, with what is left to do in sight; Ctrl-C lets each save and end.

Each process is in a session of its own, so that Ctrl-C reaches this one alone, which passes it on once. When this one
is gone, the others notice it by their pipe, and do as after Ctrl-C.
"""

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Generic, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

T = TypeVar("T")
Tell = Callable[[float, str], None]
"""Takes the share of its task that a process has done, in [0, 1], and a line for a person, which may be empty."""

Work = Callable[[T, Tell], None]

TELL_SECONDS = 0.5


@dataclass
class Countdown:
    """How long the rest takes, at the pace so far.

    runs: tasks to do. A task may have been begun earlier: the first share that it tells is not of our pace.
    """

    runs: int
    now: Callable[[], float] = time.monotonic
    _first: dict[str, float] = field(default_factory=dict)
    _shares: dict[str, float] = field(default_factory=dict)
    _began: float | None = None

    def at(self, name: str, share: float) -> None:
        """Note the share that is done of a task."""
        self._began = self.now() if self._began is None else self._began
        self._first.setdefault(name, share)
        self._shares[name] = share

    @property
    def share(self) -> float:
        """What is done of the whole."""
        return sum(self._shares.values()) / self.runs

    @property
    def seconds_left(self) -> float | None:
        """What the rest takes; None before anything was done."""
        gained = sum(self._shares.values()) - sum(self._first.values())
        if self._began is None or gained <= 0:
            return None
        return (self.now() - self._began) * (self.runs - sum(self._shares.values())) / gained

    def __str__(self) -> str:
        seconds = self.seconds_left
        return "" if seconds is None else f"{seconds // 3600:.0f}:{seconds // 60 % 60:02.0f}:{seconds % 60:02.0f} left"


class Board:
    """A bar for the whole and one for each task at work; lines appear above, and alone where no terminal is."""

    def __init__(self, console: Console, runs: int) -> None:
        self.countdown = Countdown(runs)
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            disable=not console.is_terminal,
            expand=True,
        )
        self._whole = self._progress.add_task("the whole", total=1.0, left="")
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> "Board":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        """Print a line."""
        self._console.print(line, markup=False, highlight=False)

    def at(self, name: str, share: float) -> None:
        """Show where a task stands."""
        self.countdown.at(name, share)
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=1.0, left="")
        self._progress.update(self._bars[name], completed=share)
        self._progress.update(self._whole, completed=self.countdown.share, left=str(self.countdown))

    def end(self, name: str, line: str) -> None:
        """Take a task from the board and say what came of it."""
        self.countdown.at(name, 1.0)
        if name in self._bars:
            self._progress.remove_task(self._bars.pop(name))
        rest = str(self.countdown)
        self.say(f"{name}: {line}" + (f"; {rest}" if rest else ""))


@dataclass(frozen=True, slots=True)
class Ending:
    """How the work ended. failures: why, by the name of the task."""

    failures: Mapping[str, str]
    is_interrupted: bool


@dataclass(slots=True)
class _Worker:
    name: str
    process: SpawnProcess
    last: str = "ended"
    failure: str | None = None
    is_begun: bool = False


class Crew(Generic[T]):
    """Does tasks, up to `jobs` at a time, each in a process of its own.

    work: a function of a module. errors: what it raises where a task cannot be done; it is told without a traceback.
    """

    def __init__(self, work: Work[T], board: Board, *, jobs: int, errors: tuple[type[Exception], ...]) -> None:
        self._work, self._board, self._jobs, self._errors = work, board, jobs, errors
        self._workers: dict[Connection, _Worker] = {}
        self._failures: dict[str, str] = {}
        self._is_interrupted = False

    def do(self, tasks: Sequence[tuple[str, T]]) -> Ending:
        """Do the named tasks in their order. The second Ctrl-C ends everything at once."""
        waiting = deque(tasks)
        before = signal.signal(signal.SIGINT, self._interrupt)
        try:
            while self._workers or (waiting and not self._is_interrupted):
                while waiting and len(self._workers) < self._jobs and not self._is_interrupted:
                    self._start(*waiting.popleft())
                for pipe in wait(list(self._workers), timeout=TELL_SECONDS):
                    assert isinstance(pipe, Connection)
                    self._hear(pipe)
        finally:
            signal.signal(signal.SIGINT, before)
            for worker in self._workers.values():
                worker.process.kill()
        return Ending(self._failures, self._is_interrupted)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._is_interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for worker in self._workers.values():
            assert worker.process.pid is not None
            with suppress(ProcessLookupError):
                os.kill(worker.process.pid, signal.SIGINT if worker.is_begun else signal.SIGKILL)

    def _start(self, name: str, task: T) -> None:
        ours, theirs = get_context("spawn").Pipe(duplex=False)
        process = get_context("spawn").Process(target=_serve, args=(self._work, task, theirs, self._errors), name=name)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited: Ctrl-C must not meet it while it imports
        process.start()
        signal.signal(signal.SIGINT, before)
        theirs.close()
        self._workers[ours] = _Worker(name, process)

    def _hear(self, pipe: Connection) -> None:
        worker = self._workers[pipe]
        try:
            share, line, failure = pipe.recv()
        except (EOFError, ConnectionError):
            self._part(pipe)
            return
        worker.last, worker.failure, worker.is_begun = line or worker.last, failure, True
        self._board.at(worker.name, share)

    def _part(self, pipe: Connection) -> None:
        worker = self._workers.pop(pipe)
        pipe.close()
        worker.process.join()
        failure = worker.failure
        if failure is None and worker.process.exitcode and not self._is_interrupted:
            failure = f"its process ended with status {worker.process.exitcode}"
        if failure is not None:
            self._failures[worker.name] = failure
        self._board.end(worker.name, worker.last if failure is None else f"failed: {failure}")


def _serve(work: Work[T], task: T, pipe: Connection, errors: tuple[type[Exception], ...]) -> None:
    """Work on a task in a process of its own."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    told = -TELL_SECONDS
    share_told = 0.0

    def tell(share: float, line: str) -> None:
        nonlocal told, share_told
        if time.monotonic() - told < TELL_SECONDS and not line:
            return
        told, share_told = time.monotonic(), share
        try:
            pipe.send((share, line, None))
        except OSError:  # nobody listens: the one who started us is gone
            told = float("inf")
            signal.raise_signal(signal.SIGINT)

    try:
        work(task, tell)
    except KeyboardInterrupt:
        return
    except errors as error:
        pipe.send((share_told, "", str(error)))
