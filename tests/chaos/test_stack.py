"""The means of the scenarios do what they say."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.chaos.stack import digest_of_pixels, is_alive, kill_alone, new_stack
from tests.snapshot import PACKAGES, ROOT, snapshot
from tests.workers.service import eventually


def test_processes_run_a_copy_of_the_code() -> None:
    told = "import importlib, sys; print(*(importlib.import_module(name).__file__ for name in sys.argv[1:]), sep='\\n')"
    with new_stack() as stack:
        assert stack.start([sys.executable, "-c", told, *PACKAGES], "told").wait() == 0
        found = (stack.directory / "told.log").read_text().split()
    assert found == [str(snapshot() / package / "__init__.py") for package in PACKAGES]
    assert not snapshot().is_relative_to(ROOT)


def test_a_process_is_killed_alone_and_gone_at_once(tmp_path: Path) -> None:
    script = f"sleep 1000 & echo $! > {tmp_path}/pid; wait"
    with subprocess.Popen(["sh", "-c", script], start_new_session=True) as process:
        eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        child = int((tmp_path / "pid").read_text())
        kill_alone(process)
        assert process.returncode == -signal.SIGKILL
        assert is_alive(child)
        os.kill(child, signal.SIGKILL)


def test_pixels_are_told_from_their_coding(tmp_path: Path) -> None:
    picture = Image.radial_gradient("L")
    for name, level in (("flat", 0), ("small", 9)):
        picture.save(tmp_path / name, "PNG", compress_level=level)
    picture.putpixel((0, 0), 1)
    picture.save(tmp_path / "other", "PNG")
    flat, small, other = (tmp_path / name for name in ("flat", "small", "other"))
    assert flat.read_bytes() != small.read_bytes()
    assert digest_of_pixels(flat) == digest_of_pixels(small) != digest_of_pixels(other)
