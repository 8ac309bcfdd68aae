"""The embedded broker, with the real server."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from ganery import broker
from ganery.launcher import _start_broker
from ganery.processes import Supervisor
from tests.workers.service import eventually


@contextmanager
def serving(directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A broker on a socket in the directory."""
    socket = broker.place_socket(directory / "s")
    process = subprocess.Popen(broker.command(broker.find_server(), socket, directory))
    try:
        eventually(lambda: broker.is_answering(socket))
        yield process, socket
    finally:
        process.kill()
        process.wait()


def test_what_was_written_survives_a_kill(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, socket):
        with Redis(unix_socket_path=str(socket)) as client:
            client.set("doorbell", "rung")
        process.kill()
        process.wait()
    with serving(tmp_path) as (_, socket), Redis(unix_socket_path=str(socket)) as client:
        assert client.get("doorbell") == b"rung"


def test_it_listens_for_its_owner_alone_on_a_path_with_a_space(tmp_path: Path) -> None:
    with serving(tmp_path / "a directory") as (_, socket):
        assert socket.stat().st_mode & 0o777 == 0o700
        with Redis(unix_socket_path=str(socket)) as client:
            settings = client.config_get("*")
    assert settings["port"] == "0"
    assert settings["appendonly"] == "yes"
    assert settings["maxmemory-policy"] == "noeviction"


def test_an_orphan_is_shut_down_once(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, socket):
        assert broker.shut_down_orphan(socket, seconds=60)
        assert process.wait(60) == 0
        assert not broker.shut_down_orphan(socket, seconds=60)


def test_a_path_too_long_for_a_socket_gets_a_short_one_that_stays_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    wanted = tmp_path / ("long" * 30) / "s"
    place = broker.place_socket(wanted)
    assert len(os.fsencode(place)) <= broker.LONGEST_SOCKET_PATH
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert broker.place_socket(wanted) == place
    assert broker.place_socket(tmp_path / ("other" * 30) / "s") != place
    with serving(wanted.parent) as (_, socket):
        assert socket == place
    assert (wanted.parent / "appendonlydir").is_dir()


def test_a_short_path_that_is_not_ours_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    wanted = tmp_path / ("long" * 30) / "s"
    ours = broker.place_socket(wanted).parent
    ours.rmdir()
    (tmp_path / "theirs").mkdir()
    ours.symlink_to(tmp_path / "theirs")
    with pytest.raises(broker.BrokerDirectoryError, match="another user has made"):
        broker.place_socket(wanted)


def test_without_a_server_the_error_asks_for_redis_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(broker.BrokerMissingError, match="set REDIS_URL"):
        broker.find_server()


def test_the_server_of_the_system_is_taken_where_the_package_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = tmp_path / "redis-server"
    server.touch(mode=0o755)
    monkeypatch.setattr(broker, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert broker.find_server() == server


def test_data_that_it_cannot_read_are_set_aside_and_it_begins_anew(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, socket), Redis(unix_socket_path=str(socket)) as client:
        client.set("doorbell", "rung")
    (log,) = (tmp_path / "appendonlydir").glob("*.incr.aof")
    log.write_bytes(b"GARBAGE!!!" + log.read_bytes())
    said: list[str] = []
    supervisor = Supervisor(said.append)
    try:
        _start_broker(supervisor, tmp_path / "s")
        with Redis(unix_socket_path=str(tmp_path / "s")) as client:
            assert client.get("doorbell") is None
    finally:
        supervisor.stop(lambda: True)
    assert any("set aside" in line for line in said)
    assert (tmp_path / "appendonlydir.damaged").is_dir()
    assert not any("is started again" in line for line in said)
