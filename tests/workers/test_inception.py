"""The seam where torch-fidelity comes in, with a stand-in of its interface."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor

from workers import inception


class FeatureExtractorInceptionV3:
    """Takes what torch-fidelity's takes, and answers in a tuple as it does."""

    def __init__(self, name: str, features_list: list[str], feature_extractor_weights_path: str) -> None:
        assert (name, features_list) == ("inception-v3-compat", ["2048"])
        assert Path(feature_extractor_weights_path).is_file()

    def __call__(self, pixels: Tensor) -> tuple[Tensor]:
        assert pixels.dtype == torch.uint8
        return (pixels.float().flatten(1).mean(dim=1, keepdim=True).expand(-1, 2048),)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    return tmp_path / "checkpoints"


@pytest.fixture
def torch_fidelity(monkeypatch: pytest.MonkeyPatch) -> None:
    package, module = ModuleType("torch_fidelity"), ModuleType(inception.MODULE)
    module.__dict__["FeatureExtractorInceptionV3"] = FeatureExtractorInceptionV3
    monkeypatch.setitem(sys.modules, "torch_fidelity", package)
    monkeypatch.setitem(sys.modules, inception.MODULE, module)


def test_without_the_package_it_says_what_to_install(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)  # cannot be imported, installed or not
    with pytest.raises(inception.InceptionUnavailableError, match=r"needs the package.*pip install torch-fidelity"):
        inception.load_inception()


@pytest.mark.usefixtures("torch_fidelity")
def test_without_the_weights_it_says_where_they_belong_and_fetches_nothing(hub: Path) -> None:
    with pytest.raises(inception.InceptionUnavailableError, match="needs Inception's weights") as caught:
        inception.load_inception()
    assert str(hub / inception.WEIGHTS) in str(caught.value)


@pytest.mark.usefixtures("torch_fidelity")
def test_pictures_become_2048_features(hub: Path) -> None:
    hub.mkdir()
    (hub / inception.WEIGHTS).touch()
    extract = inception.load_inception()
    assert extract(torch.zeros(3, 3, 28, 28, dtype=torch.uint8)).shape == (3, 2048)
