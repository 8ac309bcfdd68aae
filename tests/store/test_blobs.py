"""Files that are named by what is in them."""

import hashlib
from pathlib import Path

import pytest

from store.blobs import Blobs
from store.errors import BlobDamagedError, BlobMissingError


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def test_what_was_put_is_read_by_its_digest(tmp_path: Path) -> None:
    digest = Blobs(tmp_path / "new").put(b"seven")
    assert digest == hashlib.sha256(b"seven").hexdigest()
    assert Blobs(tmp_path / "new").read(digest) == b"seven"


def test_equal_bytes_are_stored_once(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert blobs.put(b"seven") == blobs.put(b"seven") != blobs.put(b"eight")
    assert len(files(tmp_path)) == 2


def test_what_is_removed_is_missed_and_may_be_removed_again(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = blobs.put(b"seven")
    blobs.remove(digest)
    blobs.remove(digest)
    assert files(tmp_path) == []
    with pytest.raises(BlobMissingError, match=digest):
        blobs.read(digest)


def test_a_changed_file_is_never_served(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = blobs.put(b"seven")
    files(tmp_path)[0].write_bytes(b"eleven")
    with pytest.raises(BlobDamagedError, match=digest):
        blobs.read(digest)
