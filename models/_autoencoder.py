"""An autoencoder as the discriminator: how well it reconstructs a picture is what it says of it.

The networks of the well-known collections for EBGAN and BEGAN on MNIST (hwalsuklee's and znxlwm's), on the neutral
backbone's scale, beside its generator:

    encoder     conv 4x4 64, stride 2, ReLU; FC 32: the code
    decoder     FC 64 x (side/2)^2, [BN], ReLU; deconv 4x4, stride 2; tanh

Theirs end in a sigmoid, for pictures in [0, 1]; ours in tanh, for pictures in [-1, 1]: errors are twice as large.
Weights are drawn as PyTorch draws them.
"""

from pydantic import Field
from torch import Tensor, nn

from models import _neutral as neutral
from models._family import ModelConfig, Networks


class AutoencoderHyperparameters(neutral.NeutralHyperparameters):
    """The neutral backbone's, and the bottleneck that keeps the autoencoder from learning the identity.

    Without batch norm: it measures fakes by the statistics of fakes, and takes from a lattice of dots that all of them
    share what would give it away.
    """

    batch_norm: bool = Field(False, description="whether the convolutional autoencoder has batch norm")
    code_dim: int = Field(32, ge=1, le=4096, description="numbers in the discriminator's code of a picture")


Config = ModelConfig[AutoencoderHyperparameters]


class Autoencoder(nn.Module):
    """Pictures (n, c, h, w) to their reconstructions, by way of codes (n, d)."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, images: Tensor) -> Tensor:
        """Return the reconstructions: (n, c, h, w)."""
        reconstructions: Tensor = self.decoder(self.encoder(images))
        return reconstructions


class ConvolutionalAutoencoder(Autoencoder):
    """Pictures (n, c, h, w) to their reconstructions in (-1, 1), by way of codes (n, code_dim).

    Batch norm, where there is one, is in the decoder alone: a code depends on its picture alone.
    """

    def __init__(self, config: Config) -> None:
        chosen, channels, side = config.hyperparameters, config.dataset.channels, config.dataset.size // 2
        width, is_normalised = chosen.width, chosen.batch_norm
        encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(width * side * side, chosen.code_dim),
        )
        decoder = nn.Sequential(
            nn.Linear(chosen.code_dim, width * side * side, bias=not is_normalised),
            nn.BatchNorm1d(width * side * side) if is_normalised else nn.Identity(),
            nn.ReLU(),
            nn.Unflatten(1, (width, side, side)),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        super().__init__(encoder, decoder)


def build(config: Config) -> Networks:
    """Build the neutral generator and the autoencoder. Raises UnsupportedShapeError as the neutral backbone does."""
    neutral.require_side(config)
    players = {"generator": neutral.NeutralGenerator(config), "discriminator": ConvolutionalAutoencoder(config)}
    return nn.ModuleDict(players)
