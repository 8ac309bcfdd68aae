"""Train the whole zoo on MNIST at an equal budget of pictures, judge it, and write a page and a picture of it.

    python -m benchmarks.zoo --budget 60000 --jobs 2
    python -m benchmarks.zoo --families lsgan,dcgan:tutorial
    python -m benchmarks.zoo --presets neutral

A training is named family:preset; a family alone stands for its first preset and those with the same batches, budget
and averaging, which differ in the loss. Beside them stands each checkpoint that ships and is of one of the families.
Every metric is measured, GAN-train with --passes of its classifier over the pictures, which takes minutes. What was
measured before is not measured again.
Ctrl-C saves; the same command goes on where it was, also after a kill. GANERY_PRECISION chooses the arithmetic.
Results go to OUT/results.md and OUT/results.png, and as figures to FIGURES, once all trainings have ended.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from app.teaching.zoo_results import FIGURES
from benchmarks._budgets import Budgeted, frame, train_left
from benchmarks._crew import Tell
from benchmarks._figures import Figures, Protocol, measure_missing, wanted
from benchmarks._results import Outcome, describe, draw_rows, gather, rank, write, write_figures
from benchmarks._runs import command, do_left, names, natural, positive, share_threads
from benchmarks._stopwatch import TRAINING_SHARE, Pace, Stopwatch
from checkpoints.format import drop_training_state, read_metadata
from checkpoints.library import load_sampler, shipped, shipped_id
from models import Family, Preset, families, find_family
from workers.gan_train import EPOCHS
from workers.settings import WorkerSettings

DATASET = "mnist"
PICTURES = 10_000
COLUMNS = 20
CHECKPOINTS = 20

Zoo = Mapping[str, Family[Any]]
Name = tuple[str, str]
"""A family and a preset of it."""

# --- Which trainings ----------------------------------------------------------------------------------------------


class NothingChosenError(ValueError):
    """No training is of that name."""


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
    return frame(preset) == frame(other)


# --- One training -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run(Budgeted):
    """One training of the zoo, or a checkpoint that ships. passes: of GAN-train's classifier over the drawn pictures.

    ships: the directory of the checkpoint that ships, which needs no training; None for a training.
    """

    passes: int = 0
    ships: Path | None = None
    fid: bool = False

    @classmethod
    def of_shipped(cls, ships: Path, root: Path, settings: WorkerSettings, *, passes: int, fid: bool) -> "Run":
        """Return the run of a checkpoint that ships."""
        made = read_metadata(ships)
        named = made.family, made.preset, made.dataset.name
        return cls(*named, made.images, 0, root, settings, passes=passes, ships=ships, fid=fid)

    @property
    def name(self) -> str:
        """The family and the preset, or the name under which it ships."""
        return super(Run, self).name if self.ships is None else self.ships.name

    @property
    def directory(self) -> Path:
        """Where it lies: another checkpoint that ships is another directory, too."""
        if self.ships is None:
            return super(Run, self).directory
        return self.root / f"ships-{shipped_id(self.ships, read_metadata(self.ships))}"

    @property
    def checkpoint(self) -> Path:
        """The newest checkpoint."""
        return super(Run, self).checkpoint if self.ships is None else self.ships

    @property
    def figures(self) -> Figures:
        """What is known of its pictures."""
        protocol = Protocol.of(self.dataset, count=PICTURES, seed=self.seed, passes=self.passes)
        return Figures(self.directory / "figures.json", protocol)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that are to be known."""
        return wanted(fid=self.fid)

    def read(self) -> Outcome | None:
        """Return what came of it, if it has ended and all figures are known."""
        figures = self.figures.find(self.metrics)
        if figures is None or not self.is_trained:
            return None
        metadata = read_metadata(self.checkpoint)
        return Outcome(
            family=self.family,
            preset=self.preset,
            ships=None if self.ships is None else self.ships.name,
            images=metadata.images_seen,
            averaging_half_life=metadata.averaging_half_life,
            images_per_second=Pace.read(self.directory / "pace.json").images_per_second,
            arithmetic=metadata.precision,
            threads=self.settings.training_threads,
            torch=metadata.versions["torch"],
            figures=figures,
        )


def work(run: Run, tell: Tell) -> None:
    """Train and judge; where Ctrl-C is pressed, save and return without an outcome. Raises one of `train`'s errors."""
    watch = partial(Stopwatch, run.directory / "pace.json", tell=tell)
    if train_left(run, watch, tell, checkpoints=CHECKPOINTS) is None:
        return
    torch.set_num_threads(run.settings.training_threads)
    names = run.metrics
    left = len(run.figures.missing(names))
    tell(TRAINING_SHARE, "judging")
    for done, name in enumerate(measure_missing(run.figures, run.checkpoint, names, run.settings), start=1):
        tell(TRAINING_SHARE + (1 - TRAINING_SHARE) * done / left, f"measured {name}")
    if run.ships is None:
        drop_training_state(run.checkpoint)
    outcome = run.read()
    assert outcome is not None
    tell(1.0, f"FD {outcome.value('fd'):.2f}, {outcome.images_per_second or 0:.0f} pictures a second")


# --- All of them --------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what is left to do, and write the results."""
    chosen = _parse(arguments)
    settings = share_threads(WorkerSettings(), chosen.jobs)
    root = chosen.dir or settings.data_dir / "zoo"
    try:
        wanted_names = choose(families(), chosen.families, chosen.presets)
    except (KeyError, NothingChosenError) as error:
        raise SystemExit(str(error)) from None
    runs = [
        Run(*name, DATASET, chosen.budget, chosen.seed, root, settings, passes=chosen.passes, fid=chosen.fid)
        for name in wanted_names
    ]
    runs += list(_shipped_beside(runs))
    ending = do_left(work, runs, settings, jobs=chosen.jobs)
    outcomes = {run: outcome for run in runs if (outcome := run.read()) is not None}
    if not outcomes:
        raise SystemExit("no training came to its end")
    print(*conclude_all(outcomes, chosen, ending.failures), sep="\n")


def _shipped_beside(runs: Sequence[Run]) -> Iterator[Run]:
    """Yield the runs of the checkpoints that ship and are of the families and the data set of these runs."""
    told = {(run.family, run.dataset): run for run in runs}
    for ships in shipped().values():
        made = read_metadata(ships)
        beside = told.get((made.family, made.dataset.name))
        if beside is not None:
            yield Run.of_shipped(ships, beside.root, beside.settings, passes=beside.passes, fid=beside.fid)


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
    flags = {"--passes": str(chosen.passes) if chosen.passes != EPOCHS else "", "--fid": chosen.fid}
    return command("zoo", options | flags, settings)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=positive, default=60_000, help="pictures that each discriminator sees")
    parser.add_argument("--families", type=names, default=[], help="some, as a,b or a:preset,b; default all")
    parser.add_argument("--presets", type=names, default=[], help="presets by name, in place of the usual choice")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--passes", type=natural, default=EPOCHS, help="of GAN-train's classifier; 0 leaves it out")
    parser.add_argument("--fid", action="store_true", help="FID too, which needs Inception's weights")
    parser.add_argument("--jobs", type=positive, default=1, help="trainings at a time; they share the threads")
    parser.add_argument("--dir", type=Path, help="what has been done so far; default zoo in GANERY_DATA_DIR")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where the results go")
    parser.add_argument("--figures", type=Path, default=FIGURES, help="where the service's pages take the figures from")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
