"""How sharp the pictures are."""

import torch
from torch.nn.functional import conv2d

from metrics._evidence import Evidence
from metrics._metric import metric
from models import from_pixels


@metric("sharpness", better="real", needs=())
def sharpness(evidence: Evidence) -> float:
    """Mean square of the Laplacian of the pixels in [-1, 1], borders left out.

    Less than real means blurred, more means noisy. An average: cannot see that one half is blurred and the other
    noisy, and nothing of what the pictures show.
    """
    laplacian = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
    n, c, h, w = evidence.drawn.pixels.shape
    planes = from_pixels(evidence.drawn.pixels).view(n * c, 1, h, w)
    return float(conv2d(planes, laplacian.view(1, 1, 3, 3)).square().mean())
