"""What the judge recognises: the class that was asked for, how many classes, and the variety within each."""

import torch
from torch import Tensor

from metrics._evidence import Evidence, Pictures, once
from metrics._metric import metric

_LEAST_SHARE = 0.1
"""Of a class's even share of the pictures, by which it counts as covered: 1 % of all where there are ten classes."""


@metric("label accuracy", better="higher", needs=("judge", "labels"))
def label_accuracy(evidence: Evidence) -> float | None:
    """Share of drawn pictures that the judge recognises as the class that was asked for.

    Cannot see variety: one picture a class is enough. Cannot see faults that the judge overlooks, and errs as it does:
    it is one network, and never unsure of noise as a person is.
    """
    return evidence.drawn.accuracy


@metric("GAN-test accuracy", better="higher", needs=("judge", "labels"), held_out_floor=True)
def gan_test(evidence: Evidence) -> float | None:
    """Share of drawn pictures recognised by a classifier that learnt from real ones: Shmelkov et al. 2018, section 3.

    The judge is such a classifier, so the value is the label accuracy's; the floor is the judge's accuracy on the test
    pictures, as that paper has it, rather than on the training pictures that it learnt from. Cannot see variety, and
    may exceed its floor: a generator may draw clear cases alone.
    """
    return evidence.drawn.accuracy


@metric("classes covered", better="higher")
def classes_covered(evidence: Evidence) -> float:
    """Number of classes as which at least a tenth of an even share of the pictures is recognised.

    With ten classes, a class counts from 1 % of the pictures on. Cannot see how uneven the rest is, variety within a
    class, or whether a picture is any good: the judge sees some class in everything.
    """
    counts = _counts(evidence.drawn)
    return float((counts * len(counts) >= _LEAST_SHARE * len(evidence.drawn)).sum())


@metric("modes covered", better="higher")
def modes_covered(evidence: Evidence) -> float:
    """Number of classes as which some picture is recognised: Srivastava et al. 2017 (VEEGAN), section 4.2.

    What is printed for data sets of a thousand classes; of ten, the judge's errors alone may reach all. Depends on the
    count. Cannot see how uneven the classes are, variety within a class, or whether a picture is any good.
    """
    return float((_counts(evidence.drawn) > 0).sum())


@metric("KL of classes", better="lower")
def classes_kl(evidence: Evidence) -> float:
    """Divergence KL(q || p) in nats of the recognised classes of drawn pictures, q, from those of test pictures, p.

    Srivastava et al. 2017, section 4.2: 0 where they are as frequent. Each class counts as seen half a time more often
    among the test pictures, so that one which they lack costs much and not all. Depends on the classes that were asked
    for. Cannot see variety within a class, or whether a picture is any good.
    """
    q = _counts(evidence.drawn).double() / len(evidence.drawn)
    p = _counts(evidence.real).double() + 0.5
    return float(torch.special.xlogy(q, q / (p / p.sum())).sum())


@metric("variance within classes", better="real")
def class_variance(evidence: Evidence) -> float | None:
    """Variance of the judge's features within recognised classes, by that of the test pictures: 1 if real.

    The mean over drawn pictures of the squared distance to their class's mean, by the variance of the test pictures of
    that class; 0 for one picture a class. None where no class has two pictures of both. Cannot see whether pictures are
    any good: what scatters too far hides what does not vary, and a class that is not drawn does not count.
    """
    drawn, real = evidence.drawn, evidence.real
    drawn_counts, real_counts = _counts(drawn), _counts(real)
    known = (drawn_counts > 1) & (real_counts > 1)
    if not known.any():
        return None
    ratios = _variances(drawn)[known] / _variances(real)[known]
    return float((ratios * drawn_counts[known]).sum() / drawn_counts[known].sum())


@once
def _counts(pictures: Pictures) -> Tensor:
    """Return how many pictures are recognised as each class: (classes,)."""
    return pictures.recognised.bincount(minlength=pictures.logits.shape[1])


@once
def _variances(pictures: Pictures) -> Tensor:
    """Return the unbiased variance of the features of each recognised class, summed over them: (classes,), double."""
    features, classes, counts = pictures.features.double(), pictures.recognised, _counts(pictures)
    sums = torch.zeros(len(counts), features.shape[1], dtype=torch.float64).index_add_(0, classes, features)
    means = sums / counts[:, None].clamp_min(1)
    squares = (features - means[classes]).square().sum(dim=1)
    total = torch.zeros(len(counts), dtype=torch.float64).index_add_(0, classes, squares)
    return total / (counts - 1).clamp_min(1)
