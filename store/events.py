"""What happened to a job, in order: the source of its curve, its live stream and its log."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from store import tables
from store.database import Database


class EventKind(StrEnum):
    """What an event tells."""

    STATUS = "status"
    PROGRESS = "progress"
    METRIC = "metric"
    QUALITY = "quality"
    SAMPLE = "sample"
    LOG = "log"
    CHECKPOINT = "checkpoint"
    WARNING = "warning"
    END = "end"


ONCE_PER_STEP = frozenset(
    {EventKind.PROGRESS, EventKind.METRIC, EventKind.QUALITY, EventKind.SAMPLE, EventKind.CHECKPOINT}
)
"""Kinds that a job has once for each step. A training that resumes from an older checkpoint repeats some: the
first stays, so a curve has neither gap nor overlap."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to record. Raises ValueError if a kind that happens once per step has no step."""

    kind: EventKind
    data: Mapping[str, Any] = field(default_factory=dict)
    step: int | None = None

    def __post_init__(self) -> None:
        if self.step is None and self.kind in ONCE_PER_STEP:
            raise ValueError(f"a {self.kind} event has a step, this one has none: {dict(self.data)}")


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a job. sequence: 1, 2, 3, ... without a gap; whoever sees n has all before it."""

    job_id: str
    sequence: int
    kind: EventKind
    step: int | None
    data: Mapping[str, Any]
    created_at: float


class EventStore:
    """Reads events. They are written with the change that they tell, by the JobStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def after(
        self, job_id: str, sequence: int, kinds: Collection[EventKind] | None = None, *, limit: int = 1000
    ) -> list[Event]:
        """At most `limit` events of the job after this sequence number, in order; an unknown job has none."""
        query = (
            select(tables.events)
            .where(tables.events.c.job_id == job_id)
            .where(tables.events.c.sequence > min(max(sequence, 0), tables.LARGEST_INTEGER))
            .order_by(tables.events.c.sequence)
            .limit(limit)
        )
        if kinds is not None:
            query = query.where(tables.events.c.kind.in_(kinds))
        with self._database.read() as connection:
            return [_event(row) for row in connection.execute(query).mappings()]

    def newest(
        self, job_id: str, kinds: Collection[EventKind], *, limit: int, until: int = tables.LARGEST_INTEGER
    ) -> list[Event]:
        """The newest `limit` events of these kinds up to a sequence number, in order; an unknown job has none."""
        query = (
            select(tables.events)
            .where(tables.events.c.job_id == job_id, tables.events.c.sequence <= until)
            .where(tables.events.c.kind.in_(kinds))
            .order_by(tables.events.c.sequence.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_event(row) for row in connection.execute(query).mappings()][::-1]

    def last(self, job_id: str) -> int:
        """The sequence number of the job's newest event; 0 where there is none."""
        query = select(func.max(tables.events.c.sequence)).where(tables.events.c.job_id == job_id)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one() or 0


def append(connection: Connection, job_id: str, events: Iterable[NewEvent], now: float) -> None:
    """Adds the events to the job's, leaving out those of a step that it has already.

    The caller's transaction must have the job's row locked, so that events are committed in their order.
    """
    new = _without_repeats(connection, job_id, list(events))
    if not new:
        return
    counted = (
        update(tables.jobs)
        .where(tables.jobs.c.id == job_id)
        .values(event_count=tables.jobs.c.event_count + len(new))
        .returning(tables.jobs.c.event_count)
    )
    first = connection.execute(counted).scalar_one() - len(new) + 1
    rows = [
        {"job_id": job_id, "sequence": sequence, "kind": event.kind, "step": event.step}
        | {"data": dict(event.data), "created_at": now}
        for sequence, event in enumerate(new, first)
    ]
    connection.execute(insert(tables.events), rows)


def _without_repeats(connection: Connection, job_id: str, events: Sequence[NewEvent]) -> list[NewEvent]:
    steps = [event.step for event in events if event.step is not None and event.kind in ONCE_PER_STEP]
    seen = _recorded(connection, job_id, min(steps), max(steps)) if steps else set()
    new = []
    for event in events:
        if event.kind in ONCE_PER_STEP:
            if (event.kind, event.step) in seen:
                continue
            seen.add((event.kind, event.step))
        new.append(event)
    return new


def _recorded(connection: Connection, job_id: str, first: int, last: int) -> set[tuple[str, int | None]]:
    columns = tables.events.c
    query = (
        select(columns.kind, columns.step)
        .where(columns.job_id == job_id)
        .where(columns.kind.in_(ONCE_PER_STEP))
        .where(columns.step.between(first, last))
    )
    return {(kind, step) for kind, step in connection.execute(query)}


def _event(row: RowMapping) -> Event:
    values = {column.name: row[column.name] for column in fields(Event)}
    return Event(**values | {"kind": EventKind(row["kind"])})
