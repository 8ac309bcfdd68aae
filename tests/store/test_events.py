"""Events are dense, in order, and told once."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.event import listen, remove

from store.database import Database
from store.events import ONCE_PER_STEP, EventKind, EventStore, NewEvent
from store.jobs import Claim, JobStore
from tests.store.examples import checkpoint, claimed, end_lease, new_job


def _metric(step: int, value: float) -> NewEvent:
    return NewEvent(EventKind.METRIC, {"loss": value}, step)


def test_events_come_back_as_they_were_recorded(jobs: JobStore, events: EventStore) -> None:
    claim = claimed(jobs)
    new = [
        NewEvent(EventKind.LOG, {"line": "ä \0 \ud800", "nested": [1, {"a": None}]}),
        NewEvent(EventKind.WARNING, {"detail": "slow"}, 3),
        _metric(3, 0.5),
    ]
    jobs.record(claim, new)
    told = events.after(claim.job.id, 0, {event.kind for event in new})
    assert [NewEvent(event.kind, event.data, event.step) for event in told] == new


def test_a_number_that_is_not_finite_is_stored_as_null(jobs: JobStore, events: EventStore) -> None:
    claim = claimed(jobs)
    jobs.record(claim, [NewEvent(EventKind.METRIC, {"loss": math.nan, "all": [math.inf, 1.0]}, 1)])
    (told,) = events.after(claim.job.id, 0, [EventKind.METRIC])
    assert told.data == {"loss": None, "all": [None, 1.0]}


def test_reading_goes_on_where_it_stopped(jobs: JobStore, events: EventStore) -> None:
    claim = claimed(jobs)
    jobs.record(claim, [_metric(step, 0.5) for step in range(10)])
    everything = events.after(claim.job.id, 0)
    first = events.after(claim.job.id, 0, limit=5)
    assert first + events.after(claim.job.id, first[-1].sequence) == everything
    assert events.after(claim.job.id, everything[-1].sequence) == []
    assert events.last(claim.job.id) == everything[-1].sequence


def test_the_newest_of_a_kind_are_read_in_order(jobs: JobStore, events: EventStore) -> None:
    claim = claimed(jobs)
    jobs.record(claim, [_metric(step, 0.5) for step in range(10)])
    jobs.record(claim, [NewEvent(EventKind.LOG, {"message": "done"})])
    newest = events.newest(claim.job.id, [EventKind.METRIC], limit=3)
    assert [one.step for one in newest] == [7, 8, 9]
    before = events.newest(claim.job.id, [EventKind.METRIC], limit=3, until=newest[0].sequence)
    assert [one.step for one in before] == [5, 6, 7]
    assert events.newest("nobody", [EventKind.METRIC], limit=3) == []


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)  # PostgreSQL plans by the number of rows, and has few here
def test_the_newest_of_a_rare_kind_are_found_without_reading_the_others(jobs: JobStore, events: EventStore) -> None:
    job_id, plans = claimed(jobs).job.id, list[str]()

    def explain(connection: Connection, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row.detail for row in plan)

    listen(Engine, "before_cursor_execute", explain)
    try:
        events.newest(job_id, [EventKind.WARNING], limit=3)
    finally:
        remove(Engine, "before_cursor_execute", explain)
    assert len(plans) == 1
    assert "ix_events_job_id_kind_sequence" in plans[0]


@pytest.mark.parametrize("sequence", [-1, -(2**80), 2**80])
def test_any_number_is_a_place_to_read_from(jobs: JobStore, events: EventStore, sequence: int) -> None:
    assert bool(events.after(new_job(jobs), sequence)) == (sequence < 0)


def test_an_unknown_job_has_no_events(events: EventStore) -> None:
    assert events.after("nobody", 0) == []
    assert events.last("nobody") == 0


@pytest.mark.parametrize("kind", sorted(ONCE_PER_STEP))
def test_the_first_event_of_a_step_stays(jobs: JobStore, events: EventStore, kind: EventKind) -> None:
    claim = claimed(jobs)
    first, second = (NewEvent(kind, {"value": value}, 10) for value in (1, 2))
    jobs.record(claim, [first, second])
    jobs.record(claim, [second, replace(second, step=11)])
    told = events.after(claim.job.id, 0, [kind])
    assert [(event.step, event.data["value"]) for event in told] == [(10, 1), (11, 2)]


def test_a_log_may_repeat_itself(jobs: JobStore, events: EventStore) -> None:
    claim = claimed(jobs)
    line = NewEvent(EventKind.LOG, {"line": "again"}, 10)
    jobs.record(claim, [line, line])
    jobs.record(claim, [line])
    assert len(events.after(claim.job.id, 0, [EventKind.LOG])) == 3


@pytest.mark.parametrize("kind", sorted(ONCE_PER_STEP))
def test_what_happens_once_per_step_has_a_step(kind: EventKind) -> None:
    with pytest.raises(ValueError, match=f"a {kind} event has a step"):
        NewEvent(kind, {"value": 1})


def test_a_curve_has_neither_gap_nor_overlap_after_a_loss(
    jobs: JobStore, events: EventStore, database: Database
) -> None:
    first = claimed(jobs)
    jobs.record(first, [_metric(step, 1.0) for step in range(0, 160, 10)])
    jobs.register_checkpoint(first, checkpoint(100))
    end_lease(database, first)
    second = jobs.claim("another")
    assert second is not None
    jobs.record(second, [_metric(step, 1.0) for step in range(second.job.step, 300, 10)])
    told = events.after(first.job.id, 0, [EventKind.METRIC])
    assert [event.step for event in told] == list(range(0, 300, 10))


def test_sequence_numbers_are_dense_and_in_order_whoever_writes(jobs: JobStore, events: EventStore) -> None:
    claims = [claimed(jobs) for _ in range(2)]
    writers = [(claim, base) for claim in claims for base in (0, 1000, 2000)]
    seen: list[list[int]] = []

    def write(writer: tuple[Claim, int]) -> None:
        claim, base = writer
        for step in range(10):
            jobs.record(claim, [_metric(base + step, 0.0), _metric(base + step, 1.0), _metric(step, 0.0)])
            seen.append([event.sequence for event in events.after(claim.job.id, 0)])

    with ThreadPoolExecutor(len(writers)) as threads:
        list(threads.map(write, writers))
    for claim in claims:
        told = events.after(claim.job.id, 0)
        assert [event.sequence for event in told] == list(range(1, 33))
    for sequences in seen:
        assert sequences == list(range(1, len(sequences) + 1)), "a reader saw a number before its predecessor"
