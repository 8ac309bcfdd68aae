"""Which of two measurements is the better one."""

from collections.abc import Mapping
from typing import Any

from app.refusals import ParameterError
from metrics import Metric, UnknownMetricError, find_metric


def choose_metric(name: str) -> Metric:
    """Return the metric to rank by. Raises ParameterError, which names those that there are."""
    try:
        return find_metric(name)
    except UnknownMetricError as error:
        detail = f"there is no metric {error.name!r}; there are {', '.join(error.known)}"
        raise ParameterError("metric", detail) from None


def badness(values: Mapping[str, Any], metric: Metric) -> float:
    """Return a number that is the lower, the better the pictures are by the metric.

    values: of metrics by their names, each floor under its metric's name and `_floor`; the metric's is a number.
    """
    value: float = values[metric.name]
    floor: float = values.get(f"{metric.name}_floor") or 0.0
    return {"lower": value, "higher": -value, "real": abs(value - floor)}[metric.better]
