"""What holds for every child process of the service: it ends with its parent, and its end can be told in words."""

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def end_with_parent(*, niceness: int = 0) -> Callable[[], None]:
    """Return what a child does before it begins, for Popen's `preexec_fn`; call it in the parent's main thread.

    The child steps back behind other processes, and the kernel kills it when the thread that started it ends.
    Where the kernel cannot (macOS), nothing sees to that.
    """
    parent = os.getpid()
    control = getattr(ctypes.CDLL(None), "prctl", None)

    def prepare() -> None:
        _step_back(niceness)
        if control is not None:
            control(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return prepare


def _step_back(niceness: int) -> None:
    """Be nice to other processes, and let the whole session be so.

    Linux may share the processor out among sessions before it looks at the niceness within one (sched(7), autogroup),
    and each of our children has a session of its own.
    """
    os.nice(niceness)
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w") as autogroup:
        autogroup.write(str(niceness))


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a session of its own, or has led it, with all that it started; wait for its end.

    To be called at once when it has ended: the system may give its number to another.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses where only the dead are left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def describe_end(status: int) -> str:
    """Say how a process ended: Popen tells a signal as its negative number."""
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
