"""What the containers run exists: every command, module, file and environment variable."""

import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from json import loads
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from app.settings import AppSettings
from ganery.launcher import LauncherSettings
from ganery.settings import ClientSettings, variable
from workers.settings import WorkerSettings

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SETTINGS = (AppSettings, ClientSettings, LauncherSettings, WorkerSettings)
OURS = {
    variable(kind, str(field.validation_alias or name))
    for kind in SETTINGS
    for name, field in kind.model_fields.items()
}
"""Every environment variable that one of our processes reads."""

OF_OTHERS = re.compile(r"(PIP|PYTHON|POSTGRES)_?[A-Z_]+")
NOT_INSTALLED = {"tests", "benchmarks"}
PROGRAMS_OF_IMAGES = {"redis": ("redis-server", "redis-cli"), "postgres": ("postgres", "pg_isready")}


def instructions(name: str) -> list[str]:
    """Return the arguments of each such line of the Dockerfile."""
    return re.findall(rf"^{name} +(.*)$", DOCKERFILE, re.MULTILINE)


def own_services() -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, service) for name, service in COMPOSE["services"].items() if "build" in service)


def stages() -> Mapping[str, str]:
    """Return the text of each target of the Dockerfile."""
    names = re.findall(r"^FROM .* AS (.*)$", DOCKERFILE, re.MULTILINE)
    return dict(zip(names, re.split(r"^FROM .*$", DOCKERFILE, flags=re.MULTILINE)[1:], strict=True))


def test_the_dockerfile_has_the_two_targets_and_neither_runs_as_root() -> None:
    assert {"app", "worker"} < set(stages())
    for name in ("app", "worker"):
        assert f"FROM installed AS {name}" in DOCKERFILE
        assert "HEALTHCHECK" in stages()[name]
    assert instructions("USER") == ["ganery"]


@pytest.mark.parametrize("target", ["app", "worker"])
def test_the_command_of_a_target_exists(target: str) -> None:
    program, *words = loads(re.findall(r"^CMD (\[.*\])$", stages()[target], re.MULTILINE)[-1])
    assert (Path(sys.executable).parent / program).exists(), f"no installed package has the command {program}"
    for word in words:
        module, colon, attribute = word.partition(":")
        if colon or word.startswith("workers."):
            assert hasattr(importlib.import_module(module), attribute or "app"), word
    options = [word.split("=")[0] for word in words if word.startswith("--")]
    subcommand = [word for word in words if word == "worker"]
    told = subprocess.run(
        [sys.executable, "-m", program, *subcommand, "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not [option for option in options if option not in told.stdout]


def test_the_health_check_asks_for_a_path_that_the_service_has() -> None:
    path = re.search(r"http://127\.0\.0\.1:8000(/\w+)", stages()["app"])
    assert path
    from app.main import create_app

    assert path[1] in create_app().openapi()["paths"]


def test_the_health_check_of_the_worker_asks_when_it_last_looked_around(tmp_path: Path) -> None:
    check = re.search(r"HEALTHCHECK .* CMD (test .*)$", stages()["worker"], re.MULTILINE)
    assert check
    environment = {**os.environ, "GANERY_DATA_DIR": str(tmp_path)}

    def is_healthy() -> bool:
        command = ["sh", "-c", check[1]]
        return not subprocess.run(command, env=environment, check=False, stderr=subprocess.DEVNULL).returncode

    assert not is_healthy()
    alive = WorkerSettings(data_dir=tmp_path).alive
    alive.touch()
    assert is_healthy()
    os.utime(alive, (0, 0))
    assert not is_healthy()


def test_every_environment_variable_of_the_dockerfile_is_read_by_someone() -> None:
    names = [pair.split("=")[0] for line in instructions("ENV") for pair in line.split()]
    assert names
    assert not [name for name in names if name not in OURS and not OF_OTHERS.fullmatch(name)]


def test_every_environment_variable_of_the_services_is_read_by_someone() -> None:
    for name, service in COMPOSE["services"].items():
        for key in service.get("environment", {}):
            assert key in OURS or OF_OTHERS.fullmatch(key), f"{name} sets {key}, which nothing reads"


def test_every_variable_that_compose_asks_for_is_documented() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    documented = (ROOT / "docs" / "configuration.md").read_text()
    asked = set(re.findall(r"\$\{(\w+)", text))
    assert asked == {"POSTGRES_PASSWORD", "CPU_TORCH_INDEX_URL", "GANERY_PORT"}
    assert not [name for name in asked if f"`{name}`" not in documented]
    assert "${POSTGRES_PASSWORD:?" in text, "a password has no default"


def test_services_build_targets_that_exist_with_arguments_that_exist() -> None:
    arguments = {line.split("=")[0] for line in instructions("ARG")}
    for name, service in own_services():
        assert service["build"]["target"] in stages(), name
        assert set(service["build"].get("args", {})) <= arguments, name


def test_the_health_checks_of_other_images_call_their_own_programs() -> None:
    for name, programs in PROGRAMS_OF_IMAGES.items():
        assert COMPOSE["services"][name]["healthcheck"]["test"][1] in programs


def test_services_wait_for_what_they_need_and_keep_their_data() -> None:
    for name, service in own_services():
        for needed, wish in service["depends_on"].items():
            assert wish == {"condition": "service_healthy"}
            assert "healthcheck" in COMPOSE["services"][needed], f"{name} waits for {needed}"
    volumes = [volume.split(":")[0] for service in COMPOSE["services"].values() for volume in service["volumes"]]
    assert set(volumes) == set(COMPOSE["volumes"])


def test_a_gpu_is_reserved_in_its_profile_alone() -> None:
    services = COMPOSE["services"]
    devices = services["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices == [{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}]
    assert (services["worker"]["profiles"], services["worker-cpu"]["profiles"]) == (["gpu"], ["cpu"])
    assert "deploy" not in services["worker-cpu"]
    assert "profiles" not in services["app"]


def test_what_the_image_copies_exists_and_holds_every_package() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    kept = [line[1:] for line in lines if line.startswith("!")]
    assert not [name for name in kept if not (ROOT / name).exists()]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - NOT_INSTALLED
    assert packages <= set(kept)


def test_a_wheel_holds_every_file_of_every_package(tmp_path: Path) -> None:
    packages = [path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name not in NOT_INSTALLED]
    for name in packages:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    files = {path.relative_to(tmp_path).as_posix() for name in packages for path in (tmp_path / name).rglob("*.*")}
    build = "from setuptools.build_meta import build_wheel; build_wheel('.')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert files - set(ZipFile(wheel).namelist()) == set()


def test_one_version_of_torch_is_pinned() -> None:
    makefile = re.search(r"^TORCH := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert makefile
    assert f"TORCH={makefile[1]}" in instructions("ARG")
    assert not re.findall(r"^torch==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)


def test_docker_compose_accepts_the_file() -> None:
    """Where its client is installed; what is above holds without it."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed: the file is checked by parsing alone")
    environment = {"PATH": str(Path(docker).parent), "POSTGRES_PASSWORD": "secret"}
    for profile in ("gpu", "cpu"):
        command = [docker, "compose", "--profile", profile, "config", "--quiet"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
