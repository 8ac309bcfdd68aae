import os
import pickle
import subprocess
import sys
import warnings

import pytest
from celery.exceptions import SecurityWarning
from celery.platforms import check_privileges
from celery.signals import celeryd_init

from store.doorbell import QUEUE, TASK
from workers import tasks
from workers.celery_app import app, configuration


def test_neither_the_worker_nor_its_tasks_load_torch() -> None:
    program = "import sys, workers.celery_app, workers.tasks, workers.training; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_broker_is_the_one_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:6379/3")
    assert configuration()["broker_url"] == "redis://elsewhere:6379/3"


def test_a_pool_process_gets_the_application_with_its_settings() -> None:
    assert pickle.loads(pickle.dumps(app)) is app


def test_the_task_listens_where_the_service_rings() -> None:
    assert tasks.train.name == TASK
    assert app.conf.task_default_queue == QUEUE


def test_a_message_is_a_doorbell_and_no_more() -> None:
    """Each of these was found by killing something."""
    assert not app.conf.task_acks_late
    assert app.conf.task_ignore_result
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.worker_disable_prefetch
    assert app.conf.worker_pool_start_method == "spawn"
    assert not app.conf.worker_cancel_long_running_tasks_on_connection_loss


def test_root_is_not_warned_of_pickles_that_no_worker_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert app.conf.accept_content == ["json"]
    with pytest.warns(SecurityWarning, match="superuser"):
        check_privileges(app.conf.accept_content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        celeryd_init.send(sender="worker@test", instance=None, conf=app.conf, options={})
        check_privileges(app.conf.accept_content)
