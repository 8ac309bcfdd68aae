"""Creating, finding and ordering jobs, and who may work on them."""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import select, text, update

from store import tables
from store.database import Database, open_database
from store.doorbell import sweep
from store.errors import (
    IdempotencyConflictError,
    InvalidCursorError,
    JobNotFoundError,
    JobStateError,
    LeaseLostError,
    QueueFullError,
)
from store.events import EventKind, EventStore, NewEvent
from store.idempotency import IDEMPOTENCY_SECONDS
from store.jobs import Claim, JobStore
from store.phases import Phase
from store.states import FINISHED, Cancelled, Failed, JobState, Paused, Preempted, Succeeded, Wish
from tests.store.conftest import PROCESSES
from tests.store.examples import (
    REQUEST,
    TOTAL_STEPS,
    checkpoint,
    claimed,
    end_lease,
    held,
    job_in,
    new_job,
)
from tests.workers.service import eventually

# Creation


def test_a_new_job_is_queued_and_keeps_its_request(jobs: JobStore) -> None:
    creation = jobs.create(REQUEST, total_steps=TOTAL_STEPS)
    job = jobs.get(creation.job.id)
    assert creation.created
    assert creation.job == job
    assert (job.state, job.attempt, job.step, job.total_steps) == (JobState.QUEUED, 0, 0, TOTAL_STEPS)
    assert job.request == REQUEST
    assert (job.family, job.preset, job.dataset, job.seed) == ("dcgan", "tutorial", "mnist", 2**63 - 1)
    assert (job.started_at, job.finished_at, job.error, job.latest_checkpoint) == (None, None, None, None)


def test_an_id_is_sixteen_hexadecimal_digits(jobs: JobStore) -> None:
    job_id = new_job(jobs)
    assert len(bytes.fromhex(job_id)) == 8


@pytest.mark.parametrize("job_id", ["0123456789abcdef", "", "no\0thing", "half a pair \ud800", "ä" * 10_000])
def test_an_unknown_id_is_not_found(jobs: JobStore, job_id: str) -> None:
    for find in (jobs.get, jobs.request_cancel, jobs.request_pause, jobs.resume):
        with pytest.raises(JobNotFoundError) as caught:
            find(job_id)
        assert caught.value.name == job_id


def test_a_repeated_request_gets_the_first_job(jobs: JobStore) -> None:
    first, again = (jobs.create(REQUEST, total_steps=1, idempotency_key="key", body_digest="digest") for _ in range(2))
    assert (first.created, again.created) == (True, False)
    assert first.job == again.job
    assert len(jobs.list().items) == 1


def test_a_repeated_request_gets_its_job_though_the_queue_is_full(jobs: JobStore) -> None:
    first, again = (
        jobs.create(REQUEST, total_steps=1, idempotency_key="key", body_digest="digest", queue_limit=1)
        for _ in range(2)
    )
    assert first.job == again.job


def test_a_key_serves_one_request_only(jobs: JobStore) -> None:
    first = jobs.create(REQUEST, total_steps=1, idempotency_key="key", body_digest="digest")
    with pytest.raises(IdempotencyConflictError, match=f"'key'.*{first.job.id}"):
        jobs.create(REQUEST, total_steps=1, idempotency_key="key", body_digest="another")


def test_a_key_is_forgotten_after_a_day(jobs: JobStore, database: Database) -> None:
    first = jobs.create(REQUEST, total_steps=1, idempotency_key="key", body_digest="digest").job
    yesterday = update(tables.jobs).values(created_at=first.created_at - IDEMPOTENCY_SECONDS - 1)
    with database.begin() as connection:
        connection.execute(yesterday)
    second = jobs.create(REQUEST, total_steps=1, idempotency_key="key", body_digest="another")
    assert second.created
    assert jobs.get(first.id).id != second.job.id


def test_equal_requests_at_once_create_one_job(jobs: JobStore) -> None:
    def create(_: int) -> bool:
        return jobs.create(REQUEST, total_steps=1, idempotency_key="key", body_digest="digest").created

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(create, range(8))) == 1
    assert len(jobs.list().items) == 1


def test_requests_at_once_do_not_overfill_the_queue(jobs: JobStore) -> None:
    def create(_: int) -> bool:
        try:
            return jobs.create(REQUEST, total_steps=1, queue_limit=3).created
        except QueueFullError:
            return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(create, range(8))) == 3


def test_a_full_queue_tells_its_limit(jobs: JobStore) -> None:
    new_job(jobs)
    with pytest.raises(QueueFullError, match="1 jobs are queued and 1 may be"):
        jobs.create(REQUEST, total_steps=1, queue_limit=1)


def test_only_queued_jobs_fill_the_queue(jobs: JobStore) -> None:
    for state in set(JobState) - {JobState.QUEUED}:
        job_in(jobs, state)
    assert jobs.create(REQUEST, total_steps=1, queue_limit=1).created


# Lists and order


def test_pages_hold_every_job_once_while_others_are_created(jobs: JobStore) -> None:
    expected = [new_job(jobs) for _ in range(7)][::-1]
    seen: list[str] = []
    cursor = None
    while True:
        page = jobs.list(limit=3, cursor=cursor)
        seen += [job.id for job in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        new_job(jobs)
    assert seen == expected


def test_a_page_that_ends_the_list_has_no_cursor(jobs: JobStore) -> None:
    for _ in range(3):
        new_job(jobs)
    assert jobs.list(limit=3).next_cursor is None
    assert jobs.list(limit=2).next_cursor is not None


def test_a_list_of_some_states_holds_no_others(jobs: JobStore) -> None:
    for state in JobState:
        job_in(jobs, state)
    assert {job.state for job in jobs.list().items} == set(JobState)
    assert {job.state for job in jobs.list(FINISHED).items} == FINISHED
    assert jobs.list([]).items == ()


@pytest.mark.parametrize("cursor", ["", "zzz", "ä", "\0", "am9iczotMQ", "am9iczo5OTk5OTk5OTk5OTk5OTk5OTk5OQ"])
def test_a_cursor_that_no_list_gave_out_is_refused(jobs: JobStore, cursor: str) -> None:
    with pytest.raises(InvalidCursorError) as caught:
        jobs.list(cursor=cursor)
    assert caught.value.cursor == cursor


def test_counts_name_every_state(jobs: JobStore) -> None:
    assert jobs.counts() == dict.fromkeys(JobState, 0)
    for state in JobState:
        job_in(jobs, state)
    assert jobs.counts() == dict.fromkeys(JobState, 1)


def test_position_follows_priority_then_age_as_claims_do(jobs: JobStore) -> None:
    low, first, second, high = (new_job(jobs, priority=priority) for priority in (-1, 0, 0, 5))
    expected = [high, first, second, low]
    assert jobs.positions(expected) == {high: 0, first: 1, second: 2, low: 3}
    assert jobs.positions([second, "nobody"]) == {second: 2}
    claims = [jobs.claim("worker") for _ in expected]
    assert [claim and claim.job.id for claim in claims] == expected
    assert jobs.positions(expected) == {}


def test_priority_moves_a_queued_job_to_the_front(jobs: JobStore) -> None:
    _, last = new_job(jobs), new_job(jobs)
    assert jobs.set_priority(last, 1).priority == 1
    assert jobs.positions([last]) == {last: 0}


@pytest.mark.parametrize("state", sorted(FINISHED))
def test_a_finished_job_has_no_place_to_move(jobs: JobStore, state: JobState) -> None:
    new_job(jobs)
    job_id = job_in(jobs, state)
    with pytest.raises(JobStateError, match=state):
        jobs.set_priority(job_id, 1)
    with pytest.raises(JobStateError, match=state):
        jobs.move(job_id, "front")


def test_a_job_moves_to_either_end_of_the_queue(jobs: JobStore) -> None:
    high, first, second, low = waiting = [new_job(jobs, priority=priority) for priority in (5, 0, 0, -3)]
    assert jobs.move(second, "front").priority == 6
    assert jobs.positions(waiting) == {second: 0, high: 1, first: 2, low: 3}
    assert jobs.move(high, "back").priority == -4
    assert jobs.positions(waiting) == {second: 0, first: 1, low: 2, high: 3}


def test_a_job_that_is_at_its_end_of_the_queue_stays_as_it_is(jobs: JobStore) -> None:
    first, last = (jobs.get(new_job(jobs)) for _ in range(2))
    assert jobs.move(first.id, "front") == first
    assert jobs.move(last.id, "back") == last
    assert jobs.move(last.id, "front").priority == 1
    assert jobs.move(last.id, "front").priority == 1


def test_a_paused_job_keeps_the_place_that_it_was_moved_to(jobs: JobStore) -> None:
    first, paused = new_job(jobs), new_job(jobs)
    jobs.request_pause(paused)
    jobs.move(paused, "front")
    jobs.resume(paused)
    assert jobs.positions([first, paused]) == {paused: 0, first: 1}


def test_the_queue_lists_what_is_at_work_and_then_what_waits_in_the_order_of_its_claim(jobs: JobStore) -> None:
    first_held, last_held = held(jobs, JobState.PAUSING).job.id, held(jobs, JobState.RUNNING).job.id
    for state in (JobState.PAUSED, *FINISHED):
        job_in(jobs, state)
    low, older, newer, high = (new_job(jobs, priority=priority) for priority in (-1, 0, 0, 5))
    expected = [first_held, last_held, high, older, newer, low]
    assert [job.id for job in jobs.queue()] == expected
    assert [job.id for job in jobs.queue(limit=3)] == expected[:3]


# Doorbells


def test_a_queued_job_is_unrung_until_its_doorbell_was_rung(jobs: JobStore) -> None:
    low, high = new_job(jobs), new_job(jobs, priority=1)
    claimed(jobs)
    assert jobs.unrung() == [high, low]
    jobs.mark_rung(high)
    assert jobs.unrung() == [low]
    last = new_job(jobs)
    jobs.mark_rung(low, last)
    assert jobs.unrung() == []


def test_a_doorbell_that_was_not_heard_is_rung_again(jobs: JobStore, database: Database) -> None:
    job_id = new_job(jobs)
    jobs.mark_rung(job_id)
    with database.begin() as connection:
        connection.execute(update(tables.jobs).values(rung_at=tables.jobs.c.rung_at - 61))
    assert jobs.unrung(older_than_seconds=62) == []
    assert jobs.unrung(older_than_seconds=60) == [job_id]


def test_a_preempted_job_is_rung_afresh(jobs: JobStore) -> None:
    job_id = new_job(jobs)
    jobs.mark_rung(job_id)
    claim = jobs.claim("worker")
    assert claim is not None
    jobs.settle(claim, Preempted())
    assert jobs.unrung() == [job_id]


class Bell:
    """Remembers for which jobs it rang; `works` is whether the broker takes it."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.works = True

    def __call__(self, job_id: str) -> bool:
        self.rung.append(job_id)
        return self.works


def test_one_message_announces_all_that_wait(jobs: JobStore) -> None:
    first, _, _ = (new_job(jobs) for _ in range(3))
    bell = Bell()
    for _ in range(3):
        sweep(jobs, bell, again_seconds=3600)
    assert bell.rung == [first]
    sweep(jobs, bell, again_seconds=0)
    assert bell.rung == [first, first]


def test_a_sweep_tries_again_when_the_broker_is_back(jobs: JobStore) -> None:
    first, _ = new_job(jobs), new_job(jobs)
    bell = Bell()
    bell.works = False
    sweep(jobs, bell, again_seconds=3600)
    bell.works = True
    sweep(jobs, bell, again_seconds=3600)
    assert bell.rung == [first, first]
    assert jobs.unrung() == []


def test_a_sweep_announces_the_job_of_a_lost_worker(jobs: JobStore, database: Database) -> None:
    claim = claimed(jobs)
    end_lease(database, claim)
    bell = Bell()
    sweep(jobs, bell, again_seconds=3600)
    assert bell.rung == [claim.job.id]


# Claims


def test_a_claim_holds_its_job_until_another_attempt_has_it(jobs: JobStore) -> None:
    first = claimed(jobs)
    assert jobs.holds(first)
    jobs.request_pause(first.job.id)
    jobs.settle(first, Paused())
    jobs.resume(first.job.id)
    second = jobs.claim("worker")
    assert second is not None
    assert second.job.attempt == first.job.attempt
    assert (jobs.holds(first), jobs.holds(second)) == (False, True)


def test_a_claim_starts_the_job(jobs: JobStore) -> None:
    claim = claimed(jobs)
    assert (claim.job.state, claim.job.attempt, claim.token) == (JobState.RUNNING, 1, 1)
    assert claim.job.started_at is not None
    assert jobs.get(claim.job.id) == claim.job


def test_an_empty_queue_gives_no_claim(jobs: JobStore) -> None:
    assert jobs.claim("worker") is None


@pytest.mark.parametrize("state", sorted(set(JobState) - {JobState.QUEUED}))
def test_only_a_queued_job_is_to_have_while_leases_last(jobs: JobStore, state: JobState) -> None:
    job_id = job_in(jobs, state)
    before = jobs.get(job_id)
    assert jobs.claim("another") is None
    assert jobs.get(job_id) == before


def test_a_doubled_doorbell_has_one_winner(jobs: JobStore) -> None:
    job_id = new_job(jobs)
    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda n: jobs.claim(f"worker {n}"), range(8)))
    assert sum(claim is not None for claim in claims) == 1
    assert jobs.get(job_id).attempt == 1


def _claim_all(url: str, owner: str) -> list[str]:
    database = open_database(url)
    jobs = JobStore(database)
    claims = iter(lambda: jobs.claim(owner), None)
    taken = [claim.job.id for claim in claims if claim is not None]
    database.close()
    return taken


def test_processes_that_claim_at_once_share_the_queue(jobs: JobStore, database_url: str, processes: Executor) -> None:
    expected = sorted(new_job(jobs) for _ in range(24))
    owners = [f"worker {n}" for n in range(PROCESSES)]
    taken = processes.map(_claim_all, [database_url] * PROCESSES, owners)
    assert sorted(job_id for ids in taken for job_id in ids) == expected


def test_a_running_job_whose_lease_is_over_is_to_have(jobs: JobStore, database: Database) -> None:
    first = claimed(jobs)
    jobs.register_checkpoint(first, checkpoint(200))
    jobs.heartbeat(first, step=250, rate=3.5)
    end_lease(database, first)
    second = jobs.claim("another")
    assert second is not None
    assert (second.job.attempt, second.token, second.job.state) == (2, 2, JobState.RUNNING)
    assert (second.job.step, second.job.rate) == (200, None)
    assert second.job.started_at == first.job.started_at


def test_a_job_without_attempts_left_is_not_to_have(jobs: JobStore, database: Database) -> None:
    claim = claimed(jobs)
    for _ in range(2):
        end_lease(database, claim)
        claim = jobs.claim("another") or claim
    assert claim.job.attempt == claim.job.max_attempts == 3
    end_lease(database, claim)
    assert jobs.claim("another") is None


# Heartbeats and fences


def test_a_heartbeat_notes_progress_and_extends_the_lease(jobs: JobStore, database: Database) -> None:
    claim = claimed(jobs)
    end_lease(database, claim)
    assert claim.job.phase is Phase.STARTING
    assert jobs.heartbeat(claim, step=7, rate=12.5, phase=Phase.JUDGING, remaining_seconds=90) is Wish.NONE
    assert jobs.reap() == []
    assert jobs.heartbeat(claim) is Wish.NONE
    job = jobs.get(claim.job.id)
    assert (job.step, job.rate, job.phase, job.remaining_seconds) == (7, 12.5, Phase.JUDGING, 90.0)
    assert job.updated_at > claim.job.updated_at


def test_a_job_that_nobody_works_on_is_in_no_phase(jobs: JobStore) -> None:
    claim = claimed(jobs)
    jobs.heartbeat(claim, phase=Phase.SAVING, remaining_seconds=5)
    left = jobs.settle(claim, Preempted())
    assert (left.state, left.phase, left.remaining_seconds) == (JobState.QUEUED, None, None)


def test_a_heartbeat_tells_what_is_wished(jobs: JobStore) -> None:
    claim = claimed(jobs, owner="host:1:a")
    assert jobs.preempt("host:1:") == 1
    assert jobs.heartbeat(claim) is Wish.PREEMPT
    jobs.request_pause(claim.job.id)
    assert jobs.heartbeat(claim) is Wish.PAUSE
    jobs.request_cancel(claim.job.id)
    assert jobs.heartbeat(claim) is Wish.CANCEL


def test_a_withdrawn_pause_is_wished_no_more(jobs: JobStore) -> None:
    claim = held(jobs, JobState.PAUSING)
    jobs.resume(claim.job.id)
    assert jobs.heartbeat(claim) is Wish.NONE


def test_preemption_means_one_workers_jobs(jobs: JobStore) -> None:
    mine, other, wild = (claimed(jobs, owner) for owner in ("host:1:a", "HOST:1:a", "host%1:a"))
    assert jobs.preempt("host:1:") == 1
    assert [jobs.heartbeat(claim) for claim in (mine, other, wild)] == [Wish.PREEMPT, Wish.NONE, Wish.NONE]


def test_a_claim_forgets_the_preemption_of_the_attempt_before(jobs: JobStore, database: Database) -> None:
    claim = claimed(jobs)
    jobs.preempt("worker")
    end_lease(database, claim)
    second = jobs.claim("another")
    assert second is not None
    assert jobs.heartbeat(second) is Wish.NONE


def _mark_rung(jobs: JobStore) -> tuple[list[str], Callable[[], object]]:
    ids = [new_job(jobs)]
    while (second := new_job(jobs)) > ids[0]:
        jobs.request_pause(second)
    jobs.request_pause(ids[0])
    jobs.resume(ids[0])
    return [*ids, second], lambda: jobs.mark_rung(*ids, second)


def _preempt(jobs: JobStore) -> tuple[list[str], Callable[[], object]]:
    first, second = (claimed(jobs, "host:1:a") for _ in range(2))
    jobs.request_cancel(second.job.id)
    jobs.heartbeat(first)
    return [first.job.id, second.job.id], lambda: jobs.preempt("host:1:")


@pytest.mark.parametrize("kind", ["postgresql"])
@pytest.mark.parametrize("prepare", [_mark_rung, _preempt])
def test_jobs_are_locked_in_the_order_of_their_numbers(
    jobs: JobStore, database: Database, prepare: Callable[[JobStore], tuple[list[str], Callable[[], object]]]
) -> None:
    """PostgreSQL ends one of two that wait for each other.

    The jobs are such that it comes to the first one last, by whichever index, or where they lie.
    """
    (first, second), change = prepare(jobs)
    lock = select(tables.jobs.c.number).with_for_update()
    with ThreadPoolExecutor(1) as thread:
        with database.begin() as connection:
            connection.execute(lock.where(tables.jobs.c.id == first))
            changed = thread.submit(change)
            eventually(lambda: _waiting(database))
            connection.execute(lock.where(tables.jobs.c.id == second))
        changed.result()


def _waiting(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


def _settle(jobs: JobStore, database: Database, claim: Claim) -> None:
    jobs.settle(claim, Succeeded())


def _reap(jobs: JobStore, database: Database, claim: Claim) -> None:
    end_lease(database, claim)
    assert jobs.reap() == [claim.job.id]


def _take_over_under_the_same_name(jobs: JobStore, database: Database, claim: Claim) -> None:
    end_lease(database, claim)
    assert jobs.claim(claim.owner) is not None


@pytest.mark.parametrize("lose", [_settle, _reap, _take_over_under_the_same_name])
def test_a_worker_back_from_the_dead_writes_nothing(
    jobs: JobStore,
    events: EventStore,
    database: Database,
    lose: Callable[[JobStore, Database, Claim], None],
) -> None:
    claim = claimed(jobs)
    lose(jobs, database, claim)
    before = jobs.get(claim.job.id), events.after(claim.job.id, 0)
    outcomes = (Succeeded(), Failed({"type": "late"}), Cancelled(), Paused(), Preempted())
    writes: list[Callable[[], object]] = [
        partial(jobs.heartbeat, claim, step=999),
        partial(jobs.record, claim, [NewEvent(EventKind.LOG, {"line": "late"})]),
        partial(jobs.register_checkpoint, claim, checkpoint(999)),
        partial(jobs.release, claim, "late"),
        *(partial(jobs.settle, claim, outcome) for outcome in outcomes),
    ]
    assert not jobs.holds(claim)
    for write in writes:
        with pytest.raises(LeaseLostError, match=rf"worker has lost job {claim.job.id} \(token 1\)"):
            write()
    assert (jobs.get(claim.job.id), events.after(claim.job.id, 0)) == before
