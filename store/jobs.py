"""Jobs: the database row is the job. Whoever holds its lease may work on it, and all others may only wish.

A worker claims a job and gets a lease and a token; each heartbeat extends the lease and brings back a wish.
What a worker writes is fenced: it counts only while owner and token are still those of the claim, so a worker
that comes back from the dead changes nothing. A reaper gives away the jobs whose lease is over. A message on
the queue is only a doorbell; a sweeper rings again for what was not heard.

Each public method is one transaction, and each change of state is written with its events. The changes are
one table in states.py.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, delete, func, insert, or_, select, update

from store import events, tables
from store.checkpoints import ALIASES, NewCheckpoint, checkpoint_id
from store.database import Database
from store.errors import (
    JobNotFoundError,
    JobStateError,
    LeaseLostError,
    QueueFullError,
)
from store.events import EventKind, NewEvent
from store.idempotency import remembered
from store.pages import Page, read_page
from store.phases import Phase
from store.retention import Headline, Keep, comparable
from store.states import (
    CHANGE_OF_OUTCOME,
    FINISHED,
    HELD,
    TRANSITIONS,
    Change,
    Failed,
    JobState,
    Outcome,
    Wish,
    wish_of,
)

LEASE_SECONDS: Final = 30.0
MAX_ATTEMPTS: Final = 3

_jobs = tables.jobs.c


OnCollapse = Literal["warn", "pause", "stop"]
End = Literal["front", "back"]
"""Of the queue."""


class JobRequest(BaseModel):
    """What a job was asked to do, with every default filled in. It never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    preset: str
    dataset: str
    seed: int = Field(ge=0, le=tables.LARGEST_INTEGER)
    images: int = Field(ge=1, description="how many training images are seen in all")
    batch_size: int = Field(ge=1)
    hyperparameters: dict[str, Any]
    checkpoint_interval: int = Field(ge=1, description="steps")
    sample_interval: int = Field(ge=1, description="steps")
    metrics_interval: int = Field(ge=1, description="steps")
    quality_interval: int | None = Field(None, ge=1, description="steps; null judges no pictures between checkpoints")
    keep: Keep | None = Field(
        None, description="which checkpoints stay on disk; null: all, as before there was a choice"
    )
    on_collapse: OnCollapse = Field("warn", description="what follows the warning that the training collapses")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stood when it was read.

    attempt: 0 before the first claim; each claim counts one, and one that ended by a pause or by a worker's
    orderly shutdown is given back. So at work it is 1 + the number of attempts that were lost or met a fault that may
    pass, and two claims of a job may have the same. rate: steps of training per second. phase, remaining_seconds:
    what it does and how long it will go on, as its training told last; None where it is not at work. study_id, trial:
    which draw of which study it is of, if of one.
    """

    id: str
    state: JobState
    request: JobRequest
    priority: int
    attempt: int
    max_attempts: int
    step: int
    total_steps: int
    rate: float | None
    phase: Phase | None
    remaining_seconds: float | None
    error: Mapping[str, Any] | None
    checkpoint_step: int | None
    study_id: str | None
    trial: int | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    updated_at: float

    @property
    def family(self) -> str:
        """The family that is trained."""
        return self.request.family

    @property
    def preset(self) -> str:
        """The family's preset that the hyperparameters began with."""
        return self.request.preset

    @property
    def dataset(self) -> str:
        """The data set's name."""
        return self.request.dataset

    @property
    def seed(self) -> int:
        """The seed of the whole training."""
        return self.request.seed

    @property
    def latest_checkpoint(self) -> str | None:
        """The id of the newest checkpoint."""
        return None if self.checkpoint_step is None else checkpoint_id(self.id, self.checkpoint_step)


@dataclass(frozen=True, slots=True)
class Creation:
    """The job of a request, and whether this request created it."""

    job: Job
    created: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job until its lease is over. job: as it was claimed."""

    job: Job
    owner: str
    token: int


class JobStore:
    """All that happens to jobs."""

    def __init__(
        self, database: Database, *, lease_seconds: float = LEASE_SECONDS, max_attempts: int = MAX_ATTEMPTS
    ) -> None:
        self._database = database
        self._lease_seconds = lease_seconds
        self._max_attempts = max_attempts

    # Anyone: create, look, wish

    def create(
        self,
        request: JobRequest,
        *,
        total_steps: int,
        idempotency_key: str | None = None,
        body_digest: str | None = None,
        queue_limit: int | None = None,
    ) -> Creation:
        """Queues a job; a repeat of a request with the same key and digest gets the first one's job.

        Raises IdempotencyConflictError if the key came with another digest in the last 24 hours, and
        QueueFullError if queue_limit jobs are queued, those of studies not counted.
        """
        with self._database.begin() as connection:
            self._database.exclude_others(connection, "create")
            now = self._database.now(connection)
            if idempotency_key is not None:
                first = remembered(connection, tables.jobs, idempotency_key, body_digest, now)
                if first is not None:
                    return Creation(read_job(first), created=False)
            if queue_limit is not None:
                require_room(connection, _jobs.study_id.is_(None), queue_limit)
            key = {"idempotency_key": idempotency_key, "body_digest": body_digest}
            job = insert_job(connection, request, now, total_steps=total_steps, max_attempts=self._max_attempts, **key)
            return Creation(job, created=True)

    def get(self, job_id: str) -> Job:
        """Raises JobNotFoundError."""
        with self._database.read() as connection:
            return read_job(_row(connection, job_id))

    def positions(self, job_ids: Collection[str]) -> dict[str, int]:
        """How many queued jobs come before each of these; what is not queued is left out."""
        place = func.row_number().over(order_by=(_jobs.priority.desc(), _jobs.number)) - 1
        queue = select(_jobs.id, place.label("place")).where(_jobs.state == JobState.QUEUED).subquery()
        query = select(queue.c.id, queue.c.place).where(queue.c.id.in_(job_ids))
        with self._database.read() as connection:
            return {row.id: row.place for row in connection.execute(query)}

    def queue(self, *, limit: int = 100) -> Sequence[Job]:
        """Jobs at work, the oldest first, then the queued ones in the order of their claim; at most so many."""
        is_queued = _jobs.state == JobState.QUEUED
        in_order = (is_queued, case((is_queued, _jobs.priority), else_=0).desc(), _jobs.number)
        query = select(tables.jobs).where(or_(is_queued, _jobs.state.in_(HELD))).order_by(*in_order).limit(limit)
        with self._database.read() as connection:
            return [read_job(row) for row in connection.execute(query).mappings()]

    def counts(self) -> dict[JobState, int]:
        """How many jobs are in each state."""
        query = select(_jobs.state, func.count()).group_by(_jobs.state)
        with self._database.read() as connection:
            return dict.fromkeys(JobState, 0) | {JobState(state): n for state, n in connection.execute(query)}

    def request_cancel(self, job_id: str) -> Job:
        """Cancels a waiting job, and wishes it for one at work; a finished job stays as it is.

        Raises JobNotFoundError.
        """
        return self._ask(job_id, Change.CANCEL)

    def request_pause(self, job_id: str) -> Job:
        """Pauses a queued job, and wishes it for one at work; a paused job stays as it is.

        Raises JobNotFoundError, JobStateError.
        """
        return self._ask(job_id, Change.PAUSE)

    def resume(self, job_id: str) -> Job:
        """Queues a paused job, and withdraws the wish from a pausing one; a queued or running one stays.

        Raises JobNotFoundError, JobStateError.
        """
        return self._ask(job_id, Change.RESUME)

    def set_priority(self, job_id: str, priority: int) -> Job:
        """Puts the job before all queued ones of a lower priority. Raises JobNotFoundError, JobStateError."""
        with self._database.begin() as connection:
            row = _row(connection, job_id, lock=True)
            return self._put(connection, row, priority)

    def move(self, job_id: str, to: End) -> Job:
        """Puts the job before or behind all other queued ones: the least change of its priority that does so.

        One that is there already stays as it is. Raises JobNotFoundError, JobStateError.
        """
        is_front = to == "front"
        with self._database.begin() as connection:
            row = _row(connection, job_id, lock=True)
            outermost = func.max(_jobs.priority) if is_front else func.min(_jobs.priority)
            others = select(outermost).where(_jobs.state == JobState.QUEUED, _jobs.number != row["number"])
            priority = connection.execute(others.where(_is_before(row) if is_front else _is_behind(row))).scalar_one()
            step = 1 if is_front else -1
            return self._put(connection, row, row["priority"] if priority is None else priority + step)

    def _put(self, connection: Connection, row: RowMapping, priority: int) -> Job:
        """Writes the priority of a locked row. Raises JobStateError."""
        if JobState(row["state"]).is_finished:
            raise JobStateError(row["id"], "set priority", row["state"], set(JobState) - FINISHED)
        if priority == row["priority"]:
            return read_job(row)
        return read_job(_write(connection, row, priority=priority, updated_at=self._database.now(connection)))

    # The worker: claim, report, settle

    def claim(self, owner: str) -> Claim | None:
        """The next job, with a lease: None if there is none to have.

        To have are queued jobs, and running ones whose lease is over while attempts are left: those of a
        higher priority first, then the older ones. Of several workers that ask at once, one gets the job.
        """
        with self._database.begin() as connection:
            now = self._database.now(connection)
            lease_over = and_(_jobs.state == JobState.RUNNING, _jobs.lease_until < now)
            to_have = or_(_jobs.state == JobState.QUEUED, and_(lease_over, _jobs.attempt < _jobs.max_attempts))
            candidates = select(_jobs.number).where(to_have).order_by(_jobs.priority.desc(), _jobs.number)
            for number in connection.execute(candidates).scalars().all():
                claim = self._take(connection, and_(_jobs.number == number, to_have), owner, now)
                if claim is not None:
                    return claim
        return None

    def heartbeat(
        self,
        claim: Claim,
        *,
        step: int | None = None,
        rate: float | None = None,
        phase: Phase | None = None,
        remaining_seconds: float | None = None,
    ) -> Wish:
        """Extends the lease, notes the progress, and tells what is wished; None leaves what was noted before.

        Raises LeaseLostError.
        """
        progress = {"step": step, "rate": rate, "phase": phase, "remaining_seconds": remaining_seconds}
        with self._database.begin() as connection:
            now = self._database.now(connection)
            report = (
                update(tables.jobs)
                .where(_fence(claim))
                .values(lease_until=now + self._lease_seconds, updated_at=now)
                .values({name: value for name, value in progress.items() if value is not None})
                .returning(_jobs.state, _jobs.preempt)
            )
            row = connection.execute(report).mappings().first()
            if row is None:
                raise LeaseLostError(claim.job.id, claim.owner, claim.token)
            return wish_of(JobState(row["state"]), row["preempt"])

    def extend(self, claim: Claim) -> None:
        """Extends the lease and nothing else, so that the first heartbeat can still be told. Raises LeaseLostError.

        For the parent of a process that is on its way to it.
        """
        with self._database.begin() as connection:
            lease_until = self._database.now(connection) + self._lease_seconds
            extended = update(tables.jobs).where(_fence(claim)).values(lease_until=lease_until)
            if connection.execute(extended).rowcount == 0:
                raise LeaseLostError(claim.job.id, claim.owner, claim.token)

    def holds(self, claim: Claim) -> bool:
        """Whether the job is still the claim's."""
        with self._database.read() as connection:
            return _count(connection, _fence(claim)) == 1

    def record(self, claim: Claim, new: Sequence[NewEvent]) -> None:
        """Adds events to the job's, without repeats of a step's. Raises LeaseLostError."""
        with self._database.begin() as connection:
            _held(connection, claim)
            events.append(connection, claim.job.id, new, self._database.now(connection))

    def register_checkpoint(self, claim: Claim, new: NewCheckpoint) -> None:
        """Makes a checkpoint on disk known, and the one to resume from if it has the most steps.

        If the job has one of this step already, it was written again: its record tells now what is on disk. Raises
        LeaseLostError.
        """
        with self._database.begin() as connection:
            row = _held(connection, claim)
            columns = tables.checkpoints.c
            told = {field.name: getattr(new, field.name) for field in fields(NewCheckpoint)}
            same = update(tables.checkpoints).where(columns.job_id == row["id"], columns.step == new.step)
            if connection.execute(same.values(told)).rowcount:
                return
            now = self._database.now(connection)
            entry = told | {
                "id": checkpoint_id(row["id"], new.step),
                "job_id": row["id"],
                "created_at": now,
                **{name: row["request"][name] for name in ("family", "preset", "dataset")},
            }
            connection.execute(insert(tables.checkpoints).values(entry))
            newest = max(new.step, row["checkpoint_step"] or 0)
            _write(connection, row, checkpoint_step=newest, updated_at=now)
            data = {name: entry[name] for name in ("id", "images_seen", "metrics")}
            events.append(connection, row["id"], [NewEvent(EventKind.CHECKPOINT, data, new.step)], now)

    def retire_checkpoints(self, claim: Claim, newest: int) -> list[str]:
        """Forgets the job's checkpoints before a step that its request does not keep; returns their paths, to remove.

        newest: the step of the one that was registered just now; those after it are of a training that was lost, and
        come again. Raises LeaseLostError.
        """
        with self._database.begin() as connection:
            row = _held(connection, claim)
            self._database.exclude_others(connection, ALIASES)
            columns = tables.checkpoints.c
            query = select(columns.id, columns.step, columns.path, columns.headline, columns.judge)
            found = connection.execute(query.where(columns.job_id == row["id"], columns.step <= newest)).all()
            named = set(connection.execute(select(tables.aliases.c.checkpoint_id)).scalars())
            request = read_job(row).request
            headlines = comparable({one.step: Headline(one.headline, one.judge) for one in found})
            if request.keep is None:
                return []
            kept = request.keep.choose(headlines, interval=request.checkpoint_interval, total_steps=row["total_steps"])
            leaving = [one for one in found if one.step not in kept and one.id not in named]
            connection.execute(delete(tables.checkpoints).where(columns.id.in_([one.id for one in leaving])))
            return [one.path for one in leaving]

    def forget_headline(self, claim: Claim, step: int) -> None:
        """Lets the job's checkpoint of a step count as not judged: it is damaged. Raises LeaseLostError."""
        with self._database.begin() as connection:
            row = _held(connection, claim)
            columns = tables.checkpoints.c
            same = update(tables.checkpoints).where(columns.job_id == row["id"], columns.step == step)
            connection.execute(same.values(headline=None))

    def settle(self, claim: Claim, outcome: Outcome) -> Job:
        """Ends the claim as the training ended.

        Raises LeaseLostError; JobStateError if the outcome is Cancelled and nobody asked for it.
        """
        error = dict(outcome.error) if isinstance(outcome, Failed) else None
        with self._database.begin() as connection:
            row = _held(connection, claim)
            now = self._database.now(connection)
            return _move(connection, row, CHANGE_OF_OUTCOME[type(outcome)], now, error=error)

    def release(self, claim: Claim, reason: str) -> Job:
        """Ends the claim of a training process that died or met a fault that may pass.

        The job is queued again, or failed after the last attempt. reason: what happened. Raises LeaseLostError.
        """
        with self._database.begin() as connection:
            return _lose(connection, _held(connection, claim), reason, self._database.now(connection))

    def preempt(self, owner_prefix: str) -> int:
        """Wishes every job whose owner's name begins so to be put back; returns their number."""
        own = func.substr(_jobs.owner, 1, len(owner_prefix)) == owner_prefix
        with self._database.begin() as connection:
            numbers = _lock(connection, _jobs.state.in_(HELD), own)
            connection.execute(update(tables.jobs).where(_jobs.number.in_(numbers)).values(preempt=True))
            return len(numbers)

    # The sweeper: reap, ring again

    def reap(self) -> list[str]:
        """Ends every claim whose lease is over; returns the ids of the jobs to ring, which are queued again.

        A job that was to be cancelled or paused becomes so: its newest checkpoint is on disk.
        """
        with self._database.begin() as connection:
            now = self._database.now(connection)
            over = select(tables.jobs).where(_jobs.state.in_(HELD), _jobs.lease_until < now)
            in_order = over.order_by(_jobs.number).with_for_update()
            rows = connection.execute(in_order).mappings().all()
            reaped = [_lose(connection, row, "worker lost", now) for row in rows]
        return [job.id for job in reaped if job.state is JobState.QUEUED]

    def unrung(self, older_than_seconds: float = 60.0) -> list[str]:
        """Queued jobs whose doorbell was never rung, or longer ago than this; in the order of their claim."""
        with self._database.read() as connection:
            heard = self._database.now(connection) - older_than_seconds
            silent = or_(_jobs.rung_at.is_(None), _jobs.rung_at < heard)
            waiting = select(_jobs.id).where(_jobs.state == JobState.QUEUED, silent)
            in_order = waiting.order_by(_jobs.priority.desc(), _jobs.number)
            return list(connection.execute(in_order).scalars())

    def mark_rung(self, *job_ids: str) -> None:
        """Notes that the doorbell was rung now for those of the jobs that are queued."""
        with self._database.begin() as connection:
            numbers = _lock(connection, _jobs.id.in_(job_ids), _jobs.state == JobState.QUEUED)
            rung = {"rung_at": self._database.now(connection)}
            connection.execute(update(tables.jobs).where(_jobs.number.in_(numbers)).values(rung))

    def _ask(self, job_id: str, change: Change) -> Job:
        with self._database.begin() as connection:
            row = _row(connection, job_id, lock=True)
            return _move(connection, row, change, self._database.now(connection))

    def _take(self, connection: Connection, condition: ColumnElement[bool], owner: str, now: float) -> Claim | None:
        taken = (
            update(tables.jobs)
            .where(condition)
            .values(
                state=JobState.RUNNING,
                owner=owner,
                token=_jobs.token + 1,
                attempt=_jobs.attempt + 1,
                lease_until=now + self._lease_seconds,
                step=func.coalesce(_jobs.checkpoint_step, 0),
                rate=None,
                phase=Phase.STARTING,
                remaining_seconds=None,
                preempt=False,  # the wish was for the attempt before
                started_at=func.coalesce(_jobs.started_at, now),
                updated_at=now,
            )
            .returning(*_jobs)
        )
        row = connection.execute(taken).mappings().first()
        if row is None:
            return None
        job = read_job(row)
        _tell(connection, job, now)
        return Claim(job, owner, row["token"])

    # The last method, so that `list` means the type in all annotations above.
    def list(
        self,
        states: Collection[JobState] | None = None,
        *,
        study_id: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Job]:
        """Jobs in these states and of this study (None: of any and of none), the newest first.

        Raises InvalidCursorError.
        """
        query = select(tables.jobs)
        if study_id is not None:
            query = query.where(_jobs.study_id == study_id)
        if states is not None:
            query = query.where(_jobs.state.in_(states))
        with self._database.read() as connection:
            return read_page(connection, tables.jobs, query, read_job, limit=limit, cursor=cursor)


def insert_job(
    connection: Connection,
    request: JobRequest,
    now: float,
    *,
    total_steps: int,
    max_attempts: int = MAX_ATTEMPTS,
    **more: object,
) -> Job:
    """Queues a job in the caller's transaction. more: other columns, for example its priority, which is 0 else."""
    row = {
        "id": secrets.token_hex(8),
        "state": JobState.QUEUED,
        "request": request.model_dump(mode="json"),
        "priority": 0,
        "attempt": 0,
        "max_attempts": max_attempts,
        "step": 0,
        "total_steps": total_steps,
        "event_count": 0,
        "token": 0,
        "preempt": False,
        "created_at": now,
        "updated_at": now,
        **more,
    }
    inserted = insert(tables.jobs).values(row).returning(*_jobs)
    job = read_job(connection.execute(inserted).mappings().one())
    _tell(connection, job, now)
    return job


def cancel_all(connection: Connection, condition: ColumnElement[bool], now: float) -> None:
    """Cancels, in the caller's transaction, each waiting job of which this holds, and wishes it for one at work."""
    found = select(tables.jobs).where(condition).order_by(_jobs.number).with_for_update()
    for row in connection.execute(found).mappings().all():
        _move(connection, row, Change.CANCEL, now)


def read_job(row: RowMapping) -> Job:
    """The job of a row of the table."""
    values = {column.name: row[column.name] for column in fields(Job)}
    typed = {
        "state": JobState(row["state"]),
        "request": JobRequest.model_validate(row["request"]),
        "phase": None if row["phase"] is None else Phase(row["phase"]),
    }
    return Job(**values | typed)


def _row(connection: Connection, job_id: str, *, lock: bool = False) -> RowMapping:
    query = select(tables.jobs).where(_jobs.id == job_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise JobNotFoundError(job_id)
    return row


def _is_before(row: RowMapping) -> ColumnElement[bool]:
    """Whether a queued job is claimed before this one would be."""
    same = and_(_jobs.priority == row["priority"], _jobs.number < row["number"])
    return or_(_jobs.priority > row["priority"], same)


def _is_behind(row: RowMapping) -> ColumnElement[bool]:
    same = and_(_jobs.priority == row["priority"], _jobs.number > row["number"])
    return or_(_jobs.priority < row["priority"], same)


def _lock(connection: Connection, *conditions: ColumnElement[bool]) -> Sequence[int]:
    """The numbers of the jobs of which this holds, locked in the one order that all keep: none waits in a circle."""
    query = select(_jobs.number).where(*conditions).order_by(_jobs.number).with_for_update()
    return connection.execute(query).scalars().all()


def _fence(claim: Claim) -> ColumnElement[bool]:
    same = and_(_jobs.id == claim.job.id, _jobs.owner == claim.owner, _jobs.token == claim.token)
    return and_(same, _jobs.state.in_(HELD))


def _held(connection: Connection, claim: Claim) -> RowMapping:
    """The claim's row, locked. Raises LeaseLostError."""
    query = select(tables.jobs).where(_fence(claim)).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise LeaseLostError(claim.job.id, claim.owner, claim.token)
    return row


def _write(connection: Connection, row: RowMapping, **values: Any) -> RowMapping:
    """Changes a locked row; returns it as it is now."""
    written = update(tables.jobs).where(_jobs.number == row["number"]).values(values).returning(*_jobs)
    return connection.execute(written).mappings().one()


def _count(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(tables.jobs).where(*conditions)
    return int(connection.execute(query).scalar_one())


def require_room(connection: Connection, condition: ColumnElement[bool], limit: int, *, added: int = 1) -> None:
    """Raises QueueFullError if with as many more than so many jobs were queued of which this holds."""
    queued = _count(connection, _jobs.state == JobState.QUEUED, condition)
    if queued + added > limit:
        raise QueueFullError(queued, limit, added)


def _lose(connection: Connection, row: RowMapping, reason: str, now: float) -> Job:
    """What becomes of a locked job whose worker or training process is gone."""
    attempt, last = row["attempt"], row["max_attempts"]
    change = Change.LOSE if attempt < last else Change.LOSE_LAST
    detail = f"{reason}, attempt {attempt} of {last}"
    target = TRANSITIONS[change][JobState(row["state"])]
    if target is JobState.FAILED:
        return _move(connection, row, change, now, error={"type": "attempts_exhausted", "detail": detail})
    if target is not JobState.CANCELLED:
        detail += f", resumes from step {row['checkpoint_step'] or 0}"
    return _move(connection, row, change, now, reason=detail)


def _move(
    connection: Connection,
    row: RowMapping,
    change: Change,
    now: float,
    *,
    reason: str | None = None,
    error: Mapping[str, Any] | None = None,
) -> Job:
    """Changes the state of a locked row, with its events. Raises JobStateError if the state refuses."""
    state, moves = JobState(row["state"]), TRANSITIONS[change]
    if state not in moves:
        raise JobStateError(row["id"], change, state, moves)
    if moves[state] is state:
        return read_job(row)
    values = _consequences(row, change, moves[state], now) | {"error": error}
    job = read_job(_write(connection, row, **values))
    _tell(connection, job, now, reason)
    return job


def _consequences(row: RowMapping, change: Change, target: JobState, now: float) -> dict[str, Any]:
    values: dict[str, Any] = {"state": target, "updated_at": now}
    if not target.is_held:
        values |= {"owner": None, "lease_until": None, "preempt": False, "rung_at": None}
        values |= {"phase": None, "remaining_seconds": None}
    if target.is_finished:
        values["finished_at"] = now
    if change is Change.SUCCEED:
        values["step"] = row["total_steps"]
    if JobState(row["state"]).is_held and target in {JobState.QUEUED, JobState.PAUSED}:
        values["step"] = row["checkpoint_step"] or 0
        if change is Change.YIELD or target is JobState.PAUSED:  # it was asked to stop: no failed attempt
            values["attempt"] = row["attempt"] - 1
    return values


def _tell(connection: Connection, job: Job, now: float, reason: str | None = None) -> None:
    """Records the job's new state, and its end."""
    status: dict[str, Any] = {"state": job.state, "attempt": job.attempt}
    if reason is not None:
        status["reason"] = reason
    told = [NewEvent(EventKind.STATUS, status, job.step)]
    if job.state.is_finished:
        told.append(NewEvent(EventKind.END, {"state": job.state, "error": job.error}, job.step))
    events.append(connection, job.id, told, now)
