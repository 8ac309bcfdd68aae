"""The training process: works on one claim, and settles it.

    python -m workers.training --job ID --token T --owner O

Its lease must not run out while torch loads, so the heart beats before that.
"""

import argparse
import logging
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from store.database import Database, open_database
from store.errors import LeaseLostError
from store.jobs import Claim, Job, JobStore
from store.states import Failed, Outcome, Preempted
from workers.patience import patiently
from workers.pulse import Pulse
from workers.settings import WorkerSettings

EXIT_SETTLED = 0
EXIT_FAULT = 74  # EX_IOERR: the job was given back, and its next attempt should not follow at once
EXIT_PREEMPTED = 75  # EX_TEMPFAIL: the job goes on elsewhere
EXIT_LEASE_LOST = 76

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PassingFault:
    """What ended this attempt, and another may not meet."""

    reason: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Work on the claim that the arguments name; return the exit status."""
    named = _parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = WorkerSettings()
    database = open_database(settings.database)
    jobs = JobStore(database, lease_seconds=settings.lease_seconds)
    try:
        claim = Claim(patiently(lambda: jobs.get(named.job)), named.owner, named.token)
        return _work(settings, database, jobs, claim)
    finally:
        database.close()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workers.training", description="Work on a claim.")
    parser.add_argument("--job", required=True, help="the job's id")
    parser.add_argument("--token", required=True, type=int, help="the claim's token")
    parser.add_argument("--owner", required=True, help="the claim's owner")
    return parser.parse_args(arguments)


def _work(settings: WorkerSettings, database: Database, jobs: JobStore, claim: Claim) -> int:
    try:
        with Pulse(jobs, claim, interval_seconds=settings.heartbeat_interval) as pulse:
            signal.signal(signal.SIGTERM, lambda number, frame: pulse.preempt())
            ending = _train(settings, database, jobs, claim, pulse)
            patiently(lambda: _end(jobs, claim, ending))
    except LeaseLostError as error:
        logger.warning("%s", error)
        return EXIT_LEASE_LOST
    logger.info("job %s: %s", claim.job.id, ending)
    exits: Mapping[type, int] = {Preempted: EXIT_PREEMPTED, PassingFault: EXIT_FAULT}
    return exits.get(type(ending), EXIT_SETTLED)


def _end(jobs: JobStore, claim: Claim, ending: Outcome | PassingFault) -> Job:
    return jobs.release(claim, ending.reason) if isinstance(ending, PassingFault) else jobs.settle(claim, ending)


def _train(
    settings: WorkerSettings, database: Database, jobs: JobStore, claim: Claim, pulse: Pulse
) -> Outcome | PassingFault:
    passing: tuple[type[Exception], ...] = (OSError, MemoryError)
    try:
        from workers.loop import PASSING_FAULTS, train  # noqa: PLC0415  (loads torch: see above)

        passing = PASSING_FAULTS
        return train(settings, database, jobs, claim, pulse)
    except LeaseLostError:
        raise
    except Exception as error:
        logger.exception("the training of job %s failed", claim.job.id)
        kind, detail = type(error).__name__, str(error)
        if isinstance(error, passing):
            return PassingFault(f"{kind}: {detail}" if detail else kind)
        return Failed({"type": kind, "detail": detail})


if __name__ == "__main__":
    ending = main()
    logging.shutdown()
    os._exit(ending)  # torch would take a second or more to take itself apart
