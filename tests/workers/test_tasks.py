import pytest

from store.errors import DatabaseUnavailableError
from store.jobs import JobStore
from tests.workers.service import Service
from workers import tasks
from workers.supervision import Supervisor


def test_that_a_job_was_put_back_and_rung_for_is_noted_though_the_database_is_away_for_a_while(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data_dir", "database_url", "lease_seconds"):
        monkeypatch.setenv(f"GANERY_{name.upper()}", str(getattr(service.settings, name)))
    job_id = service.submit()
    mark, absences = JobStore.mark_rung, [DatabaseUnavailableError("sqlite:///file", "it stayed locked")]

    def mark_later(jobs: JobStore, *job_ids: str) -> None:
        if absences:
            raise absences.pop()
        mark(jobs, *job_ids)

    monkeypatch.setattr("workers.patience._PAUSE_SECONDS", 0)
    monkeypatch.setattr(Supervisor, "run_all", lambda _: job_id)
    monkeypatch.setattr(tasks, "ring", lambda _: True)
    monkeypatch.setattr(JobStore, "mark_rung", mark_later)
    tasks.train(job_id)
    assert service.jobs.unrung() == []
