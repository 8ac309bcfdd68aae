import errno
import os
import stat
from pathlib import Path

import pytest

from checkpoints.files import remove_asides, write_whole


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deeper" / "file"


def only(path: Path) -> bytes:
    """What the file holds, which is all that is in its directory."""
    assert list(path.parent.iterdir()) == [path]
    return path.read_bytes()


def test_a_file_is_written_with_its_directory(path: Path) -> None:
    write_whole(path, b"data")
    assert only(path) == b"data"


@pytest.mark.parametrize(("replace", "expected"), [(True, b"new"), (False, b"old")])
def test_a_file_that_is_there_is_replaced_where_it_may_be(path: Path, replace: bool, expected: bytes) -> None:
    write_whole(path, b"old", replace=False)
    write_whole(path, b"new", replace=replace)
    assert only(path) == expected


@pytest.mark.parametrize(("there", "expected"), [(None, b"new"), (b"old", b"old")])
def test_where_there_are_no_links_a_file_is_not_replaced_either(
    path: Path, monkeypatch: pytest.MonkeyPatch, there: bytes | None, expected: bytes
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if there is not None:
        write_whole(path, there)
    monkeypatch.setattr(os, "link", refuse)
    write_whole(path, b"new", replace=False)
    assert only(path) == expected


def test_its_mode_is_what_the_umask_allows(path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(path, b"data")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("replace", [True, False])
def test_a_failed_write_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"data", replace=replace)
    assert list(path.parent.iterdir()) == []


def test_the_data_are_on_disk_before_the_file_has_its_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    had_name: list[bool] = []
    sync = os.fsync

    def watch(descriptor: int) -> None:
        had_name.append(path.exists())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    write_whole(path, b"data")
    assert had_name == [False, True]  # the data, then the directory


def test_what_a_killed_writer_left_is_removed_when_it_is_old_enough(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        patch.setattr(Path, "replace", lambda *_: None)
        write_whole(path, b"data")
    (aside,) = path.parent.iterdir()
    write_whole(path, b"data")
    remove_asides(path.parent, older_than_seconds=3600)
    assert aside.exists()
    remove_asides(path.parent)
    assert only(path) == b"data"


def test_where_there_is_no_directory_there_is_nothing_to_remove(tmp_path: Path) -> None:
    remove_asides(tmp_path / "nowhere")
