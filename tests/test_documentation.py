"""What the documents say is so: commands, links, endpoints, settings."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.main import get_command

from app.main import create_app
from app.pictures.recipes import GenerateQuery
from ganery import cli
from ganery.launcher import WELCOME
from ganery.settings import variable
from tests.test_deployment import OURS, ROOT, SETTINGS

README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


def shell_blocks(text: str) -> list[list[str]]:
    """Return the lines of each block of shell commands."""
    return [block.strip().splitlines() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]


def makefile_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def curl_lines() -> Iterator[list[str]]:
    for text in (README, WELCOME.format(url="http://127.0.0.1:8000", seconds=1)):
        yield from (shlex.split(line) for line in text.splitlines() if line.strip().startswith("curl "))


def test_the_readme_has_exactly_the_two_commands_to_set_up() -> None:
    first = shell_blocks(README)[0]
    assert [shlex.split(line, comments=True) for line in first] == [["make", "run"], ["make", "test"]]


def test_every_make_target_that_a_document_names_exists() -> None:
    named = {name for path in DOCUMENTS for name in re.findall(r"`make ([a-z-]+)", path.read_text())}
    assert named
    assert named <= makefile_targets()


def test_the_curl_lines_name_endpoints_and_parameters_that_exist() -> None:
    paths = create_app().openapi()["paths"]
    lines = list(curl_lines())
    assert len(lines) == 13
    for words in lines:
        address = urlsplit(next(word for word in words if word.startswith("http://")))
        (template,) = (path for path in paths if re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), address.path))
        endpoint = paths[template]["post" if {"POST", "--data-binary"} & set(words) else "get"]
        given = {name: value[0] for name, value in parse_qs(address.query, strict_parsing=bool(address.query)).items()}
        assert given.keys() <= {parameter["name"] for parameter in endpoint.get("parameters", ())}
        if template == "/generate":
            GenerateQuery.model_validate(given)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_resolves(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if not target.startswith(("http://", "https://", "#")):
            assert (path.parent / target.partition("#")[0]).exists(), target


def test_every_command_line_of_ours_that_a_document_shows_is_understood() -> None:
    group = get_command(cli.app)
    shown = {line for path in DOCUMENTS for block in shell_blocks(path.read_text()) for line in block}
    ours = [words for line in shown if "ganery" in (words := shlex.split(line, comments=True))[0]]
    assert ours
    for words in ours:
        command = group.commands[words[1]]  # type: ignore[attr-defined]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, words


def test_the_readme_names_commands_that_exist() -> None:
    group = get_command(cli.app)
    named = set(re.findall(r"`(?:\.venv/bin/)?ganery ([a-z]+)", README))
    assert {"watch", "promote"} <= named
    assert named <= set(group.commands)  # type: ignore[attr-defined]


def test_the_settings_are_documented_and_no_others() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == OURS


def test_the_documented_defaults_are_the_defaults() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", text, re.MULTILINE))
    for kind in SETTINGS:
        for name, field in kind.model_fields.items():
            if (shown := told.get(variable(kind, name))) is not None:
                assert shown.lower() == str(field.default).lower(), name


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_one_page_with_its_four_parts(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences", "Alternatives"]
    assert text.startswith(f"# {int(path.stem[:4])}. ")
    assert len(text.splitlines()) <= 60


def test_decisions_that_the_code_names_exist() -> None:
    files = [*ROOT.glob("*/*.py"), ROOT / "pyproject.toml", ROOT / "Makefile"]
    named = {name for path in files for name in re.findall(r"docs/decisions/[\w-]+\.md", path.read_text())}
    assert named
    assert not [name for name in named if not (ROOT / name).exists()]


def test_nothing_names_a_path_of_one_machine() -> None:
    for path in (*DOCUMENTS, ROOT / "Makefile", ROOT / "Dockerfile", *ROOT.glob("requirements*.lock")):
        assert not re.search(r"(/home|/root|/tmp|/Users)/", path.read_text()), path
