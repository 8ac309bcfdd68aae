"""What a metric is: a function of the evidence, with what a reader of its value must know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import getdoc
from typing import Literal

from metrics._evidence import Evidence

Better = Literal["higher", "lower", "real"]
"""Which value is good: a high one, a low one, or that of real pictures, from which both sides are worse."""

Cost = Literal["cheap", "full", "slow"]
"""What it takes with the reference at hand.

cheap: a fraction of a second for a thousand pictures. full: seconds. slow: trains a network, or runs a large one.
"""

Need = Literal["judge", "labels", "trainer", "inception"]
"""What must be at hand beside pixels.

judge: the data set's classifier. labels: the classes that were asked for. trainer: `Reference.train_classifier`.
inception: `Reference.inception`.
"""

Compute = Callable[[Evidence], float | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number for how good drawn pictures are.

    name: the function's. title: what a table calls it. held_out_floor: whether the floor is the test pictures' value
    rather than the training pictures'. most: it looks at so many of the first pictures; None means at all.
    """

    name: str
    title: str
    better: Better
    cost: Cost
    needs: tuple[Need, ...]
    held_out_floor: bool
    most: int | None
    compute: Compute

    def __call__(self, evidence: Evidence) -> float | None:
        """Return the value, which is kept with the evidence; None where the metric does not apply."""
        if not self.applies_to(evidence):
            return None
        return evidence.keep(self, lambda: self.compute(evidence.first(self.most)))

    @property
    def description(self) -> str:
        """What it measures, and what it cannot see."""
        return getdoc(self.compute) or ""

    def badness(self, values: Mapping[str, float | None]) -> float:
        """Return a number that is the lower, the better the pictures are.

        values: of metrics by their names, each floor under its metric's name and `_floor`; ours is a number.
        """
        value, floor = values[self.name], values.get(f"{self.name}_floor") or 0.0
        assert value is not None
        return {"lower": value, "higher": -value, "real": abs(value - floor)}[self.better]

    def applies_to(self, evidence: Evidence) -> bool:
        """Whether all that it needs is at hand."""
        at_hand: dict[Need, bool] = {
            "judge": True,
            "labels": evidence.drawn.labels is not None,
            "trainer": evidence.reference.train_classifier is not None,
            "inception": evidence.reference.inception is not None,
        }
        return all(at_hand[need] for need in self.needs)


def metric(
    title: str,
    *,
    better: Better,
    cost: Cost = "cheap",
    needs: tuple[Need, ...] = ("judge",),
    held_out_floor: bool = False,
    most: int | None = None,
) -> Callable[[Compute], Metric]:
    """Make a metric of a function. The registry finds it in any module of this package without an underscore."""

    def make(compute: Compute) -> Metric:
        name = compute.__name__
        return Metric(name, title, better, cost, needs, held_out_floor, most, compute)

    return make
