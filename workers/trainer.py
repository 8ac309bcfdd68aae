"""Train any family: fetch a batch, let the named networks learn, sum the terms, step.

The trainer knows no family and has no callbacks; the caller owns the `while`. Whatever is random in step s is a
function of (seed, s), so a training that continues from a snapshot equals one that was never interrupted: on a CPU
to the last bit, with the same version of torch, number of threads and precision; on a GPU but for rounding.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from checkpoints.format import Checkpoint, CheckpointIncompleteError, Metadata
from datasets import TrainingData
from models import (
    Batch,
    Family,
    ModelConfig,
    Networks,
    Phase,
    Preset,
    Sampler,
    StepNoise,
    Symptom,
    derive_seed,
    from_pixels,
)
from workers.watch import advise

Precision = Literal["float32", "bfloat16"]


class TrainingDivergedError(ArithmeticError):
    """A term of the loss, or a weight, is no longer a finite number."""

    def __init__(self, step: int, terms: Mapping[str, float], advice: str) -> None:
        self.step = step
        self.terms = {name: value for name, value in terms.items() if not math.isfinite(value)}
        super().__init__(
            f"the training diverged before step {step}: {', '.join(self.terms)} became "
            f"{', '.join(map(str, self.terms.values()))}; {advice}"
        )


class CheckpointMismatchError(ValueError):
    """A checkpoint of another training."""

    def __init__(self, field: str, here: object, there: object) -> None:
        self.field = field
        super().__init__(f"this training has {field} {here!r}, but the checkpoint was made with {there!r}")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to train, in what portions.

    images: pictures that the discriminator is to see. averaging_half_life: pictures after which a weight's share
    in the moving average has halved; 0 keeps no average.
    """

    preset: str
    seed: int
    batch_size: int
    images: int
    averaging_half_life: float

    @classmethod
    def of(
        cls, name: str, preset: Preset[Any], *, seed: int, batch_size: int | None = None, images: int | None = None
    ) -> Self:
        """Return the plan of a preset; a batch size or budget that is given replaces the preset's."""
        return cls(name, seed, batch_size or preset.batch_size, images or preset.images, preset.averaging_half_life)


AVERAGING_RAMP = 0.05
"""The half-life of the average is at most this share of the images seen: `ema_rampup` of StyleGAN2-ADA."""


class Trainer:
    """The state of one training, and the step that advances it."""

    def __init__(
        self,
        family: Family[Any],
        config: ModelConfig[Any],
        plan: Plan,
        data: TrainingData,
        *,
        device: torch.device | str = "cpu",
        precision: Precision = "float32",
    ) -> None:
        self.family, self.config, self.plan, self.data = family, config, plan, data
        self.step_count = 0
        self.images_per_step = family.images_per_step(config, plan.batch_size)
        self.total_steps = family.total_steps(config, plan.batch_size, plan.images)
        self._device = torch.device(device)
        self._precision = precision
        self._noise = torch.Generator(self._device)
        self._images = data.images.to(self._device)
        self._labels = data.labels.to(self._device)
        self._epoch_order: tuple[int, Tensor] | None = None
        self._totals: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        torch.manual_seed(derive_seed("initial weights", plan.seed))
        self.networks = self._place(family.build(config))
        self._averaged = self._generators(copy.deepcopy(self.networks)) if plan.averaging_half_life else None
        self._phases = family.phases(config)
        self._optimizers = {phase.name: phase.optimizer(self._parameters(phase)) for phase in self._phases}
        self._rates = {name: [group["lr"] for group in opt.param_groups] for name, opt in self._optimizers.items()}

    @property
    def images_seen(self) -> int:
        """Real pictures used so far."""
        return self.step_count * self.images_per_step

    @property
    def is_finished(self) -> bool:
        """Whether the image budget is used up."""
        return self.step_count >= self.total_steps

    def step(self) -> dict[str, Tensor]:
        """Run every phase once, with its repeats, all on the same batches.

        Returns the last value of each term, still on the device.
        """
        self._noise.manual_seed(derive_seed("step", self.plan.seed, self.step_count))
        # dropout draws from the global generator: from another seed, or its masks would follow the latents
        torch.manual_seed(derive_seed("dropout", self.plan.seed, self.step_count))
        terms: dict[str, Tensor] = {}
        batches: dict[int, Batch] = {}
        self.networks.train()
        for phase in self._phases:
            self._learn_only(phase)
            for repeat in range(phase.repeats):
                if repeat not in batches:
                    batches[repeat] = self._batch(repeat)
                terms |= self._descend(phase, batches[repeat])
        self.step_count += 1
        self._update_average()
        return terms

    def read_metrics(self) -> dict[str, float]:
        """Return the mean of each term over all repeats since the last reading. Waits for the device.

        Raises TrainingDivergedError when one is not finite.
        """
        means = {name: (total / self._counts[name]).item() for name, total in self._totals.items()}
        self._totals, self._counts = {}, {}
        if not all(map(math.isfinite, means.values())):
            raise self._diverged(means)
        return means

    def require_finite(self) -> None:
        """Raise TrainingDivergedError unless every weight is a finite number. Waits for the device once."""
        weights = self.networks.state_dict()
        finite = torch.stack([tensor.isfinite().all() for tensor in weights.values()]).tolist()
        broken = [name.partition(".")[0] for name, is_finite in zip(weights, finite, strict=True) if not is_finite]
        if broken:
            raise self._diverged({f"weights of the {name}": math.nan for name in broken})

    def _diverged(self, terms: Mapping[str, float]) -> TrainingDivergedError:
        return TrainingDivergedError(self.step_count, terms, advise(self.family, Symptom.DIVERGED))

    def sampler(self) -> Sampler:
        """Return a sampler with a copy of today's weights, the averaged ones where there are any."""
        networks = copy.deepcopy(self.networks)
        if self._averaged is not None:
            networks.load_state_dict(self._averaged.state_dict(), strict=False)
        return Sampler(self.family, self.config, networks)

    def players(self) -> Sampler | None:
        """Return a sampler with a copy of the weights that play the game; None where `sampler` has no others."""
        return None if self._averaged is None else Sampler(self.family, self.config, copy.deepcopy(self.networks))

    def snapshot(self) -> Checkpoint:
        """Return all that is needed to sample and to continue, apart from the data."""
        return Checkpoint(
            self._metadata(),
            networks=_copy(self.networks.state_dict()),
            averaged={} if self._averaged is None else _copy(self._averaged.state_dict()),
            training_state=self._training_state(),
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue where a snapshot of the same training was taken.

        Raises CheckpointMismatchError when it is of another training, CheckpointIncompleteError when it is only
        for sampling.
        """
        there = checkpoint.metadata
        here = self._metadata()
        for field in (
            "family",
            "preset",
            "dataset",
            "dataset_digest",
            "hyperparameters",
            "batch_size",
            "images",
            "seed",
            "averaging_half_life",
        ):
            if getattr(here, field) != getattr(there, field):
                raise CheckpointMismatchError(field, getattr(here, field), getattr(there, field))
        if checkpoint.training_state is None:
            raise CheckpointIncompleteError(f"of step {there.step}")
        self.step_count = there.step
        self.networks.load_state_dict(dict(checkpoint.networks))
        if self._averaged is not None:
            self._averaged.load_state_dict(dict(checkpoint.averaged))
        self._restore_training_state(checkpoint.training_state)

    def _metadata(self) -> Metadata:
        return Metadata(
            family=self.family.name,
            preset=self.plan.preset,
            dataset=self.config.dataset,
            dataset_digest=self.data.digest,
            hyperparameters=self.config.hyperparameters.model_dump(mode="json"),
            batch_size=self.plan.batch_size,
            images=self.plan.images,
            seed=self.plan.seed,
            step=self.step_count,
            images_seen=self.images_seen,
            precision=self._precision,
            averaging_half_life=self.plan.averaging_half_life,
            versions={"torch": torch.__version__},
        )

    def _place(self, networks: Networks) -> Networks:
        # nn.Module.to takes memory_format, but its stub does not say so for every overload
        return networks.to(self._device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def _generators(self, networks: Networks) -> Networks:
        return nn.ModuleDict({name: networks[name] for name in self.family.generators}).requires_grad_(False)

    def _parameters(self, phase: Phase[Any]) -> list[nn.Parameter]:
        return [parameter for name in phase.trains for parameter in self.networks[name].parameters()]

    def _learn_only(self, phase: Phase[Any]) -> None:
        for name, network in self.networks.items():
            network.requires_grad_(name in phase.trains)

    def _descend(self, phase: Phase[Any], batch: Batch) -> dict[str, Tensor]:
        optimizer = self._optimizers[phase.name]
        for group, rate in zip(optimizer.param_groups, self._rates[phase.name], strict=True):
            group["lr"] = rate * phase.schedule(batch.progress)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._precision == "bfloat16"):
            objective = phase.loss(self.networks, batch, self.config, StepNoise(self._noise, len(batch.labels)))
            total = objective.total()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if phase.after_step is not None:
            phase.after_step(self.networks, self.config, objective)
        logged = {**objective.terms, **objective.observed}
        terms = {f"{phase.name}/{name}": value.detach() for name, value in logged.items()}
        self._count(terms)
        return terms

    def _count(self, terms: Mapping[str, Tensor]) -> None:
        for name, value in terms.items():
            self._totals[name] = self._totals[name] + value if name in self._totals else value.clone()
            self._counts[name] = self._counts.get(name, 0) + 1

    def _batch(self, repeat: int) -> Batch:
        """Return batch `repeat` of this step: a function of the seed, the step and the repeat."""
        first = self.images_seen + repeat * self.plan.batch_size
        places = self._shuffled(first, self.plan.batch_size)
        return Batch(
            images=from_pixels(self._images[places]).contiguous(memory_format=torch.channels_last),
            labels=self._labels[places],
            step=self.step_count,
            progress=min(1.0, self.images_seen / self.plan.images),
        )

    def _shuffled(self, first: int, count: int) -> Tensor:
        """Return the places in the data of the pictures numbered first to first + count - 1 of the training."""
        size = len(self._labels)
        epoch, start = divmod(first, size)
        here = self._order(epoch)[start : start + count]
        missing = count - len(here)
        return here if missing == 0 else torch.cat([here, self._shuffled((epoch + 1) * size, missing)])

    def _order(self, epoch: int) -> Tensor:
        if self._epoch_order is None or self._epoch_order[0] != epoch:
            shuffle = torch.Generator().manual_seed(derive_seed("epoch", self.plan.seed, epoch))
            order = torch.randperm(len(self._labels), generator=shuffle).to(self._device)
            self._epoch_order = epoch, order
        return self._epoch_order[1]

    @torch.no_grad()
    def _update_average(self) -> None:
        if self._averaged is None:
            return
        half_life = min(self.plan.averaging_half_life, AVERAGING_RAMP * self.images_seen)
        weight = 1 - 0.5 ** (self.images_per_step / half_life)
        live = self.networks.state_dict(keep_vars=True)
        for name, average in self._averaged.state_dict(keep_vars=True).items():
            if average.is_floating_point():
                average.lerp_(live[name], weight)
            else:
                average.copy_(live[name])

    def _training_state(self) -> dict[str, Tensor]:
        state = {
            f"optimizer.{phase}.{index}.{key}": value.clone()
            for phase, optimizer in self._optimizers.items()
            for index, values in optimizer.state_dict()["state"].items()
            for key, value in values.items()
            if value is not None
        }
        for name, total in self._totals.items():
            state[f"total.{name}"] = total.clone()
            state[f"count.{name}"] = torch.tensor(self._counts[name])
        return state

    def _restore_training_state(self, state: Mapping[str, Tensor]) -> None:
        moments: dict[str, dict[int, dict[str, Tensor]]] = {name: {} for name in self._optimizers}
        self._totals, self._counts = {}, {}
        for key, value in state.items():
            kind, name = key.split(".", 1)
            if kind == "total":
                self._totals[name] = value.to(self._device)
            elif kind == "count":
                self._counts[name] = int(value)
            else:
                phase, index, field = name.rsplit(".", 2)
                moments[phase].setdefault(int(index), {})[field] = value
        for name, optimizer in self._optimizers.items():
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            state_by_index = {
                index: {field: _like(parameters[index], value) for field, value in fields.items()}
                for index, fields in moments[name].items()
            }
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": state_by_index, "param_groups": groups})


def _copy(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    """Give a moment the memory layout of its parameter: a file keeps none."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
