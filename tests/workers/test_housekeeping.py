import pytest

from store.states import JobState
from tests.workers.service import Service, eventually
from workers.housekeeping import Housekeeper
from workers.settings import WorkerSettings

PREFIX = "here:1:"


class Doorbell:
    """Remembers for which jobs it rang."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, job_id: str) -> bool:
        self.rung.append(job_id)
        return True


@pytest.fixture
def doorbell() -> Doorbell:
    return Doorbell()


def housekeeper(service: Service, doorbell: Doorbell, **settings: float) -> Housekeeper:
    changed = service.settings.model_copy(update=settings)
    return Housekeeper(changed, service.jobs, PREFIX, doorbell.ring)


def test_a_queued_job_is_announced_once_in_a_while(service: Service, doorbell: Doorbell) -> None:
    job_id = service.submit()
    keeper = housekeeper(service, doorbell, ring_again_seconds=3600)
    keeper.sweep()
    keeper.sweep()
    assert doorbell.rung == [job_id]
    housekeeper(service, doorbell, ring_again_seconds=0).sweep()
    assert doorbell.rung == [job_id, job_id]


def test_the_job_of_a_lost_worker_is_announced(service: Service, doorbell: Doorbell) -> None:
    job_id = service.submit()
    silent = Service(service.settings, service.database, type(service.jobs)(service.database, lease_seconds=-1))
    silent.claim(job_id)
    housekeeper(service, doorbell).sweep()
    assert service.jobs.get(job_id).state is JobState.QUEUED
    assert doorbell.rung == [job_id]


def test_a_worker_shows_that_it_lives_at_each_sweep(service: Service, doorbell: Doorbell) -> None:
    alive = service.settings.alive
    keeper = housekeeper(service, doorbell, sweep_seconds=0.01)
    keeper.start()
    for _ in range(2):
        eventually(alive.is_file)
        alive.unlink()
    keeper.leave()


def test_a_worker_that_leaves_wishes_its_own_jobs_back_until_it_is_gone(service: Service, doorbell: Doorbell) -> None:
    for _ in range(2):
        service.submit()
    claims = [service.jobs.claim(owner) for owner in (PREFIX + "2:x", "else")]
    keeper = housekeeper(service, doorbell, sweep_seconds=3600)
    keeper.start()
    keeper.leave()
    eventually(lambda: claims[0] and service.jobs.heartbeat(claims[0]) == "preempt")
    assert claims[1]
    assert service.jobs.heartbeat(claims[1]) == "none"


def test_settings_fit_several_heartbeats_into_a_lease() -> None:
    assert WorkerSettings(lease_seconds=30).heartbeat_interval == 1
    assert WorkerSettings(lease_seconds=2).heartbeat_interval == 0.5
