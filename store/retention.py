"""Which of a job's checkpoints stay on disk."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True, slots=True)
class Headline:
    """How good the pictures of a checkpoint are, the lower the better, and by whom: the digest of the judge.

    value: None where they were not judged. judge: None where nobody noted it.
    """

    value: float | None
    judge: str | None = None


def comparable(headlines: Mapping[int, Headline]) -> dict[int, float | None]:
    """Return the headlines by their steps, None for one of another judge than the newest one's: they do not compare."""
    judged = {step: one.judge for step, one in headlines.items() if one.value is not None}
    judge = judged[max(judged)] if judged else None
    return {step: one.value if one.judge == judge else None for step, one in headlines.items()}


class Keep(BaseModel):
    """Which of a job's checkpoints stay on disk. One that an alias means stays in any case."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    best: bool = Field(True, description="the one with the best headline metric")
    last: int = Field(2, ge=1, le=1000, description="so many of the newest")
    every: int | None = Field(4, ge=1, le=1000, description="each n-th one of the schedule; null for none of these")

    def choose(self, headlines: Mapping[int, float | None], *, interval: int, total_steps: int) -> set[int]:
        """Return the steps of the checkpoints that stay, of those with these steps and headlines.

        One off the schedule, saved when the training stopped, stays while it is the newest: so what stays in the end
        does not depend on how often the training was interrupted.
        """
        scheduled = sorted(step for step in headlines if step % interval == 0 or step == total_steps)
        kept = {*scheduled[-self.last :], max(headlines, default=0)}
        if self.every is not None:
            kept |= {step for step in scheduled if step % (self.every * interval) == 0}
        judged = {step: headline for step, headline in headlines.items() if headline is not None}
        if self.best and judged:
            kept.add(min(judged, key=lambda step: (judged[step], step)))
        return kept
