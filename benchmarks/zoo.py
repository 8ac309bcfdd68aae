"""Train the whole zoo on MNIST at an equal budget of pictures, judge it, and write a page and a picture of it.

    python -m benchmarks.zoo --budget 60000 --jobs 2
    python -m benchmarks.zoo --families lsgan,dcgan:tutorial
    python -m benchmarks.zoo --presets neutral

A training is named family:preset; a family alone stands for its first preset and those with the same batches, budget
and averaging, which differ in the loss.
Ctrl-C saves; the same command goes on where it was, also after a kill. GANERY_PRECISION chooses the arithmetic.
Results go to OUT/results.md and OUT/results.png, and as figures to FIGURES, once all trainings have ended.
"""

import argparse
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from rich.console import Console

from app.zoo_results import FIGURES
from benchmarks._crew import Tell
from benchmarks._results import Outcome, describe, draw_rows, gather, rank, write, write_figures
from benchmarks._runs import command, do_left, names, positive, share_threads
from checkpoints.files import write_whole
from checkpoints.format import drop_training_state, read_metadata
from checkpoints.library import load_judge, load_sampler
from datasets import load_dataset
from ganery.display import TrainingBar
from ganery.local_training import train
from metrics import Reference
from models import Family, Preset, families, find_dataset, find_family
from workers.evaluation import evaluate
from workers.settings import WorkerSettings

DATASET = "mnist"
PICTURES = 10_000
METRICS = ("fd", "precision", "recall", "density", "coverage", "label_accuracy", "classes_covered")
COLUMNS = 20
CHECKPOINTS = 20
LEAST_INTERVAL = 10
"""Steps between checkpoints at least: those beside a report are not timed."""

TRAINING_SHARE = 0.95
"""Of a run's time, as the time left reckons it; judging takes the rest."""

Zoo = Mapping[str, Family[Any]]
Name = tuple[str, str]
"""A family and a preset of it."""

# --- Which trainings ----------------------------------------------------------------------------------------------


class NothingChosenError(ValueError):
    """No training is of that name."""


def _frame(preset: Preset[Any]) -> tuple[float, ...]:
    return preset.batch_size, preset.images, preset.averaging_half_life


def choose(zoo: Zoo, named: Sequence[str] = (), presets: Sequence[str] = ()) -> list[Name]:
    """Return the trainings that are meant, each once.

    named: families, or family:preset; all families where empty. presets: names that, where there are any, stand in
    place of a family's usual choice. Raises UnknownFamilyError, UnknownPresetError or NothingChosenError.
    """
    chosen: dict[Name, None] = {}
    for name in named or zoo:
        family, _, preset = name.partition(":")
        if preset:
            find_family(family).preset(preset)
            chosen[family, preset] = None
        else:
            chosen |= dict.fromkeys((family, one) for one in _usual(find_family(family), presets))
    if not chosen:
        raise NothingChosenError(f"no family has a preset {' or '.join(presets)}")
    return list(chosen)


def _usual(family: Family[Any], presets: Sequence[str]) -> Iterator[str]:
    for name, preset in family.presets.items():
        if name in presets if presets else is_alike(preset, family.preset(family.default_preset)):
            yield name


def is_alike(preset: Preset[Any], other: Preset[Any]) -> bool:
    """Whether batches, budget and averaging are the same, so that a comparison of the two is one of losses."""
    return _frame(preset) == _frame(other)


# --- One training -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """One training of the zoo. root: where each has a directory."""

    family: str
    preset: str
    dataset: str
    budget: int
    seed: int
    root: Path
    settings: WorkerSettings

    @property
    def name(self) -> str:
        """The family and the preset."""
        return f"{self.family}:{self.preset}"

    @property
    def directory(self) -> Path:
        """Where it lies: another recipe, budget, seed or arithmetic is another training."""
        preset = find_family(self.family).preset(self.preset)
        recipe = preset.hyperparameters.model_dump(mode="json"), *_frame(preset)[::2]
        asked = (recipe, self.dataset, self.budget, self.seed, self.settings.precision)
        digest = blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=4).hexdigest()
        return self.root / f"{self.family}-{self.preset}-{digest}"

    @property
    def checkpoint(self) -> Path:
        """The newest checkpoint."""
        return max((self.directory / "checkpoints").glob("[0-9]*"))

    def read(self) -> Outcome | None:
        """Return what came of it, if it has ended."""
        try:
            return Outcome.model_validate_json((self.directory / "outcome.json").read_text())
        except (OSError, ValidationError):
            return None


@dataclass(slots=True)
class Pace:
    """Pictures that were timed, and the seconds of training that they took; kept from one process to the next."""

    images: int = 0
    seconds: float = 0.0

    @property
    def images_per_second(self) -> float | None:
        """The rate, if anything was timed."""
        return self.images / self.seconds if self.seconds else None


class Stopwatch(TrainingBar):
    """Times the steps of a training, and tells how far it is. file: keeps the pace.

    A step is timed unless it is the first of a process, which warms up, or follows a report, which draws and saves.
    """

    def __init__(
        self, file: Path, images_per_step: int, tell: Tell, *, now: Callable[[], float] = time.perf_counter
    ) -> None:
        super().__init__(Console(quiet=True))
        self.pace = _read_pace(file)
        self._file, self._images_per_step, self._tell, self._now = file, images_per_step, tell, now
        self._last: float | None = None
        self._is_warm = False

    def say(self, line: str) -> None:
        """Say nothing: other trainings go on beside this one."""

    def move(self, state: str, step: int, total: int) -> None:
        """Take the time at a step."""
        now = self._now()
        if self._last is not None:
            self.pace.seconds += now - self._last
            self.pace.images += self._images_per_step
        self._last = now if self._is_warm else None
        self._is_warm = True
        self._tell(TRAINING_SHARE * step / total, "")

    def losses(self, terms: Mapping[str, Any]) -> None:
        """Hear of a report: keep the pace, and remove older checkpoints than the newest."""
        self._last = None
        self.keep()
        for older in sorted((self._file.parent / "checkpoints").glob("[0-9]*"))[:-1]:
            shutil.rmtree(older)

    def keep(self) -> None:
        """Write the pace to its file."""
        write_whole(self._file, json.dumps(asdict(self.pace)).encode())


def _read_pace(file: Path) -> Pace:
    try:
        return Pace(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return Pace()


def work(run: Run, tell: Tell) -> None:
    """Train and judge; where Ctrl-C is pressed, save and return without an outcome. Raises one of `train`'s errors."""
    family, dataset = find_family(run.family), find_dataset(run.dataset)
    preset = family.preset(run.preset)
    config = family.configure(preset.hyperparameters.model_dump(), dataset)
    steps = family.total_steps(config, preset.batch_size, run.budget)
    interval = max(LEAST_INTERVAL, -(-steps // CHECKPOINTS))
    wish = {
        "family": run.family,
        "preset": run.preset,
        "dataset": run.dataset,
        "seed": run.seed,
        "images": run.budget,
        "checkpoint_interval": interval,
        "metrics_interval": interval,
        "sample_interval": steps,
    }
    watch = Stopwatch(run.directory / "pace.json", family.images_per_step(config, preset.batch_size), tell)
    result = train(wish, run.directory, run.settings, watch)
    watch.keep()
    if not result.is_finished:
        tell(TRAINING_SHARE * result.step / steps, f"interrupted at step {result.step} of {steps}")
        return
    tell(TRAINING_SHARE, "judging")
    outcome = conclude(run, result.checkpoint, watch.pace)
    write_whole(run.directory / "outcome.json", outcome.model_dump_json(indent=2).encode())
    drop_training_state(result.checkpoint)
    tell(1.0, f"FD {outcome.distance:.2f}, {outcome.images_per_second or 0:.0f} pictures a second")


def conclude(run: Run, checkpoint: Path, pace: Pace) -> Outcome:
    """Judge the last checkpoint."""
    torch.set_num_threads(run.settings.training_threads)
    metadata, sampler, judge = read_metadata(checkpoint), load_sampler(checkpoint), load_judge(run.dataset)
    train, test = (load_dataset(run.dataset, run.settings.datasets, split=split) for split in ("train", "test"))
    report = evaluate(sampler, Reference.of(judge, train, test), count=PICTURES, seed=run.seed, names=METRICS)
    accuracy = report.find("label_accuracy")
    return Outcome(
        family=run.family,
        preset=run.preset,
        steps=metadata.step,
        images=metadata.images_seen,
        averaging_half_life=metadata.averaging_half_life,
        images_per_second=pace.images_per_second,
        arithmetic=metadata.precision,
        threads=run.settings.training_threads,
        torch=metadata.versions["torch"],
        count=report.count,
        distance=report["fd"].value,
        floor=report["fd"].floor,
        precision=report["precision"].value,
        recall=report["recall"].value,
        density=report["density"].value,
        coverage=report["coverage"].value,
        accuracy=None if accuracy is None else accuracy.value,
        classes=int(report["classes_covered"].value),
        classes_known=len(metadata.dataset.classes),
    )


# --- All of them --------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what is left to do, and write the results."""
    chosen = _parse(arguments)
    settings = share_threads(WorkerSettings(), chosen.jobs)
    root = chosen.dir or settings.data_dir / "zoo"
    try:
        wanted = choose(families(), chosen.families, chosen.presets)
    except (KeyError, NothingChosenError) as error:
        raise SystemExit(str(error)) from None
    runs = [Run(*name, DATASET, chosen.budget, chosen.seed, root, settings) for name in wanted]
    ending = do_left(work, runs, settings, jobs=chosen.jobs)
    outcomes = {run: outcome for run in runs if (outcome := run.read()) is not None}
    if not outcomes:
        raise SystemExit("no training came to its end")
    print(*conclude_all(outcomes, chosen, ending.failures), sep="\n")


def conclude_all(
    outcomes: Mapping[Run, Outcome], chosen: argparse.Namespace, failures: Mapping[str, str]
) -> tuple[Path, Path]:
    """Write the page, the picture and the figures; return the paths of the first two."""
    runs = {outcome.name: run for run, outcome in outcomes.items()}
    samplers = {outcome.name: load_sampler(runs[outcome.name].checkpoint) for outcome in rank(list(outcomes.values()))}
    page = describe(
        list(outcomes.values()),
        command=_command(chosen, next(iter(outcomes)).settings),
        budget=chosen.budget,
        jobs=chosen.jobs,
        failures=failures,
        picture="results.png",
    )
    figures = gather(list(outcomes.values()), dataset=DATASET, budget=chosen.budget, seed=chosen.seed)
    write_figures(chosen.figures, figures)
    return write(chosen.out, page, draw_rows(samplers, seed=chosen.seed, columns=COLUMNS))


def _command(chosen: argparse.Namespace, settings: WorkerSettings) -> str:
    """Return the command that does the same: places left out."""
    options = {
        "--budget": chosen.budget,
        "--families": ",".join(chosen.families),
        "--presets": ",".join(chosen.presets),
        "--seed": chosen.seed,
        "--jobs": chosen.jobs if chosen.jobs > 1 else 0,
    }
    return command("zoo", options, settings)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=positive, default=60_000, help="pictures that each discriminator sees")
    parser.add_argument("--families", type=names, default=[], help="some, as a,b or a:preset,b; default all")
    parser.add_argument("--presets", type=names, default=[], help="presets by name, in place of the usual choice")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=positive, default=1, help="trainings at a time; they share the threads")
    parser.add_argument("--dir", type=Path, help="what has been done so far; default zoo in GANERY_DATA_DIR")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where the results go")
    parser.add_argument("--figures", type=Path, default=FIGURES, help="where the service's pages take the figures from")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
