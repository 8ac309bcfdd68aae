"""Which of two measurements is the better one."""

from collections.abc import Mapping
from typing import Any

from metrics import Metric


def badness(values: Mapping[str, Any], metric: Metric) -> float:
    """Return a number that is the lower, the better the pictures are by the metric.

    values: of metrics by their names, each floor under its metric's name and `_floor`; the metric's is a number.
    """
    value: float = values[metric.name]
    floor: float = values.get(f"{metric.name}_floor") or 0.0
    return {"lower": value, "higher": -value, "real": abs(value - floor)}[metric.better]
