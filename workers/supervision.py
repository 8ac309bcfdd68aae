"""The parent of the training processes: claims jobs one after the other and sees each to its end.

It knows the database and processes, and never loads torch: a process that touched CUDA can start no other.
"""

import contextlib
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import time

from store.errors import DatabaseUnavailableError, LeaseLostError
from store.jobs import Claim, JobStore
from store.states import JobState
from workers.patience import patiently
from workers.processes import describe_end, end_with_parent
from workers.settings import WorkerSettings
from workers.training import EXIT_PREEMPTED

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


def owner_prefix(worker_pid: int) -> str:
    """How the names of all owners begin that belong to the worker with this main process."""
    return f"{socket.gethostname()}:{worker_pid}:"


class Supervisor:
    """Runs claims in training processes, one at a time."""

    def __init__(self, settings: WorkerSettings, jobs: JobStore) -> None:
        self._settings, self._jobs = settings, jobs
        self._owner = f"{owner_prefix(os.getppid())}{os.getpid()}:{secrets.token_hex(4)}"

    def run_all(self) -> str | None:
        """Run claim after claim until there is none to have.

        Returns the id of a job that was put back because this worker shuts down; then the rest is for others.
        """
        while (claim := patiently(lambda: self._jobs.claim(self._owner))) is not None:
            if self._run(claim) == EXIT_PREEMPTED:
                return claim.job.id
        return None

    def _run(self, claim: Claim) -> int:
        """Run a claim to the end of its process; return the exit status, negative for a signal."""
        logger.info("job %s: attempt %d begins", claim.job.id, claim.job.attempt)
        process = self._start(claim)
        try:
            status = self._wait(process, claim)
        finally:
            _kill(process)
        logger.info("job %s: the training process %s", claim.job.id, describe_end(status))
        with contextlib.suppress(LeaseLostError):  # as it should be: the process has settled its claim
            patiently(lambda: self._jobs.release(claim, f"the training process {describe_end(status)}"))
        return status

    def _start(self, claim: Claim) -> subprocess.Popen[bytes]:
        directory = self._settings.job_directory(claim.job.id)
        directory.mkdir(parents=True, exist_ok=True)
        named = ["--job", claim.job.id, "--token", str(claim.token), "--owner", claim.owner]
        with (directory / "log.txt").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "workers.training", *named],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(niceness=self._settings.niceness),  # noqa: PLW1509  (only system calls)
            )

    def _wait(self, process: subprocess.Popen[bytes], claim: Claim) -> int:
        """Wait for the end of the process, and enforce it when it is due for longer than the grace."""
        due_since: float | None = None
        while True:
            try:
                return process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                due_since = (due_since or time.monotonic()) if self._is_due(claim) else None
            if due_since is not None and time.monotonic() - due_since > self._settings.grace_seconds:
                logger.warning("job %s: its training process ignores that it should end", claim.job.id)
                _kill(process)

    def _is_due(self, claim: Claim) -> bool:
        """Whether the process should end: its job is to be cancelled, or is no longer its own."""
        try:
            is_cancelling = self._jobs.get(claim.job.id).state is JobState.CANCELLING
            return is_cancelling or not self._jobs.holds(claim)
        except DatabaseUnavailableError:
            return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that still runs, with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
