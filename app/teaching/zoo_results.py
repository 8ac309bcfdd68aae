"""What the zoo's families reached at an equal budget: measured by `python -m benchmarks.zoo`, shown by the pages."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

FIGURES = Path(__file__).parent / "zoo_results.json"
"""The file that ships; the benchmark writes it beside its page in docs/."""


class ZooTraining(BaseModel):
    """What came of one training. metrics: by name, each floor under its metric's name and `_floor`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    preset: str
    images: int = Field(gt=0)
    metrics: Mapping[str, float]


class ZooResults(BaseModel):
    """All of them. budget: pictures that each discriminator saw. count: pictures that were drawn to measure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    budget: int
    count: int
    seed: int
    trainings: Sequence[ZooTraining]

    def of(self, family: str) -> Sequence[ZooTraining]:
        """Return those of a family, in their order."""
        return [one for one in self.trainings if one.family == family]


@cache
def read_zoo_results() -> ZooResults:
    """Return what ships."""
    return ZooResults.model_validate_json(FIGURES.read_text(encoding="utf-8"))
