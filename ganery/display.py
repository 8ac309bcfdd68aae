"""What the command line shows: a table of jobs, what came of a request, and a progress bar."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.table import Column
from rich.text import Text

from ganery.client import Event, Job, Picture, Spread, Study
from store.phases import Phase
from store.states import JobState
from store.telling import tell_left

_MESSAGES = frozenset({"log", "warning"})
_METRICS_SHOWN = 2
_WIDE = 120


def tabulate(jobs: Iterable[Job]) -> Iterator[str]:
    """Yield a line for each job, below one with the names of the columns."""
    rows = [("JOB", "STATE", "FAMILY", "PRESET", "DATA SET", "STEP", "CREATED")]
    for job in jobs:
        step = f"{job.progress.step}/{job.progress.total}"
        created = f"{job.created_at.astimezone():%Y-%m-%d %H:%M:%S}"
        rows.append((job.id, job.state, job.family, job.preset, job.dataset, step, created))
    yield from _align(rows)


def tabulate_study(study: Study) -> Iterator[str]:
    """Yield a line for each family of a study, below one with the names of the columns, and one for its jobs."""
    quartiles = ("MIN", "LOWER QUARTILE", "MEDIAN", "UPPER QUARTILE", "MAX")
    rows: list[Sequence[str]] = [("FAMILY", "TRIALS", "FINISHED", "FAILED", *quartiles, "BEST JOB")]
    for one in study.families:
        counts = (str(number) for number in (one.trials, one.finished, one.failures))
        values = ("-",) * 5 if one.distribution is None else tuple(_show(one.distribution))
        rows.append((one.family, *counts, *values, one.best.job_id if one.best else "-"))
    yield from _align(rows)
    told = ", ".join(f"{count} {state}" for state, count in study.jobs.items() if count)
    yield f"values are {study.title} at the whole budget, {study.better} is better; jobs: {told}"


def _show(spread: Spread) -> Iterator[str]:
    for value in (spread.minimum, spread.lower_quartile, spread.median, spread.upper_quartile, spread.maximum):
        yield f"{value:.4g}"


def _align(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def describe_end(job: Job) -> str:
    """Say how a job ended, in a line."""
    if job.state == "failed" and job.error:
        return f"job {job.id} failed: {job.error.get('detail', job.error)}"
    newest = f"; its newest checkpoint is {job.checkpoints[0]}" if job.checkpoints else ""
    return f"job {job.id} {job.state} after {job.progress.step} of {job.progress.total} steps{newest}"


def describe_picture(picture: Picture) -> str:
    """Say how a grid came about, in a line."""
    told = [f"checkpoint {picture.checkpoint}", f"seed {picture.seed}"]
    if picture.threshold is not None:
        told.append(f"the best of {picture.candidates} candidates, from score {picture.threshold:.3g}")
    if picture.accepted_share is not None:
        accepted = f"{picture.accepted_share:.0%} accepted from {picture.candidates} candidates"
        told.append(accepted if picture.accepted_share == 1 else f"{accepted}, the rest the best of their runs")
    if picture.selected_by is not None:
        told.append(f"classes found by {picture.selected_by} among {picture.candidates} candidates")
    return ", ".join(told)


class RateColumn(ProgressColumn):
    """Steps per second, of late."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        """Return the rate; nothing before there is one."""
        return Text("" if task.speed is None else f"{task.speed:.1f} steps/s", style="progress.data.speed")


class TrainingBar:
    """A progress bar with the steps, their rate, the time left and the newest losses; lines appear above it.

    Where no terminal is, as in a pipe or a log, a line tells the same: when the state changes, at each event of
    progress, every so many seconds, and at the end.
    """

    def __init__(self, console: Console, *, line_seconds: float = 30.0) -> None:
        self._console, self._line_seconds = console, line_seconds
        self._losses, self._state, self._phase, self._left = "", "", "", ""
        self._line: tuple[str, int] | None = None
        self._line_at = 0.0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            RateColumn(),
            TextColumn("{task.fields[left]}"),
            *([TextColumn("[dim]{task.fields[losses]}")] if console.width >= _WIDE else []),
            console=console,
            disable=not console.is_terminal,
            expand=True,
        )
        self._is_shown = False
        self._task = self._progress.add_task("", total=None, losses="", left="")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(escape(line), highlight=False, soft_wrap=True)

    def turn(self, phase: str | None, seconds_left: float | None) -> None:
        """Hear what the training does just now, and how long it will go on, where somebody knows."""
        self._phase = "" if phase in {None, Phase.TRAINING} else f", {phase}"
        self._left = "" if seconds_left is None else tell_left(seconds_left)
        self._progress.update(self._task, description=self._state + self._phase, left=self._left)

    def move(self, state: str, step: int, total: int) -> None:
        """Show where the training stands. The bar appears the first time, and takes its rate from there."""
        self._state = state
        if not self._console.is_terminal:
            self._print_line(state, step, total)
            return
        if not self._is_shown:
            self._progress.start()
            self._progress.reset(self._task, completed=step)
            self._is_shown = True
        self._progress.update(self._task, description=state + self._phase, completed=step, total=total)

    def losses(self, terms: Mapping[str, Any]) -> None:
        """Show the first of the newest terms."""
        numbers = {name: value for name, value in terms.items() if isinstance(value, int | float)}
        shown = [f"{name} {value:.3f}" for name, value in list(numbers.items())[:_METRICS_SHOWN]]
        self._losses = "  ".join(shown)
        self._progress.update(self._task, losses=self._losses)

    def _print_line(self, state: str, step: int, total: int, *, is_told: bool = False) -> None:
        """Print a line where there is something new to tell, or has been nothing for a while.

        is_told: that an event tells it, whatever was told before.
        """
        now = time.monotonic()
        is_new = is_told or self._line is None or self._line[0] != state or step >= total
        if self._line == (state, step) or not (is_new or now - self._line_at >= self._line_seconds):
            return
        self._line, self._line_at = (state, step), now
        losses = f", {self._losses}" if self._losses else ""
        share = f" ({step / total:.0%})" if total else ""
        left = f", {self._left}" if self._left and not is_told else ""
        phase = "" if is_told else self._phase
        self.say(f"{state}{phase}: step {step} of {total}{share}{losses}{left}")

    def follow(self, job: Job, events: Sequence[Event]) -> None:
        """Show a job, and what happened to it since the last time."""
        for event in events:
            if event.kind in _MESSAGES:
                self.say(str(event.data.get("message", "")))
            elif event.kind == "checkpoint":
                self.say(f"checkpoint at step {event.step}")
            elif event.kind == "metric":
                self.losses(event.data)
            elif event.kind == "progress" and not self._console.is_terminal:
                self._print_line(JobState.RUNNING, event.step or 0, job.progress.total, is_told=True)
        waits = f" (place {job.position + 1})" if job.position is not None else ""
        progress = job.progress
        self.turn(job.phase, job.eta_seconds)
        self.move(job.state + waits, progress.step, progress.total)
