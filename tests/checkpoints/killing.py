"""A process that is killed at the worst moment of a save."""

import signal
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import os, signal, sys
from pathlib import Path
from checkpoints.format import load, save

move = Path.rename

def move_and_die(path, target):
    move(path, target)
    os.kill(os.getpid(), signal.SIGKILL)

place = Path(sys.argv[1])
checkpoint = load(place, for_training=True)
Path.rename = move_and_die
save(checkpoint, place)
"""


def kill_while_replacing(place: Path) -> None:
    """Save the checkpoint of a place there again, in a process that is killed when the old one was moved aside."""
    ended = subprocess.run([sys.executable, "-c", _PROGRAM, str(place)], check=False)
    assert ended.returncode == -signal.SIGKILL
