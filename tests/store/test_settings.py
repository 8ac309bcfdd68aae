"""Addresses, whatever characters they have, and what is refused at the start."""

import re
from pathlib import Path

import pytest
from celery import Celery
from kombu.exceptions import OperationalError
from pydantic import ValidationError

from store.settings import StoreSettings, socket_url


@pytest.mark.parametrize("name", ["plain", "a%20b", "what?", "no#1", "ä b&c"])
def test_a_broker_is_reached_at_a_socket_of_any_name(tmp_path: Path, name: str) -> None:
    settings = StoreSettings(data_dir=tmp_path / name)
    assert settings.broker == socket_url(settings.broker_socket)
    no_such_file = f"connecting to {settings.broker_socket}."
    client = Celery(broker=settings.broker, set_as_current=False)
    with client.connection_for_write() as connection, pytest.raises(OperationalError, match=re.escape(no_such_file)):
        connection.ensure_connection(max_retries=0, timeout=1)


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://localhost:6379/",
        "rediss://user:secret@broker.example:6380/3",
        "redis+socket:///run/redis.sock",
        "redis+socket:///run/redis.sock?virtual_host=2",
    ],
)
def test_the_address_of_a_broker_is_taken_as_it_is(url: str) -> None:
    assert StoreSettings(REDIS_URL=url).broker == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("localhost:6379", "expected redis://host:port/database"),
        ("http://localhost", "expected redis://host:port/database"),
        ("redis://", "expected redis://host:port/database"),
        ("redis+socket://", "expected redis://host:port/database"),
        ("redis://localhost/jobs", "a database has a number, 'jobs' is none"),
        ("redis+socket:///s?virtual_host=jobs", "a database has a number, 'jobs' is none"),
        ("redis://localhost:none/0", "no address of a broker"),
    ],
)
def test_what_is_no_address_of_a_broker_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        StoreSettings(REDIS_URL=url)


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "GANERY_DATABASE_URL", "GANERY_LEASE_SECONDS"):
        monkeypatch.setenv(name, "")
    settings = StoreSettings()
    assert (settings.redis_url, settings.database_url, settings.lease_seconds) == (None, None, 30)
