"""Every checkpoint that pictures can be drawn from: those that ship with the service, and those that it trained."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from app.refusals import DeletedCheckpointError, NoCheckpointOfFamilyError, NoSuchCheckpointError, NothingJudgedError
from checkpoints.format import CheckpointError, CheckpointMissingError, read_metadata
from checkpoints.library import DEFAULT_CHECKPOINT, current_judge, find_shipped, shipped, shipped_id
from store.checkpoints import CheckpointStore, Leader, TrainedCheckpoint
from store.errors import AliasNotFoundError, CheckpointNotFoundError
from store.pages import Page

DEFAULT_ALIAS = "default"
"""The name that is meant where none is given; the shipped default until someone promotes another."""

BEST_ALIAS = "best"
"""The name of the best trained checkpoint of a family or data set; it moves by itself."""

_SHIPPED_CURSOR = "shipped-"
T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KnownCheckpoint:
    """A checkpoint, wherever it came from. digest: of all that its pictures depend on.

    judge: the digest of who measured the metrics.
    """

    id: str
    job_id: str | None
    family: str
    preset: str
    dataset: str
    step: int
    images_seen: int
    digest: str
    metrics: Mapping[str, Any]
    headline: float | None
    judge: str | None
    is_best: bool
    created_at: datetime | None
    directory: Path

    @property
    def is_shipped(self) -> bool:
        """Whether it ships with the service."""
        return self.job_id is None

    @property
    def name(self) -> str | None:
        """What a shipped one is called in every release, whatever its weights; None for a trained one."""
        return self.directory.name if self.is_shipped else None


def read_again(attempt: Callable[[], T]) -> T:
    """Find a checkpoint and read it; once again where it was removed in between, when an alias may mean another.

    Raises DeletedCheckpointError where the second time there is none of that name, and what the attempt raises.
    """
    try:
        return attempt()
    except CheckpointMissingError:
        try:
            return attempt()
        except NoSuchCheckpointError as error:
            raise DeletedCheckpointError(error.name) from None


class Catalogue:
    """Finds checkpoints by id, alias or family. Nothing is kept in memory: what the disk and the rows say counts."""

    def __init__(self, store: CheckpointStore, directory: Path) -> None:
        self._store = store
        self._directory = directory

    def find(self, checkpoint_id: str) -> KnownCheckpoint:
        """Return the checkpoint of this id, or the shipped one of this name.

        Raises NoSuchCheckpointError, CheckpointCorruptError.
        """
        ours = find_shipped(checkpoint_id)
        if ours is not None:
            return in_directory(ours)
        try:
            return self._trained(self._store.get(checkpoint_id))
        except CheckpointNotFoundError:
            raise NoSuchCheckpointError(checkpoint_id) from None

    def exists(self, checkpoint_id: str) -> bool:
        """Whether there is a checkpoint of this id, or a shipped one of this name, damaged or not."""
        try:
            self.find(checkpoint_id)
        except NoSuchCheckpointError:
            return False
        except CheckpointError:
            return True
        return True

    def resolve(self, name: str) -> KnownCheckpoint:
        """Return the checkpoint of this id or alias; an id comes first. Raises what `find` raises."""
        try:
            return self.find(name)
        except NoSuchCheckpointError:
            return self.find(self.meaning(name))

    def meaning(self, alias: str) -> str:
        """Return the id, or the name of a shipped one, that the alias means. Raises NoSuchCheckpointError."""
        try:
            return self._store.get_alias(alias)
        except AliasNotFoundError:
            if alias == DEFAULT_ALIAS and DEFAULT_CHECKPOINT in shipped():
                return DEFAULT_CHECKPOINT
            raise NoSuchCheckpointError(alias) from None

    def aliases(self) -> Mapping[str, str]:
        """Return the id of the checkpoint that every alias means, by the alias."""
        implied = {DEFAULT_ALIAS: DEFAULT_CHECKPOINT} if DEFAULT_CHECKPOINT in shipped() else {}
        ids = {one.name: one.id for one in self._shipped()}
        meanings = implied | self._store.aliases()
        return {alias: ids.get(meant, meant) for alias, meant in sorted(meanings.items())}

    def set_alias(self, name: str, checkpoint: KnownCheckpoint) -> None:
        """Let the name mean this checkpoint from now on; of a shipped one, whichever weights its name has then."""
        self._store.set_alias(name, checkpoint.name or checkpoint.id, is_trained=not checkpoint.is_shipped)

    def newest(self, family: str | None = None, *, dataset: str | None = None) -> KnownCheckpoint:
        """Return the last trained checkpoint of the family on the data set, or else one that ships.

        Raises NoCheckpointOfFamilyError.
        """
        trained = self._store.list(family=family, dataset=dataset, limit=1).items
        return self._trained(trained[0]) if trained else self._last_shipped(family, dataset)

    def best(self, dataset: str, *, family: str | None = None) -> KnownCheckpoint:
        """Return the trained checkpoint with the best headline by today's judge, or else one that ships.

        Raises NoCheckpointOfFamilyError, NothingJudgedError.
        """
        trained = self._store.best(dataset, judge=current_judge(dataset), family=family)
        if trained is not None:
            return self._trained(trained)
        newest = self.newest(family, dataset=dataset)
        if not newest.is_shipped and not self._shipped(family=family, dataset=dataset):
            raise NothingJudgedError(family, dataset, newest.id)
        return self._last_shipped(family, dataset)

    def leaders(self, dataset: str, *, family: str | None = None) -> Sequence[Leader]:
        """Return the best checkpoint of each finished job by today's judge of the data set, the newest first.

        Of a job that it has not measured, the newest that another has.
        """
        return self._store.leaders(dataset, judge=current_judge(dataset), family=family)

    def shipped(self, dataset: str, *, family: str | None = None) -> Sequence[KnownCheckpoint]:
        """Return what ships for the data set, by name."""
        return self._shipped(dataset=dataset, family=family)

    def _last_shipped(self, family: str | None, dataset: str | None) -> KnownCheckpoint:
        ours = self._shipped(family=family, dataset=dataset)
        if not ours:
            raise NoCheckpointOfFamilyError(family, dataset)
        return ours[-1]

    def ids_of_jobs(self, job_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the ids of the newest hundred checkpoints of each job, the newest first."""
        return self._store.ids_of_jobs(job_ids, limit=100)

    def page(
        self,
        *,
        family: str | None = None,
        dataset: str | None = None,
        job_id: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[KnownCheckpoint]:
        """Return a part of the list: the shipped ones by name, then the trained ones, the newest first.

        Raises InvalidCursorError.
        """
        wanted = {"family": family, "dataset": dataset, "job_id": job_id}
        first = _place_among_shipped(cursor)
        if first is None:
            return self._page_of_trained(limit=limit, cursor=cursor, **wanted)
        ours = tuple(self._shipped(**wanted)[first:])
        room = limit - len(ours)
        if room > 0:
            trained = self._page_of_trained(limit=room, **wanted)
            return Page(ours + trained.items, trained.next_cursor)
        more = room < 0 or self._page_of_trained(limit=1, **wanted).items
        return Page(ours[:limit], f"{_SHIPPED_CURSOR}{first + limit}" if more else None)

    def _page_of_trained(self, *, limit: int, cursor: str | None = None, **wanted: str | None) -> Page[KnownCheckpoint]:
        rows = self._store.list(**wanted, limit=limit, cursor=cursor)
        return Page(tuple(map(self._trained, rows.items)), rows.next_cursor)

    def _shipped(self, **wanted: str | None) -> list[KnownCheckpoint]:
        found = []
        for folder in shipped().values():
            try:
                found.append(in_directory(folder))
            except CheckpointError as error:  # the others can still be served
                _log.error("a shipped checkpoint is left out: %s", error)
        filters = {name: value for name, value in wanted.items() if value is not None}
        return [one for one in found if all(getattr(one, name) == value for name, value in filters.items())]

    def _trained(self, row: TrainedCheckpoint) -> KnownCheckpoint:
        return KnownCheckpoint(
            id=row.id,
            job_id=row.job_id,
            family=row.family,
            preset=row.preset,
            dataset=row.dataset,
            step=row.step,
            images_seen=row.images_seen,
            digest=row.digest,
            metrics=row.metrics,
            headline=row.headline,
            judge=row.judge,
            is_best=row.is_best,
            created_at=datetime.fromtimestamp(row.created_at, UTC),
            directory=self._directory / row.path,
        )


def in_directory(folder: Path) -> KnownCheckpoint:
    """Return a checkpoint that no row tells of; its id names its weights too, which a release may replace.

    Raises CheckpointMissingError, CheckpointCorruptError.
    """
    metadata = read_metadata(folder)
    return KnownCheckpoint(
        id=shipped_id(folder, metadata),
        job_id=None,
        family=metadata.family,
        preset=metadata.preset,
        dataset=metadata.dataset.name,
        step=metadata.step,
        images_seen=metadata.images_seen,
        digest=metadata.digest,
        metrics=metadata.metrics,
        headline=None,
        judge=metadata.judge,
        is_best=False,
        created_at=metadata.created_at,
        directory=folder,
    )


def _place_among_shipped(cursor: str | None) -> int | None:
    """Return where a page begins among the shipped ones: None if it begins among the trained ones."""
    if cursor is None:
        return 0
    number = cursor.removeprefix(_SHIPPED_CURSOR)
    return int(number) if number != cursor and number.isdecimal() and len(number) < 9 else None
