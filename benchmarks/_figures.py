"""What the metrics find in a checkpoint's pictures, kept on disk: what is known is not measured again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from checkpoints.files import write_whole
from checkpoints.library import judge_digest, load_judge, load_sampler
from datasets import load_dataset
from metrics import Evidence, Metric, Reference, find_metric, measure, metrics
from store.settings import StoreSettings
from workers.evaluation import draw_beside, take_real
from workers.gan_train import classifier_trainer
from workers.inception import load_inception
from workers.references import remember


class Figure(BaseModel):
    """A metric's value, its floor, and how many pictures it looked at. Frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    floor: float
    count: int


class Protocol(BaseModel):
    """What figures depend on beside the pictures: they are comparable where all of it is equal. Frozen.

    dataset: whose test pictures they are compared with. judge: its digest. count: of drawn pictures. seed: of the
    noise. passes: of GAN-train's classifier over them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    judge: str
    count: int
    seed: int
    passes: int

    @classmethod
    def of(cls, dataset: str, *, count: int, seed: int, passes: int) -> "Protocol":
        """Return the protocol with the judge that ships. Raises CheckpointError."""
        return cls(dataset=dataset, judge=judge_digest(dataset), count=count, seed=seed, passes=passes)

    def for_metric(self, metric: Metric) -> "Protocol":
        """Return the part of it that matters to a metric: the passes to those alone that train a classifier."""
        return self if "trainer" in metric.needs else self.model_copy(update={"passes": 0})


class Known(BaseModel):
    """A figure and how it came about. figure: None where the metric does not apply. Frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: Protocol
    figure: Figure | None


@dataclass(frozen=True)  # no slots: what is read is kept in __dict__
class Figures:
    """The figures of one checkpoint. file: where they are kept."""

    file: Path
    protocol: Protocol

    @cached_property
    def known(self) -> Mapping[str, Known]:
        """All that is kept, by metric, whatever the protocol."""
        try:
            return {name: Known.model_validate(one) for name, one in json.loads(self.file.read_text()).items()}
        except (OSError, ValueError, ValidationError, AttributeError):
            return {}

    def find(self, names: Sequence[str]) -> dict[str, Figure | None] | None:
        """Return the figures of these metrics by our protocol; None where one is missing."""
        if self.missing(names):
            return None
        return {name: self.known[name].figure for name in names}

    def missing(self, names: Sequence[str]) -> list[str]:
        """Return the metrics of which nothing is known by our protocol."""
        return [name for name in names if not self._knows(name)]

    def _knows(self, name: str) -> bool:
        return name in self.known and self.known[name].protocol == self.protocol.for_metric(find_metric(name))

    def add(self, name: str, figure: Figure | None) -> "Figures":
        """Return the figures with one more, which is on disk then."""
        known = {**self.known, name: Known(protocol=self.protocol.for_metric(find_metric(name)), figure=figure)}
        text = json.dumps({key: one.model_dump() for key, one in known.items()}, indent=2)
        write_whole(self.file, text.encode())
        return Figures(self.file, self.protocol)


def wanted(*, fid: bool = False) -> tuple[str, ...]:
    """Return the names of all metrics; FID, which needs what does not ship, where it is asked for."""
    return tuple(name for name in metrics() if name != "fid" or fid)


def measure_missing(figures: Figures, checkpoint: Path, names: Sequence[str], settings: StoreSettings) -> Iterator[str]:
    """Measure what is missing of these metrics, one after the other; yield the name of each that is on disk then.

    The floors are those of the protocol, and kept beside the directory of the figures for all that share it. Raises
    CheckpointError, DatasetUnavailableError, InceptionUnavailableError.
    """
    missing = figures.missing(names)
    if not missing:
        return
    protocol = figures.protocol
    reference = _gather(protocol, settings, with_inception="fid" in missing)
    floor = take_real(reference, count=protocol.count, seed=protocol.seed)
    drawn = draw_beside(floor, load_sampler(checkpoint), seed=protocol.seed)
    for name in missing:
        figure = _measure(find_metric(name), drawn, floor, protocol, figures.file.parent.parent)
        figures = figures.add(name, figure)
        yield name


def _gather(protocol: Protocol, settings: StoreSettings, *, with_inception: bool) -> Reference:
    train, test = (load_dataset(protocol.dataset, settings.datasets, split=split) for split in ("train", "test"))
    reference = Reference.of(
        load_judge(protocol.dataset),
        train,
        test,
        train_classifier=classifier_trainer(train.spec, epochs=protocol.passes) if protocol.passes else None,
        inception=load_inception() if with_inception else None,
    )
    remember(reference.test, test, settings.judged)
    return reference


def _measure(metric: Metric, drawn: Evidence, floor: Evidence, protocol: Protocol, root: Path) -> Figure | None:
    """Measure by one metric; its floor is what is on disk, or goes there."""
    if not metric.applies_to(drawn):
        return None
    asked = protocol.for_metric(metric).model_dump_json()
    file = root / f"floor-{metric.name}-{blake2b(asked.encode(), digest_size=8).hexdigest()}.json"
    if (known := _read_floor(file)) is not None:
        (floor.reference.held_out if metric.held_out_floor else floor).keep(metric, lambda: known)
    found = measure(drawn, floor, (metric.name,))
    if not found:
        return None
    write_whole(file, json.dumps(found[0].floor).encode())
    return Figure(value=found[0].value, floor=found[0].floor, count=found[0].count)


def _read_floor(file: Path) -> float | None:
    try:
        return float(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
