"""What came of the zoo's trainings, as a page, a picture, and the figures that the service shows."""

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from pydantic import BaseModel, ConfigDict

from app.zoo_results import ZooResults, ZooTraining
from checkpoints.files import write_whole
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


class Outcome(BaseModel):
    """What came of one training. Frozen; kept as JSON.

    images: pictures that the discriminator saw. images_per_second: of training alone; None where too few steps were
    timed. distance, floor: FD of the drawn pictures and of as many real ones. accuracy: of labels, where conditional.
    classes: those covered, of `classes_known`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    preset: str
    steps: int
    images: int
    averaging_half_life: float
    images_per_second: float | None
    arithmetic: str
    threads: int
    torch: str
    count: int
    distance: float
    floor: float
    precision: float
    recall: float
    density: float
    coverage: float
    accuracy: float | None
    classes: int
    classes_known: int

    @property
    def name(self) -> str:
        """The family and the preset."""
        return f"{self.family}:{self.preset}"


def rank(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes from the smallest FD to the largest; equal ones by name."""
    return sorted(outcomes, key=lambda outcome: (outcome.distance, outcome.name))


# --- The page -----------------------------------------------------------------------------------------------------

_HEAD = (
    "family:preset",
    "FD",
    "times the floor",
    "precision",
    "recall",
    "density",
    "coverage",
    "label accuracy",
    "classes",
    "pictures/s",
    "FID of Lucic et al.",
)


def tabulate(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the lines of the table, by FD."""
    head = [_row(_HEAD), "|---|" + "---:|" * (len(_HEAD) - 1)]
    return head + [_row(_cells(outcome)) for outcome in rank(outcomes)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(outcome: Outcome) -> tuple[str, ...]:
    known = LUCIC_MNIST.get(outcome.name)
    shares = (outcome.precision, outcome.recall, outcome.density, outcome.coverage)
    return (
        outcome.name + ("" if outcome.averaging_half_life else " \\*"),
        f"{outcome.distance:.2f}",
        f"{outcome.distance / outcome.floor:.1f}",
        *(f"{share:.2f}" for share in shares),
        "" if outcome.accuracy is None else f"{outcome.accuracy:.1%}",
        f"{outcome.classes}/{outcome.classes_known}",
        "" if outcome.images_per_second is None else f"{outcome.images_per_second:.0f}",
        "" if known is None else f"{known[0]} ± {known[1]}",
    )


def describe(
    outcomes: Sequence[Outcome], *, command: str, budget: int, jobs: int, failures: Mapping[str, str], picture: str
) -> str:
    """Return the page as Markdown. picture: its address from the page."""
    threads = "/".join(sorted({str(outcome.threads) for outcome in outcomes}))
    versions = ", ".join(sorted({outcome.torch for outcome in outcomes}))
    arithmetic = ", ".join(sorted({outcome.arithmetic for outcome in outcomes}))
    floors = "/".join(sorted({f"{outcome.floor:.3f}" for outcome in outcomes}))
    counts = "/".join(sorted({f"{outcome.count:,}" for outcome in outcomes}))
    failed = "".join(f"\nNot in the table: `{name}` failed: {reason}.\n" for name, reason in failures.items())
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

## How to read it

* FD is the Fréchet distance of {counts} drawn pictures to the test pictures in the features of our classifier
  `judge-mnist` ([why](decisions/0008-a-judge-of-our-own.md)); as many real training pictures have {floors}, the floor.
  Less is better. Precision and density say how many drawn pictures look real, recall and coverage how much of the real
  ones is met; real pictures have about 0.95 in each.
* Label accuracy is the share recognised as the class that was asked for, where a family takes labels.
* `classes` counts those that at least 1 % of the drawn pictures are recognised as.
* Pictures are drawn by the moving average of the weights; \\* marks presets that keep none.
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
    """Return the figures that the service shows, in the order of the table."""
    return ZooResults(
        dataset=dataset,
        budget=budget,
        count=outcomes[0].count,
        seed=seed,
        trainings=[
            ZooTraining(family=one.family, preset=one.preset, images=one.images, metrics=_metrics(one))
            for one in rank(outcomes)
        ],
    )


def _metrics(outcome: Outcome) -> dict[str, float]:
    """Return metrics by name, as checkpoints have them, to four digits behind the point."""
    known = {
        "fd": outcome.distance,
        "fd_floor": outcome.floor,
        "precision": outcome.precision,
        "recall": outcome.recall,
        "density": outcome.density,
        "coverage": outcome.coverage,
        "classes_covered": outcome.classes,
        "label_accuracy": outcome.accuracy,
    }
    return {name: round(value, 4) for name, value in known.items() if value is not None}


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
