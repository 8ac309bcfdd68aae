"""The loop of a training: steps, and what is told and kept on the way.

At each step the order is metrics, quality, samples, checkpoint, so whatever precedes a checkpoint is on record before
it. What is due at a step depends on the step alone. So a training that continues from a checkpoint repeats
what came after it to the last bit, and the records keep the first of each.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Protocol

import torch

from checkpoints.files import remove_asides, write_whole
from checkpoints.format import Checkpoint
from datasets import DatasetUnavailableError, load_dataset
from models import Sampler, Symptom, encode_png, find_family, lay_out, to_pixels
from store.checkpoints import CheckpointStore
from store.database import Database
from store.events import EventStore
from store.jobs import Claim, JobRequest, JobStore
from store.phases import Phase
from store.retention import Headline
from store.sample_grids import SAMPLE_COLUMNS, labels_of_rows
from store.settings import sample_name
from store.states import Cancelled, Outcome, Paused, Preempted, Succeeded, Wish
from workers.inspection import Inspection, Inspector
from workers.keeper import CheckpointKeeper
from workers.pulse import Pulse
from workers.reporter import Reporter
from workers.settings import WorkerSettings
from workers.trainer import Plan, Trainer
from workers.watch import Past, Watch, explain

SAMPLE_SEED = 0
"""The noise of every sample grid of every job: so those of two jobs can be compared, whatever their seeds."""

PASSING_FAULTS = (OSError, MemoryError, torch.OutOfMemoryError, DatasetUnavailableError)
"""What may end a training and spare its next attempt: a full disk, a memory or a device that others use, a network."""


class TrainingCollapsedError(ArithmeticError):
    """The pictures show that the training has collapsed, and it was asked for that it then ends."""

    def __init__(self, step: int, symptom: Symptom, warning: str) -> None:
        self.step, self.symptom = step, symptom
        super().__init__(f"the training collapsed before step {step}: {warning}")


class Surroundings(Protocol):
    """Where a training stands in the world: takes the steps that it reaches and what it does, and brings wishes."""

    step: int
    phase: Phase

    @property
    def wish(self) -> Wish:
        """What the training is asked to do."""


class Listener(Protocol):
    """Hears what a training tells."""

    def log(self, line: str) -> None:
        """Hear a line of progress for a person to read."""

    def warn(self, line: str) -> None:
        """Hear what went wrong and does not end the training."""

    def metric(self, step: int, terms: Mapping[str, float]) -> None:
        """Hear the means of the terms since the last metrics."""

    def quality(self, step: int, data: Mapping[str, object]) -> None:
        """Hear what the pictures of a step look like."""

    def collapse(self, step: int, symptom: Symptom, warning: str) -> None:
        """Hear that the training collapses, and what to do about it."""

    def ask_pause(self) -> None:
        """Hear that the training should be held until a person has looked at it."""

    def past(self, step: int) -> Past:
        """Return what earlier attempts saw up to a step, and what they told."""

    def sample(self, step: int, data: Mapping[str, int]) -> None:
        """Hear that the grid of a step is on disk."""

    def confirm(self) -> None:
        """Make sure that the training is still ours."""


class Keeper(Protocol):
    """Keeps the checkpoints of one training."""

    def latest(self) -> Checkpoint | None:
        """Return the newest one that a training can continue from."""

    def keep(self, checkpoint: Checkpoint, metrics: Mapping[str, float], headline: Headline) -> None:
        """Save one. headline: how good its pictures are, and by whom."""


_OBEDIENCE: Mapping[Wish, Outcome] = {
    Wish.CANCEL: Cancelled(),
    Wish.PAUSE: Paused(),
    Wish.PREEMPT: Preempted(),
}


def train(settings: WorkerSettings, database: Database, jobs: JobStore, claim: Claim, pulse: Pulse) -> Outcome:
    """Train a claimed job from its newest checkpoint until it ends or a wish ends it.

    Raises LeaseLostError when the job is no longer ours, one of PASSING_FAULTS, and whatever makes the training
    impossible: TrainingDivergedError, TrainingCollapsedError, CheckpointMismatchError.
    """
    reporter = Reporter(jobs, claim, EventStore(database))
    keeper = CheckpointKeeper(settings.checkpoints, CheckpointStore(database), reporter, claim)
    samples = settings.samples(claim.job.id)
    return run(settings, claim.job.request, pulse=pulse, reporter=reporter, keeper=keeper, samples=samples)


def run(
    settings: WorkerSettings,
    request: JobRequest,
    *,
    pulse: Surroundings,
    reporter: Listener,
    keeper: Keeper,
    samples: Path,
) -> Outcome:
    """Train what is asked for, wherever wishes come from and news goes. Raises what `train` raises."""
    torch.set_num_threads(settings.training_threads)
    trainer = _build_trainer(settings, request, reporter)
    newest = keeper.latest()
    remove_asides(samples)
    if newest is not None:
        trainer.restore(newest)
        reporter.log(f"continuing from step {trainer.step_count}, which was trained in {newest.metadata.precision}")
    load_test = partial(load_dataset, request.dataset, settings.datasets, split="test", report=reporter.log)
    inspector = Inspector(trainer.data, load_test, seed=request.seed, warn=reporter.warn, judged=settings.judged)
    training = Training(trainer, request, inspector, pulse=pulse, reporter=reporter, keeper=keeper, samples=samples)
    return training.run()


def _build_trainer(settings: WorkerSettings, request: JobRequest, reporter: Listener) -> Trainer:
    family = find_family(request.family)
    data = load_dataset(request.dataset, settings.datasets, report=reporter.log)
    preset = family.preset(request.preset)
    plan = Plan.of(request.preset, preset, seed=request.seed, batch_size=request.batch_size, images=request.images)
    device = settings.device or ("cuda" if torch.cuda.is_available() else "cpu")
    reporter.log(f"training {family.name} on {request.dataset}, on {device} with {settings.precision}")
    config = family.configure(request.hyperparameters, data.spec)
    return Trainer(family, config, plan, data, device=device, precision=settings.precision)


class Training:
    """A trainer at work for a job."""

    def __init__(
        self,
        trainer: Trainer,
        request: JobRequest,
        inspector: Inspector,
        *,
        pulse: Surroundings,
        reporter: Listener,
        keeper: Keeper,
        samples: Path,
    ) -> None:
        self._trainer, self._request, self._inspector = trainer, request, inspector
        self._pulse, self._reporter, self._keeper = pulse, reporter, keeper
        self._samples = samples
        self._metrics: Mapping[str, float] = {}
        self._watch = Watch(reporter.past(trainer.step_count))
        self._collapse: TrainingCollapsedError | None = None

    def run(self) -> Outcome:
        """Step until the image budget is used up or a wish is heard. Raises LeaseLostError, TrainingCollapsedError."""
        self._pulse.step = self._trainer.step_count
        if self._trainer.step_count == 0:
            self._draw(self._trainer.sampler())
        self._pulse.phase = Phase.TRAINING
        while not self._trainer.is_finished:
            outcome = _OBEDIENCE.get(self._pulse.wish)
            if outcome is not None:
                self._keep()
                return outcome
            self._trainer.step()
            self._pulse.step = self._trainer.step_count
            self._report()
            if self._collapse is not None and not self._trainer.is_finished:
                self._keep()
                if self._request.on_collapse == "stop":
                    raise self._collapse
                self._reporter.ask_pause()
                return Paused()
        return Succeeded()

    def _report(self) -> None:
        is_checkpoint = self._is_due(self._request.checkpoint_interval)
        if is_checkpoint or self._is_due(self._request.metrics_interval):
            self._metrics = self._trainer.read_metrics()  # so that no diverged network becomes a checkpoint
            self._reporter.metric(self._trainer.step_count, self._metrics)
        sampler = cache(self._trainer.sampler)  # it copies the networks: once, though two may look
        is_judged = self._is_due(self._request.quality_interval)
        inspection = self._inspect(sampler, thoroughly=is_checkpoint) if is_judged else None
        if self._is_due(self._request.sample_interval):
            self._draw(sampler())
        if is_checkpoint:
            self._keep(inspection)

    def _is_due(self, interval: int | None) -> bool:
        return interval is not None and (self._trainer.is_finished or self._trainer.step_count % interval == 0)

    def _inspect(self, sampler: Callable[[], Sampler], *, thoroughly: bool) -> Inspection | None:
        with self._phase(Phase.JUDGING):
            return self._judge(sampler, thoroughly=thoroughly)

    def _judge(self, sampler: Callable[[], Sampler], *, thoroughly: bool) -> Inspection | None:
        trainer = self._trainer
        trainer.require_finite()
        inspect = self._inspector.judge if thoroughly else self._inspector.glance
        progress = min(1.0, trainer.images_seen / trainer.plan.images)
        try:
            inspection = inspect(sampler(), step=trainer.step_count, progress=progress, players=trainer.players())
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:  # torch's: too few pictures for a metric, a decomposition that does not converge
            self._reporter.warn(f"the pictures of step {trainer.step_count} are not judged: {error}")
            return None
        self._reporter.quality(trainer.step_count, inspection.event)
        for symptom in self._watch.see(inspection.look):
            warning = explain(trainer.family, symptom, inspection.look)
            if warning is not None:
                self._reporter.collapse(trainer.step_count, symptom, warning)
                if self._request.on_collapse != "warn":
                    self._collapse = TrainingCollapsedError(trainer.step_count, symptom, warning)
        return inspection

    def _keep(self, inspection: Inspection | None = None) -> None:
        if self._trainer.step_count > 0:  # before the first step there is nothing that the seed does not tell
            self._trainer.require_finite()
            judged = {} if inspection is None else inspection.metrics
            headline = Headline(None) if inspection is None else Headline(inspection.headline, inspection.judge)
            with self._phase(Phase.SAVING):
                self._keeper.keep(self._trainer.snapshot(), {**self._metrics, **judged}, headline)

    @contextmanager
    def _phase(self, phase: Phase) -> Iterator[None]:
        """Tell that the training is interrupted by something else."""
        self._pulse.phase = phase
        yield
        self._pulse.phase = Phase.TRAINING

    def _draw(self, sampler: Sampler) -> None:
        """Draw the same noise at every time: a row for each class, or for ten of many, or rows of none."""
        rows = labels_of_rows(sampler.config.dataset, is_conditional=sampler.is_conditional)
        labels = [label for label in rows for _ in range(SAMPLE_COLUMNS)]
        images = sampler.sample(range(len(labels)), seed=SAMPLE_SEED, labels=labels)
        png = encode_png(lay_out(to_pixels(images), columns=SAMPLE_COLUMNS), {"Software": "Ganery"})
        self._reporter.confirm()
        path = self._samples / sample_name(self._trainer.step_count)
        write_whole(path, png, replace=False)  # one that is there was served, and stays as it is
        told = {"count": len(labels), "columns": SAMPLE_COLUMNS, "seed": SAMPLE_SEED}
        self._reporter.sample(self._trainer.step_count, told)
