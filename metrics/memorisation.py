"""Whether pictures were learnt by heart."""

from torch import Tensor

from metrics._evidence import Evidence, Pictures, Reference, once
from metrics._metric import metric
from metrics._neighbours import nearest
from models import from_pixels

_PICTURES = 2000


@metric("nearest training picture", better="real", cost="full", needs=(), held_out_floor=True, most=_PICTURES)
def nearest_training_picture(evidence: Evidence) -> float:
    """Median distance to the nearest training picture, in pixels, by that of test pictures: 0 for a copier.

    Near 1 is good: test pictures are as far from the training pictures as one that nobody saw. Of the first 2,000
    drawn and the last 2,000 test pictures; the floor is that of the first 2,000 test pictures. Cannot see copies that
    were moved, turned or shaded, and fewer copies than half. A blurred picture is near to all others, and below 1 too.
    """
    reference = evidence.reference
    return float(_to_training(evidence.drawn.pixels, reference.train).median()) / _held_out_distance(reference)


@once
def _held_out_distance(reference: Reference) -> float:
    return float(_to_training(reference.test.pixels[-_PICTURES:], reference.train).median())


def _to_training(pixels: Tensor, train: Pictures) -> Tensor:
    """Return the distance of each picture to the nearest training picture: (n,)."""
    return nearest(from_pixels(pixels).flatten(1), from_pixels(train.pixels).flatten(1))
