"""One training at a budget of pictures, which another process may have begun or ended."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from benchmarks._crew import Tell
from benchmarks._stopwatch import TRAINING_SHARE, Stopwatch
from checkpoints.format import CheckpointError, read_metadata
from ganery.local_training import train
from models import Preset, find_dataset, find_family
from workers.settings import WorkerSettings

LEAST_INTERVAL = 10
"""Steps between checkpoints at least: those beside a report are not timed."""


def frame(preset: Preset[Any]) -> tuple[float, ...]:
    """Return batches, budget and averaging of a preset: what is not its loss."""
    return preset.batch_size, preset.images, preset.averaging_half_life


@dataclass(frozen=True, slots=True)
class Budgeted:
    """A training by a preset. budget: pictures that the discriminator sees. root: where each has a directory."""

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
        recipe = preset.hyperparameters.model_dump(mode="json"), *frame(preset)[::2]
        asked = (recipe, self.dataset, self.budget, self.seed, self.settings.precision)
        digest = blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=4).hexdigest()
        return self.root / f"{self.family}-{self.preset}-{digest}"

    @property
    def checkpoint(self) -> Path:
        """The newest checkpoint."""
        return max((self.directory / "checkpoints").glob("[0-9]*"))

    @property
    def images_per_step(self) -> int:
        """Pictures that a step of the training shows to the discriminator."""
        return self._count()[0]

    @property
    def steps(self) -> int:
        """The steps that use up the budget."""
        return self._count()[1]

    @property
    def is_trained(self) -> bool:
        """Whether its last checkpoint is there."""
        try:
            return read_metadata(self.checkpoint).step >= self.steps
        except (ValueError, CheckpointError):
            return False

    def _count(self) -> tuple[int, int]:
        family = find_family(self.family)
        preset = family.preset(self.preset)
        config = family.configure(preset.hyperparameters.model_dump(), find_dataset(self.dataset))
        per_step = family.images_per_step(config, preset.batch_size)
        return per_step, family.total_steps(config, preset.batch_size, self.budget)


W = TypeVar("W", bound=Stopwatch)


def train_left(run: Budgeted, watch: Callable[[int], W], tell: Tell, *, checkpoints: int) -> W | None:
    """Train what is left of a run; None where Ctrl-C was pressed, after all was saved.

    watch: makes what follows the training, of the pictures in a step. checkpoints: as many, if the steps allow. Its
    pictures are judged at its end alone, so that no step that is timed waits for it. Raises one of `train`'s errors.
    """
    watching = watch(run.images_per_step)
    if run.is_trained:
        return watching
    interval = max(LEAST_INTERVAL, -(-run.steps // checkpoints))
    wish = {
        "family": run.family,
        "preset": run.preset,
        "dataset": run.dataset,
        "seed": run.seed,
        "images": run.budget,
        "checkpoint_interval": interval,
        "metrics_interval": interval,
        "quality_interval": run.steps,
        "sample_interval": run.steps,
    }
    result = train(wish, run.directory, run.settings, watching)
    watching.keep()
    if not result.is_finished:
        tell(TRAINING_SHARE * result.step / run.steps, f"interrupted at step {result.step} of {run.steps}")
        return None
    return watching
