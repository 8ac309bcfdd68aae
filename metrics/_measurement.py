"""A metric's value beside the value that real pictures have, and tables of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from metrics._evidence import Evidence
from metrics._registry import DEFAULT_METRICS, choose, find_metric

JUDGED, EVALUATED = 1_000, 10_000
"""Drawn pictures, or all where there are fewer: that a training measures at a checkpoint; that `ganery evaluate` does,
and that what ships was measured by. Values of different counts do not compare: docs/metrics.md."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a metric found. floor: what it finds where real pictures stand in place of the drawn ones.

    count: how many drawn pictures it looked at. The floor depends on it, so they belong together.
    """

    name: str
    value: float
    floor: float
    count: int


def measure(evidence: Evidence, floor: Evidence, names: Sequence[str] = DEFAULT_METRICS) -> tuple[Measurement, ...]:
    """Measure drawn pictures by these metrics or groups of them; those that do not apply are left out.

    floor: evidence on as many real training pictures, of the same classes. Its values are kept with it, so that a
    second comparison with the same costs nothing. Raises UnknownMetricError.
    """
    found = []
    for metric in choose(names):
        value = metric(evidence)
        real = metric(evidence.reference.held_out if metric.held_out_floor else floor)
        if value is not None and real is not None:
            found.append(Measurement(metric.name, value, real, len(evidence.first(metric.most).drawn)))
    return tuple(found)


def tabulate(measurements: Sequence[Measurement]) -> list[str]:
    """Return the measurements as lines of a table: value, floor, count, and which value is better."""
    titles = [find_metric(one.name).title for one in measurements]
    width = max(map(len, titles), default=0)
    head = f"{'':<{width}}{'drawn':>10}{'real':>10}{'pictures':>10}  better"
    return [head, *(_line(title, width, one) for title, one in zip(titles, measurements, strict=True))]


def _line(title: str, width: int, one: Measurement) -> str:
    better = find_metric(one.name).better
    return f"{title:<{width}}{show(one.value):>10}{show(one.floor):>10}{one.count:>10,}  {better}"


def show(value: float) -> str:
    """Return a value with four digits that tell something."""
    return f"{value:#.4g}"
