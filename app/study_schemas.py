"""What the service says of studies."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from app.schemas import Document, moment
from metrics import Better, Metric
from store.states import JobState
from store.studies import Study
from store.study_report import Distribution, Entry, Row, TrialOutcome, Value, find_floor
from store.study_requests import StudyRequest


class StudySummary(Document):
    """A study, and how its jobs stand."""

    id: str
    name: str | None
    request: StudyRequest = Field(description="all that was asked for, every default filled in")
    jobs: Mapping[JobState, int] = Field(description="how many are in each state: GET /jobs?study= lists them")
    created_at: datetime

    @classmethod
    def of(cls, study: Study, jobs: Mapping[JobState, int]) -> "StudySummary":
        """Describe a study."""
        return cls(id=study.id, name=study.name, request=study.request, jobs=jobs, created_at=moment(study.created_at))


class TrialView(Document):
    """One training of a study."""

    job_id: str
    family: str = Field(description="as family:preset")
    trial: int = Field(description="the number of its draw of hyperparameters, from 0")
    seed: int
    outcome: TrialOutcome = Field(
        description="failed: the training, or a value that is no number; unjudged: nothing could measure its pictures, "
        "or another judge measured them than the newest trials'; waiting: not finished yet"
    )
    value: float | None = Field(description="of the metric; null unless it is finished")
    hyperparameters: Mapping[str, Any] = Field(description="those that were drawn")
    reason: str | None = Field(description="why it failed, or does not compare")

    @classmethod
    def of(cls, entry: Entry) -> "TrialView":
        """Describe a trial."""
        return cls(
            job_id=entry.job_id,
            family=entry.contestant,
            trial=entry.trial,
            seed=entry.seed,
            outcome=entry.outcome,
            value=entry.value,
            hyperparameters=entry.hyperparameters,
            reason=entry.reason,
        )


class Spread(Document):
    """Where the values of finished trials lie."""

    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float

    @classmethod
    def of(cls, found: Distribution) -> "Spread":
        """Describe a distribution."""
        return cls(
            minimum=found.minimum,
            lower_quartile=found.lower_quartile,
            median=found.median,
            upper_quartile=found.upper_quartile,
            maximum=found.maximum,
        )


class FamilyFindings(Document):
    """What a study has found of a family."""

    family: str = Field(description="as family:preset")
    trials: int
    finished: int
    failures: int = Field(description="they have no value and no part in the distribution: read the two together")
    cancelled: int
    unjudged: int
    distribution: Spread | None = Field(description="of the finished trials; null where none has a value")
    best: TrialView | None

    @classmethod
    def of(cls, row: Row) -> "FamilyFindings":
        """Describe a row."""
        return cls(
            family=row.contestant,
            trials=len(row.entries),
            finished=len(row.having("finished")),
            failures=len(row.having("failed")),
            cancelled=len(row.having("cancelled")),
            unjudged=len(row.having("unjudged")),
            distribution=row.distribution and Spread.of(row.distribution),
            best=row.best and TrialView.of(row.best),
        )


class StudyView(StudySummary):
    """A study, and what it has found so far."""

    is_finished: bool = Field(description="whether none of its jobs will change any more")
    metric: str
    title: str = Field(description="what the metric is called")
    better: Better = Field(description="which value is better; real: that of real pictures")
    value: Value = Field(description="final: of each trial at its whole budget; best: of its best checkpoint")
    floor: float | None = Field(description="what as many real pictures have; null where nothing was measured")
    families: Sequence[FamilyFindings]
    trials: Sequence[TrialView] = Field(description="all, in the order of their queue")
    plot: str = Field(description="where the picture of it is")

    @classmethod
    def describe(
        cls, summary: StudySummary, *, metric: Metric, value: Value, rows: Sequence[Row], entries: Sequence[Entry]
    ) -> "StudyView":
        """Describe a study by a metric."""
        return cls(
            **{name: getattr(summary, name) for name in StudySummary.model_fields},
            is_finished=all(state.is_finished for state, count in summary.jobs.items() if count),
            metric=metric.name,
            title=metric.title,
            better=metric.better,
            value=value,
            floor=find_floor(entries),
            families=[FamilyFindings.of(row) for row in rows],
            trials=[TrialView.of(entry) for entry in entries],
            plot=f"/studies/{summary.id}/plot.svg?metric={metric.name}&value={value}",
        )
