"""The classifier of GAN-train learns what it is shown, and nothing else makes a difference."""

import torch

from models import SEGMENTS
from tests.training import segments
from workers.gan_train import classifier_trainer


def test_equal_pictures_make_equal_classifiers_and_other_labels_another() -> None:
    data, train = segments(), classifier_trainer(SEGMENTS, epochs=1, batch_size=16)
    pixels, labels = data.images[:64], data.labels[:64]
    first, again, other = (train(pixels, taught).state_dict() for taught in (labels, labels, labels.roll(1)))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.1.weight"], other["head.1.weight"])
