"""The watch over a training: tells from what its pictures look like that it collapses, and what to do about it.

A loss tells none of this. Four signs do, each measured beside real pictures, every few hundred steps: how much the
pictures differ in their pixels, how much in the judge's features, how many classes they show, and how surely the
discriminator tells them from real ones. A sign counts when it stays, and not while a healthy training still gains it:
neither early in its budget, nor at a look that shows more variety or more classes than any before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from models import Family, Symptom

STAYS = 2
"""Looks in a row for which a sign must be bad."""

DEAD_SPREAD = 0.02
UNIFORM_VARIETY = 0.5
FEW_CLASSES = 0.75
SATURATED_SEPARATION = 0.9995

_DEAD_FROM, _SATURATED_FROM, _UNIFORM_FROM, _MISSING_FROM = 0.2, 0.2, 0.3, 0.5
"""Shares of the budget before which a healthy training may look so."""

LEAST_STEPS = 200
"""Before so many, nothing has been learnt that could be lost."""

_GAIN = 0.01
"""By how much a sign must exceed all looks before for the generator to be gaining it: less may be chance."""

_GAINED = 0.8
"""Of what real pictures have: who had as much and lost it is told whatever the budget."""


@dataclass(frozen=True, slots=True)
class Look:
    """The signs at one step; None where nothing can measure one.

    progress: share of the image budget used. spread: how much pixels vary from picture to picture, and variety: the
    mean distance of two pictures in the judge's features, each by that of real pictures. classes: those covered, by
    those that real pictures cover. separation: the share of pairs of a real and a drawn picture in which the real one
    has the higher score: 0.5 where the discriminator cannot tell, 1 where it always can.
    """

    step: int
    progress: float
    spread: float
    variety: float | None = None
    classes: float | None = None
    separation: float | None = None

    @property
    def signs(self) -> dict[str, float]:
        """Those that were measured, by name."""
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in {"step", "progress"} and value is not None
        }

    @classmethod
    def of(cls, step: int, progress: float, signs: Mapping[str, Any]) -> Self:
        """Return the look that had these signs; unknown ones are left out."""
        known = cls.__dataclass_fields__.keys() - {"step", "progress"}
        return cls(step, progress, **{name: value for name, value in signs.items() if name in known})


@dataclass(frozen=True, slots=True)
class Past:
    """What an earlier attempt saw and told."""

    looks: tuple[Look, ...] = ()
    told: frozenset[Symptom] = frozenset()


@dataclass(slots=True)
class Watch:
    """Sees look after look, and names each symptom once. A function of the looks alone."""

    past: Past = Past()
    _told: set[Symptom] = field(init=False)
    _lasting: dict[Symptom, int] = field(init=False, default_factory=dict)
    _best: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._told = set()
        for look in self.past.looks:
            self.see(look)
        self._told |= self.past.told

    def see(self, look: Look) -> tuple[Symptom, ...]:
        """Return the symptoms that have shown themselves with this look, and were not told before."""
        shown = set(self._shown(look))
        self._lasting = {symptom: self._lasting.get(symptom, 0) + 1 for symptom in shown}
        self._best |= {name: max(value, self._best.get(name, value)) for name, value in look.signs.items()}
        new = [one for one in Symptom if self._lasting.get(one, 0) >= STAYS and one not in self._told]
        self._told |= set(new)
        return tuple(new)

    def _shown(self, look: Look) -> Iterable[Symptom]:
        if look.step < LEAST_STEPS:
            return
        if look.progress >= _DEAD_FROM and look.spread < DEAD_SPREAD:
            yield Symptom.DEAD
            return  # what follows from it goes without saying
        if self._gains(look):
            return
        if (look.progress >= _UNIFORM_FROM or self._had("variety")) and _is_below(look.variety, UNIFORM_VARIETY):
            yield Symptom.UNIFORM
        if (look.progress >= _MISSING_FROM or self._had("classes")) and _is_below(look.classes, FEW_CLASSES):
            yield Symptom.MISSING_CLASSES
        if look.progress >= _SATURATED_FROM and look.separation is not None and look.separation > SATURATED_SEPARATION:
            yield Symptom.SATURATED

    def _gains(self, look: Look) -> bool:
        """Whether the pictures differ more, or show more classes, than at any look before: the generator learns."""
        return any(
            value > self._best[name] + _GAIN
            for name, value in look.signs.items()
            if name in {"variety", "classes"} and name in self._best
        )

    def _had(self, name: str) -> bool:
        return self._best.get(name, 0) >= _GAINED


def _is_below(value: float | None, bound: float) -> bool:
    return value is not None and value < bound


# --- Words --------------------------------------------------------------------------------------------------------

_FINDINGS: Mapping[Symptom, str] = {
    Symptom.DEAD: "the generator draws nearly the same picture whatever the noise: "
    "pixels vary {spread:.1%} as much as in real pictures",
    Symptom.UNIFORM: "the pictures have lost their variety: two differ {variety:.0%} as much as two real ones",
    Symptom.MISSING_CLASSES: "only {classes:.0%} of the classes of real pictures are drawn",
    Symptom.SATURATED: "the discriminator tells every drawn picture from every real one, "
    "so the generator may learn nothing from it",
}
_ADVICE: Mapping[Symptom, str] = {
    Symptom.DEAD: "halve the learning rates and begin anew with another seed",
    Symptom.UNIFORM: "go back to an earlier checkpoint, and halve the learning rates or take a family with a gradient "
    "penalty, such as gan_r1",
    Symptom.MISSING_CLASSES: "train for longer, take larger batches, or a family that is told the class, such as "
    "projection_gan",
    Symptom.SATURATED: "give the discriminator a smaller learning rate or fewer steps, or take a family with a "
    "gradient penalty, such as gan_r1",
    Symptom.DIVERGED: "halve the learning rates, or strengthen the penalty",
}


def advise(family: Family[Any], symptom: Symptom) -> str:
    """Return what to do about a symptom: what the family says of it, or else what holds in general."""
    return family.advice.get(symptom) or _ADVICE[symptom]


def explain(family: Family[Any], symptom: Symptom, look: Look) -> str | None:
    """Return a warning in plain words: what was seen, and what to do.

    None where it is no fault in this family: a Wasserstein critic may be sure of every picture and still teach.
    """
    if symptom in family.advice and family.advice[symptom] is None:
        return None
    return f"{_FINDINGS[symptom].format(**look.signs)}; {advise(family, symptom)}"
