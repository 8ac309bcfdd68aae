"""`ganery up`, with real processes: a newcomer's start, and whatever may end it."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from ganery.broker import find_server, is_answering
from ganery.launcher import listen
from tests.ganery.launched import START_SECONDS, Launched, is_alive
from tests.workers.service import eventually

pytestmark = pytest.mark.chaos

LONG_TRAINING = {
    "family": "dcgan",
    "preset": "paper",
    "dataset": "segments",
    "batch_size": 8,
    "images": 10**8,
    "hyperparameters": {"width": 8},
}


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A server that someone else started: Debian's Redis where it is installed."""
    program = shutil.which("redis-server") or str(find_server())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    process.kill()
    process.wait()


def test_it_says_where_it_answers_and_what_to_try(service: Launched) -> None:
    service.await_line(f"let them find it by export GANERY_URL={service.url}")
    assert f"ready at {service.url} after" in service.text
    assert f"curl -o sevens.png '{service.url}/generate?digit=7&count=64'" in service.text
    assert f"curl -X POST {service.url}/train -H 'Content-Type: application/json' -d '{{}}'" in service.text
    assert httpx.get(f"{service.url}/readyz").json() == {"status": "ready"}


def test_a_second_start_in_the_same_directory_names_the_first(service: Launched) -> None:
    with Launched(service.directory) as second:
        assert second.process.wait(60) == 1
        owner = f"another instance already runs in {service.directory} (process {service.process.pid})"
        assert owner in " ".join(second.text.split())
    assert httpx.get(f"{service.url}/livez").is_success


def test_a_port_in_use_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Launched(tmp_path / "data", GANERY_PORT=str(port)) as launched:
            assert launched.process.wait(60) == 1
            assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in launched.text
            assert "GANERY_PORT" in launched.text
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["stack.lock"]


def test_answers_do_not_wait_for_the_clients_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_it_answers_to_this_machines_names_alone(service: Launched) -> None:
    """A page elsewhere whose name is made to mean this machine must not be able to use the service."""
    assert httpx.get(f"{service.url}/livez", headers={"Host": "evil.example"}).status_code == 421
    assert httpx.get(f"{service.url}/livez", headers={"Host": "localhost"}).status_code == 200


def test_no_request_is_refused_while_a_killed_web_server_comes_back(service: Launched) -> None:
    killed = service.await_child("web server")
    os.kill(killed, signal.SIGKILL)
    assert httpx.get(f"{service.url}/livez", timeout=200).is_success
    assert service.await_child("web server", other_than=killed)
    service.await_line("the web server was killed by SIGKILL; it is started again")


def test_a_killed_broker_comes_back_with_its_file(service: Launched) -> None:
    place = service.directory / "broker" / "s"
    with Redis(unix_socket_path=str(place)) as client:
        client.set("kept", "yes")
    killed = service.await_child("broker")
    os.kill(killed, signal.SIGKILL)
    service.await_child("broker", other_than=killed)
    eventually(lambda: is_answering(place), seconds=START_SECONDS)
    with Redis(unix_socket_path=str(place)) as client:
        assert client.get("kept") == b"yes"


def test_a_killed_worker_is_started_again_and_leaves_no_process(service: Launched) -> None:
    before = service.descendants()
    killed = service.await_child("worker")
    os.kill(killed, signal.SIGKILL)
    service.await_child("worker", other_than=killed)
    others = {service.child("broker"), service.child("web server")}
    eventually(lambda: not [pid for pid in before if pid not in others and is_alive(pid)], seconds=START_SECONDS)


def test_ctrl_c_saves_the_job_and_a_killed_launcher_leaves_no_orphan(tmp_path: Path, redis_url: str) -> None:
    """One start with a Redis of its own, the next with the embedded broker: the job goes on between them."""
    directory = tmp_path / "data"
    with Launched(directory, REDIS_URL=redis_url) as first:
        job = httpx.post(f"{first.url}/train", json=LONG_TRAINING).json()["id"]
        eventually(lambda: _step(first, job) > 0, seconds=START_SECONDS)
        assert first.child("broker") is None
        processes = first.descendants()
        assert first.stop(signal.SIGINT) == 0
        assert first.text.rstrip().endswith("stopped")
        assert not any(map(is_alive, processes))
    with Launched(directory) as second:
        resumed = httpx.get(f"{second.url}/jobs/{job}").json()
        assert resumed["checkpoints"]
        eventually(lambda: _step(second, job) > resumed["progress"]["step"], seconds=START_SECONDS)
        processes = second.descendants()
        assert len(processes) >= 5  # broker, worker, its pool, the training process, web server
        assert second.stop(signal.SIGKILL) == -signal.SIGKILL
        eventually(lambda: not any(map(is_alive, processes)), seconds=START_SECONDS)


def _step(launched: Launched, job: str) -> int:
    view = httpx.get(f"{launched.url}/jobs/{job}").json()
    assert view["state"] in {"queued", "running"}, view
    return int(view["progress"]["step"]) if view["state"] == "running" else 0
