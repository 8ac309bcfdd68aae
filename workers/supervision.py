"""The parent of the training processes: claims jobs one after the other and sees each to its end.

It knows the database and processes, and never loads torch: a process that touched CUDA can start no other.
"""

import contextlib
import logging
import os
import secrets
import socket
import subprocess
import sys
import time

from store.errors import DatabaseUnavailableError, LeaseLostError
from store.jobs import Claim, Job, JobStore
from store.states import JobState
from workers.patience import patiently
from workers.processes import describe_end, end_with_parent, kill_group
from workers.settings import WorkerSettings
from workers.training import EXIT_FAULT, EXIT_PREEMPTED

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_START_SECONDS = 600.0
_FAULT_PAUSE_SECONDS = 10.0
_WORKER = "GANERY_WORKER_NAME"  # set by a worker's main process for its children alone


def name_worker() -> str:
    """Give the worker whose main process this is a name; return how the names of all owners begin that belong to it.

    Host and process number alone may be those of another worker: two containers of one image often share both.
    """
    os.environ[_WORKER] = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}:"
    return os.environ[_WORKER]


def owner_prefix() -> str:
    """How the names of all owners begin that belong to this process's worker; it may have no name outside of one."""
    return os.environ.get(_WORKER, f"{socket.gethostname()}:{os.getppid()}::")


class Supervisor:
    """Runs claims in training processes, one at a time."""

    def __init__(self, settings: WorkerSettings, jobs: JobStore) -> None:
        self._settings, self._jobs = settings, jobs
        self._owner = f"{owner_prefix()}{os.getpid()}:{secrets.token_hex(4)}"

    def run_all(self) -> str | None:
        """Run claim after claim until there is none to have.

        Returns the id of a job that was put back because this worker shuts down; then the rest is for others.
        """
        while (claim := patiently(lambda: self._jobs.claim(self._owner))) is not None:
            status = self._run(claim)
            if status == EXIT_PREEMPTED:
                return claim.job.id
            if status == EXIT_FAULT:
                _let_pass(claim.job)
        return None

    def _run(self, claim: Claim) -> int:
        """Run a claim to the end of its process; return the exit status, negative for a signal."""
        logger.info("job %s: attempt %d begins", claim.job.id, claim.job.attempt)
        process = self._start(claim)
        try:
            status = self._wait(process, claim)
        finally:
            kill_group(process)
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
        began, due_since = time.monotonic(), None
        while True:
            try:
                return process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                is_starting = time.monotonic() - began < _START_SECONDS
                due_since = (due_since or time.monotonic()) if self._is_due(claim, is_starting=is_starting) else None
            if due_since is not None and time.monotonic() - due_since > self._settings.grace_seconds:
                logger.warning("job %s: its training process ignores that it should end", claim.job.id)
                kill_group(process)

    def _is_due(self, claim: Claim, *, is_starting: bool) -> bool:
        """Whether the process should end: its job is to be cancelled, or is no longer its own.

        Until its first heartbeat the lease is kept for it: on a busy machine loading may take longer than that lasts.
        """
        try:
            job = self._jobs.get(claim.job.id)
            if is_starting and job.updated_at == claim.job.updated_at:
                self._jobs.extend(claim)
            return job.state is JobState.CANCELLING or not self._jobs.holds(claim)
        except LeaseLostError:
            return True
        except DatabaseUnavailableError:
            return False


def _let_pass(job: Job) -> None:
    """Pause, longer after each attempt: a full disk or a network that is away would use up all attempts at once."""
    seconds = _FAULT_PAUSE_SECONDS * 2 ** (job.attempt - 1)
    logger.info("job %s: it may be tried again in %g s", job.id, seconds)
    time.sleep(seconds)
