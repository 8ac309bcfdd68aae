"""The commands, against a running service."""

from pathlib import Path

import httpx
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from typer.testing import CliRunner, Result

from ganery import cli
from tests.ganery.launched import Launched

pytestmark = pytest.mark.chaos  # it shares the service with the tests that kill its processes

TRAINING = ("--family", "dcgan", "--preset", "paper", "--dataset", "segments", "--batch-size", "16")
TINY = (*TRAINING, "--images", "64")
ENDLESS = (*TRAINING, "--images", str(10**9))


@pytest.fixture
def url(service: Launched, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GANERY_URL", service.url)
    return service.url


def run(*words: str) -> Result:
    return CliRunner().invoke(cli.app, list(words))


def succeed(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.output


def fail(*words: str) -> str:
    """Return what is said, on one line, by a command that ends with status 1."""
    result = run(*words)
    assert result.exit_code == 1, result.output
    return " ".join(result.stderr.split())


def test_a_model_is_trained_watched_drawn_from_and_promoted(url: str, tmp_path: Path) -> None:
    told = succeed("train", *TINY, "--set", "width=8", "--seed", "5", "--watch")
    job = told.split()[1]
    assert f"job {job} is queued: dcgan (paper) on segments, seed 5" in told
    assert "checkpoint at step 4" in told
    assert f"job {job} succeeded after 4 of 4 steps; its newest checkpoint is {job}-4" in told
    assert httpx.get(f"{url}/jobs/{job}").json()["request"]["hyperparameters"]["width"] == 8
    assert f"job {job} succeeded" in succeed("watch", job)
    assert job in succeed("jobs")

    grid = tmp_path / "grid.png"
    told = succeed("generate", "--checkpoint", f"{job}-4", "--seed", "1", "--count", "4", "--out", str(grid))
    assert f"{grid}: checkpoint {job}-4, seed 1" in told
    link = told.split("the same again: ")[1].strip()
    assert httpx.get(link).content == grid.read_bytes()
    assert run("generate", "--checkpoint", f"{job}-4", "--seed", "1", "--count", "4", "--out", "-").stdout_bytes == (
        grid.read_bytes()
    )

    nice = ("--nice", "--nice-factor", "3", "--nice-method", "drs")
    told = succeed("generate", "--checkpoint", f"{job}-4", "--count", "4", *nice, "--out", str(grid))
    assert "accepted from 12 candidates" in told

    assert f"mine means {job}-4 now" in succeed("promote", f"{job}-4", "--alias", "mine")
    assert f"checkpoint {job}-4" in succeed("generate", "--checkpoint", "mine", "--out", str(grid))


def test_a_job_is_paused_resumed_and_cancelled(url: str) -> None:
    job = succeed("train", *ENDLESS).split()[1]
    assert f"job {job} is pau" in succeed("pause", job)
    assert f"job {job} is " in succeed("resume", job)
    assert f"job {job} is cancel" in succeed("cancel", job)
    result = run("watch", job)
    assert result.exit_code == 1
    assert f"job {job} cancelled" in result.output


def test_a_study_is_begun_and_shown(url: str) -> None:
    begun = ("--families", "lsgan,dcgan", "--dataset", "segments", "--trials", "1", "--images", "64", "--seed", "1")
    told = succeed("study", *begun)
    assert "lsgan:neutral" in told
    assert "dcgan:paper" in told
    study = told.split("look again with: ganery study ")[1].strip()
    again = succeed("study", study)
    assert f"{url}/studies/{study}/plot.svg" in again
    assert "FAILED" in again
    assert "families.0: there is no family 'nobody'" in fail("study", "--families", "nobody")
    assert "ganery study --families gan,wgan" in fail("study")
    assert "there is no study 'nobody'" in fail("study", "nobody")


def test_a_picture_is_kept_and_verified(url: str, tmp_path: Path) -> None:
    grid = tmp_path / "grid.png"
    succeed("generate", "--seed", "1", "--count", "4", "--digit", "7", "--out", str(grid))
    told = succeed("verify", str(grid))
    assert f"{grid}: equal, drawn by projection_gan-mnist-" in told
    assert "Every byte is what this service draws" in told
    told = succeed("keep", str(grid), "--star", "--tag", "bold", "--tag", "Seven", "--note", "leans")
    assert ", tagged bold, seven: " in told
    assert httpx.get(told.split()[-1]).content == grid.read_bytes()
    (kept,) = httpx.get(f"{url}/pictures", params={"tag": "seven", "text": "leans", "starred": True}).json()["items"]
    assert f"picture {kept['id']} is kept" in told
    assert told == succeed("keep", str(grid))

    changed = Image.open(grid)
    info = PngInfo()
    info.add_itxt("ganery", changed.info["ganery"])
    changed.point(lambda level: 255 - level).save(grid, pnginfo=info)
    result = run("verify", str(grid))
    assert result.exit_code == 1
    assert f"{grid}: different" in result.output
    changed.save(grid)
    assert "tells no recipe" in fail("keep", str(grid))
    grid.write_bytes(httpx.get(f"{url}/latent/walk?from_seed=1&to_seed=2&steps=3").content)
    assert "is of /latent/walk, and what /generate draws can be kept" in fail("keep", str(grid))
    assert "gone.png cannot be read: No such file or directory" in fail("keep", str(tmp_path / "gone.png"))
    assert "nonesuch" in fail("verify", str(tmp_path / "nonesuch"))


def test_what_the_service_refuses_is_told_clearly(url: str) -> None:
    assert "digit: should be a whole number from 0 up to 9" in fail("generate", "--digit", "10")
    assert "means nothing without --nice: add it" in fail("generate", "--nice-method", "drs")
    assert "there is no family 'nonesuch'" in fail("train", "--family", "nonesuch")
    assert "there is no job 'nonesuch'" in fail("watch", "nonesuch")
    assert "--out is for --local" in fail("train", "--out", "somewhere")
    assert "expected NAME=VALUE" in fail("train", "--set", "width")


def test_a_service_that_is_not_there_says_how_to_start_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANERY_URL", "http://127.0.0.1:1")
    told = fail("jobs")
    assert "no service answers at http://127.0.0.1:1" in told
    assert "make run" in told


def test_a_setting_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANERY_PORT", "many")
    assert "GANERY_PORT: should be a whole number from 0 up to 65,535" in fail("up")


def test_a_value_is_json_or_else_a_string() -> None:
    assert cli.parse_values(["width=8", "loss=hinge", "flags=[1, 2]", "name=a=b"]) == {
        "width": 8,
        "loss": "hinge",
        "flags": [1, 2],
        "name": "a=b",
    }


def test_training_and_drawing_work_without_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANERY_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("GANERY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("GANERY_TRAINING_THREADS", "1")
    told = succeed("train", "--local", *TINY, "--set", "width=8")
    checkpoint = tmp_path / "local" / "dcgan-segments-0" / "checkpoints" / "00000004"
    assert f"{checkpoint}: after 4 of 4 steps" in told
    grid = tmp_path / "grid.png"
    succeed("generate", "--local", "--checkpoint", str(checkpoint), "--out", str(grid))
    assert grid.read_bytes().startswith(b"\x89PNG")
    assert "nonesuch" in fail("generate", "--local", "--checkpoint", "nonesuch", "--out", str(grid))
    refused = fail("generate", "--local", "--checkpoint", str(checkpoint), "--set", "level=1", "--out", str(grid))
    assert "dcgan has no such control" in refused
    assert "lapgan" in refused


def test_ctrl_c_leaves_a_watched_job_at_work(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def press(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ganery.display.TrainingBar.follow", press)
    result = run("train", *ENDLESS, "--watch")
    job = result.stdout.split()[1]
    assert result.exit_code == cli.INTERRUPTED
    assert f"job {job} goes on; follow it again with: ganery watch {job}" in result.stdout
    assert httpx.post(f"{url}/jobs/{job}/cancel").json()["state"] in {"cancelling", "cancelled"}


def test_a_wrong_broker_address_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "http://someone:secret@host:6379/0")
    result = CliRunner().invoke(cli.app, ["data", "fetch", "segments"])
    assert result.exit_code == 1
    assert "REDIS_URL" in result.output
    assert "host:6379" in result.output
    assert "secret" not in result.output
