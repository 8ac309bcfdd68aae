"""Trainings in the order of a metric, which a client names."""

from collections.abc import Mapping, Sequence

from app.refusals import ParameterError
from metrics import Better, Metric, UnknownMetricError, find_metric
from store.checkpoints import Leader

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


def by_judge(leaders: Sequence[Leader], judge: str | None) -> tuple[list[Leader], list[Leader]]:
    """Return those whose figures are of this judge, which compare with one another, and the others."""
    ours = [one for one in leaders if one.checkpoint.judge == judge]
    return ours, [one for one in leaders if one.checkpoint.judge != judge]


def rank(leaders: Sequence[Leader], metric: Metric) -> list[Leader]:
    """Return those that were measured by the metric, the best first; the older of equal ones."""
    measured = [one for one in leaders if one.checkpoint.metrics.get(metric.name) is not None]
    return sorted(measured, key=lambda one: (metric.badness(one.checkpoint.metrics), one.checkpoint.created_at))
