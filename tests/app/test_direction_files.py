"""Directions on disk: the same to the last bit, or not at all."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from app.latent import direction_files
from app.latent.direction_files import DirectionFiles
from models import Direction, find_directions
from tests.app.service import Service, running
from tests.app.zoo import CONDITIONAL
from tests.models.test_directions import space_of

CODE = ("1", "2.0")
DIGEST = "ab" * 32


@pytest.fixture(scope="module")
def found() -> Sequence[Direction]:
    return find_directions(space_of(), pictures=256)


@pytest.fixture
def files(tmp_path: Path) -> DirectionFiles:
    return DirectionFiles(tmp_path, CODE)


def test_directions_are_read_as_they_were_written(files: DirectionFiles, found: Sequence[Direction]) -> None:
    assert files.read(DIGEST) is None
    files.write(DIGEST, found)
    read = files.read(DIGEST)
    assert read is not None
    assert len(read) == len(found)
    for one, other in zip(read, found, strict=True):
        assert torch.equal(one.vector, other.vector)
        assert one.vector.dtype == other.vector.dtype
        assert (one.name, one.unit, one.r_squared) == (other.name, other.unit, other.r_squared)
        assert (one.spread, list(one.per_step.items())) == (other.spread, list(other.per_step.items()))


def test_other_code_finds_its_own(tmp_path: Path, files: DirectionFiles, found: Sequence[Direction]) -> None:
    files.write(DIGEST, found)
    assert DirectionFiles(tmp_path, ("2", "2.0")).read(DIGEST) is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"code": ["1", "2.0"]}', "\xff", "changed"])
def test_a_damaged_file_counts_as_none(
    tmp_path: Path, files: DirectionFiles, found: Sequence[Direction], damage: str
) -> None:
    files.write(DIGEST, found)
    (file,) = tmp_path.iterdir()
    if damage == "changed":
        told = json.loads(file.read_text())
        told["directions"][0]["vector"][0] += 1e-9
        damage = json.dumps(told)
    file.write_text(damage, encoding="latin-1")
    assert files.read(DIGEST) is None
    files.write(DIGEST, found)
    assert files.read(DIGEST) is not None


def test_the_oldest_files_go_first(
    tmp_path: Path, files: DirectionFiles, found: Sequence[Direction], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direction_files, "MOST_FILES", 2)
    for place, digest in enumerate(("a", "b", "c")):
        files.write(digest, found[:1])
        if (tmp_path / f"{digest}.json").exists():
            os.utime(tmp_path / f"{digest}.json", (place, place))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["b.json", "c.json"]


def test_where_nothing_can_be_written_nothing_fails(
    tmp_path: Path, found: Sequence[Direction], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "directions").write_text("a file")
    files = DirectionFiles(tmp_path / "directions", CODE)
    files.write(DIGEST, found)
    assert "cannot be kept" in caplog.text
    assert files.read(DIGEST) is None


def test_a_service_that_starts_again_need_not_find_them(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/latent/directions?checkpoint={CONDITIONAL}"
    first = service.get(path).json()
    monkeypatch.setattr("app.latent.answers.find_directions", None)
    with running(tmp_path) as again:
        assert again.get(path).json() == first
