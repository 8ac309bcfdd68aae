"""Adding a family is two new files and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.snapshot import ROOT, copy_packages

FAMILY = '''"""Mean GAN: the generator's pictures shall be as bright as the real ones.

Source: https://example.org/mean-gan, section 1.

Idea: two players quarrel about one number.

Traps: there are none.

Deviations: none.
"""

from types import MappingProxyType

from pydantic import Field

from models import _neutral as neutral
from models._family import (
    Batch,
    Conditioning,
    Controls,
    Family,
    ModelConfig,
    Networks,
    Objective,
    Paper,
    Phase,
    ScoreKind,
    Steering,
)
from models._losses import precise
from models._noise import Noise
from torch import Tensor


class MeanGANHyperparameters(neutral.NeutralHyperparameters):
    contrast: float = Field(1.0, ge=0, le=10, description="how much the difference counts")


class MeanGANControls(Controls):
    shade: float | None = Field(None, ge=-1, le=1, description="added to every pixel")


Config = ModelConfig[MeanGANHyperparameters]


def discriminate(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    on_real, on_fake = neutral.judge_both(networks, batch, config, noise)
    return Objective({"difference": config.hyperparameters.contrast * precise(on_fake - on_real).mean()})


def generate(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    return Objective({"fake": -precise(neutral.judge_fakes(networks, batch, config, noise)).mean()})


def list_phases(config: Config) -> tuple[Phase[MeanGANHyperparameters], ...]:
    return neutral.two_players(config, discriminate, generate)


def shade(networks: Networks, config: Config, noise: Noise, labels: Tensor, controls: MeanGANControls) -> Tensor:
    return (neutral.sample(networks, config, noise, labels) + (controls.shade or 0)).clamp(-1, 1)


FAMILY = Family(
    name="mean_gan",
    paper=Paper(title="Mean GAN", authors="A. Reader", year=2030, url="https://example.org/mean-gan"),
    conditioning=Conditioning.NONE,
    hyperparameters=MeanGANHyperparameters,
    presets=MappingProxyType({"neutral": neutral.neutral_preset(MeanGANHyperparameters())}),
    build=neutral.build,
    phases=list_phases,
    sample=neutral.sample,
    score=neutral.score,
    score_kind=ScoreKind.CRITIC,
    steering=Steering(MeanGANControls, shade),
)
'''

TEST = """from models.mean_gan import FAMILY


def test_brightness_counts_once() -> None:
    assert FAMILY.preset("neutral").hyperparameters.contrast == 1
"""

ASK = """import json, sys
from pathlib import Path
from fastapi.testclient import TestClient
from app.main import create_app
from app.settings import AppSettings

with TestClient(create_app(AppSettings(data_dir=Path(sys.argv[1])))) as client:
    job = client.post("/train", json={"family": "mean_gan", "dataset": "segments", "images": 640})
    answers = {name: client.get(f"/{name}").json() for name in ("families", "openapi.json")}
    lesson = client.get("/learn/mean_gan").text
print(json.dumps(answers | {"job": job.status_code, "lesson": lesson}))
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which somebody has added a family."""
    directory = tmp_path_factory.mktemp("checkout")
    copy_packages(directory, "tests", "benchmarks")
    (directory / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (directory / "models" / "mean_gan.py").write_text(FAMILY)
    (directory / "tests" / "models" / "test_mean_gan.py").write_text(TEST)
    return directory


def run(checkout: Path, *command: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_service_trains_a_family_that_was_dropped_in(checkout: Path, tmp_path: Path) -> None:
    answers = json.loads(run(checkout, "-c", ASK, str(tmp_path)).splitlines()[-1])
    (family,) = (one for one in answers["families"]["items"] if one["name"] == "mean_gan")
    assert family["hyperparameters"]["properties"]["contrast"]["default"] == 1
    document = answers["openapi.json"]
    assert "mean_gan" in document["components"]["schemas"]["TrainRequest"]["properties"]["family"]["enum"]
    parameters = {one["name"]: one for one in document["paths"]["/generate"]["get"]["parameters"]}
    assert parameters["shade"]["description"] == "added to every pixel (mean_gan)"
    assert answers["job"] == 202
    for part in (
        "Mean GAN",
        "<code>contrast</code>",
        "added to every pixel",
        '<svg class="game"',
        "as bright as the real",
    ):
        assert part in answers["lesson"]


def test_the_laws_of_all_families_hold_for_it(checkout: Path) -> None:
    told = run(checkout, "-m", "pytest", "-v", "-k", "mean_gan", "tests/models")
    assert told.count("test_contract.py::") > 20
    assert "test_mean_gan.py::test_brightness_counts_once PASSED" in told
    assert "FAILED" not in told
