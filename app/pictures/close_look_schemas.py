"""A close look at one picture, as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from app.pictures.close_look import Inspection, Neighbours
from app.pictures.provenance import Judge
from app.pictures.recipes import Recipe
from app.schemas import Document
from models import DatasetSpec, ScoreKind, find_family

_CLASSES_TOLD = 10


class JudgeView(Document):
    """The classifier that judges, which no generator has learnt from."""

    classifier: str
    classifier_sha256: str

    @classmethod
    def of(cls, judge: Judge) -> "JudgeView":
        """Describe a judge."""
        return cls(classifier=judge.name, classifier_sha256=judge.digest)


class Judgement(JudgeView):
    """What a judge takes a picture for."""

    label: str = Field(description="the most probable class")
    probabilities: Mapping[str, float] = Field(description="of the ten most probable classes, the first ones first")


class LatentPlace(Document):
    """Where the picture's latent is: what the latent tools take beside the checkpoint."""

    seed: str
    index: int = Field(description="the number of the candidate that became the picture")
    label: str | None = Field(description="the class, where the network takes labels")
    truncation: float


class InspectionView(Document):
    """What is known of a picture without looking at others."""

    url: str = Field(description="where the picture alone is drawn, to the last byte")
    label: str | None = Field(description="the class that was asked for")
    score: float | None = Field(description="how real it looks to the discriminator, on no fixed scale")
    score_kind: ScoreKind | None = Field(description="what the score estimates; null where the family has none")
    judgement: Judgement | None = Field(description="null where no classifier ships for the data set")
    latent: LatentPlace
    recipe: Mapping[str, Any] = Field(description="what the PNG tells about itself under the keyword `ganery`")

    @classmethod
    def of(cls, found: Inspection, recipe: Recipe) -> "InspectionView":
        """Describe what was found of the recipe's picture."""
        family = find_family(recipe.checkpoint.family)
        label = None if found.label is None else recipe.dataset.classes[found.label]
        return cls(
            url=recipe.url,
            label=label,
            score=found.recipe["score"],
            score_kind=family.score_kind,
            judgement=_judgement(found, recipe.dataset),
            latent=LatentPlace(
                seed=str(recipe.seed),
                index=found.number,
                label=label if recipe.is_conditional else None,
                truncation=recipe.truncation,
            ),
            recipe=found.recipe,
        )


class NeighbourView(Document):
    """A training picture."""

    number: int = Field(description="its place in the training split, from 0")
    label: str = Field(description="its class")
    distance: float = Field(description="in the judge's features; in pixels where no classifier ships")


class NeighboursView(Document):
    """The training pictures that are most like a picture."""

    url: str = Field(description="where the picture alone is drawn")
    dataset: str
    judge: JudgeView | None = Field(
        description="by whose features the nearest in pixels are ordered; null where none ships for the data set"
    )
    nearest: float = Field(description="distance in pixels, as points of [-1, 1], to the nearest training picture")
    typical: float = Field(
        description="the median of that for test pictures: one far below it is a copy, or plain and common"
    )
    items: Sequence[NeighbourView] = Field(description="the nearest first")

    @classmethod
    def of(cls, found: Neighbours, recipe: Recipe) -> "NeighboursView":
        """Describe the neighbours of the recipe's picture."""
        columns = zip(found.numbers.tolist(), found.labels.tolist(), found.distances.tolist(), strict=True)
        return cls(
            url=recipe.url,
            dataset=recipe.dataset.name,
            judge=found.judge and JudgeView.of(found.judge),
            nearest=round(found.nearest, 4),
            typical=round(found.typical, 4),
            items=[
                NeighbourView(number=number, label=recipe.dataset.classes[label], distance=round(distance, 4))
                for number, label, distance in columns
            ],
        )


def _judgement(found: Inspection, dataset: DatasetSpec) -> Judgement | None:
    if found.judge is None or found.probabilities is None:
        return None
    top = found.probabilities.topk(min(_CLASSES_TOLD, len(dataset.classes)))
    names = [dataset.classes[label] for label in top.indices.tolist()]
    told = zip(names, top.values.tolist(), strict=True)
    return Judgement(
        classifier=found.judge.name,
        classifier_sha256=found.judge.digest,
        label=names[0],
        probabilities={name: round(value, 6) for name, value in told},
    )
