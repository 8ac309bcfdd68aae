"""Files that appear whole or not at all, whenever their writer is killed."""

import contextlib
import errno
import os
import secrets
import time
from pathlib import Path

_ASIDE = ".aside-"
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}


def write_whole(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write a file beside its place and move it there, synced, so that a reader finds a whole one or none.

    replace: whether it takes the place of one that is there. Its mode is what the umask allows. What a killed writer
    leaves beside it, `remove_asides` removes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{_ASIDE}{path.name}-{secrets.token_hex(4)}")  # others may write the same one
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            aside.replace(path)
        else:
            _place_first(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    sync_directory(path.parent)


def remove_asides(directory: Path, *, older_than_seconds: float = 0) -> None:
    """Remove what killed writers left; one that still lives and loses its file so fails, and places nothing."""
    now = time.time()
    for aside in directory.glob(f"{_ASIDE}*"):
        with contextlib.suppress(FileNotFoundError):
            if now - aside.stat().st_mtime >= older_than_seconds:
                aside.unlink()


def sync_directory(directory: Path) -> None:
    """Return when what was moved in a directory would outlive a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _place_first(aside: Path, path: Path) -> None:
    """Give a file its place unless there is one: a link, unlike a move, never replaces."""
    try:
        os.link(aside, path)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if not path.exists():  # the best that a file system without links allows
            aside.replace(path)
