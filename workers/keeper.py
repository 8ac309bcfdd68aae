"""The checkpoints of one job on disk: kept, found again, and removed where the job keeps only some."""

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from checkpoints.cards import model_card, training_command
from checkpoints.format import (
    Checkpoint,
    CheckpointError,
    CheckpointIncompleteError,
    Metadata,
    drop_training_state,
    is_resumable,
    load,
    recover,
    remove,
    save,
)
from metrics import JUDGED
from store.checkpoints import CheckpointStore, NewCheckpoint, TrainedCheckpoint
from store.jobs import Claim
from store.pages import Page
from store.retention import Headline
from workers.patience import patiently
from workers.reporter import Reporter

RESUMABLE = 2
"""As many of a job's newest checkpoints keep what a training needs to continue from them."""

_DAMAGED = ".damaged"
_NAME = re.compile(r"\d+-(?P<token>\d+)")


def write(checkpoint: Checkpoint, metrics: Mapping[str, float], judge: str | None, directory: Path) -> Metadata:
    """Save a checkpoint with its metrics, the judge's digest, the time, and its model card; return what was written.

    judge: of the judge that measured the metrics, None where none did.
    """
    described = {"metrics": dict(metrics), "judge": judge, "created_at": datetime.now(UTC)}
    metadata = checkpoint.metadata.model_copy(update=described)
    return save(replace(checkpoint, metadata=metadata), directory, card=_card)


def _card(metadata: Metadata) -> str:
    name = f"{metadata.family}-{metadata.dataset.name}, step {metadata.step}"
    return model_card(name, metadata, count=JUDGED, made_by=training_command(metadata))


def retire(earlier: Sequence[Path]) -> None:
    """Drop the training states that a new checkpoint makes needless. earlier: those before it, the newest first."""
    for directory in [one for one in earlier if one.exists()][RESUMABLE - 1 :]:
        drop_training_state(directory)


class CheckpointKeeper:
    """Keeps checkpoints in the name of a claim.

    A directory's name holds the token of the claim that writes it, so no attempt writes into what another has written,
    and none removes what a later one writes: it may have been stopped for long after it made sure of its claim.
    """

    def __init__(self, root: Path, store: CheckpointStore, reporter: Reporter, claim: Claim) -> None:
        self._root, self._store, self._reporter = root, store, reporter
        self._job_id, self._token = claim.job.id, claim.token

    def latest(self) -> Checkpoint | None:
        """Return the newest checkpoint that a training can continue from.

        A damaged one is set aside with a warning, and the one before it is taken. Raises LeaseLostError.
        """
        self._reporter.confirm()
        directory = self._root / self._job_id
        recover(directory, is_dead=self._is_of_an_earlier_attempt)
        rows = self._by_step(self._all())
        self._remove_unregistered(directory, rows)
        for row in rows:
            try:
                found = load(self._root / row.path, for_training=True)
                self._retire(row.step, rows)
                return found
            except CheckpointIncompleteError:
                continue
            except CheckpointError as error:
                self._set_aside(row, error)
        return None

    def keep(self, checkpoint: Checkpoint, metrics: Mapping[str, float], headline: Headline) -> None:
        """Save and register a checkpoint, unless the job has one of this step to continue from.

        One that was set aside as damaged, or lost its training state, is written again, and its record tells where.
        Those that the job does not keep beside it are removed. Raises LeaseLostError.
        """
        step = checkpoint.metadata.step
        rows = self._by_step(self._page(None).items)
        known = next((row for row in rows if row.step == step), None)
        if known and is_resumable(self._root / known.path):
            self._retire(step, rows)
            return
        path = f"{self._job_id}/{step:08d}-{self._token}"
        self._reporter.confirm()
        written = write(checkpoint, metrics, headline.judge, self._root / path)
        judged = dict(metrics), headline.value, headline.judge
        new = NewCheckpoint(step, written.images_seen, path, written.digest, *judged)
        self._reporter.register(new)
        self._retire(step, rows)

    def _retire(self, newest: int, rows: Sequence[TrainedCheckpoint]) -> None:
        """Remove the checkpoints before this step that the job does not keep, and the needless states of the others.

        rows: those before it, among others, the one with the most steps first.
        """
        for forgotten in self._reporter.retire(newest):
            remove(self._root / forgotten)
        retire([self._root / row.path for row in rows if row.step < newest])

    @staticmethod
    def _by_step(rows: Iterable[TrainedCheckpoint]) -> list[TrainedCheckpoint]:
        """The one with the most steps first."""
        return sorted(rows, key=lambda row: row.step, reverse=True)

    def _all(self) -> Iterator[TrainedCheckpoint]:
        page = self._page(None)
        yield from page.items
        while page.next_cursor is not None:
            page = self._page(page.next_cursor)
            yield from page.items

    def _page(self, cursor: str | None) -> Page[TrainedCheckpoint]:
        return patiently(lambda: self._store.list(job_id=self._job_id, cursor=cursor))

    def _set_aside(self, row: TrainedCheckpoint, error: CheckpointError) -> None:
        directory = self._root / row.path
        aside = directory.with_name(directory.name + _DAMAGED)
        self._reporter.confirm()
        if directory.exists():
            shutil.rmtree(aside, ignore_errors=True)
            directory.rename(aside)
        self._reporter.disqualify(row.step)
        self._reporter.warn(f"not continuing from step {row.step}: {error}")

    def _remove_unregistered(self, directory: Path, rows: Iterable[TrainedCheckpoint]) -> None:
        """Remove what an earlier attempt left that ended between saving and registering, or that was written again."""
        registered = {self._root / row.path for row in rows}
        for one in directory.glob("*"):
            if one not in registered and self._is_of_an_earlier_attempt(one.name):
                remove(one)

    def _is_of_an_earlier_attempt(self, name: str) -> bool:
        """Whether a checkpoint's directory of this name was written under a claim before ours: no one has that now."""
        found = _NAME.fullmatch(name)
        return found is not None and int(found["token"]) < self._token
