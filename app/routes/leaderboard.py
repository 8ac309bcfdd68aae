"""Which trainings drew the best pictures: GET /leaderboard."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from app.dependencies import Given
from app.openapi import refuses
from app.pictures.recipes import require_known
from app.ranking import by_judge, choose_metric, rank
from app.schemas import Document, Leaderboard, Standing
from checkpoints.library import current_judge
from metrics import EVALUATED, JUDGED
from store.requests import DEFAULT_DATASET

_OTHER_JUDGE = "measured by another judge than today's, or by an unknown one: train on, or anew, to compare"
_MORE_PICTURES = (
    f"it ships with the service and was measured on {EVALUATED:,} pictures, a training on {JUDGED:,}: neither values "
    "nor their ratios to the floor compare; train the same preset to compare"
)

router = APIRouter(tags=["quality"])


class LeaderboardQuery(Document):
    """By what to rank, and whom."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(DEFAULT_DATASET, max_length=100, description="trainings on this data set")
    metric: str = Field("fd", max_length=100, description="rank by this metric of the best checkpoint")
    family: str | None = Field(None, max_length=100, description="of this family")
    limit: int = Field(100, ge=1, le=1000, description="the most rows")


@router.get("/leaderboard", operation_id="leaderboard", responses=refuses(422, 503))
def leaderboard(query: Annotated[LeaderboardQuery, Query()], given: Given) -> Leaderboard:
    """Rank the finished jobs by their best checkpoint: that with the best headline, whatever the metric.

    Each stands with all its metrics, and with the time and the pictures that it took. Metrics were measured in the
    training, all on as many pictures: they compare with one another. What another judge than today's has measured does
    not, nor what ships, which was measured on more (`pictures`), and stands apart. Of more than a thousand jobs the
    newest are told.
    """
    metric = choose_metric(query.metric)
    require_known(query.family, query.dataset)
    judge = current_judge(query.dataset)
    comparable, others = by_judge(given.catalogue.leaders(query.dataset, family=query.family), judge)
    ranked = rank(comparable, metric)[: query.limit]
    return Leaderboard(
        dataset=query.dataset,
        metric=metric.name,
        title=metric.title,
        better=metric.better,
        judge=judge,
        items=[Standing.of(leader, rank=place) for place, leader in enumerate(ranked, 1)],
        unranked=[
            *(
                Standing.of_shipped(one, reason=_MORE_PICTURES)
                for one in given.catalogue.shipped(query.dataset, family=query.family)
            ),
            *(Standing.of(leader, rank=None, reason=_OTHER_JUDGE) for leader in others[: query.limit]),
        ],
    )
