"""A throw-away PostgreSQL server for tests: in a directory of its own, reached by a socket only."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

_START_SECONDS = 120
_FAST_BECAUSE_THROWN_AWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresServer:
    """A server in a directory of its own; the programs `initdb` and `postgres` are on the PATH."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._schemas = 0

    def url(self, schema: str = "public") -> str:
        """The address of its database, in which one schema is seen."""
        return f"postgresql+psycopg://test@/postgres?host={self._directory}&options=-csearch_path%3D{schema}"

    def new_url(self) -> str:
        """The address of a new schema: as empty as a new database, and made in a tenth of the time."""
        self._schemas += 1
        schema = f"test_{self._schemas}"
        with self._connect() as connection:
            connection.execute(f"CREATE SCHEMA {schema}".encode())
        return self.url(schema)

    def initialise(self) -> None:
        """Makes the server's files."""
        if os.geteuid() == 0:
            shutil.chown(self._directory, **_owner_of_files())
        options = "--username=test --auth=trust --encoding=UTF8 --locale=C --wal-segsize=1 --no-sync --no-instructions"
        self._run("initdb", f"--pgdata={self._directory}/data", *options.split()).communicate()

    def start(self) -> None:
        """Returns when the server answers."""
        settings = ["listen_addresses=", *_FAST_BECAUSE_THROWN_AWAY]
        options = [part for setting in settings for part in ("-c", setting)]
        self._process = self._run("postgres", "-D", f"{self._directory}/data", "-k", str(self._directory), *options)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends the server and with it every connection."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
            self._process = None

    @property
    def _log(self) -> Path:
        return self._directory / "log"

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(f"user=test dbname=postgres host={self._directory}", autocommit=True)

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [program, *arguments], cwd=self._directory, stdout=log, stderr=log, **_unprivileged()
            )


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running server. Without PostgreSQL the test is skipped, and fails if GANERY_REQUIRE_POSTGRES=1."""
    missing = [program for program in ("initdb", "postgres") if shutil.which(program) is None]
    if missing:
        reason = f"PostgreSQL is not installed: no {' and no '.join(missing)} on the PATH"
        if os.environ.get("GANERY_REQUIRE_POSTGRES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # A socket's path has at most 107 characters, and another user must reach it, unlike pytest's directory.
    directory = Path(tempfile.mkdtemp(prefix="ganery-pg-", dir="/tmp"))
    server = PostgresServer(directory)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


def _unprivileged() -> dict[str, Any]:
    """How to start a process that is not root's: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    return _owner_of_files() | {"extra_groups": []}


def _owner_of_files() -> dict[str, Any]:
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = users.get("postgres") or users["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid}
