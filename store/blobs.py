"""Files that are named by the digest of what is in them, so that equal ones are stored once and damage shows."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from checkpoints.files import remove_asides, write_whole
from store.errors import BlobDamagedError, BlobMissingError


class Blobs:
    """A directory of such files. Who removes one must know that no record refers to it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, data: bytes) -> str:
        """Store the bytes, unless they are there, and return their digest: sha256, in hexadecimal digits.

        A file that is damaged is written again.
        """
        digest = hashlib.sha256(data).hexdigest()
        if not self.holds(digest):
            write_whole(self._path(digest), data)
        return digest

    def holds(self, digest: str) -> bool:
        """Whether the bytes of this digest are there, undamaged."""
        try:
            self.read(digest)
        except (BlobMissingError, BlobDamagedError):
            return False
        return True

    def read(self, digest: str) -> bytes:
        """Return the bytes of this digest. Raises BlobMissingError, BlobDamagedError."""
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise BlobMissingError(digest) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise BlobDamagedError(digest)
        return data

    def require(self, digest: str) -> None:
        """Raises BlobMissingError if there is no file of this digest; does not look into it."""
        if not self._path(digest).is_file():
            raise BlobMissingError(digest)

    def remove(self, digest: str) -> None:
        """Remove the file, if it is there."""
        self._path(digest).unlink(missing_ok=True)

    def sweep(self, *, older_than_seconds: float) -> None:
        """Remove what killed writers left beside the files, if nothing was written to it for so long."""
        for folder in self._directory.glob("??"):
            remove_asides(folder, older_than_seconds=older_than_seconds)

    def digests(self, *, older_than_seconds: float) -> Iterator[str]:
        """Yield the digests of the files that are there, and were written so long ago at least."""
        written_before = time.time() - older_than_seconds
        for file in self._directory.glob("??/" + "[0-9a-f]" * 64):
            with suppress(FileNotFoundError):  # removed meanwhile
                if file.stat().st_mtime < written_before:
                    yield file.name

    def _path(self, digest: str) -> Path:
        return self._directory / digest[:2] / digest
