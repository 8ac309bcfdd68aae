"""Reports on what choosing by the discriminator is worth: made in the engine's turns, each once, and kept."""

from app.caching import entity_tag
from app.pictures.catalogue import KnownCheckpoint
from app.pictures.inference import Engine, find_judge
from app.sharing import KeptWork
from models import NiceReport, report_nice

REPORT_VERSION = 1
"""Grows whenever the same request begins to get another report."""

_KEPT = 256


class NiceReports:
    """Makes reports and keeps the last ones. Threads share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reports = KeptWork[NiceReport](engine.turns, _KEPT)

    def tag(self, checkpoint: KnownCheckpoint, *, seed: int, count: int) -> str:
        """Return the entity tag of a report without making it. Raises CheckpointError for a damaged judge."""
        judge = find_judge(checkpoint.dataset)
        request = (checkpoint.id, checkpoint.digest, judge.digest, str(seed), str(count))
        return entity_tag("nice-report", str(REPORT_VERSION), *request, *self._engine.code)

    def cached(self, tag: str) -> NiceReport | None:
        """Return the report of this tag, if it was made lately."""
        return self._reports.find(tag)

    def make(self, checkpoint: KnownCheckpoint, tag: str, *, seed: int, count: int) -> NiceReport:
        """Make the report of this tag, unless it is kept. One that is being made is waited for.

        Raises BusyError, NoScoreError, and what `Engine.load` and `Engine.classifier` raise.
        """
        return self._reports.make(tag, lambda: self._make(checkpoint, seed, count))

    def _make(self, checkpoint: KnownCheckpoint, seed: int, count: int) -> NiceReport:
        sampler = self._engine.load(checkpoint).sampler
        judge = self._engine.classifier(checkpoint.dataset)
        burn_in = self._engine.burn_in(checkpoint, sampler)
        return report_nice(sampler, judge, seed=seed, count=count, burn_in=burn_in)
