"""What came of a study so far: the distribution of a metric for each family, and each trial."""

from collections.abc import Sequence

from pydantic import ConfigDict, Field

from app.dependencies import Services
from app.ranking import choose_metric
from app.schemas import Document
from app.study_schemas import StudySummary, StudyView
from metrics import Metric
from store.studies import Study
from store.study_report import Entry, Row, Value, arrange, read_entry


class FindingsQuery(Document):
    """By what to compare."""

    model_config = ConfigDict(extra="forbid")

    metric: str = Field("fd", max_length=100, description="compare by this metric")
    value: Value = Field("final", description="of each trial: final, at its whole budget, or of its best checkpoint")


def view_study(study: Study, query: FindingsQuery, given: Services) -> StudyView:
    """Tell how a study stands, by a metric. Raises ParameterError where there is no such metric."""
    metric = choose_metric(query.metric)
    rows, entries = find_distribution(study, metric, query, given)
    summary = StudySummary.of(study, given.studies.counts([study.id])[study.id])
    return StudyView.describe(summary, metric=metric, value=query.value, rows=rows, entries=entries)


def find_distribution(
    study: Study, metric: Metric, query: FindingsQuery, given: Services
) -> tuple[Sequence[Row], Sequence[Entry]]:
    """Return the distribution of each family, and what came of each trial."""
    records = given.studies.trials(study.id)
    entries = [read_entry(study.request, record, metric, query.value) for record in records]
    return arrange(study.request.families, entries), entries
