import sqlite3

import pytest

from store.database import open_database
from store.errors import LeaseLostError
from store.events import EventKind
from store.jobs import JobStore
from store.phases import Phase
from store.states import Wish
from tests.workers.service import LEASE_SECONDS, TRAINING, Service, eventually
from workers.pulse import Pulse

INTERVAL_SECONDS = 0.02


def test_it_extends_the_lease_and_tells_the_step(service: Service) -> None:
    claim = service.claim(service.submit())
    with Pulse(service.jobs, claim, interval_seconds=INTERVAL_SECONDS) as pulse:
        pulse.step = 3
        eventually(lambda: service.jobs.get(claim.job.id).step == 3)
        before = service.jobs.get(claim.job.id).updated_at
        eventually(lambda: service.jobs.get(claim.job.id).updated_at > before)
        assert pulse.wish is Wish.NONE


def test_it_tells_the_rate_as_soon_as_something_moves(service: Service) -> None:
    claim = service.claim(service.submit())
    with Pulse(service.jobs, claim, interval_seconds=INTERVAL_SECONDS) as pulse:
        eventually(lambda: service.jobs.get(claim.job.id).updated_at > claim.job.updated_at)
        assert service.jobs.get(claim.job.id).rate is None
        pulse.phase = Phase.TRAINING
        eventually(lambda: service.jobs.get(claim.job.id).phase is Phase.TRAINING)
        pulse.step = 3
        eventually(lambda: (service.jobs.get(claim.job.id).rate or 0) > 0)


def test_it_brings_back_what_is_wished(service: Service) -> None:
    claim = service.claim(service.submit())
    with Pulse(service.jobs, claim, interval_seconds=INTERVAL_SECONDS) as pulse:
        service.jobs.request_pause(claim.job.id)
        eventually(lambda: pulse.wish is Wish.PAUSE)
        service.jobs.request_cancel(claim.job.id)
        eventually(lambda: pulse.wish is Wish.CANCEL)


def test_a_process_that_is_asked_to_go_wishes_it_unless_more_is_wished(service: Service) -> None:
    claim = service.claim(service.submit())
    with Pulse(service.jobs, claim, interval_seconds=INTERVAL_SECONDS) as pulse:
        pulse.preempt()
        assert pulse.wish is Wish.PREEMPT
        service.jobs.request_cancel(claim.job.id)
        eventually(lambda: pulse.wish is Wish.CANCEL)


def test_a_lost_lease_is_an_error_at_the_next_look(service: Service) -> None:
    claim = service.claim(service.submit())
    with Pulse(service.jobs, claim, interval_seconds=INTERVAL_SECONDS) as pulse:
        service.jobs.release(claim, "taken away")

        def look() -> bool:
            try:
                return pulse.wish is None
            except LeaseLostError:
                return True

        eventually(look)
        with pytest.raises(LeaseLostError):
            _ = pulse.wish


def test_a_fault_that_ends_the_pulse_ends_the_training(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = service.claim(service.submit())

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(service.jobs, "heartbeat", fail)
    with Pulse(service.jobs, claim, interval_seconds=INTERVAL_SECONDS) as pulse:
        eventually(lambda: not pulse.is_beating)
        with pytest.raises(ZeroDivisionError, match="a fault of ours"):
            _ = pulse.wish


def test_a_locked_database_stops_no_pulse(service: Service) -> None:
    impatient = open_database(service.settings.database, lock_timeout_seconds=0.01)
    claim = service.claim(service.submit())
    other = sqlite3.connect(service.settings.data_dir / "ganery.sqlite", isolation_level=None)
    with Pulse(JobStore(impatient, lease_seconds=LEASE_SECONDS), claim, interval_seconds=INTERVAL_SECONDS) as pulse:
        other.execute("BEGIN IMMEDIATE")
        pulse.step = 2
        assert service.jobs.get(claim.job.id).step == 0
        other.close()
        eventually(lambda: service.jobs.get(claim.job.id).step == 2)
    impatient.close()


def test_a_long_training_tells_its_progress_in_a_few_hundred_events(service: Service) -> None:
    rare = dict.fromkeys(("checkpoint_interval", "sample_interval", "quality_interval", "metrics_interval"), 1000)
    long = TRAINING.model_copy(update={"images": 4 * 100_000, **rare})
    claim = service.claim(service.submit(long))
    with Pulse(service.jobs, claim, interval_seconds=INTERVAL_SECONDS) as pulse:
        for step in (499, 500, 999, 1001):
            pulse.step = step
            eventually(lambda step=step: service.jobs.get(claim.job.id).step == step)  # type: ignore[misc]
    assert [event.step for event in service.events(claim.job.id, EventKind.PROGRESS)] == [500, 1001]
