"""The folders are the layers, and nothing outside a family knows its name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from models import families

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "benchmarks", "checkpoints", "datasets", "ganery", "metrics", "models", "store", "workers")
FAMILY_FILES = {ROOT / "models" / f"{name}.py" for name in families()}


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The names of all modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = str(node.module)
            yield from (f"{module}.{alias.name}" if alias.name[0] == "_" else module for alias in node.names)


def names_compared(path: Path) -> Iterator[str]:
    """The strings that a file compares something with, or matches on."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare | ast.match_case):
            yield from (
                part.value
                for part in ast.walk(node.pattern if isinstance(node, ast.match_case) else node)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )


def test_imports_point_down(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    status = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_registry_is_the_folder_listing() -> None:
    files = {path.stem for path in (ROOT / "models").glob("*.py")}
    assert set(families()) == {name for name in files if not name.startswith("_")}


@pytest.mark.parametrize("family", list(families()))
def test_a_family_imports_shared_modules_alone(family: str) -> None:
    ours = {name for name in imports(ROOT / "models" / f"{family}.py") if name.split(".")[0] in PACKAGES}
    assert all(name.startswith("models._") for name in ours), ours


def test_only_the_zoo_imports_its_private_modules() -> None:
    private = {
        path.relative_to(ROOT).as_posix()
        for path in modules(*PACKAGES)
        if path.parent.name != "models" and any(name.startswith("models._") for name in imports(path))
    }
    assert private == set()


@pytest.mark.parametrize("family", list(families()))
def test_a_family_has_a_test_of_its_own(family: str) -> None:
    assert (ROOT / "tests" / "models" / f"test_{family}.py").is_file()


def test_nothing_asks_which_family_it_is() -> None:
    known = set(families())
    asking = {
        str(path.relative_to(ROOT)): found
        for path in modules(*PACKAGES)
        if path not in FAMILY_FILES and (found := known & set(names_compared(path)))
    }
    assert asking == {}


def test_the_laws_of_families_name_none() -> None:
    contract = (ROOT / "tests" / "models" / "test_contract.py").read_text()
    assert [name for name in families() if name in contract] == []


def test_celery_is_known_to_the_workers_and_to_the_doorbell_alone() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in modules(*PACKAGES)
        if {"celery", "kombu", "billiard"} & {name.split(".")[0] for name in imports(path)}
    }
    assert {user for user in users if not user.startswith("workers/")} <= {"app/queue.py"}
