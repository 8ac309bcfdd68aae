"""What judging the pictures costs a training, as a share of the training itself.

    python -m benchmarks.judging_cost

Each training is begun as the service begins it, with the default intervals, and trained for a few steps at a time;
after each of them its pictures are judged as at a checkpoint. Steps and judgements are timed by the same clock, that of
the processor, so that the training without judging is the steps alone, and other processes on the machine disturb
less. From the medians follows the whole training: as many steps and judgements as it has, and once what is computed of
the real pictures, which comes with the first judgement.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from benchmarks._runs import names, positive
from datasets import load_dataset
from models import find_family
from store.requests import TrainRequest, complete
from workers.inspection import Inspection, Inspector
from workers.settings import WorkerSettings
from workers.trainer import Plan, Trainer

USUAL = ["projection_gan:quick", "lsgan:neutral"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a training takes, in seconds of the processor.

    steps: of the training. interval: steps from judgement to judgement. step, judgement: one of them. first: what the
    first judgement takes beyond that.
    """

    steps: int
    interval: int
    step: float
    judgement: float
    first: float

    @property
    def judgements(self) -> int:
        """How often pictures are judged: each time the interval is over, and at the end."""
        return -(-self.steps // self.interval)

    @property
    def training(self) -> float:
        """The whole training without judging."""
        return self.steps * self.step

    @property
    def judging(self) -> float:
        """All judgements."""
        return self.judgements * self.judgement + self.first

    @property
    def share(self) -> float:
        """Judging as a share of the training."""
        return self.judging / self.training


class Bench:
    """A training and its judge. images: the budget; the preset's where None."""

    def __init__(self, name: str, dataset: str, settings: WorkerSettings, *, images: int | None = None) -> None:
        family_name, _, preset_name = name.partition(":")
        request = TrainRequest(family=family_name, preset=preset_name or None, dataset=dataset, seed=0, images=images)
        self.job, self.steps = complete(request)
        train, test = (load_dataset(dataset, settings.datasets, split=split) for split in ("train", "test"))
        family = find_family(self.job.family)
        preset = family.preset(self.job.preset)
        plan = Plan.of(self.job.preset, preset, seed=0, images=self.job.images)
        config = family.configure(self.job.hyperparameters, train.spec)
        self.trainer = Trainer(family, config, plan, train, precision=settings.precision)
        self.inspector = Inspector(train, lambda: test, seed=0, judged=settings.judged)

    def train(self, steps: int) -> None:
        """Take some steps."""
        for _ in range(steps):
            self.trainer.step()

    def judge(self) -> Inspection:
        """Judge the pictures of now."""
        trainer = self.trainer
        return self.inspector.judge(trainer.sampler(), step=trainer.step_count, progress=0.5, players=trainer.players())


def measure(bench: Bench, *, rounds: int, steps: int) -> Cost:
    """Take the time of some steps and of a judgement after them, so many times. A first round is lost."""
    assert bench.job.quality_interval is not None  # complete
    bench.train(steps)
    first = _time(bench.judge)
    pairs = [(_time(lambda: bench.train(steps)) / steps, _time(bench.judge)) for _ in range(rounds)]
    step, judgement = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Cost(bench.steps, bench.job.quality_interval, step, judgement, max(0.0, first - judgement))


def _time(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row for each training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=names, default=USUAL, help="as a,b:preset")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--budget", type=positive, help="pictures that each discriminator sees; default the preset's")
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--steps", type=positive, default=40, help="in a round")
    chosen = parser.parse_args(arguments)
    settings = WorkerSettings()
    torch.set_num_threads(1)
    head = ("", "steps", "judged", "ms a step", "s a judgement", "s at first", "s training", "s judging", "share")
    print(f"{head[0]:<24}" + "".join(f"{one:>14}" for one in head[1:]))
    for name in chosen.families:
        bench = Bench(name, chosen.dataset, settings, images=chosen.budget)
        cost = measure(bench, rounds=chosen.rounds, steps=chosen.steps)
        cells = (
            f"{cost.steps:,}",
            str(cost.judgements),
            f"{cost.step * 1e3:.1f}",
            f"{cost.judgement:.2f}",
            f"{cost.first:.2f}",
            f"{cost.training:.0f}",
            f"{cost.judging:.0f}",
            f"{cost.share:.1%}",
        )
        print(f"{name:<24}" + "".join(f"{one:>14}" for one in cells), flush=True)


if __name__ == "__main__":
    main()
