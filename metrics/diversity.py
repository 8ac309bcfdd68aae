"""How much the drawn pictures differ from one another."""

import torch

from metrics._evidence import Evidence
from metrics._metric import metric

_ROWS = 1000  # compared at once: all would be some hundred megabytes


@metric("pairwise distance", better="real")
def pairwise_distance(evidence: Evidence) -> float:
    """Mean distance between two drawn pictures in the judge's features: 0 for a generator that draws one picture.

    Looks at no real picture but for its floor, so it is what a watch for collapse can afford. Cannot see whether the
    pictures are any good, or classes that are drawn as one picture each: most of the distance is between classes.
    """
    features, n = evidence.drawn.features, len(evidence.drawn)
    features = features - features.mean(dim=0)  # so that equal ones stay at 0 in single precision
    total = sum(float(torch.cdist(rows, features).double().sum()) for rows in torch.split(features, _ROWS))
    return total / (n * (n - 1))
