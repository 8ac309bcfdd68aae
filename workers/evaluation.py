"""How good a sampler's pictures are: drawn, and measured by the metrics beside as many real training pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from metrics import DEFAULT_METRICS, EVALUATED, Evidence, Measurement, Reference, measure
from models import Sampler, derive_seed, to_pixels


@dataclass(frozen=True, slots=True)
class Report:
    """What the metrics found in drawn pictures, each beside its floor. count: how many were drawn."""

    count: int
    measurements: tuple[Measurement, ...]

    def find(self, name: str) -> Measurement | None:
        """Return what the metric of that name found; None where it was not asked for or does not apply."""
        return next((one for one in self.measurements if one.name == name), None)

    def __getitem__(self, name: str) -> Measurement:
        """Return the same. Raises KeyError in place of None."""
        if (found := self.find(name)) is None:
            raise KeyError(name)
        return found

    @property
    def distance_ratio(self) -> float | None:
        """FD as a multiple of its floor; None where FD was not asked for."""
        found = self.find("fd")
        return None if found is None else found.value / found.floor


def evaluate(
    sampler: Sampler,
    reference: Reference,
    *,
    count: int = EVALUATED,
    seed: int = 0,
    names: Sequence[str] = DEFAULT_METRICS,
) -> Report:
    """Measure drawn pictures, and training pictures in their place, by the metrics or groups of these names.

    `count` training pictures are taken at random, or all where there are fewer; the drawn ones are of their classes,
    so both differ from the test pictures' classes alike. Raises metrics.UnknownMetricError.
    """
    floor = take_real(reference, count=count, seed=seed)
    return Report(len(floor.drawn), measure(draw_beside(floor, sampler, seed=seed), floor, names))


def take_real(reference: Reference, *, count: int, seed: int = 0) -> Evidence:
    """Return the evidence on training pictures at random: `count`, or all where there are fewer."""
    train = reference.train
    shuffle = torch.Generator().manual_seed(derive_seed("evaluation", seed))
    places = torch.randperm(len(train), generator=shuffle)[:count]
    assert train.labels is not None  # Reference.of
    return reference.compare(train.pixels[places], train.labels[places])


def draw_beside(floor: Evidence, sampler: Sampler, *, seed: int = 0) -> Evidence:
    """Return the evidence on as many drawn pictures as the floor has, of its classes.

    It has no labels where the sampler takes none.
    """
    labels = floor.drawn.labels
    assert labels is not None  # take_real
    pixels = to_pixels(sampler.sample(range(len(labels)), seed=seed, labels=labels.tolist()))
    return floor.reference.compare(pixels, labels if sampler.is_conditional else None)
