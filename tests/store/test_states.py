"""What every request, outcome and loss makes of every state: the whole machine, through the store."""

from collections.abc import Callable

import pytest

from store.database import Database
from store.errors import JobStateError
from store.events import EventKind, EventStore
from store.jobs import Claim, Job, JobStore
from store.states import (
    FINISHED,
    HELD,
    Cancelled,
    Failed,
    JobState,
    Outcome,
    Paused,
    Preempted,
    Succeeded,
)
from tests.store.examples import TOTAL_STEPS, checkpoint, claimed, end_lease, held, job_in

REFUSED = None
ERROR = {"type": "diverged", "detail": "the loss is not finite"}

REQUESTS: dict[str, dict[str, str | None]] = {
    "queued": {"cancel": "cancelled", "pause": "paused", "resume": "queued"},
    "running": {"cancel": "cancelling", "pause": "pausing", "resume": "running"},
    "pausing": {"cancel": "cancelling", "pause": "pausing", "resume": "running"},
    "paused": {"cancel": "cancelled", "pause": "paused", "resume": "queued"},
    "cancelling": {"cancel": "cancelling", "pause": REFUSED, "resume": REFUSED},
    "succeeded": {"cancel": "succeeded", "pause": REFUSED, "resume": REFUSED},
    "failed": {"cancel": "failed", "pause": REFUSED, "resume": REFUSED},
    "cancelled": {"cancel": "cancelled", "pause": REFUSED, "resume": REFUSED},
}

OUTCOMES: dict[str, list[tuple[Outcome, str | None]]] = {
    "running": [
        (Succeeded(), "succeeded"),
        (Failed(ERROR), "failed"),
        (Cancelled(), REFUSED),
        (Paused(), "queued"),  # the wish was withdrawn while it saved
        (Preempted(), "queued"),
    ],
    "pausing": [
        (Succeeded(), "succeeded"),
        (Failed(ERROR), "failed"),
        (Cancelled(), REFUSED),
        (Paused(), "paused"),
        (Preempted(), "paused"),
    ],
    "cancelling": [
        (Succeeded(), "succeeded"),
        (Failed(ERROR), "failed"),
        (Cancelled(), "cancelled"),
        (Paused(), "cancelled"),
        (Preempted(), "cancelled"),
    ],
}


def _ask(jobs: JobStore, request: str, job_id: str) -> Job:
    requests = {"cancel": jobs.request_cancel, "pause": jobs.request_pause, "resume": jobs.resume}
    return requests[request](job_id)


def _statuses(events: EventStore, job_id: str) -> list[str]:
    return [event.data["state"] for event in events.after(job_id, 0, {EventKind.STATUS})]


def test_the_tables_of_this_test_leave_out_no_state() -> None:
    assert set(REQUESTS) == set(JobState)
    assert set(OUTCOMES) == HELD


@pytest.mark.parametrize("request_name", ["cancel", "pause", "resume"])
@pytest.mark.parametrize("state", REQUESTS)
def test_a_request_changes_the_state_as_the_table_says(
    jobs: JobStore, events: EventStore, state: str, request_name: str
) -> None:
    job_id = job_in(jobs, JobState(state))
    before, told = jobs.get(job_id), _statuses(events, job_id)
    expected = REQUESTS[state][request_name]
    if expected is REFUSED:
        with pytest.raises(JobStateError, match=f"job {job_id} is {state}") as caught:
            _ask(jobs, request_name, job_id)
        assert state not in caught.value.allowed
        expected = state
    else:
        assert _ask(jobs, request_name, job_id).state == expected
    if expected == state:
        assert jobs.get(job_id) == before
        assert _statuses(events, job_id) == told
    else:
        assert jobs.get(job_id).state == expected
        assert _statuses(events, job_id) == [*told, expected]


@pytest.mark.parametrize(
    ("state", "outcome", "expected"),
    [(state, outcome, expected) for state, row in OUTCOMES.items() for outcome, expected in row],
)
def test_an_outcome_settles_the_claim_as_the_table_says(
    jobs: JobStore, events: EventStore, state: str, outcome: Outcome, expected: str | None
) -> None:
    claim = held(jobs, JobState(state))
    jobs.heartbeat(claim, step=5)
    if expected is REFUSED:
        with pytest.raises(JobStateError, match="needs it to be cancelling"):
            jobs.settle(claim, outcome)
        assert jobs.get(claim.job.id).state == state
        return
    job = jobs.settle(claim, outcome)
    assert job == jobs.get(claim.job.id)
    assert job.state == expected
    assert (job.finished_at is not None) == (job.state in FINISHED)
    assert job.error == (ERROR if expected == "failed" else None)
    assert job.step == (TOTAL_STEPS if expected == "succeeded" else 0 if job.state not in FINISHED else 5)
    assert _statuses(events, claim.job.id)[-1] == expected


@pytest.mark.parametrize("state", sorted(FINISHED))
def test_a_finished_jobs_last_event_is_its_only_end(jobs: JobStore, events: EventStore, state: JobState) -> None:
    job = jobs.get(job_in(jobs, state))
    told = events.after(job.id, 0)
    assert [event.kind for event in told].count(EventKind.END) == 1
    assert told[-1].kind is EventKind.END
    assert told[-1].data == {"state": state, "error": job.error}


Lose = Callable[[JobStore, Database, Claim], None]


def _lose_by_silence(jobs: JobStore, database: Database, claim: Claim) -> None:
    end_lease(database, claim)
    jobs.reap()


def _lose_by_release(jobs: JobStore, database: Database, claim: Claim) -> None:
    jobs.release(claim, "worker lost")


@pytest.mark.parametrize("lose", [_lose_by_silence, _lose_by_release])
@pytest.mark.parametrize(
    ("state", "expected"), [("running", "queued"), ("pausing", "paused"), ("cancelling", "cancelled")]
)
def test_a_lost_job_becomes_what_it_was_wished_to_be(
    jobs: JobStore, database: Database, lose: Lose, state: str, expected: str
) -> None:
    claim = held(jobs, JobState(state))
    lose(jobs, database, claim)
    assert jobs.get(claim.job.id).state == expected


def test_the_reaper_leaves_a_live_lease_alone(jobs: JobStore) -> None:
    claims = [held(jobs, state) for state in sorted(HELD)]
    assert jobs.reap() == []
    for claim in claims:
        jobs.heartbeat(claim)


def test_the_reaper_tells_whom_to_ring(jobs: JobStore, database: Database) -> None:
    claims = [held(jobs, state) for state in (JobState.RUNNING, JobState.CANCELLING, JobState.RUNNING)]
    for claim in claims:
        end_lease(database, claim)
    assert jobs.reap() == [claims[0].job.id, claims[2].job.id]
    assert jobs.reap() == []


def test_a_lost_job_goes_on_from_its_newest_checkpoint(jobs: JobStore, events: EventStore, database: Database) -> None:
    claim = claimed(jobs)
    jobs.register_checkpoint(claim, checkpoint(100))
    jobs.heartbeat(claim, step=150)
    _lose_by_silence(jobs, database, claim)
    job = jobs.get(claim.job.id)
    assert (job.step, job.latest_checkpoint) == (100, f"{job.id}-100")
    told = events.after(job.id, 0)[-1]
    assert told.data["reason"] == "worker lost, attempt 1 of 3, resumes from step 100"


@pytest.mark.parametrize("lose", [_lose_by_silence, _lose_by_release])
def test_a_job_fails_with_its_last_attempt(jobs: JobStore, database: Database, lose: Lose) -> None:
    claim: Claim | None = claimed(jobs)
    for attempt in (1, 2, 3):
        assert claim is not None
        assert claim.job.attempt == attempt
        lose(jobs, database, claim)
        job = jobs.get(claim.job.id)
        claim = jobs.claim("another")
    assert claim is None
    assert job.state is JobState.FAILED
    assert job.error == {"type": "attempts_exhausted", "detail": "worker lost, attempt 3 of 3"}


def test_only_losses_count_as_attempts(jobs: JobStore, database: Database) -> None:
    claim = claimed(jobs)
    job_id = claim.job.id

    def again() -> Claim:
        claim = jobs.claim("worker")
        assert claim is not None
        return claim

    for _ in range(5):
        jobs.settle(claim, Preempted())
        claim = again()
        jobs.request_pause(job_id)
        jobs.settle(claim, Paused())
        jobs.resume(job_id)
        claim = again()
    assert claim.job.attempt == 1
    end_lease(database, claim)
    jobs.reap()
    assert again().job.attempt == 2


def test_a_job_paused_in_its_last_attempt_can_be_resumed(jobs: JobStore, database: Database) -> None:
    claim = claimed(jobs)
    for _ in range(2):
        jobs.release(claim, "worker lost")
        claim = jobs.claim("worker") or claim
    jobs.request_pause(claim.job.id)
    _lose_by_silence(jobs, database, claim)
    jobs.resume(claim.job.id)
    resumed = jobs.claim("worker")
    assert resumed is not None
    assert resumed.job.attempt == resumed.job.max_attempts
