"""What a client may ask to be trained, and the same made complete: every default filled in, checked, unchangeable."""

import secrets
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models import (
    FLAGSHIP,
    Family,
    UnknownDatasetError,
    UnknownFamilyError,
    UnknownPresetError,
    UnsupportedShapeError,
    families,
    find_dataset,
    find_family,
)
from store.faults import tell_fault
from store.jobs import JobRequest, OnCollapse
from store.retention import Keep

DEFAULT_DATASET = "mnist"
LARGEST_SEED = 2**63 - 1
DRAWN_SEEDS = 2**32
"""A seed that is drawn is below this: nobody sees one twice, it is short to read out, and exact in JavaScript."""
_REPORTS_PER_JOB = 20
_LEAST_CHECKPOINT_INTERVAL = 200
"""Steps, where nothing else is asked for: a short training would fill the disk, and lose little if it began anew.

As seldom are its pictures judged, which takes as long as several steps.
"""

_MOST_PER_JOB = {
    "checkpoint_interval": 1_000,
    "sample_interval": 1_000,
    "metrics_interval": 10_000,
    "quality_interval": 1_000,
}
"""As many checkpoints, sample grids, metrics and judgements may a job leave."""


class TrainRequest(BaseModel):
    """A wish for a training; what is left out takes the preset's value, and `{}` trains the flagship."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [{}]})

    family: str = Field(FLAGSHIP, description="a family of GET /families", json_schema_extra={"enum": [*families()]})
    preset: str | None = Field(None, description="a preset of the family; its first where left out")
    dataset: str = Field(DEFAULT_DATASET, description="the data set to train on")
    seed: int | None = Field(None, ge=0, le=LARGEST_SEED, description="drawn where left out")
    images: int | None = Field(None, ge=1, le=10**9, description="pictures that the discriminator is to see")
    batch_size: int | None = Field(None, ge=2, le=4096, description="pictures in a batch")
    hyperparameters: dict[str, Any] = Field(
        default_factory=dict, max_length=100, description="those that differ from the preset's"
    )
    checkpoint_interval: int | None = Field(None, ge=1, le=10**9, description="steps from checkpoint to checkpoint")
    sample_interval: int | None = Field(None, ge=1, le=10**9, description="steps from sample grid to sample grid")
    metrics_interval: int | None = Field(None, ge=1, le=10**9, description="steps from metrics to metrics")
    quality_interval: int | None = Field(
        None, ge=1, le=10**9, description="steps from judgement to judgement of drawn pictures"
    )
    keep: Keep = Field(Keep(), description="which checkpoints stay on disk")
    on_collapse: OnCollapse = Field("warn", description="what follows the warning that the training collapses")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a request: where it is, as path of keys, and what would have been right."""

    path: tuple[str | int, ...]
    detail: str


class RequestError(ValueError):
    """A request that cannot be trained; it names everything that is wrong."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{'.'.join(map(str, p.path))}: {p.detail}" for p in problems))


def complete(request: TrainRequest, *, buildable: set[Hashable] | None = None) -> tuple[JobRequest, int]:
    """Fill in a request and return it with the steps that it takes. Raises RequestError.

    buildable: architectures whose networks are known to be buildable, and not tried again; grows. None tries.
    """
    try:
        family = find_family(request.family)
    except UnknownFamilyError as error:
        raise _refusal("family", error) from None
    try:
        name = request.preset or family.default_preset
        preset = family.preset(name)
    except UnknownPresetError as error:
        raise _refusal("preset", error) from None
    try:
        dataset = find_dataset(request.dataset)
    except UnknownDatasetError as error:
        raise _refusal("dataset", error) from None
    values = preset.hyperparameters.model_dump(mode="json") | request.hyperparameters
    config = _configure(family, values, dataset, set() if buildable is None else buildable)
    batch_size = request.batch_size or preset.batch_size
    images = request.images or preset.images
    steps = family.total_steps(config, batch_size, images)
    interval = max(1, steps // _REPORTS_PER_JOB)
    seldom = max(interval, _LEAST_CHECKPOINT_INTERVAL)
    job = JobRequest(
        family=family.name,
        preset=name,
        dataset=dataset.name,
        seed=secrets.randbelow(DRAWN_SEEDS) if request.seed is None else request.seed,
        images=images,
        batch_size=batch_size,
        hyperparameters=config.hyperparameters.model_dump(mode="json"),
        checkpoint_interval=request.checkpoint_interval or seldom,
        sample_interval=request.sample_interval or interval,
        metrics_interval=request.metrics_interval or max(1, interval // 10),
        quality_interval=request.quality_interval or seldom,
        keep=request.keep,
        on_collapse=request.on_collapse,
    )
    _require_rare(job, steps)
    return job, steps


def _configure(family: Family[Any], values: dict[str, Any], dataset: Any, buildable: set[Hashable]) -> Any:
    try:
        config = family.configure(values, dataset)
        architecture = family.architecture(config)
        if architecture not in buildable:
            family.require_buildable(config)
            buildable.add(architecture)
    except ValidationError as error:
        schema = family.hyperparameters.model_json_schema()
        problems = [Problem(("hyperparameters", *item["loc"]), tell_fault(item, schema)) for item in error.errors()]
        raise RequestError(tuple(problems)) from None
    except UnsupportedShapeError as error:
        raise _refusal("dataset", error) from None
    return config


def _require_rare(job: JobRequest, steps: int) -> None:
    problems = []
    for field, most in _MOST_PER_JOB.items():
        interval, least = getattr(job, field), -(-steps // most)
        if interval < least:
            detail = f"is too small for {steps} steps, {interval} came; the smallest allowed is {least}"
            problems.append(Problem((field,), detail))
    if problems:
        raise RequestError(tuple(problems))


def _refusal(field: str, error: Exception) -> RequestError:
    return RequestError((Problem((field,), str(error)),))
