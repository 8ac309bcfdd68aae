"""What a worker does at a doorbell, and at its own beginning and end."""

from typing import Any

from celery.signals import worker_init, worker_ready, worker_shutting_down

from store.database import open_database
from store.doorbell import TASK
from store.jobs import JobStore
from workers.celery_app import app, ring
from workers.housekeeping import Housekeeper
from workers.patience import patiently
from workers.settings import WorkerSettings
from workers.supervision import Supervisor, name_worker, owner_prefix


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def train(job_id: str) -> None:
    """Run jobs until none waits. The message's job is only a hint: the database knows which is next."""
    settings = WorkerSettings()
    database = open_database(settings.database)
    try:
        jobs = JobStore(database, lease_seconds=settings.lease_seconds)
        put_back = Supervisor(settings, jobs).run_all()
        if put_back is not None and ring(put_back):
            patiently(lambda: jobs.mark_rung(put_back))
    finally:
        database.close()


@worker_init.connect  # type: ignore[untyped-decorator]
def prepare(**_: Any) -> None:
    """Name this worker before it has children, and bring the database to this version's schema."""
    name_worker()
    database = open_database(WorkerSettings().database)
    try:
        patiently(database.migrate)
    finally:
        database.close()


@worker_ready.connect  # type: ignore[untyped-decorator]
def keep_house(**_: Any) -> None:
    """Look for lost jobs from now on, and put this worker's jobs back when it shuts down."""
    settings = WorkerSettings()
    jobs = JobStore(open_database(settings.database), lease_seconds=settings.lease_seconds)
    housekeeper = Housekeeper(settings, jobs, owner_prefix(), ring)

    def leave(**_: Any) -> None:
        housekeeper.leave()

    worker_shutting_down.connect(leave, weak=False)
    housekeeper.start()
