"""What a classifier learns from the drawn pictures."""

from metrics._evidence import Evidence, Pictures
from metrics._metric import metric


@metric("GAN-train accuracy", better="higher", cost="slow", needs=("judge", "labels", "trainer"))
def gan_train(evidence: Evidence) -> float | None:
    """Share of test pictures recognised by a classifier that learnt from drawn ones: Shmelkov et al. 2018, section 3.

    Both wrong and missing pictures lower it, so it is the one number that needs good pictures, variety and right
    labels. Varies by about 0.1 % from training to training. Cannot see copies of training pictures, nor faults that do
    not mislead a classifier, such as noise.
    """
    train, labels = evidence.reference.train_classifier, evidence.drawn.labels
    assert train is not None
    assert labels is not None
    classifier = train(evidence.drawn.pixels, labels)
    return Pictures(classifier, evidence.real.pixels, evidence.real.labels).accuracy
