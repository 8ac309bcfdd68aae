"""Inception's features, for the metric FID: where a person has installed torch-fidelity and its weights.

Neither is a dependency: the weights come from one address alone, and are not ours to ship. torch-fidelity unpickles
them, so take them from where you trust.
"""

import importlib
from pathlib import Path

import torch
from torch import Tensor

from metrics import Extract

MODULE = "torch_fidelity.feature_extractor_inceptionv3"
WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"
"""What torch-fidelity calls its weights, converted from those that Heusel et al. 2017 used."""

_LAYER = "2048"


class InceptionUnavailableError(Exception):
    """FID was asked for, and something for it is not installed."""

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"FID needs {missing}: pip install torch-fidelity, and put {WEIGHTS}, which its release v0.2.0 on GitHub "
            f"has, at {weights_path()}. FD and KID need neither"
        )


def weights_path() -> Path:
    """Return where torch-fidelity keeps its weights once it has fetched them: below TORCH_HOME."""
    return Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS


def load_inception() -> Extract:
    """Return what turns pictures (n, 3, h, w) uint8 into Inception's 2,048 features (n, 2048). Fetches nothing.

    Raises InceptionUnavailableError.
    """
    try:
        module = importlib.import_module(MODULE)
    except ImportError as error:
        raise InceptionUnavailableError(f"the package torch-fidelity ({error})") from error
    if not weights_path().is_file():
        raise InceptionUnavailableError("Inception's weights")
    network = module.FeatureExtractorInceptionV3(
        "inception-v3-compat", [_LAYER], feature_extractor_weights_path=str(weights_path())
    )

    @torch.inference_mode()
    def extract(pixels: Tensor) -> Tensor:
        features: Tensor = network(pixels)[0]
        return features

    return extract
