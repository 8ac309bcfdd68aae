"""Which checkpoints were trained, and the names that people gave to checkpoints. The weights are on disk."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, case, false, func, insert, select, true, update

from store import tables
from store.database import Database
from store.errors import AliasNotFoundError, CheckpointNotFoundError
from store.pages import Page, read_page
from store.states import FINISHED, JobState

ALIASES = "alias"
"""What those say to exclude each other who give names, or remove what may have one."""


def checkpoint_id(job_id: str, step: int) -> str:
    """The id of a trained checkpoint."""
    return f"{job_id}-{step}"


_columns = tables.checkpoints.c


@dataclass(frozen=True, slots=True)
class NewCheckpoint:
    """A checkpoint that a worker has put on disk.

    path: relative to the directory of the checkpoints. headline: how good its pictures are by the one metric that
    decides, the lower the better; None where they were not judged. judge: the digest of the judge that measured.
    """

    step: int
    images_seen: int
    path: str
    digest: str
    metrics: Mapping[str, Any] = field(default_factory=dict)
    headline: float | None = None
    judge: str | None = None


@dataclass(frozen=True, slots=True)
class TrainedCheckpoint:
    """A checkpoint that a job registered.

    path: relative to the directory of the checkpoints. judge: the digest of the judge that measured it; headlines of
    two judges do not compare. is_best: whether it has the best headline of its job's, by the judge of the newest one.
    """

    id: str
    job_id: str
    family: str
    preset: str
    dataset: str
    step: int
    images_seen: int
    path: str
    digest: str
    metrics: Mapping[str, Any]
    headline: float | None
    judge: str | None
    is_best: bool
    created_at: float


@dataclass(frozen=True, slots=True)
class Leader:
    """The best checkpoint of a finished job: by the judge that was asked for, or where that measured none, its newest.

    seconds: from its first step to its end, pauses among them.
    """

    checkpoint: TrainedCheckpoint
    state: JobState
    seed: int
    seconds: float


class CheckpointStore:
    """Finds checkpoints and names them. They are registered by the JobStore, with the claim of their job."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, checkpoint_id: str) -> TrainedCheckpoint:
        """Raises CheckpointNotFoundError."""
        with self._database.read() as connection:
            row = connection.execute(_select().where(_columns.id == checkpoint_id)).mappings().first()
        if row is None:
            raise CheckpointNotFoundError(checkpoint_id)
        return _checkpoint(row)

    def best(self, dataset: str, *, judge: str | None, family: str | None = None) -> TrainedCheckpoint | None:
        """The checkpoint with the best headline on a data set, of a family where one is named; None where none has one.

        judge: the digest of the judge whose headlines count. The older of equal ones.
        """
        query = _select().where(_columns.dataset == dataset, *_judged_by(judge))
        if family is not None:
            query = query.where(_columns.family == family)
        with self._database.read() as connection:
            row = connection.execute(query.order_by(_columns.headline, _columns.number).limit(1)).mappings().first()
        return None if row is None else _checkpoint(row)

    def list(
        self,
        *,
        family: str | None = None,
        dataset: str | None = None,
        job_id: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[TrainedCheckpoint]:
        """Trained checkpoints, the newest first. Raises InvalidCursorError."""
        wanted = {"family": family, "dataset": dataset, "job_id": job_id}
        query = _select().where(*(_columns[name] == value for name, value in wanted.items() if value is not None))
        with self._database.read() as connection:
            return read_page(connection, tables.checkpoints, query, _checkpoint, limit=limit, cursor=cursor)

    def leaders(
        self, dataset: str, *, judge: str | None, family: str | None = None, limit: int = 1000
    ) -> Sequence[Leader]:
        """The best checkpoints of finished jobs on a data set by a judge, at most so many, the newest first.

        Of a job that another judge alone has measured, the newest checkpoint that is judged.
        """
        ours = and_(*_judged_by(judge))
        order = (case((ours, 0), else_=1), case((ours, _columns.headline)), case((ours, _columns.number)))
        rank = func.row_number().over(partition_by=_columns.job_id, order_by=(*order, _columns.number.desc()))
        judged = _columns.dataset == dataset, _columns.headline.is_not(None)
        ranked = select(tables.checkpoints, rank.label("rank"), true().label("is_best")).where(*judged)
        if family is not None:
            ranked = ranked.where(_columns.family == family)
        wanted, jobs = ranked.subquery(), tables.jobs.c
        query = (
            select(wanted, jobs.state, jobs.request, jobs.started_at, jobs.finished_at)
            .join(tables.jobs, jobs.id == wanted.c.job_id)
            .where(wanted.c.rank == 1, jobs.state.in_(FINISHED))
            .order_by(wanted.c.number.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_leader(row) for row in connection.execute(query).mappings()]

    def set_alias(self, name: str, checkpoint_id: str, *, is_trained: bool) -> None:
        """Lets the name mean this checkpoint, trained or shipped; does not look whether there is a shipped one.

        is_trained: whether a job made it. Raises CheckpointNotFoundError when that has been removed.
        """
        with self._database.begin() as connection:
            self._database.exclude_others(connection, ALIASES)
            if is_trained and not connection.execute(select(_columns.id).where(_columns.id == checkpoint_id)).first():
                raise CheckpointNotFoundError(checkpoint_id)
            meaning = {"checkpoint_id": checkpoint_id, "updated_at": self._database.now(connection)}
            known = update(tables.aliases).where(tables.aliases.c.name == name).values(meaning)
            if not connection.execute(known).rowcount:
                connection.execute(insert(tables.aliases).values(name=name, **meaning))

    def get_alias(self, name: str) -> str:
        """The id of the checkpoint that the name means. Raises AliasNotFoundError."""
        query = select(tables.aliases.c.checkpoint_id).where(tables.aliases.c.name == name)
        with self._database.read() as connection:
            found = connection.execute(query).scalar_one_or_none()
        if found is None:
            raise AliasNotFoundError(name)
        return str(found)

    def aliases(self) -> dict[str, str]:
        """All names with the ids of the checkpoints that they mean, by name."""
        query = select(tables.aliases.c.name, tables.aliases.c.checkpoint_id).order_by(tables.aliases.c.name)
        with self._database.read() as connection:
            return {row.name: row.checkpoint_id for row in connection.execute(query)}

    def ids_of_jobs(self, job_ids: Collection[str], *, limit: int) -> Mapping[str, Sequence[str]]:
        """The ids of the newest checkpoints of each job, at most `limit` of each, the newest first; by job."""
        age = func.row_number().over(partition_by=_columns.job_id, order_by=_columns.number.desc())
        ranked = select(_columns.job_id, _columns.id, age.label("age")).where(_columns.job_id.in_(job_ids)).subquery()
        query = select(ranked.c.job_id, ranked.c.id).where(ranked.c.age <= limit).order_by(ranked.c.age)
        found: dict[str, list[str]] = {job_id: [] for job_id in job_ids}
        with self._database.read() as connection:
            for job_id, newest in connection.execute(query):
                found[job_id].append(newest)
        return found


def _select() -> Select[Any]:
    """Every checkpoint, with whether it is its job's best."""
    sibling, newest = tables.checkpoints.alias(), tables.checkpoints.alias()
    judge = (
        select(newest.c.judge)
        .where(newest.c.job_id == sibling.c.job_id, newest.c.headline.is_not(None))
        .order_by(newest.c.step.desc())
        .limit(1)
        .scalar_subquery()
    )
    best = (
        select(sibling.c.number)
        .where(sibling.c.job_id == _columns.job_id, sibling.c.headline.is_not(None))
        .where(sibling.c.judge.is_not_distinct_from(judge))
        .order_by(sibling.c.headline, sibling.c.number)
        .limit(1)
        .scalar_subquery()
    )
    return select(tables.checkpoints, func.coalesce(_columns.number == best, false()).label("is_best"))


def _judged_by(judge: str | None) -> tuple[ColumnElement[bool], ...]:
    return _columns.headline.is_not(None), _columns.judge.is_not_distinct_from(judge)


def _leader(row: RowMapping) -> Leader:
    seconds = row["finished_at"] - row["started_at"]
    return Leader(_checkpoint(row), JobState(row["state"]), row["request"]["seed"], seconds)


def _checkpoint(row: RowMapping) -> TrainedCheckpoint:
    values = {column.name: row[column.name] for column in fields(TrainedCheckpoint)}
    return TrainedCheckpoint(**values | {"is_best": bool(row["is_best"])})
