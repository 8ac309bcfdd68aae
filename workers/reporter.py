"""What a training tells: events and checkpoints, as long as its claim holds."""

import logging
from collections.abc import Mapping

from store.checkpoints import NewCheckpoint
from store.events import EventKind, NewEvent
from store.jobs import Claim, JobStore
from workers.patience import patiently

logger = logging.getLogger(__name__)


class Reporter:
    """Writes in the name of a claim, waiting out a database that is away. All raise LeaseLostError."""

    def __init__(self, jobs: JobStore, claim: Claim) -> None:
        self._jobs, self._claim = jobs, claim

    def log(self, line: str) -> None:
        """Tell a line of progress for a person to read."""
        logger.info(line)
        self._record(NewEvent(EventKind.LOG, {"message": line}))

    def warn(self, line: str) -> None:
        """Tell what went wrong and did not end the training."""
        logger.warning(line)
        self._record(NewEvent(EventKind.WARNING, {"message": line}))

    def metric(self, step: int, terms: Mapping[str, float]) -> None:
        """Tell the means of the terms since the last metrics."""
        self._record(NewEvent(EventKind.METRIC, terms, step))

    def sample(self, step: int, data: Mapping[str, int]) -> None:
        """Tell that the grid of a step is on disk."""
        self._record(NewEvent(EventKind.SAMPLE, data, step))

    def register(self, checkpoint: NewCheckpoint) -> None:
        """Make a checkpoint on disk known."""
        patiently(lambda: self._jobs.register_checkpoint(self._claim, checkpoint))

    def confirm(self) -> None:
        """Make sure that the job is still ours: before a file is written, which no database can fence."""
        patiently(lambda: self._jobs.heartbeat(self._claim))

    def _record(self, event: NewEvent) -> None:
        patiently(lambda: self._jobs.record(self._claim, [event]))
