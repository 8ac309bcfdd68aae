"""How many modes a family draws: Stacked MNIST's thousand against pictures seen, and the ring's and the grid's.

    python -m benchmarks.modes --budget 300000 --jobs 2
    python -m benchmarks.modes --families projection_gan,gan_r1 --report

A training is named family:preset; a family alone stands for its first preset. --families are trained on Stacked MNIST,
--toys on the ring and the grid. Ctrl-C saves; the same command goes on where it was, also after a kill; --report trains
nothing and writes what there is. GANERY_PRECISION chooses the arithmetic. Results go to OUT/modes.md, OUT/modes.svg and
OUT/toys.png.
"""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from benchmarks._budgets import Budgeted, train_left
from benchmarks._crew import Tell
from benchmarks._curves import Curve, Panel, draw_panels
from benchmarks._results import draw_rows
from benchmarks._runs import command, do_left, names, positive, share_threads
from benchmarks._stopwatch import Witness, read_notes
from checkpoints.format import drop_training_state
from checkpoints.library import load_judge, load_sampler
from datasets import load_dataset
from metrics import Pictures
from models import (
    FLAGSHIP,
    GRID,
    MIXTURES,
    RING,
    STACKED_MNIST,
    Conditioning,
    Sampler,
    UnknownFamilyError,
    UnknownPresetError,
    count_modes,
    derive_seed,
    find_dataset,
    find_family,
    from_pixels,
    to_pixels,
)
from workers.settings import WorkerSettings

COUNTS: Mapping[str, int] = {STACKED_MNIST.name: 26_000, RING.name: 2_500, GRID.name: 2_500}
"""Pictures of which modes are counted: VEEGAN's, and for the points those of PacGAN."""

PORTION = 1_000
"""Pictures drawn at once."""

TOYS = ("gan", "wgan_gp", "gan_r1", FLAGSHIP)
TOY_POINTS = 4
TOY_COLUMNS = 20
"""Pictures of each training on them in the picture."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A row of a printed table. kl: the reverse divergence in nats, as printed. source: a key of SOURCES."""

    model: str
    modes: str
    kl: str
    source: str


SOURCES: Mapping[str, str] = {
    "VEEGAN": "[VEEGAN](https://arxiv.org/abs/1705.07761), table 2",
    "PacGAN": "[PacGAN](https://arxiv.org/abs/1712.04086), VEEGAN's protocol",
    "MEG": "[MEG](https://arxiv.org/abs/1901.08508)",
    "R3GAN": "[R3GAN](https://arxiv.org/abs/2501.05441), its table of Stacked MNIST",
}

PRINTED = (
    Printed("DCGAN", "99", "3.40", "VEEGAN"),
    Printed("ALI", "16", "5.40", "VEEGAN"),
    Printed("Unrolled GAN", "48.7", "4.32", "VEEGAN"),
    Printed("VEEGAN", "150", "2.95", "VEEGAN"),
    Printed("DCGAN, trained again", "78.9 ± 6.5", "4.50 ± 0.13", "PacGAN"),
    Printed("PacDCGAN2", "1000", "0.06", "PacGAN"),
    Printed("WGAN-GP", "959", "0.73", "MEG"),
    Printed("StyleGAN2", "940", "0.42", "R3GAN"),
    Printed("PresGAN", "1000", "0.12", "R3GAN"),
    Printed("VAEBM", "1000", "0.087", "R3GAN"),
    Printed("DDGAN", "1000", "0.071", "R3GAN"),
    Printed("MEG", "1000", "0.031", "R3GAN"),
    Printed("R3GAN", "1000", "0.029", "R3GAN"),
)
"""Stacked MNIST, 1000 modes."""


@dataclass(frozen=True, slots=True)
class PrintedToy:
    """A row of VEEGAN's table of points: modes found of 8 and of 25, and the shares of high quality, where known."""

    model: str
    ring: str
    grid: str
    ring_quality: str
    grid_quality: str


PRINTED_TOYS = (
    PrintedToy("GAN", "1", "3.3", "", ""),
    PrintedToy("Unrolled GAN", "7.6", "23.6", "", ""),
    PrintedToy("VEEGAN", "8", "24.6", "52.9 %", "40 %"),
)
"""VEEGAN, section 5.1."""

# --- What is counted ----------------------------------------------------------------------------------------------


def look(checkpoint: Path, dataset: str, seed: int) -> dict[str, float | None]:
    """Return the modes that a checkpoint draws, and beside them `kl` or `high_quality`, as the data set has it."""
    sampler, count = load_sampler(checkpoint), COUNTS[dataset]
    labels = ask(len(sampler.config.dataset.classes), count, seed)
    if dataset in MIXTURES:
        return _count_points(torch.cat(list(_draw(sampler, labels, seed))), dataset)
    judge = load_judge(dataset)
    portions = [Pictures(judge, to_pixels(images), None).recognised for images in _draw(sampler, labels, seed)]
    return count_classes(torch.cat(portions), len(sampler.config.dataset.classes))


def look_at_real(dataset: str, settings: WorkerSettings) -> dict[str, float | None]:
    """Return the same of as many real test pictures."""
    test, count = load_dataset(dataset, settings.datasets, split="test"), COUNTS[dataset]
    pixels = test.images[torch.randperm(len(test.labels), generator=_random("real", 0))[:count]]
    if dataset in MIXTURES:
        return _count_points(from_pixels(pixels), dataset)
    judge = load_judge(dataset)
    portions = [Pictures(judge, portion, None).recognised for portion in torch.split(pixels, PORTION)]
    return count_classes(torch.cat(portions), len(test.spec.classes))


def ask(classes: int, count: int, seed: int) -> torch.Tensor:
    """Return classes to be asked for: each at random, as a family that is told none draws them at its best."""
    return torch.randint(0, classes, (count,), generator=_random("asked", seed))


def count_classes(recognised: torch.Tensor, classes: int) -> dict[str, float | None]:
    """Return how many of the classes occur, and KL(q || uniform) in nats of their frequencies q: VEEGAN, section 5.2.

    recognised: (n,) int64. Even classes at random have (classes - 1) / 2n by chance alone.
    """
    counts = recognised.bincount(minlength=classes).double()
    shares = counts / counts.sum()
    divergence = float(torch.special.xlogy(shares, shares * classes).sum())
    return {"modes": float((counts > 0).sum()), "kl": divergence}


def _count_points(images: torch.Tensor, dataset: str) -> dict[str, float | None]:
    found = count_modes(images, MIXTURES[dataset])
    return {"modes": float(found.modes), "high_quality": found.high_quality}


def _draw(sampler: Sampler, labels: torch.Tensor, seed: int) -> Iterator[torch.Tensor]:
    for begin in range(0, len(labels), PORTION):
        asked = labels[begin : begin + PORTION].tolist()
        yield sampler.sample(range(begin, begin + len(asked)), seed=seed, labels=asked)


def _random(name: str, seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed("modes", name, seed))


# --- One training -------------------------------------------------------------------------------------------------

Noted = Mapping[int, Mapping[str, float | None]]
"""What was counted, by step."""


@dataclass(frozen=True, slots=True)
class Run(Budgeted):
    """One training, and what is counted on its way. points: how often."""

    points: int = 1

    @property
    def name(self) -> str:
        """The family, the preset and the data set."""
        return f"{self.told} on {self.dataset}"

    @property
    def told(self) -> str:
        """The family and the preset."""
        return super(Run, self).name

    @property
    def noted(self) -> Noted:
        """What has been counted so far, in the order of the steps."""
        return dict(sorted(read_notes(self.directory).items()))

    @property
    def is_told_classes(self) -> bool:
        """Whether the family is told the class, so that it need not find the modes by itself."""
        return find_family(self.family).conditioning is Conditioning.LABEL

    def read(self) -> Noted | None:
        """Return what was counted, if the training has ended."""
        return noted if (noted := self.noted) and max(noted) >= self.steps else None


def work(run: Run, tell: Tell) -> None:
    """Train and count; where Ctrl-C is pressed, save and return. Raises one of `train`'s errors."""
    torch.set_num_threads(run.settings.training_threads)
    watch = partial(Witness, run.directory, tell=tell, look=partial(look, dataset=run.dataset, seed=run.seed))
    witness = train_left(run, watch, tell, checkpoints=run.points)
    if witness is None:
        return
    witness.note()
    drop_training_state(run.checkpoint)
    tell(1.0, ", ".join(f"{name} {value:.4g}" for name, value in _last(run).items() if value is not None))


# --- The page and the picture -------------------------------------------------------------------------------------


def describe(
    runs: Sequence[Run],
    real: Mapping[str, Mapping[str, float | None]],
    *,
    told: str,
    failures: Mapping[str, str],
    picture: str = "",
) -> str:
    """Return the page as Markdown. real: what real pictures have, by data set. told: the command. picture: of toys."""
    stacked = [run for run in runs if run.dataset == STACKED_MNIST.name and run.noted]
    toys = [run for run in runs if run.dataset in MIXTURES and run.noted]
    failed = "".join(f"\n`{name}` failed: {reason}.\n" for name, reason in failures.items())
    return f"""# How many modes are drawn

    {told}

{os.cpu_count()} cores, torch {torch.__version__}, \
{", ".join(sorted({run.settings.precision for run in runs}))}, seed {runs[0].seed}.
{failed}
## Stacked MNIST

A thousand classes, of which VEEGAN's protocol counts those that {COUNTS[STACKED_MNIST.name]:,} drawn pictures show,
each recognised by our judge of MNIST, channel by channel ([the data set](datasets.md#stacked_mnist)). KL is that of
their frequencies from even ones, in nats; perfect drawing has {_by_chance():.3f} by chance alone.

![Modes and KL against pictures seen](modes.svg)

{chr(10).join(_tabulate_curves(stacked, real[STACKED_MNIST.name]))}

## Beside the printed tables

{chr(10).join(_tabulate_printed(stacked, real[STACKED_MNIST.name]))}

A family that is told the class is asked for classes at random, so it need not find the modes by itself: the printed
ones all do. Budgets differ: VEEGAN and PacGAN train for 50 passes of 128,000 pictures, the later ones for longer.
The printed ones recognise by networks of their own.

## Ring and grid

Modes found by {COUNTS[RING.name]:,} drawn points, and the share of points of high quality, which are at most three
deviations from a mode: VEEGAN's protocol, on points drawn as blobs ([the data sets](datasets.md#ring-and-grid)). So
figures compare between our rows; with the printed ones only roughly.

{chr(10).join(_tabulate_toys(toys, real))}
{_show_toys(picture)}"""


def _show_toys(picture: str) -> str:
    if not picture:
        return ""
    return f"""
![What each draws in the end]({picture})

The first {TOY_COLUMNS} pictures of each that has ended, the classes in turn where it is told the mode. [Why a family
may find none](measurements.md#a-lattice-on-the-toys).
"""


def _by_chance() -> float:
    return (len(STACKED_MNIST.classes) - 1) / (2 * COUNTS[STACKED_MNIST.name])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _show(found: Mapping[str, float | None], *names_: str) -> tuple[str, ...]:
    forms = {"modes": "{:.0f}", "kl": "{:.3f}", "high_quality": "{:.1%}"}
    return tuple("" if (value := found.get(one)) is None else forms[one].format(value) for one in names_)


def _tabulate_curves(runs: Sequence[Run], real: Mapping[str, float | None]) -> Iterator[str]:
    yield _row("family:preset", "pictures seen", "modes", "KL")
    yield "|---|---:|---:|---:|"
    yield _row("*real pictures*", "", *_show(real, "modes", "kl"))
    for run in runs:
        for step, found in run.noted.items():
            yield _row(run.told, f"{_seen(run, step):,}", *_show(found, "modes", "kl"))


def _seen(run: Run, step: int) -> int:
    return step * run.images_per_step


def _tabulate_printed(runs: Sequence[Run], real: Mapping[str, float | None]) -> Iterator[str]:
    yield _row("model", "modes", "KL", "source")
    yield "|---|---:|---:|---|"
    for one in PRINTED:
        yield _row(one.model, one.modes, one.kl, SOURCES[one.source])
    for run in runs:
        step, found = max(run.noted.items())
        told = " told the class," if run.is_told_classes else ""
        yield _row(f"**{run.told}**", *_show(found, "modes", "kl"), f"here,{told} {_seen(run, step):,} pictures")
    yield _row("*real pictures*", *_show(real, "modes", "kl"), "here")


def _tabulate_toys(runs: Sequence[Run], real: Mapping[str, Mapping[str, float | None]]) -> Iterator[str]:
    yield _row("model", "ring: modes of 8", "high quality", "grid: modes of 25", "high quality", "pictures seen")
    yield "|---|---:|---:|---:|---:|---|"
    for one in PRINTED_TOYS:
        yield _row(f"{one.model}, as VEEGAN prints it", one.ring, one.ring_quality, one.grid, one.grid_quality, "")
    for told in dict.fromkeys(run.told for run in runs):
        mine = {run.dataset: run for run in runs if run.told == told}
        cells = [cell for toy in MIXTURES for cell in _show(_last(mine.get(toy)), "modes", "high_quality")]
        known = next(iter(mine.values()))
        label = f"**{told}**" + (", told the mode" if known.is_told_classes else "")
        yield _row(label, *cells, f"{_seen(known, max(known.noted)):,}")
    yield _row("*real points*", *(cell for toy in MIXTURES for cell in _show(real[toy], "modes", "high_quality")), "")


def _last(run: Run | None) -> Mapping[str, float | None]:
    return {} if run is None else run.noted[max(run.noted)]


def draw(runs: Sequence[Run], real: Mapping[str, float | None]) -> str:
    """Return the picture of the runs on Stacked MNIST, as SVG: modes and KL against pictures seen."""
    panels = [
        Panel("modes found, of 1000; more is better", _curves(runs, "modes"), real["modes"]),
        Panel("KL from even classes; less is better", _curves(runs, "kl"), real["kl"], is_logarithmic=True),
    ]
    return draw_panels(panels, title="Stacked MNIST", x_title="pictures seen by the discriminator")


def _curves(runs: Sequence[Run], name: str) -> list[Curve]:
    return [
        Curve(run.told, [(_seen(run, step), value) for step, found in run.noted.items() if (value := found[name])])
        for run in runs
    ]


def report(runs: Sequence[Run], out: Path, *, told: str, failures: Mapping[str, str]) -> list[Path]:
    """Write the page and the pictures; return their paths."""
    settings = runs[0].settings
    real = {name: look_at_real(name, settings) for name in (STACKED_MNIST.name, *MIXTURES)}
    stacked = [run for run in runs if run.dataset == STACKED_MNIST.name and run.noted]
    toys = {run.name: load_sampler(run.checkpoint) for run in runs if run.dataset in MIXTURES and run.read()}
    files = {
        "modes.md": describe(runs, real, told=told, failures=failures, picture="toys.png" if toys else "").encode(),
        "modes.svg": draw(stacked, real[STACKED_MNIST.name]).encode(),
    }
    if toys:
        files["toys.png"] = draw_rows(toys, seed=runs[0].seed, columns=TOY_COLUMNS)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    return [out / name for name in files]


# --- All of it ----------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what is left to do, and write the results."""
    chosen = _parse(arguments)
    settings = share_threads(WorkerSettings(), chosen.jobs)
    try:
        runs = list(_plan(chosen, settings))
    except (UnknownFamilyError, UnknownPresetError) as error:
        raise SystemExit(str(error)) from None
    failures = {} if chosen.report else do_left(work, runs, settings, jobs=chosen.jobs).failures
    print(*report(runs, chosen.out, told=_command(chosen, settings), failures=failures), sep="\n")


def _plan(chosen: argparse.Namespace, settings: WorkerSettings) -> Iterator[Run]:
    root = chosen.dir or settings.data_dir / "modes"
    asked = [(name, STACKED_MNIST.name, chosen.budget, chosen.points) for name in chosen.families]
    asked += [(name, toy, chosen.toy_budget, TOY_POINTS) for name in chosen.toys for toy in MIXTURES]
    for name, dataset, budget, points in asked:
        family_name, _, preset = name.partition(":")
        family = find_family(family_name)
        preset = preset or family.default_preset
        family.preset(preset)
        yield Run(family_name, preset, find_dataset(dataset).name, budget, chosen.seed, root, settings, points=points)


def _command(chosen: argparse.Namespace, settings: WorkerSettings) -> str:
    options = {
        "--families": ",".join(chosen.families) if chosen.families != [FLAGSHIP] else "",
        "--budget": chosen.budget,
        "--points": chosen.points,
        "--toys": ",".join(chosen.toys) if chosen.toys != list(TOYS) else "",
        "--toy-budget": chosen.toy_budget,
        "--seed": chosen.seed,
        "--jobs": chosen.jobs if chosen.jobs > 1 else 0,
    }
    return command("modes", options, settings)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=names, default=[FLAGSHIP], help="on Stacked MNIST, as a,b:preset")
    parser.add_argument("--budget", type=positive, default=300_000, help="pictures that each discriminator sees there")
    parser.add_argument("--points", type=positive, default=8, help="of the curve there: each takes a minute or two")
    parser.add_argument("--toys", type=names, default=list(TOYS), help="families on the ring and the grid")
    parser.add_argument("--toy-budget", type=positive, default=200_000, help="pictures of each training there")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=positive, default=1, help="trainings at a time; they share the threads")
    parser.add_argument("--report", action="store_true", help="train nothing: write what there is")
    parser.add_argument("--dir", type=Path, help="what has been done so far; default modes in GANERY_DATA_DIR")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where the results go")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
