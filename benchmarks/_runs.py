"""What benchmarks of many trainings share: their command line, and the doing of what is left to do."""

import argparse
import shlex
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from rich.console import Console

from benchmarks._crew import Board, Crew, Ending, Work
from datasets import load_dataset
from ganery.local_training import ERRORS
from workers.settings import WorkerSettings


class Run(Protocol):
    """One training, which may have ended before."""

    @property
    def name(self) -> str:
        """What the board calls it: each has another name."""

    @property
    def dataset(self) -> str:
        """The name of its data set."""

    def read(self) -> object | None:
        """Return what came of it, if it has ended."""


R = TypeVar("R", bound=Run)


def share_threads(settings: WorkerSettings, jobs: int) -> WorkerSettings:
    """Return the settings of one of so many trainings at a time."""
    threads = max(1, settings.training_threads // jobs)
    return settings.model_copy(update={"training_threads": threads})


def do_left(work: Work[R], runs: Sequence[R], settings: WorkerSettings, *, jobs: int) -> Ending:
    """Do what is left of the runs, up to `jobs` at a time. Exits where Ctrl-C was pressed."""
    left = [run for run in runs if run.read() is None]
    print(f"{len(runs)} trainings, {len(left)} of them left; Ctrl-C saves")
    for dataset in {run.dataset for run in left}:
        load_dataset(dataset, settings.datasets, report=print)
    with Board(Console(), max(1, len(left))) as board:
        ending = Crew(work, board, jobs=jobs, errors=ERRORS).do([(run.name, run) for run in left])
    if ending.is_interrupted:
        raise SystemExit("interrupted; the same command goes on from here")
    return ending


def command(module: str, options: Mapping[str, object], settings: WorkerSettings) -> str:
    """Return the command that does the same: options that are empty or 0 are left out, True is a flag."""
    precision = [] if settings.precision == "float32" else [f"GANERY_PRECISION={settings.precision}"]
    words = [str(word) for option in options.items() if option[1] for word in option if word is not True]
    return shlex.join([*precision, "python", "-m", f"benchmarks.{module}", *words])


def names(text: str) -> list[str]:
    """Read names with commas between."""
    return [name for name in text.split(",") if name]


def natural(text: str) -> int:
    """Read a whole number from 0. Raises argparse.ArgumentTypeError, ValueError."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number


def positive(text: str) -> int:
    """Read a whole number from 1. Raises argparse.ArgumentTypeError, ValueError."""
    if not natural(text):
        raise argparse.ArgumentTypeError("0 is not positive")
    return int(text)
