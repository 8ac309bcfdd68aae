"""What the trainer costs: its step against a loop written for the case, on equal networks, losses and optimisers.

    python -m benchmarks.trainer_overhead

The loop has all data on the device, normalised once, draws each batch once for all phases, keeps its lists of weights,
averages them with one fused call and logs nothing. The trainer does what it always does: it normalises, seeds each
step, freezes by phase, averages, and keeps the sums of every term. Both take turns in this process, a few steps each;
the time is that of the processor, so that other processes on the machine disturb it less. A family's own loss is a
part of both: what is measured is the trainer alone.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from datasets import TrainingData, load_dataset
from models import Batch, Family, ModelConfig, Phase, StepNoise, derive_seed, find_family, from_pixels
from workers.trainer import Plan, Trainer

USUAL = ("lsgan:neutral", "gan:paper", "wgan_gp:neutral")
"""Convolutions, perceptrons, and a penalty with several steps of the critic."""


class PlainLoop:
    """The loop that one writes without a trainer, for any family's losses.

    It begins with the trainer's weights, and given the same batches and noise it comes to the same ones.
    """

    def __init__(self, family: Family[Any], config: ModelConfig[Any], plan: Plan, data: TrainingData) -> None:
        torch.manual_seed(derive_seed("initial weights", plan.seed))
        self.config, self.plan = config, plan
        self.networks = family.build(config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.noise = torch.Generator().manual_seed(plan.seed)
        self._images = from_pixels(data.images).contiguous(memory_format=torch.channels_last)
        self._labels = data.labels
        self._order, self._place, self._step = torch.randperm(len(data.labels)), 0, 0
        self._phases = [(phase, self._weights(phase), self._optimizer(phase)) for phase in family.phases(config)]
        self._repeats = max(phase.repeats for phase, _, _ in self._phases)
        generators = [self.networks[name] for name in family.generators] if plan.averaging_half_life else []
        tensors = [tensor for network in generators for tensor in (*network.parameters(), *network.buffers())]
        self._live = [tensor.detach() for tensor in tensors if tensor.is_floating_point()]
        self._averaged = [tensor.clone() for tensor in self._live]
        per_step = self._repeats * plan.batch_size
        self._weight = 1 - 0.5 ** (per_step / plan.averaging_half_life) if generators else 0.0

    def step(self) -> None:
        """Run every phase with its repeats, each on a fresh batch, and average."""
        self.descend([self._next() for _ in range(self._repeats)])
        if self._live:
            torch._foreach_lerp_(self._averaged, self._live, self._weight)
        self._step += 1

    def descend(self, batches: Sequence[Batch]) -> None:
        """Run every phase with its repeats on these batches."""
        for phase, weights, optimizer in self._phases:
            for _, others, _ in self._phases:
                for weight in others:
                    weight.requires_grad_(False)
            for weight in weights:
                weight.requires_grad_(True)
            for batch in batches[: phase.repeats]:
                for group in optimizer.param_groups:
                    group["lr"] = group["initial_lr"] * phase.schedule(batch.progress)
                optimizer.zero_grad(set_to_none=True)
                objective = phase.loss(self.networks, batch, self.config, StepNoise(self.noise, len(batch.labels)))
                objective.total().backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                if phase.after_step is not None:
                    phase.after_step(self.networks, self.config, objective)

    def _weights(self, phase: Phase[Any]) -> list[nn.Parameter]:
        return [weight for name in phase.trains for weight in self.networks[name].parameters()]

    def _optimizer(self, phase: Phase[Any]) -> torch.optim.Optimizer:
        optimizer = phase.optimizer(self._weights(phase))
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        return optimizer

    def _next(self) -> Batch:
        places = self._places()
        progress = self._step * self._repeats * self.plan.batch_size / self.plan.images
        return Batch(self._images[places], self._labels[places], self._step, min(1.0, progress))

    def _places(self) -> Tensor:
        if self._place + self.plan.batch_size > len(self._order):
            self._order, self._place = torch.randperm(len(self._order)), 0
        self._place += self.plan.batch_size
        return self._order[self._place - self.plan.batch_size : self._place]


def compare(
    first: Callable[[], object], second: Callable[[], object], *, rounds: int, steps: int
) -> tuple[list[float], list[float]]:
    """Let both take turns; return the processor's seconds a step, a number for each round. The first round is lost."""
    seconds: tuple[list[float], list[float]] = [], []
    for turn in range(rounds + 1):
        for step, noted in zip((first, second), seconds, strict=True):
            began = time.process_time()
            for _ in range(steps):
                step()
            if turn:
                noted.append((time.process_time() - began) / steps)
    return seconds


def prepare(name: str, data: TrainingData) -> tuple[Trainer, PlainLoop]:
    """Return both for a training named family:preset; the first preset where none is named."""
    family_name, _, preset_name = name.partition(":")
    family = find_family(family_name)
    preset_name = preset_name or family.default_preset
    preset = family.preset(preset_name)
    plan = Plan.of(preset_name, preset, seed=0)
    config = family.configure(preset.hyperparameters.model_dump(), data.spec)
    return Trainer(family, config, plan, data), PlainLoop(family, config, plan, data)


def main() -> None:
    """Print a row for each training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=lambda text: text.split(","), default=USUAL, help="as a,b:preset")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=5, help="steps of each in a round")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("var/datasets"), help="cache of the data sets")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    data = load_dataset("mnist", arguments.data, report=print)
    print(f"{'milliseconds a step':<24}{'trainer':>10}{'by hand':>10}{'ratio':>8}{'quartiles':>16}")
    for name in arguments.families:
        trainer, plain = prepare(name, data)
        ours, theirs = compare(trainer.step, plain.step, rounds=arguments.rounds, steps=arguments.steps)
        ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
        low, _, high = statistics.quantiles(ratios, n=4)
        medians = statistics.median(ours), statistics.median(theirs)
        milliseconds = "".join(f"{median * 1e3:>10.2f}" for median in medians)
        spread = f"{low:.3f} to {high:.3f}"
        print(f"{name:<24}{milliseconds}{medians[0] / medians[1]:>8.3f}{spread:>16}", flush=True)


if __name__ == "__main__":
    main()
