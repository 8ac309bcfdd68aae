"""How much of either set of pictures lies within the other, by nearest neighbours in the judge's features."""

from metrics._evidence import Evidence, once
from metrics._metric import metric
from metrics._neighbours import Shares, compare_shares


@metric("precision", better="higher")
def precision(evidence: Evidence) -> float:
    """Share of drawn pictures within the ball of some test picture: Kynkäänniemi et al. 2019, eq. 1 and 2.

    A ball reaches to the fifth neighbour. Cannot see variety: one good picture, drawn for ever, has precision 1. An
    outlier among the test pictures has a large ball that lets much pass. Cannot see copies or wrong classes.
    """
    return _shares(evidence).precision


@metric("recall", better="higher")
def recall(evidence: Evidence) -> float:
    """Share of test pictures within the ball of some drawn picture: Kynkäänniemi et al. 2019, eq. 1 and 2.

    Cannot see fidelity: scattered pictures have large balls, and so noise may have a high recall. Cannot see copies or
    wrong classes.
    """
    return _shares(evidence).recall


@metric("density", better="higher")
def density(evidence: Evidence) -> float:
    """Number of test pictures' balls that a drawn picture lies in, by k: Naeem et al. 2020, eq. 3. About 1 if real.

    Less swayed by outliers than precision. May exceed the real value: who draws the most typical pictures alone is
    rewarded. Cannot see variety, copies or wrong classes.
    """
    return _shares(evidence).density


@metric("coverage", better="higher")
def coverage(evidence: Evidence) -> float:
    """Share of test pictures with a drawn picture in their ball: Naeem et al. 2020, eq. 4.

    Depends on the counts: fewer drawn pictures cover less, as the floor shows. Cannot see bad pictures beside the good
    ones, copies or wrong classes.
    """
    return _shares(evidence).coverage


@once
def _shares(evidence: Evidence) -> Shares:
    real, drawn = evidence.real, evidence.drawn
    return compare_shares(real.features, drawn.features, real_radius=real.radius, fake_radius=drawn.radius)
