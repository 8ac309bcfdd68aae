"""How good drawn pictures are, as pure functions of tensors; no disk, network or clock.

Each module without an underscore holds the metrics of one idea, each a decorated function. What upper layers need is
here.
"""

from metrics._evidence import Evidence, Extract, Labelled, Pictures, Reference, TrainClassifier, once
from metrics._frechet import frechet_distance
from metrics._measurement import EVALUATED, JUDGED, Measurement, measure, show, tabulate
from metrics._metric import Better, Cost, Metric, Need, metric
from metrics._neighbours import NEIGHBOURS, Shares, compare_shares, nearest, radius
from metrics._registry import DEFAULT_METRICS, GROUPS, UnknownMetricError, choose, find_metric, metrics

__all__ = [
    "DEFAULT_METRICS",
    "EVALUATED",
    "GROUPS",
    "JUDGED",
    "NEIGHBOURS",
    "Better",
    "Cost",
    "Evidence",
    "Extract",
    "Labelled",
    "Measurement",
    "Metric",
    "Need",
    "Pictures",
    "Reference",
    "Shares",
    "TrainClassifier",
    "UnknownMetricError",
    "choose",
    "compare_shares",
    "find_metric",
    "frechet_distance",
    "measure",
    "metric",
    "metrics",
    "nearest",
    "once",
    "radius",
    "show",
    "tabulate",
]
