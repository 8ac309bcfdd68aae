"""What the judge recognises, where its verdicts and features are given."""

from math import log

import pytest
import torch
from torch import Tensor

from metrics import Evidence, Pictures
from metrics.recognition import class_variance, classes_covered, classes_kl, gan_test, label_accuracy, modes_covered
from tests.metrics.points import between, gaussian, seen


def verdicts(recognised: Tensor, features: Tensor | None = None, labels: Tensor | None = None) -> Pictures:
    """Pictures that the judge recognises as these classes."""
    given = gaussian(len(recognised), 4, seed=0) if features is None else features
    return seen(given, recognised=recognised, labels=labels)


def evidence(drawn: Pictures, real: Pictures | None = None) -> Evidence:
    """Evidence beside as many test pictures of each class, or these."""
    return between(drawn, real or verdicts(torch.arange(1000) % 10))


def test_label_accuracy_is_the_share_recognised_as_asked_for() -> None:
    found = evidence(verdicts(torch.tensor([0, 1, 2, 3]), labels=torch.tensor([0, 1, 2, 4])))
    assert label_accuracy(found) == gan_test(found) == 0.75


def test_label_accuracy_does_not_apply_where_no_class_could_be_asked_for() -> None:
    assert label_accuracy(evidence(verdicts(torch.arange(10)))) is None


def test_a_class_is_covered_from_a_tenth_of_an_even_share_on() -> None:
    recognised = torch.tensor([0] * 980 + [3] * 10 + [4] * 9 + [7])
    found = evidence(verdicts(recognised))
    assert classes_covered(found) == 2
    assert modes_covered(found) == 4


def test_equally_frequent_classes_have_no_divergence() -> None:
    assert classes_kl(evidence(verdicts(torch.arange(500) % 10))) == pytest.approx(0, abs=1e-12)


def test_half_of_the_classes_diverge_by_the_logarithm_of_two() -> None:
    assert classes_kl(evidence(verdicts(torch.arange(500) % 5))) == pytest.approx(log(2))


def test_a_class_that_the_test_pictures_lack_costs_much_and_not_all() -> None:
    real = verdicts(torch.arange(1000) % 9)
    # KL of a point mass: -ln p, where p is half a picture of 1,005
    assert classes_kl(evidence(verdicts(torch.full((100,), 9)), real)) == pytest.approx(log(2 * 1005))


def test_the_variance_within_classes_is_a_ratio_of_squared_deviations() -> None:
    classes = torch.arange(4000) % 10
    centres = gaussian(10, 16, seed=1, scale=50)
    real = verdicts(classes, centres[classes] + gaussian(4000, 16, seed=2))
    half = verdicts(classes, centres[classes] + gaussian(4000, 16, seed=3, scale=0.5))
    assert class_variance(evidence(half, real)) == pytest.approx(0.25, rel=0.05)
    assert class_variance(evidence(real, real)) == pytest.approx(1)
    assert class_variance(evidence(verdicts(classes, centres[classes]), real)) == pytest.approx(0, abs=1e-9)


def test_the_variance_of_single_pictures_does_not_exist() -> None:
    assert class_variance(evidence(verdicts(torch.arange(10)))) is None
