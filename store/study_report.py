"""What a study has found: a distribution for each family, with its failures, as numbers and as a table.

Knows none of the tables: the service answers, and a benchmark reports, by the same functions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from metrics import Metric
from store.states import JobState
from store.studies import Judgement, TrialRecord
from store.study_requests import StudyRequest, varied

Value = Literal["final", "best"]
"""What a trial is worth: its last judged checkpoint, at the whole budget, or the best one on the way there."""

TrialOutcome = Literal["finished", "failed", "cancelled", "unjudged", "waiting"]
"""How a trial stands. failed: also one whose pictures give no number. unjudged: nothing can measure its data set, or
another judge measured it than the newest trials."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One trial. value: None unless it is finished. badness: the lower, the better. reason: why it failed.

    floor: what as many real pictures have in the place of the value.
    """

    contestant: str
    trial: int
    seed: int
    job_id: str
    outcome: TrialOutcome
    hyperparameters: Mapping[str, Any]
    value: float | None = None
    badness: float = float("inf")
    reason: str | None = None
    floor: float | None = None

    @property
    def label(self) -> str:
        """The same, for a person who points at it."""
        told = f"{self.value:.4g}" if self.value is not None else self.reason or self.outcome
        drawn = ", ".join(f"{name} {value}" for name, value in self.hyperparameters.items())
        return f"{self.contestant}, draw {self.trial}: {told}" + (f" ({drawn})" if drawn else "")


@dataclass(frozen=True, slots=True)
class Distribution:
    """Where the values lie. Quartiles lie between neighbours in proportion."""

    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Distribution":
        """Return that of one value or more, in any order."""
        ordered = sorted(values)
        return cls(*(_quantile(ordered, quarters / 4) for quarters in range(5)))


@dataclass(frozen=True, slots=True)
class Row:
    """All trials of a family and preset."""

    contestant: str
    entries: Sequence[Entry]

    @property
    def distribution(self) -> Distribution | None:
        """That of the finished trials; the failed ones have no value, and stand beside it. None where none has one."""
        values = [one.value for one in self.entries if one.value is not None]
        return Distribution.of(values) if values else None

    @property
    def best(self) -> Entry | None:
        """The best of the finished trials, the first of equal ones."""
        return min(self.having("finished"), key=lambda one: one.badness, default=None)

    def having(self, outcome: TrialOutcome) -> list[Entry]:
        """Return the trials of this outcome."""
        return [one for one in self.entries if one.outcome == outcome]


def arrange(contestants: Sequence[str], entries: Sequence[Entry]) -> list[Row]:
    """Return a row for each family and preset, in their order."""
    return [Row(name, [one for one in entries if one.contestant == name]) for name in contestants]


def find_floor(entries: Sequence[Entry]) -> float | None:
    """Return what real pictures have, where it was measured: each training took others, so the median of all."""
    floors = [one.floor for one in entries if one.floor is not None]
    return Distribution.of(floors).median if floors else None


def read_entry(study: StudyRequest, record: TrialRecord, metric: Metric, value: Value) -> Entry:
    """Return how a trial stands, by a metric."""
    job = record.job
    judgement = record.final if value == "final" else record.best or record.final
    outcome, measured, reason = _read(record, judgement, metric)
    return Entry(
        contestant=record.contestant,
        trial=job.trial or 0,
        seed=job.seed,
        job_id=job.id,
        outcome=outcome,
        hyperparameters=varied(study, job.request),
        value=measured,
        badness=float("inf") if measured is None or judgement is None else metric.badness(judgement.metrics),
        reason=reason,
        floor=read_floor(None if judgement is None else judgement.metrics, metric),
    )


def _read(
    record: TrialRecord, judgement: Judgement | None, metric: Metric
) -> tuple[TrialOutcome, float | None, str | None]:
    """Return how the trial stands, its value if it has one, and why it failed if it did."""
    match record.job.state:
        case JobState.FAILED:
            return "failed", None, str((record.job.error or {}).get("detail", "no reason is known"))
        case JobState.CANCELLED:
            return "cancelled", None, None
        case JobState.SUCCEEDED if judgement is None and record.is_outdated:
            return "unjudged", None, "another judge has measured it than the newest trials"
        case JobState.SUCCEEDED:
            return read_metric(None if judgement is None else judgement.metrics, metric)
    return "waiting", None, None


def read_metric(values: Mapping[str, Any] | None, metric: Metric) -> tuple[TrialOutcome, float | None, str | None]:
    """Return how a training stands that came to its end, its value if it has one, and why not if it failed.

    values: of metrics by their names, None where nothing was measured; what is no finite number may be null.
    """
    if values is None or metric.name not in values:
        return "unjudged", None, None
    value: float | None = values[metric.name]
    if value is None or not math.isfinite(value):
        return "failed", None, f"its pictures give no number as {metric.title}"
    return "finished", value, None


def read_floor(values: Mapping[str, Any] | None, metric: Metric) -> float | None:
    """Return what real pictures have, if it is among the values."""
    floor: float | None = (values or {}).get(f"{metric.name}_floor")
    return floor


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


# --- The table ----------------------------------------------------------------------------------------------------

HEAD = (
    "family:preset",
    "trials",
    "finished",
    "failed",
    "min",
    "lower quartile",
    "median",
    "upper quartile",
    "max",
    "best by",
)


def cells(row: Row) -> tuple[str, ...]:
    """Return a row of the table below HEAD, as text."""
    found, best = row.distribution, row.best
    values = (
        ("",) * 5
        if found is None
        else tuple(
            f"{value:.4g}"
            for value in (found.minimum, found.lower_quartile, found.median, found.upper_quartile, found.maximum)
        )
    )
    drawn = "" if best is None else ", ".join(f"{name} {value}" for name, value in best.hyperparameters.items())
    counts = (len(row.entries), len(row.having("finished")), len(row.having("failed")))
    return row.contestant, *map(str, counts), *values, drawn


def tabulate(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the table as Markdown."""
    lines = [HEAD, ("---", *("---:",) * 8, "---"), *(cells(row) for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]
