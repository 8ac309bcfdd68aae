"""One database behind one address: an SQLite file, or PostgreSQL.

The two differ in how a writer waits for another and in whose clock counts. That is told here; every other
module of the store is written once, in SQL that both understand.
"""

import json
import math
import os
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from store import migrations
from store.errors import DatabaseUnavailableError, DatabaseUrlError

LOCK_TIMEOUT_SECONDS = 30.0
"""How long a writer waits for another before the database counts as unavailable."""

_CONNECT_TIMEOUT_SECONDS = 10
_RETRY_SECONDS = 0.01
_FILE = "ganery_file"
_UNDEFINED_TABLE = "42P01"
_OUR_FAULTS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


class Database(ABC):
    """Transactions on one database. Threads may share it; processes must not: open one after a fork."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader
        self._url = engine.url.render_as_string(hide_password=True)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that may write: committed at the end of the block, undone by an error in it.

        Raises DatabaseUnavailableError if the database does not answer or stays locked.
        """
        with self._errors_named(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database and cannot write. SQLite: waits for no writer.

        Raises DatabaseUnavailableError as begin does.
        """
        with self._errors_named(), self._reader.begin() as connection:
            yield connection

    def migrate(self) -> None:
        """Brings the tables to this version's schema; several processes may call it at once.

        Raises NewerSchemaError if a later version wrote the database, DatabaseUnavailableError as begin does.
        """
        with self.read() as connection:
            if migrations.is_current(connection):
                return
        with self._errors_named(), self._migration() as connection:
            migrations.upgrade(connection)

    def ping(self) -> None:
        """Raises DatabaseUnavailableError if the database does not answer."""
        with self.read() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        """Closes all idle connections."""
        self._engine.dispose()

    @abstractmethod
    def now(self, connection: Connection) -> float:
        """The time by which leases are measured, in seconds since 1970 (UTC)."""

    @abstractmethod
    def exclude_others(self, connection: Connection, purpose: str) -> None:
        """Waits for the transactions that said the same purpose; later ones wait for this one."""

    @abstractmethod
    @contextmanager
    def _migration(self) -> Iterator[Connection]:
        """A transaction that no other migration overlaps."""

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except _OUR_FAULTS as error:
            if getattr(error.orig, "sqlstate", None) == _UNDEFINED_TABLE:
                raise DatabaseUnavailableError(self._url, "it has no tables yet") from error
            raise
        except DBAPIError as error:
            raise DatabaseUnavailableError(self._url, str(error.orig).strip()) from error
        except PoolTimeoutError as error:
            raise DatabaseUnavailableError(self._url, str(error)) from error


class SQLiteDatabase(Database):
    """A file, written by one transaction at a time.

    A writer takes the lock when it begins (BEGIN IMMEDIATE): a transaction that reads first and locks at its
    first write loses updates or fails at once, whatever the time-out. The clock is this host's.
    """

    def __init__(self, url: URL, lock_timeout_seconds: float) -> None:
        engine = create_engine(url, json_serializer=_json)
        event.listen(engine, "connect", _prepare_sqlite(lock_timeout_seconds))
        event.listen(engine, "connect", _note_file(str(url.database)))
        event.listen(engine, "checkout", _refuse_replaced_file(str(url.database)))
        event.listen(engine, "begin", _begin_sqlite)
        super().__init__(engine, engine.execution_options(ganery_reads=True))

    def now(self, connection: Connection) -> float:
        """This host's clock."""
        return time.time()

    def exclude_others(self, connection: Connection, purpose: str) -> None:
        """Nothing to wait for: whoever writes is alone."""

    @contextmanager
    def _migration(self) -> Iterator[Connection]:
        # A batch migration drops and renames tables, which enforced foreign keys would forbid; the switch
        # works only outside of a transaction, and the connection is closed afterwards.
        with self._engine.connect() as connection:
            connection.detach()
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
            with connection.begin():
                yield connection


class PostgresDatabase(Database):
    """A server, whose own clock counts: the hosts of the workers need not agree."""

    def __init__(self, url: URL, lock_timeout_seconds: float) -> None:
        given = url.query.get("options", "")
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            json_serializer=_json,
            pool_pre_ping=True,  # a restarted server costs no request
            connect_args={
                "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
                "options": f"{given} -c lock_timeout={_milliseconds(lock_timeout_seconds)}",
            },
        )
        super().__init__(engine, engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True))

    def now(self, connection: Connection) -> float:
        """The server's clock."""
        return float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())

    def exclude_others(self, connection: Connection, purpose: str) -> None:
        """Takes the advisory lock of this purpose until the transaction ends."""
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"ganery {purpose}"))))

    @contextmanager
    def _migration(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            self.exclude_others(connection, "migrate")
            yield connection


_DATABASES: dict[str, type[SQLiteDatabase | PostgresDatabase]] = {
    "sqlite": SQLiteDatabase,
    "postgresql": PostgresDatabase,
    "postgres": PostgresDatabase,
}


def sqlite_url(path: Path) -> str:
    """The address of a file, whatever characters its path has."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def open_database(url: str, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> Database:
    """The database at sqlite:///<file> (its directory is made if need be) or postgresql://....

    Connects when first used. Raises DatabaseUrlError.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUrlError(repr(url), "this is not an address") from None
    shown = parsed.render_as_string(hide_password=True)
    database = _DATABASES.get(parsed.drivername.partition("+")[0])
    if database is None:
        raise DatabaseUrlError(shown, f"{parsed.drivername!r} is neither SQLite nor PostgreSQL")
    if database is SQLiteDatabase:
        _make_directory(parsed.database, shown)
    return database(parsed, lock_timeout_seconds)


def _make_directory(file: str | None, shown: str) -> None:
    if not file or file == ":memory:":
        raise DatabaseUrlError(shown, "a database in memory cannot be shared with the workers")
    try:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUrlError(shown, f"its directory cannot be made ({error})") from error


def _prepare_sqlite(lock_timeout_seconds: float) -> Callable[[sqlite3.Connection, object], None]:
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we begin transactions ourselves
        connection.execute(f"PRAGMA busy_timeout={_milliseconds(lock_timeout_seconds)}")
        _log_ahead(connection, lock_timeout_seconds)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    return prepare


def _note_file(file: str) -> Callable[[sqlite3.Connection, ConnectionPoolEntry], None]:
    def note(_connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        record.info[_FILE] = _identity(file)

    return note


def _refuse_replaced_file(file: str) -> Callable[[sqlite3.Connection, ConnectionPoolEntry, object], None]:
    """A connection to a file that was removed or replaced would write to where nobody reads; a new one is made."""

    def check(_connection: sqlite3.Connection, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info.get(_FILE) != _identity(file):
            raise DisconnectionError(f"{file} was removed or replaced")

    return check


def _identity(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _log_ahead(connection: sqlite3.Connection, lock_timeout_seconds: float) -> None:
    """Lets readers and the writer work at once. The first process to open a new file decides it for all."""
    deadline = time.monotonic() + lock_timeout_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            # Another process is deciding it just now; busy_timeout does not hold for this.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get("ganery_reads", False)
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reads else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _milliseconds(seconds: float) -> int:
    return math.ceil(seconds * 1000)


def _json(value: Any) -> str:
    """JSON, in which a number that is not finite is null: JSON knows none, and PostgreSQL refuses it."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
