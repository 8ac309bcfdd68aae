"""The game that most families play, at logits that are known."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from models import SEGMENTS, Family, ModelConfig, acgan, cgan, dcgan, dragan, gan, gan_r1, infogan, projection_gan
from tests.models.closed_form import Brightness, Grey, terms


class WithHead(Brightness):
    """A discriminator with a second head, which knows nothing."""

    def __init__(self, slope: float, outputs: int) -> None:
        super().__init__(slope)
        self.outputs = outputs

    def forward(self, images: Tensor, *labels: Tensor) -> Any:
        return super().forward(images), torch.zeros(len(images), self.outputs)


def cross_entropy(logit: float, mark: float) -> float:
    return binary_cross_entropy_with_logits(torch.tensor(logit), torch.tensor(mark)).item()


@pytest.mark.parametrize(
    ("family", "preset", "weight", "outputs"),
    [
        pytest.param(family, preset, weight, outputs, id=f"{family.name}-{preset}")
        for family, preset, weight, outputs in (
            (acgan.FAMILY, "neutral", 1.0, 10),
            (cgan.FAMILY, "conv", 1.0, 0),
            (dcgan.FAMILY, "paper", 1.0, 0),
            (dcgan.FAMILY, "tutorial", 0.5, 0),
            (dragan.FAMILY, "neutral", 1.0, 0),
            (gan.FAMILY, "neutral", 1.0, 0),
            (gan.FAMILY, "paper", 0.5, 0),
            (gan_r1.FAMILY, "neutral", 1.0, 0),
            (infogan.FAMILY, "neutral", 1.0, 12),
            (projection_gan.FAMILY, "quick", 1.0, 0),
        )
    ],
)
def test_losses_are_cross_entropies_with_the_marks_one_and_zero(
    family: Family[Any], preset: str, weight: float, outputs: int
) -> None:
    """weight: of the discriminator's terms. outputs: of a second head, where there is one."""
    judge = WithHead(4.0, outputs) if outputs else Brightness(4.0)
    networks = nn.ModuleDict({"generator": Grey(-0.3), "discriminator": judge})
    chosen = family.preset(preset).hyperparameters
    discriminator, generator = (
        terms(phase.loss, networks, chosen, 0.5) for phase in family.phases(ModelConfig(chosen, SEGMENTS))
    )
    assert discriminator["real"] == pytest.approx(weight * cross_entropy(2.0, 1.0))
    assert discriminator["fake"] == pytest.approx(weight * cross_entropy(-1.2, 0.0))
    assert generator["non_saturating"] == pytest.approx(cross_entropy(-1.2, 1.0))
