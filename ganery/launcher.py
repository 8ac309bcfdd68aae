"""`ganery up`: the embedded broker, a worker and the web server as one process tree.

    ganery up ─┬─ valkey-server      unless REDIS_URL names a broker
               ├─ celery worker ─── a training process for each job
               └─ uvicorn

One launcher holds a data directory. It listens on the port itself and hands the socket to the web server, so
that no request is refused while that is started again. What dies is started again. Ctrl-C or SIGTERM stops
the web server, the worker (a running job saves and returns to the queue) and the broker, in this order. On
Linux nothing outlives a launcher that was killed.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import FrameType

import httpx
from pydantic import Field

from ganery import broker
from ganery.holding import HeldError, hold
from ganery.processes import POLL_SECONDS, Say, Service, ServiceDiedError, Supervisor
from ganery.settings import ClientSettings
from store.database import open_database
from store.errors import StoreError
from store.settings import StoreSettings, socket_url

WELCOME = """ready at {url} after {seconds:.1f} s: open it in a browser. Ctrl-C stops it. Or try:

    curl -o sevens.png '{url}/generate?digit=7&count=64'
    curl -X POST {url}/train -H 'Content-Type: application/json' -d '{{}}'
"""
ELSEWHERE = "The other commands look for it at {usual}: let them find it by export GANERY_URL={url}"
READY_SECONDS = 120.0
_BROKER_SECONDS = 20.0
_WORKER_STOP_SECONDS = 90.0  # a job that runs is saved first
_CONNECTIONS_THAT_WAIT = 2048
_LOOPBACK = {"localhost": "localhost", "127.0.0.1": "127.0.0.1", "::1": "[::1]"}
"""Where only this machine listens, and how it stands in a request's Host."""

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class LauncherSettings(StoreSettings):
    """Where `ganery up` listens, beside what the web process and the workers share."""

    host: str = Field("127.0.0.1", description="the address that is listened on; 0.0.0.0 for every one")
    port: int = Field(8000, ge=0, le=65535, description="the port that is listened on; 0 takes a free one")


class LauncherError(Exception):
    """The service cannot be started."""


class AlreadyRunningError(LauncherError):
    """Another launcher holds the data directory."""

    def __init__(self, directory: Path, owner: str) -> None:
        self.directory, self.owner = directory, owner
        super().__init__(
            f"another instance already runs in {directory} (process {owner}): stop it, or choose another "
            "directory with GANERY_DATA_DIR and another port with GANERY_PORT"
        )


class AddressError(LauncherError):
    """The address cannot be listened on."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host, self.port = host, port
        super().__init__(
            f"cannot listen on {host}, port {port}: {reason}; stop what listens there, or choose another "
            "address with GANERY_HOST and GANERY_PORT"
        )


class NotReadyError(LauncherError):
    """The web server runs and does not answer."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(f"the web server did not answer at {url} within {seconds:g} s")


ERRORS = (LauncherError, broker.BrokerError, ServiceDiedError, StoreError, OSError)
"""What a person can mend."""


class Interruptions:
    """How often the launcher was asked to stop, by Ctrl-C, SIGTERM, or a terminal that was closed."""

    def __init__(self) -> None:
        self._count = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._notice)

    @property
    def is_asked(self) -> bool:
        """Whether to stop."""
        return self._count > 0

    @property
    def is_urgent(self) -> bool:
        """Whether someone asked more than once, and does not want to wait."""
        return self._count > 1

    def _notice(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1


def launch(settings: LauncherSettings, say: Say) -> None:
    """Run the whole service until it is asked to stop.

    Raises one of ERRORS; nothing is left running then.
    """
    interruptions = Interruptions()
    directory = settings.data_dir.resolve()
    try:
        with hold(directory / "stack.lock"):
            _run(settings, say, interruptions)
    except HeldError as error:
        raise AlreadyRunningError(directory, error.owner) from None
    say("stopped")


def _run(settings: LauncherSettings, say: Say, interruptions: Interruptions) -> None:
    with listen(settings.host, settings.port) as listener:
        with closing(open_database(settings.database)) as database:
            database.migrate()
        supervisor = Supervisor(say)
        try:
            _start(supervisor, settings, listener, interruptions)
            while not interruptions.is_asked:
                supervisor.tend()
                time.sleep(POLL_SECONDS)
            say("stopping: the web server, the worker, then the broker")
        finally:
            supervisor.stop(lambda: interruptions.is_urgent)


def _start(
    supervisor: Supervisor, settings: LauncherSettings, listener: socket.socket, interruptions: Interruptions
) -> None:
    """Start everything and say where it answers."""
    began = time.monotonic()
    environment = {"GANERY_DATA_DIR": str(settings.data_dir.resolve())}
    if settings.host in _LOOPBACK:
        environment["GANERY_ALLOWED_HOSTS"] = os.environ.get("GANERY_ALLOWED_HOSTS", ",".join(_LOOPBACK.values()))
    if settings.redis_url is None:
        environment["REDIS_URL"] = _start_broker(supervisor, settings.broker_socket)
    supervisor.start(_worker(environment))
    supervisor.start(_web_server(environment, listener))
    url = _url(settings.host, listener)
    supervisor.await_ready(
        lambda: interruptions.is_asked or _answers(f"{url}/livez"),
        NotReadyError(url, READY_SECONDS),
        READY_SECONDS,
    )
    if not interruptions.is_asked:
        supervisor.say(WELCOME.format(url=url, seconds=time.monotonic() - began))
        looked_for = ClientSettings().url
        if looked_for != url:
            supervisor.say(ELSEWHERE.format(usual=looked_for, url=url))


def _start_broker(supervisor: Supervisor, wanted: Path) -> str:
    """Start the embedded broker, its data beside the wanted socket, and return its URL."""
    server, place = broker.find_server(), broker.place_socket(wanted)
    if broker.shut_down_orphan(place, seconds=_BROKER_SECONDS):
        supervisor.say("a broker of a launcher that was killed still ran, and was shut down")
    service = Service("broker", broker.command(server, place, wanted.parent), log=broker.place_log(wanted.parent))
    try:
        _await_broker(supervisor, service, place)
    except ServiceDiedError:
        supervisor.forget(service)
        if not broker.set_aside_data(wanted.parent):
            raise
        supervisor.say(f"the broker died at its start; its data were set aside, and it begins anew: see {service.log}")
        _await_broker(supervisor, service, place)
    return socket_url(place)


def _await_broker(supervisor: Supervisor, service: Service, place: Path) -> None:
    """Start the broker and wait until it answers. Raises BrokerSilentError, ServiceDiedError."""
    supervisor.start(service)
    silence = broker.BrokerSilentError(place, _BROKER_SECONDS)
    supervisor.await_ready(lambda: broker.is_answering(place), silence, _BROKER_SECONDS)


def _worker(environment: Mapping[str, str]) -> Service:
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "workers.celery_app", "worker", "--loglevel=INFO"]
    alone = ["--without-gossip", "--without-mingle"]  # asking for neighbours takes a second
    return Service("worker", [*celery, *alone], environment, stop_seconds=_WORKER_STOP_SECONDS)


def _web_server(environment: Mapping[str, str], listener: socket.socket) -> Service:
    descriptor = listener.fileno()
    uvicorn = [sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app", f"--fd={descriptor}"]
    quiet = ["--no-access-log", "--log-level=warning"]
    cut = ["--timeout-graceful-shutdown=3"]  # an event stream does not end by itself
    return Service("web server", [*uvicorn, *quiet, *cut], environment, descriptors=[descriptor])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens: the port is taken before anything is started. Raises AddressError."""
    try:
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server((host, port), family=family, backlog=_CONNECTIONS_THAT_WAIT)
    except OSError as error:
        raise AddressError(host, port, error.strerror or str(error)) from None
    # Connections inherit it. A server that is handed the socket takes it for a local one and does not set it, and then
    # an answer of several writes waits 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(host: str, listener: socket.socket) -> str:
    """Return the address at which this machine reaches the listener."""
    reachable = _EVERY_ADDRESS.get(host, host)
    port = listener.getsockname()[1]
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1, trust_env=False).is_success
    except httpx.TransportError:
        return False
