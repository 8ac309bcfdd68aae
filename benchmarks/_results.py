"""What came of the zoo's trainings, as a page, a picture, and the figures that the service shows."""

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from app.teaching.zoo_results import ZooResults, ZooTraining
from benchmarks._figures import Figure
from checkpoints.files import write_whole
from metrics import find_metric, metrics, show
from models import Sampler, lay_out, to_pixels

LUCIC_MNIST: Mapping[str, tuple[float, float]] = {
    "gan:minimax": (9.8, 0.9),
    "gan:neutral": (6.8, 0.5),
    "lsgan:neutral": (7.8, 0.6),
    "wgan:neutral": (6.7, 0.4),
    "wgan_gp:neutral": (20.3, 5.0),
    "dragan:neutral": (7.6, 0.4),
    "began:neutral": (13.1, 1.0),
}
"""FID on MNIST, mean and standard deviation: Lucic et al. 2018, https://arxiv.org/abs/1711.10337, table 2.

Measured in Inception's features after 20 passes: 50 seeds of the best of 100 random choices of hyperparameters.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one training.

    ships: the name of a checkpoint that ships, which had a budget of its own; None for a training of the zoo. images:
    pictures that the discriminator saw. images_per_second: of training alone; None where too few steps were timed.
    figures: by metric; None where one does not apply.
    """

    family: str
    preset: str
    ships: str | None
    images: int
    averaging_half_life: float
    images_per_second: float | None
    arithmetic: str
    threads: int
    torch: str
    figures: Mapping[str, Figure | None]

    @property
    def name(self) -> str:
        """The family and the preset, or the name under which it ships."""
        return f"{self.family}:{self.preset}" if self.ships is None else self.ships

    def value(self, metric: str) -> float:
        """Return a metric's value. Raises KeyError where it is not known."""
        if (found := self.figures.get(metric)) is None:
            raise KeyError(metric)
        return found.value


def rank(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes from the smallest FD to the largest; equal ones by name."""
    return sorted(outcomes, key=lambda outcome: (outcome.value("fd"), outcome.name))


# --- The page -----------------------------------------------------------------------------------------------------

_MAIN = ("fd", "label_accuracy", "precision", "recall", "density", "coverage", "classes_covered")
_REAL = "*real pictures*"

_FORMS: Mapping[str, str] = {
    "fd": ".2f",
    **dict.fromkeys(("precision", "recall", "density", "coverage"), ".2f"),
    **dict.fromkeys(("classes_covered", "modes_covered"), ".0f"),
    **dict.fromkeys(("label_accuracy", "gan_train", "gan_test"), ".2%"),
}
"""How values are shown; all others with four digits."""


def tabulate(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the lines of the table of what is looked at first, by FD, below what real pictures have."""
    titles = [find_metric(name).title for name in _MAIN]
    head = ("family:preset", titles[0], "times the floor", *titles[1:], "pictures/s", "FID of Lucic et al.")
    floors = [_floor(name, outcomes) for name in _MAIN]
    return _lay_out(head, [(_REAL, floors[0], "1.0", *floors[1:], "", ""), *map(_row_of, rank(outcomes))])


def _row_of(outcome: Outcome) -> Sequence[str]:
    first, *others = (_show(name, outcome.figures[name]) for name in _MAIN)
    return _label(outcome), first, f"{_ratio(outcome):.1f}", *others, *_beside(outcome)


def tabulate_rest(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the lines of the table of all other metrics that were measured, in the same order."""
    rest = [name for name in metrics() if name not in _MAIN and any(name in one.figures for one in outcomes)]
    head = ("family:preset", *(find_metric(name).title for name in rest))
    real = (_REAL, *(_floor(name, outcomes) for name in rest))
    better = ("*better*", *(f"*{find_metric(name).better}*" for name in rest))
    rows = [(_label(one), *(_show(name, one.figures.get(name)) for name in rest)) for one in rank(outcomes)]
    return _lay_out(head, [better, real, *rows])


def _lay_out(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_row(head), "|---|" + "---:|" * (len(head) - 1), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _label(outcome: Outcome) -> str:
    return outcome.name + (" †" if outcome.ships else "") + ("" if outcome.averaging_half_life else " \\*")


def _ratio(outcome: Outcome) -> float:
    found = outcome.figures["fd"]
    assert found is not None  # FD applies to whatever has a judge
    return found.value / found.floor


def _beside(outcome: Outcome) -> tuple[str, str]:
    known = None if outcome.ships else LUCIC_MNIST.get(outcome.name)
    rate = outcome.images_per_second
    return "" if rate is None else f"{rate:.0f}", "" if known is None else f"{known[0]} ± {known[1]}"


def _show(name: str, figure: Figure | None) -> str:
    return "" if figure is None else _form(name, figure.value)


def _floor(name: str, outcomes: Sequence[Outcome]) -> str:
    """Return what real pictures have: those of equal protocols have the same."""
    floors = {_form(name, found.floor) for one in outcomes if (found := one.figures.get(name)) is not None}
    return " / ".join(sorted(floors))


def _form(name: str, value: float) -> str:
    return format(value, _FORMS[name]) if name in _FORMS else show(value)


def describe(
    outcomes: Sequence[Outcome], *, command: str, budget: int, jobs: int, failures: Mapping[str, str], picture: str
) -> str:
    """Return the page as Markdown. picture: its address from the page."""
    trained = [outcome for outcome in outcomes if outcome.ships is None]
    threads = "/".join(sorted({str(outcome.threads) for outcome in outcomes}))
    versions = ", ".join(sorted({outcome.torch for outcome in trained}))
    arithmetic = ", ".join(sorted({outcome.arithmetic for outcome in trained}))
    counts = "/".join(sorted({f"{one.count:,}" for outcome in outcomes if (one := outcome.figures["fd"]) is not None}))
    failed = "".join(f"\nNot in the table: `{name}` failed: {reason}.\n" for name, reason in failures.items())
    ships = "".join(f"{one.name} after {one.images:,}; " for one in outcomes if one.ships)
    return f"""# The zoo at an equal budget

Every family after the discriminator has seen {budget:,} pictures of MNIST.

    {command}

{os.cpu_count()} cores, {jobs} training{"" if jobs == 1 else "s"} at a time with {threads} \
thread{"" if threads == "1" else "s"} each, torch {versions}, {arithmetic}.

{chr(10).join(tabulate(outcomes))}
{failed}
![Pictures of each, the names at the left]({picture})

In the picture, the rows stand as in the table; the noise is of the same seed in each, and the classes are 0 to 9 in
turn where a family takes labels.

## By all other metrics

{chr(10).join(tabulate_rest(outcomes))}

## How to read it

* Each value is of {counts} drawn pictures, beside the test pictures, in the features of our classifier `judge-mnist`
  ([why](decisions/0008-a-judge-of-our-own.md)). The row of real pictures is the floor: as many training pictures in
  the place of the drawn ones; for GAN-test and the nearest training picture, the test pictures. [What each metric
  means, and what it cannot see](metrics.md). A place is empty where one does not apply: label accuracy, GAN-train and
  GAN-test need a family that takes labels.
* Pictures are drawn by the moving average of the weights; \\* marks presets that keep none.
* † marks a checkpoint that ships, which had a budget of its own: {ships or "there is none here; "}it stands here to \
show what the same metrics say of a longer training.
* `pictures/s` are pictures seen by the discriminator in a second of training, without loading, drawing and saving.
  An equal budget of pictures is not one of time: where the discriminator steps several times to one step of the
  generator, the generator has stepped more rarely. Machines differ and are shared: compare ratios.
* The presets in the frame of `neutral` (batches of 64, the same averaging) differ by their loss and what it needs; the
  others bring networks and batches of their own, and are meant for budgets of their own: a short budget favours
  small networks and high learning rates. One seed: small differences mean nothing.
* The last column is from Lucic et al. 2018, [Are GANs created equal?](https://arxiv.org/abs/1711.10337), table 2: FID
  in Inception's features after 20 passes through MNIST, mean and standard deviation over 50 seeds of the best of 100
  random choices of hyperparameters. Other features, budget and search: its values are not comparable with FD, only
  its order.
"""


# --- The picture --------------------------------------------------------------------------------------------------

_PAPER, _INK = 255, 0
_GAP = 4
_TEXT = 15


def draw_rows(samplers: Mapping[str, Sampler], *, seed: int, columns: int, scale: int = 2) -> bytes:
    """Draw a row of pictures of each sampler on the same noise, its name at the left; return a PNG."""
    font = ImageFont.load_default(_TEXT)
    margin = 2 * _GAP + max(int(font.getlength(name)) for name in samplers)
    strips = [_strip(sampler, seed=seed, columns=columns, scale=scale) for sampler in samplers.values()]
    width = margin + max(strip.width for strip in strips)
    sheet = Image.new("RGB", (width, sum(strip.height + _GAP for strip in strips) - _GAP), (_PAPER,) * 3)
    pen, top = ImageDraw.Draw(sheet), 0
    for name, strip in zip(samplers, strips, strict=True):
        pen.text((_GAP, top + strip.height // 2), name, fill=(_INK,) * 3, font=font, anchor="lm")
        sheet.paste(strip, (margin, top))
        top += strip.height + _GAP
    file = io.BytesIO()
    _reduce(sheet, samplers).save(file, "PNG", optimize=True)
    return file.getvalue()


def _strip(sampler: Sampler, *, seed: int, columns: int, scale: int) -> Image.Image:
    classes = len(sampler.config.dataset.classes)
    labels = [place % classes for place in range(columns)]
    images = sampler.sample(range(columns), seed=seed, labels=labels)
    pixels = lay_out(to_pixels(images), columns=columns, scale=scale)
    channels = pixels.shape[-1]
    return Image.fromarray((pixels[..., 0] if channels == 1 else pixels[..., :3]).numpy()).convert("RGB")


def _reduce(sheet: Image.Image, samplers: Mapping[str, Sampler]) -> Image.Image:
    """Keep one channel where all pictures are grey."""
    is_grey = all(sampler.config.dataset.channels == 1 for sampler in samplers.values())
    return sheet.convert("L") if is_grey else sheet


# --- The figures --------------------------------------------------------------------------------------------------


def gather(outcomes: Sequence[Outcome], *, dataset: str, budget: int, seed: int) -> ZooResults:
    """Return the figures that the service shows, in the order of the table: of the trainings of this budget."""
    trained = [one for one in rank(outcomes) if not one.ships]
    return ZooResults(
        dataset=dataset, budget=budget, count=_count(trained), seed=seed, trainings=[*map(_training, trained)]
    )


def _count(outcomes: Sequence[Outcome]) -> int:
    (count,) = {found.count for one in outcomes if (found := one.figures["fd"]) is not None}
    return count


def _training(outcome: Outcome) -> ZooTraining:
    """Return the metrics by name, as checkpoints have them, to seven digits."""
    known = {name: found for name, found in outcome.figures.items() if found is not None}
    values = {name: found.value for name, found in known.items()}
    floors = {f"{name}_floor": found.floor for name, found in known.items()}
    rounded = {name: float(f"{value:.7g}") for name, value in (values | floors).items()}
    return ZooTraining(family=outcome.family, preset=outcome.preset, images=outcome.images, metrics=rounded)


def write_figures(file: Path, figures: ZooResults) -> None:
    """Write the figures where the service reads them."""
    write_whole(file, f"{figures.model_dump_json(indent=2)}\n".encode())


def write(directory: Path, page: str, picture: bytes) -> tuple[Path, Path]:
    """Write `results.md` and `results.png`; return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    files: dict[str, Any] = {"results.md": page.encode(), "results.png": picture}
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory / "results.md", directory / "results.png"
