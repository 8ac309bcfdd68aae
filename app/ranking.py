"""The metric by which a client asks to rank."""

from collections.abc import Mapping

from app.refusals import ParameterError
from metrics import Better, Metric, UnknownMetricError, find_metric

BETTER: Mapping[Better, str] = {
    "lower": "less is better",
    "higher": "more is better",
    "real": "near that of real pictures is better",
}
"""In words, which value of a metric is better."""


def choose_metric(name: str) -> Metric:
    """Return the metric to rank by. Raises ParameterError, which names those that there are."""
    try:
        return find_metric(name)
    except UnknownMetricError as error:
        detail = f"there is no metric {error.name!r}; there are {', '.join(error.known)}"
        raise ParameterError("metric", detail) from None
