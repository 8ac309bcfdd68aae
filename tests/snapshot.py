"""A copy of our packages, for processes that must not see them change or are to see them otherwise."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "checkpoints", "datasets", "ganery", "metrics", "models", "store", "workers")


@cache
def snapshot() -> Path:
    """A directory with the packages as they stood when the session began, whoever edits them meanwhile.

    The same for the whole session, at whose end it is removed.
    """
    directory = Path(tempfile.mkdtemp(prefix="ganery-code-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    copy_packages(directory)
    return directory


def copy_packages(directory: Path, *also: str) -> None:
    """Copy the packages, and folders of other names, into a directory."""
    for package in (*PACKAGES, *also):
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__", ".*"))
