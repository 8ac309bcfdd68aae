import os
import subprocess
from pathlib import Path

from tests.workers.service import eventually
from workers.processes import kill_group


def test_what_a_process_started_is_killed_though_it_has_ended_itself(tmp_path: Path) -> None:
    script = f"exec 9> {tmp_path}/pipe; sleep 1000 & echo $! > {tmp_path}/pid"
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["sh", "-c", script], start_new_session=True) as leader:
        reader = os.open(tmp_path / "pipe", os.O_RDONLY)  # its end comes when nobody can write any more
        try:
            leader.wait()
            assert int((tmp_path / "pid").read_text())
            kill_group(leader)
            assert os.read(reader, 1) == b""
        finally:
            os.close(reader)


def test_a_process_that_runs_is_killed_and_waited_for() -> None:
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        kill_group(process)
        assert process.returncode == -9
    eventually(lambda: process.poll() is not None)
