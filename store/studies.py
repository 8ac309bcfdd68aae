"""Studies: many jobs that were asked for at once, to be compared. Each is a job like any other.

A study is stored with all its jobs in one transaction, or not at all. What it has found is not stored: it is read
from the jobs and their checkpoints.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from store import tables
from store.database import Database
from store.errors import StudyNotFoundError
from store.idempotency import remembered
from store.jobs import MAX_ATTEMPTS, Job, cancel_all, insert_job, read_job, require_room
from store.pages import Page, read_page
from store.states import JobState
from store.study_requests import Plan, StudyRequest

_jobs = tables.jobs.c
_checkpoints = tables.checkpoints.c


@dataclass(frozen=True, slots=True)
class Study:
    """A study as it was asked for."""

    id: str
    name: str | None
    request: StudyRequest
    created_at: float


@dataclass(frozen=True, slots=True)
class StudyCreation:
    """The study of a request, and its jobs if this request created it. They stand in the order of the queue."""

    study: Study
    jobs: Sequence[Job]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was measured of a checkpoint's pictures. headline: None where it is not a number, or was not measured.

    judge: the digest of the judge that measured it.
    """

    checkpoint_id: str
    step: int
    metrics: Mapping[str, Any]
    headline: float | None
    judge: str | None


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """A job of a study as it stood when it was read.

    final: of the last step of its budget, if it came to there. best: of the checkpoint with the best headline so far.
    Both by the judge that measured the study's newest checkpoint, with which alone they compare. is_outdated: whether
    another one measured the last.
    """

    job: Job
    final: Judgement | None
    best: Judgement | None
    is_outdated: bool = False

    @property
    def contestant(self) -> str:
        """The family and the preset."""
        return f"{self.job.family}:{self.job.preset}"


class StudyStore:
    """Creates studies, finds them, and reads what became of their jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        plan: Plan,
        *,
        idempotency_key: str | None = None,
        body_digest: str | None = None,
        queue_limit: int | None = None,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> StudyCreation:
        """Stores a study and queues its jobs; a repeat with the same key and digest gets the first one, without jobs.

        Raises IdempotencyConflictError if the key came with another digest in the last 24 hours, and QueueFullError if
        more than queue_limit jobs of studies were queued then.
        """
        with self._database.begin() as connection:
            now = self._database.now(connection)
            first = self._admit(connection, len(plan.trials), idempotency_key, body_digest, queue_limit)
            if first is not None:
                return StudyCreation(first, ())
            row = {
                "id": secrets.token_hex(8),
                "name": plan.name,
                "request": plan.request.model_dump(mode="json"),
                "idempotency_key": idempotency_key,
                "body_digest": body_digest,
                "created_at": now,
            }
            inserted = insert(tables.studies).values(row).returning(*tables.studies.c)
            study = _study(connection.execute(inserted).mappings().one())
            return StudyCreation(study, _insert_all(connection, study, plan, now, max_attempts))

    def admit(
        self,
        trainings: int,
        *,
        idempotency_key: str | None = None,
        body_digest: str | None = None,
        queue_limit: int | None = None,
    ) -> Study | None:
        """What `create` would say of a plan of so many trainings, before there is one: the study of a repeat, or None.

        Raises what `create` raises.
        """
        with self._database.begin() as connection:
            return self._admit(connection, trainings, idempotency_key, body_digest, queue_limit)

    def _admit(
        self, connection: Connection, trainings: int, key: str | None, digest: str | None, limit: int | None
    ) -> Study | None:
        self._database.exclude_others(connection, "create")
        if key is not None:
            first = remembered(connection, tables.studies, key, digest, self._database.now(connection))
            if first is not None:
                return _study(first)
        if limit is not None:
            require_room(connection, _jobs.study_id.is_not(None), limit, added=trainings)
        return None

    def get(self, study_id: str) -> Study:
        """Raises StudyNotFoundError."""
        with self._database.read() as connection:
            return _find(connection, study_id)

    def trials(self, study_id: str) -> Sequence[TrialRecord]:
        """The jobs of a study, in the order in which they were queued, with what was measured of them."""
        query = select(tables.jobs).where(_jobs.study_id == study_id).order_by(_jobs.number)
        judged = (
            select(
                _checkpoints.job_id,
                _checkpoints.id,
                _checkpoints.step,
                _checkpoints.metrics,
                _checkpoints.headline,
                _checkpoints.judge,
            )
            .join(tables.jobs, _jobs.id == _checkpoints.job_id)
            .where(_jobs.study_id == study_id)
            .order_by(_checkpoints.number)
        )
        with self._database.read() as connection:
            jobs = [read_job(row) for row in connection.execute(query).mappings()]
            found: dict[str, list[Judgement]] = {job.id: [] for job in jobs}
            judge = None
            for job_id, *told in connection.execute(judged):
                judgement = Judgement(*told)
                found[job_id].append(judgement)
                judge = judge if judgement.headline is None else judgement.judge
        return [_record(job, found[job.id], judge) for job in jobs]

    def counts(self, study_ids: Collection[str]) -> Mapping[str, Mapping[JobState, int]]:
        """How many jobs of each study are in each state."""
        query = (
            select(_jobs.study_id, _jobs.state, func.count())
            .where(_jobs.study_id.in_(study_ids))
            .group_by(_jobs.study_id, _jobs.state)
        )
        counts = {study_id: dict.fromkeys(JobState, 0) for study_id in study_ids}
        with self._database.read() as connection:
            for study_id, state, count in connection.execute(query):
                counts[study_id][JobState(state)] = count
        return counts

    def cancel(self, study_id: str) -> None:
        """Cancels all waiting jobs, and wishes it for those at work; finished ones stay. Raises StudyNotFoundError."""
        with self._database.begin() as connection:
            _find(connection, study_id)
            cancel_all(connection, _jobs.study_id == study_id, self._database.now(connection))

    # The last method, so that `list` means the type in all annotations above.
    def list(self, *, limit: int = 100, cursor: str | None = None) -> Page[Study]:
        """Studies, the newest first. Raises InvalidCursorError."""
        with self._database.read() as connection:
            return read_page(connection, tables.studies, select(tables.studies), _study, limit=limit, cursor=cursor)


def _insert_all(connection: Connection, study: Study, plan: Plan, now: float, max_attempts: int) -> Sequence[Job]:
    return [
        insert_job(
            connection,
            one.request,
            now,
            total_steps=one.total_steps,
            max_attempts=max_attempts,
            study_id=study.id,
            trial=one.number,
            priority=plan.request.priority,
        )
        for one in plan.trials
    ]


def _record(job: Job, judged: Sequence[Judgement], judge: str | None) -> TrialRecord:
    final = next((one for one in judged if one.step == job.total_steps), None)
    is_outdated = final is not None and final.headline is not None and final.judge != judge
    numbers = [one for one in judged if one.headline is not None and one.judge == judge]
    return TrialRecord(
        job,
        final=None if is_outdated else final,
        is_outdated=is_outdated,
        best=min(numbers, key=lambda one: (one.headline, one.step), default=None),
    )


def _find(connection: Connection, study_id: str) -> Study:
    query = select(tables.studies).where(tables.studies.c.id == study_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise StudyNotFoundError(study_id)
    return _study(row)


def _study(row: RowMapping) -> Study:
    values = {column.name: row[column.name] for column in fields(Study)}
    return Study(**values | {"request": StudyRequest.model_validate(row["request"])})
