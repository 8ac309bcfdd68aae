"""The collapse watch on trainings that are made to collapse, one for each symptom at least, and on healthy ones.

    python -m benchmarks.collapse --jobs 2

Each training is a job's: the loop, the inspector and the watch are those of the workers, with their usual intervals
for so short a training. Ctrl-C ends it; the same command does what is left. Results go to OUT/collapse.md.
"""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks._crew import Tell
from benchmarks._runs import command, do_left, names, positive, share_threads
from checkpoints.files import write_whole
from checkpoints.format import Checkpoint
from models import Symptom
from store.phases import Phase
from store.requests import TrainRequest, complete
from store.retention import Headline
from store.states import Wish
from workers import watch
from workers.loop import run as run_training
from workers.settings import WorkerSettings
from workers.trainer import TrainingDivergedError
from workers.watch import Look, Past, Watch

# --- Which trainings ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """A training, what was done to it in words, and the symptom that this is meant to bring about; None: it is healthy.

    changes: hyperparameters that differ from the preset's.
    """

    training: str
    images: int
    done: str = ""
    expected: Symptom | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    dataset: str = "mnist"

    @property
    def name(self) -> str:
        """The family and the preset, and what was done."""
        return f"{self.training}, {self.done}" if self.done else self.training


_SMALL: Mapping[str, Any] = {"width": 16, "hidden": 256}
"""Networks on the neutral backbone that learn MNIST in a minute of one core."""

_SMALLEST: Mapping[str, Any] = {"width": 8, "hidden": 64}
"""Those that learn the ring in ten seconds."""

COLLAPSING = (
    Case("cgan:paper", 25_600, "a learning rate of 1", Symptom.DIVERGED, {"learning_rate": 1.0}, "ring"),
    Case(
        "gan:neutral",
        38_400,
        "a learning rate of 0.05, 250 times the usual one",
        Symptom.DEAD,
        {**_SMALLEST, "learning_rate": 0.05},
        "ring",
    ),
    Case(
        "began:neutral",
        38_400,
        "a diversity, gamma, of 0.05 in place of 0.5",
        Symptom.UNIFORM,
        {**_SMALLEST, "diversity": 0.05},
        "ring",
    ),
    Case(
        "lsgan:neutral",
        38_400,
        "a learning rate of 0.3, 1,500 times the usual one",
        Symptom.MISSING_CLASSES,
        {**_SMALLEST, "learning_rate": 0.3},
        "ring",
    ),
    Case(
        "gan:minimax",
        128_000,
        "five steps of a discriminator without batch norm to one of the generator",
        Symptom.SATURATED,
        {**_SMALL, "batch_norm": False, "discriminator_steps": 5},
    ),
)
_LEARNS_SOON: Mapping[str, Any] = {**_SMALL, "learning_rate": 1e-3}
_HOW = "small networks, a learning rate of 0.001"

HEALTHY = (
    Case("acgan:neutral", 64_000, _HOW, changes=_LEARNS_SOON),
    Case("gan_r1:neutral", 64_000, _HOW, changes=_LEARNS_SOON),
    Case("infogan:neutral", 64_000, _HOW, changes=_LEARNS_SOON),
    Case("lsgan:neutral", 64_000, _HOW, changes=_LEARNS_SOON),
    Case("projection_gan:quick", 64_000),
)
"""With the usual rate of 0.0002 so small networks draw nothing yet after so many pictures, which the watch tells."""


class Told(BaseModel):
    """A warning: the step, the symptom, and the words. Frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    symptom: Symptom
    words: str


class Ending(BaseModel):
    """What the watch saw and told in a training. Frozen; kept as JSON. signs: of each look, by step, and its
    progress.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int
    signs: dict[int, dict[str, float]]
    warnings: list[Told]

    @property
    def is_of_this_watch(self) -> bool:
        """Whether today's watch would tell the same of the same signs."""
        watch = Watch()
        told = [(step, symptom) for step, signs in self.signs.items() for symptom in watch.see(_look(step, signs))]
        return told == [(one.step, one.symptom) for one in self.warnings if one.symptom is not Symptom.DIVERGED]


def _look(step: int, signs: Mapping[str, float]) -> Look:
    return Look.of(step, signs["progress"], signs)


@dataclass(frozen=True, slots=True)
class Run:
    """One training under watch. root: where each has a file."""

    case: Case
    root: Path
    settings: WorkerSettings

    @property
    def name(self) -> str:
        """What the board calls it."""
        return self.case.name

    @property
    def dataset(self) -> str:
        """The name of its data set."""
        return self.case.dataset

    @property
    def wish(self) -> TrainRequest:
        """What is asked to be trained."""
        family, _, preset = self.case.training.partition(":")
        return TrainRequest(
            family=family,
            preset=preset,
            dataset=self.case.dataset,
            images=self.case.images,
            seed=0,
            hyperparameters=dict(self.case.changes),
        )

    @property
    def file(self) -> Path:
        """What came of it: another training, or one looked at more often, is another file."""
        asked = complete(self.wish)[0].model_dump_json() + self.settings.precision
        return self.root / f"{blake2b(asked.encode(), digest_size=8).hexdigest()}.json"

    def read(self) -> Ending | None:
        """Return what came of it, if it has ended, and the watch has not changed since."""
        try:
            ending = Ending.model_validate_json(self.file.read_text())
        except (OSError, ValidationError):
            return None
        return ending if ending.is_of_this_watch else None


# --- One training -------------------------------------------------------------------------------------------------


class Witness:
    """All that surrounds a training, and keeps nothing of it but what the watch sees and tells."""

    wish = Wish.NONE
    phase = Phase.STARTING

    def __init__(self, steps: int, tell: Tell) -> None:
        self._steps, self._tell = steps, tell
        self.signs: dict[int, dict[str, float]] = {}
        self.warnings: list[Told] = []
        self._step = 0

    @property
    def step(self) -> int:
        """What the training has reached."""
        return self._step

    @step.setter
    def step(self, step: int) -> None:
        self._step = step
        self._tell(step / self._steps, "")

    def quality(self, step: int, data: Mapping[str, object]) -> None:
        """Note the signs, and of what share of the budget they are."""
        signs, progress = data["signs"], data["progress"]
        assert isinstance(signs, Mapping)  # Inspection.event
        assert isinstance(progress, float)
        self.signs[step] = {**signs, "progress": progress}

    def collapse(self, step: int, symptom: Symptom, warning: str) -> None:
        """Note a warning."""
        self.warnings.append(Told(step=step, symptom=symptom, words=warning))

    def past(self, step: int) -> Past:
        """Return nothing: each training begins anew."""
        return Past()

    def latest(self) -> None:
        """Return nothing: each training begins anew."""

    def keep(self, checkpoint: Checkpoint, metrics: Mapping[str, float], headline: Headline) -> None:
        """Keep nothing."""

    def log(self, line: str) -> None:
        """Say nothing."""

    def warn(self, line: str) -> None:
        """Say nothing."""

    def metric(self, step: int, terms: Mapping[str, float]) -> None:
        """Say nothing."""

    def ask_pause(self) -> None:
        """Say nothing: a warning is all that is asked for."""

    def sample(self, step: int, data: Mapping[str, int]) -> None:
        """Say nothing."""

    def confirm(self) -> None:
        """Do nothing: no other process has this training."""


def work(run: Run, tell: Tell) -> None:
    """Train under watch, and write what it told. Raises what `workers.loop.run` raises, but for a divergence."""
    request, steps = complete(run.wish)
    witness = Witness(steps, tell)
    with TemporaryDirectory() as samples:
        try:
            run_training(run.settings, request, pulse=witness, reporter=witness, keeper=witness, samples=Path(samples))
        except TrainingDivergedError as error:
            witness.collapse(error.step, Symptom.DIVERGED, str(error))
    ending = Ending(steps=steps, signs=witness.signs, warnings=witness.warnings)
    write_whole(run.file, ending.model_dump_json(indent=2).encode())
    tell(1.0, _sum_up(ending))


def _sum_up(ending: Ending) -> str:
    return ", ".join(f"{one.symptom} at step {one.step}" for one in ending.warnings) or "silent"


# --- The page -----------------------------------------------------------------------------------------------------


def is_as_expected(run: Run) -> bool:
    """Whether the watch told what the training was meant to show, or nothing of a healthy one."""
    ending, expected = run.read(), run.case.expected
    if ending is None:
        return False
    told = [one.symptom for one in ending.warnings]
    return expected in told if expected is not None else not told


def tabulate(runs: Sequence[Run]) -> list[str]:
    """Return the lines of the table: a line for each warning, or for a training without."""
    head = [
        "| training | data set | what was done to it | steps | first told at | symptom | words |",
        "|---|---|---|---:|---:|---|---|",
    ]
    return head + [line for run in runs for line in _lines(run)]


def _lines(run: Run) -> list[str]:
    ending = run.read()
    if ending is None:
        return []
    begin = f"| `{run.case.training}` | {run.case.dataset} | {run.case.done or 'nothing'} | {ending.steps:,}"
    told = [f"{begin} | {one.step:,} | {one.symptom} | {one.words} |" for one in ending.warnings]
    return told or [f"{begin} | | none | |"]


def _tabulate_signs(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the signs of the last look at each training."""
    names = ("spread", "variety", "classes", "separation")
    yield f"| training | step | {' | '.join(names)} |"
    yield "|---|---:|" + "---:|" * len(names)
    for run in runs:
        if (ending := run.read()) is not None and ending.signs:
            step, signs = max(ending.signs.items())
            yield f"| `{run.name}` | {step:,} | {' | '.join(f'{signs[n]:.2f}' if n in signs else '' for n in names)} |"


def describe(runs: Sequence[Run], *, told: str, failures: Mapping[str, str]) -> str:
    """Return the page as Markdown. told: the command."""
    collapsing = [run for run in runs if run.case.expected is not None]
    healthy = [run for run in runs if run.case.expected is None]
    wrong = [run for run in runs if not is_as_expected(run)]
    missed = "\n".join(f"* `{run.name}` was meant to show {run.case.expected or 'nothing'}." for run in wrong)
    missed += "".join(f"\n* `{name}` failed: {reason}." for name, reason in failures.items())
    return f"""# The collapse watch at work

Trainings that were made to collapse, and healthy ones, each on its data set with the usual intervals and seed 0; what
the watch told is what a job's `warning` tells.

    {told}

{os.cpu_count()} cores, torch {torch.__version__}, {runs[0].settings.precision}.

## Made to collapse

{chr(10).join(tabulate(collapsing))}

## Healthy

{chr(10).join(tabulate(healthy))}

{"Not as it was meant:" if missed else "Each shows what it was meant to show, and every healthy one is silent."}
{missed}

The networks on the neutral backbone are small here: {_SMALL["width"]} channels and {_SMALL["hidden"]} in a layer on
MNIST, {_SMALLEST["width"]} and {_SMALLEST["hidden"]} on the ring, so that each training takes about a minute of one \
core or less.

## What was seen at the end

The signs of the last look at each training, each as a share of what real pictures have, but for the separation,
which is 0.5 where the discriminator cannot tell and 1 where it always can:

{chr(10).join(_tabulate_signs(runs))}

## What the thresholds mean

They are fixed for all families and data sets, and were not changed for these trainings. Each is a share of what real
pictures have, measured on pictures drawn from the averaged weights, and must be passed in {watch.STAYS} looks in a row,
from step {watch.LEAST_STEPS} on. The discriminator alone is asked about pictures of its opponent, as in play.

| symptom | is told when |
|---|---|
| {Symptom.DEAD} | pixels vary less than {watch.DEAD_SPREAD:.0%} as much from picture to picture as in real ones: \
eight bits show next to no difference |
| {Symptom.UNIFORM} | two pictures, or two of a class, are less than {watch.UNIFORM_VARIETY:.0%} as far apart in the \
judge's features as two real ones: every other variation is gone |
| {Symptom.MISSING_CLASSES} | less than {watch.FEW_CLASSES:.0%} of the classes are drawn: three of ten are missing |
| {Symptom.SATURATED} | of {1 / (1 - watch.SATURATED_SEPARATION):,.0f} pairs of a real and a drawn picture, the \
discriminator scores less than one wrongly |
| {Symptom.DIVERGED} | a loss or a weight is no finite number: at once, and the training ends |

A healthy training may look so early on. So nothing but a dead generator is told at a look that shows more variety or
more classes than any before. And the first fifth of the budget does not count for a generator that is dead or
a discriminator that is sure, the first three tenths not for variety, the first half not for classes; what was there
and is lost counts at any time. Within so few steps from the beginning, or where a data set has no judge, the watch sees
less: then it looks at pixels and scores alone.

## How these trainings were found

By trial, the collapsing ones until each showed its symptom, the healthy ones until they had learnt the ten classes
within their budget. That nothing is told while variety or classes grow came of this: gan_r1, whose discriminator is
sure of everything for some hundred steps while the generator learns, was warned of before. At the usual learning rate
of 0.0002 the small networks draw nothing yet after 64,000 pictures, and then the watch tells so.

Two trainings show what is missed: `gan:minimax` on small networks with batch norm is told to be uniform and to lack
classes, but not to be saturated, at a separation of 0.99; and without batch norm on the ring, with five steps to one,
at 1 from the first look on, its pictures drift so that their variety grows, and nothing is told. One seed each: this
shows that the watch can see each symptom, not how often it errs.
"""


def report(runs: Sequence[Run], out: Path, *, told: str, failures: Mapping[str, str]) -> Path:
    """Write the page; return its path."""
    out.mkdir(parents=True, exist_ok=True)
    page = out / "collapse.md"
    page.write_text(describe(runs, told=told, failures=failures), encoding="utf-8")
    return page


# --- All of it ----------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what is left to do, and write the page."""
    chosen = _parse(arguments)
    settings = share_threads(WorkerSettings(), chosen.jobs)
    root = chosen.dir or settings.data_dir / "collapse"
    runs = [Run(case, root, settings) for case in choose(chosen.only)]
    if not runs:
        raise SystemExit(f"no training is called {' or '.join(chosen.only)}")
    ending = do_left(work, runs, settings, jobs=chosen.jobs)
    told = command("collapse", {"--only": ",".join(chosen.only), "--jobs": chosen.jobs}, settings)
    print(*tabulate(runs), report(runs, chosen.out, told=told, failures=ending.failures), sep="\n")
    if not all(map(is_as_expected, runs)):
        raise SystemExit("not every training showed what it was meant to show")


def choose(only: Sequence[str]) -> list[Case]:
    """Return the cases of these trainings, as family:preset; all where empty."""
    return [case for case in (*COLLAPSING, *HEALTHY) if not only or case.training in only]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=names, default=[], help="some, as family:preset,family:preset")
    parser.add_argument("--jobs", type=positive, default=1, help="trainings at a time; they share the threads")
    parser.add_argument("--dir", type=Path, help="what has been done so far; default collapse in GANERY_DATA_DIR")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where the page goes")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
