"""Holding something that only one process may use at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class HeldError(Exception):
    """Another process holds the file. owner: its number, as far as it is known."""

    def __init__(self, file: Path, owner: str) -> None:
        self.file, self.owner = file, owner
        super().__init__(f"process {owner or 'unknown'} holds {file}: wait until it has ended, or end it")


@contextmanager
def hold(file: Path) -> Iterator[None]:
    """Hold a file, which is made if need be: the kernel lets go of it when this process ends, however that happens.

    Raises HeldError.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            raise HeldError(file, held.read().strip()) from None
        held.truncate(0)
        held.write(f"{os.getpid()}\n")
        held.flush()
        yield
