"""`ganery train --local`: a training in this process, with the loop and the trainer of the workers.

DIR/checkpoints/<step>/    as the service keeps them; the newest can be continued
DIR/samples/<step>.png     the same noise at every time
DIR/watch.json             what the watch for a collapse saw and told
DIR/training.lock          held by the training process: two would overwrite each other
"""

import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from pydantic import ValidationError

from checkpoints.format import Checkpoint, CheckpointError, load, read_metadata, recover, remove
from datasets import DatasetUnavailableError, load_dataset
from ganery.display import TrainingBar
from ganery.holding import HeldError, hold
from ganery.processes import Say
from ganery.settings import explain
from ganery.watch_notes import WatchNotes
from models import Symptom, UnknownDatasetError
from store.jobs import JobRequest
from store.phases import Phase
from store.requests import RequestError, TrainRequest, complete
from store.retention import Headline, comparable
from store.settings import StoreSettings
from store.states import Wish
from workers.inspection import HEADLINE
from workers.keeper import retire, write
from workers.loop import TrainingCollapsedError, run
from workers.pace import Pace
from workers.settings import WorkerSettings
from workers.trainer import CheckpointMismatchError, TrainingDivergedError
from workers.watch import Past

DEFAULT_SEED = 0
"""Fixed, so that the same command, given again, goes on where the last one was interrupted."""


class WishError(Exception):
    """A training cannot be asked for so."""

    def __init__(self, error: ValidationError) -> None:
        super().__init__(explain(error, TrainRequest))


class AnotherTrainingError(Exception):
    """The directory holds the checkpoints of another training."""

    def __init__(self, directory: Path, mismatch: CheckpointMismatchError) -> None:
        super().__init__(f"{directory} holds another training: {mismatch}; name another directory with --out")


class AlreadyTrainingError(Exception):
    """Another process trains in the directory."""

    def __init__(self, directory: Path, owner: str) -> None:
        super().__init__(
            f"another training runs in {directory} (process {owner}): wait for its end, or name another directory "
            "with --out"
        )


ERRORS = (
    AlreadyTrainingError,
    AnotherTrainingError,
    CheckpointError,
    DatasetUnavailableError,
    OSError,
    RequestError,
    TrainingCollapsedError,
    TrainingDivergedError,
    UnknownDatasetError,
    WishError,
)
"""What a person can mend."""


@dataclass(frozen=True, slots=True)
class Result:
    """Where a training stands at its end. checkpoint: where it lies, if a step was taken."""

    checkpoint: Path
    step: int
    total_steps: int

    @property
    def is_finished(self) -> bool:
        """Whether it was not interrupted."""
        return self.step >= self.total_steps


class Bench:
    """What the loop finds around it where no service is: a person who watches, and a directory.

    step: what the training has reached. samples: the directory of the sample grids.
    """

    def __init__(self, directory: Path, request: JobRequest, total_steps: int, bar: TrainingBar) -> None:
        self.samples = directory / "samples"
        self._checkpoints = directory / "checkpoints"
        self._request, self._total_steps, self._bar = request, total_steps, bar
        self._pace = Pace(request, total_steps)
        self._step = 0
        self._is_interrupted = False
        self._continued: Path | None = None
        self._notes = WatchNotes(directory / "watch.json")

    @property
    def step(self) -> int:
        """What the training has reached."""
        return self._step

    @step.setter
    def step(self, step: int) -> None:
        self._step = step
        self._pace.look(step)
        self._tell_pace()
        self._bar.move("training", step, self._total_steps)

    @property
    def phase(self) -> Phase:
        """What the training does."""
        return self._pace.phase

    @phase.setter
    def phase(self, phase: Phase) -> None:
        self._pace.turn(phase)
        self._tell_pace()

    def _tell_pace(self) -> None:
        self._bar.turn(self.phase, self._pace.remaining(self._step))

    @property
    def wish(self) -> Wish:
        """That the training saves and ends, after Ctrl-C."""
        return Wish.PREEMPT if self._is_interrupted else Wish.NONE

    def interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """Wish the end: for a signal handler. The next signal of the kind ends the process at once."""
        self._is_interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def place(self, step: int) -> Path:
        """Return the directory of the checkpoint of a step."""
        return self._checkpoints / f"{step:08d}"

    def log(self, line: str) -> None:
        """Show a line."""
        self._bar.say(line)

    def warn(self, line: str) -> None:
        """Show a line."""
        self._bar.say(line)

    def metric(self, step: int, terms: Mapping[str, float]) -> None:
        """Show the newest losses."""
        self._bar.losses(terms)

    def quality(self, step: int, data: Mapping[str, object]) -> None:
        """Note it for the watch of a training that goes on; a person finds it in the checkpoints' metadata."""
        self._notes.see(step, data)

    def collapse(self, step: int, symptom: Symptom, warning: str) -> None:
        """Show a warning, unless an earlier run did that ended before it came so far again."""
        if self._notes.tell(step, symptom):
            self._bar.say(f"step {step}: {warning}")

    def ask_pause(self) -> None:
        """Say nothing: the training ends, and the same command goes on."""

    def past(self, step: int) -> Past:
        """Return what earlier runs saw up to a step, and what they told."""
        return self._notes.past(step)

    def sample(self, step: int, data: Mapping[str, int]) -> None:
        """Say nothing: the grid is on disk."""

    def confirm(self) -> None:
        """Do nothing: no other process has this training."""

    def keep(self, checkpoint: Checkpoint, metrics: Mapping[str, float], headline: Headline) -> None:
        """Save a checkpoint, unless it is the one that was continued; only the newest ones can be continued.

        Those that the training does not keep beside it are removed.
        """
        place = self.place(checkpoint.metadata.step)
        if place == self._continued:
            return
        write(checkpoint, metrics, headline.judge, place)
        self._bar.say(f"checkpoint at step {checkpoint.metadata.step}")
        earlier = [directory for directory in self._newest_first() if directory < place]
        for directory in self._forget([place, *earlier]):
            remove(directory)
            earlier.remove(directory)
        retire(earlier)

    def _forget(self, directories: Sequence[Path]) -> list[Path]:
        """Return those of the checkpoints that the training does not keep. A damaged one is none of them."""
        if self._request.keep is None:
            return []
        known = {}
        for directory in directories:
            with suppress(CheckpointError):
                known[directory] = read_metadata(directory)
        headlines = comparable({one.step: Headline(one.metrics.get(HEADLINE), one.judge) for one in known.values()})
        kept = self._request.keep.choose(
            headlines, interval=self._request.checkpoint_interval, total_steps=self._total_steps
        )
        return [directory for directory, metadata in known.items() if metadata.step not in kept]

    def latest(self) -> Checkpoint | None:
        """Return the newest checkpoint that a training can continue from; damaged ones are told and passed over.

        Where there is none, the training begins anew: the sample grids of one that left no checkpoint are removed.
        """
        self._notes.read()
        recover(self._checkpoints)  # the directory is held, so no other process saves
        for directory in self._newest_first():
            try:
                found = load(directory, for_training=True)
                self._continued = directory
                return found
            except CheckpointError as error:
                self.log(f"not continuing from there: {error}")
        self._notes.clear()
        for grid in self.samples.glob("[0-9]*.png"):
            grid.unlink()
        return None

    def _newest_first(self) -> list[Path]:
        return sorted(self._checkpoints.glob("[0-9]*"), reverse=True)


def train(wish: Mapping[str, Any], directory: Path | None, settings: WorkerSettings, bar: TrainingBar) -> Result:
    """Train until the image budget is used up or Ctrl-C is pressed, from the newest checkpoint in the directory.

    Raises one of ERRORS.
    """
    try:
        request, total_steps = complete(TrainRequest.model_validate({"seed": DEFAULT_SEED, **wish}))
    except ValidationError as error:
        raise WishError(error) from None
    name = f"{request.family}-{request.dataset}-{request.seed}"
    place = directory or settings.data_dir / "local" / name
    bench = Bench(place, request, total_steps, bar)
    before = signal.signal(signal.SIGINT, bench.interrupt)
    try:
        with hold(place / "training.lock"):
            run(settings, request, pulse=bench, reporter=bench, keeper=bench, samples=bench.samples)
    except HeldError as error:
        raise AlreadyTrainingError(place, error.owner) from None
    except CheckpointMismatchError as error:
        raise AnotherTrainingError(place, error) from None
    finally:
        signal.signal(signal.SIGINT, before)
    return Result(bench.place(bench.step), bench.step, total_steps)


def fetch(dataset: str, settings: StoreSettings, say: Say) -> None:
    """Put a data set into the data directory. Raises one of ERRORS."""
    for split in ("train", "test"):
        pictures = load_dataset(dataset, settings.datasets, split=split, report=say)
        say(f"{dataset}: {len(pictures.labels)} pictures to {split} are in {settings.datasets}")
