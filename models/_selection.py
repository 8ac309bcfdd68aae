"""Choose which candidates become pictures: the nice ones, and those of a class that was not asked of the network.

Candidates are numbered under a seed. Picture i is decided by the candidates before it alone, so it is the same
whatever the count.

* Nice: of each run of `nice_factor` candidates one becomes a picture. By the method TOP it is the discriminator's best
  (the tutorial draws 20 for each picture that it keeps); by DRS the first that rejection sampling accepts.
* By class, for a network without labels: a classifier passes the candidates of the class, in their order.

Together: one of each run of `nice_factor` candidates that the classifier passed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

import torch
from torch import Tensor

from models._family import Controls
from models._noise import BLOCK
from models._rejection import Rejection, draw_lots
from models._sampler import Sampler

Classify = Callable[[Tensor], Tensor]
"""(n, c, h, w) in [-1, 1] to class probabilities (n, classes)."""

CONFIDENCE = 0.5
"""The least probability by which a classifier passes a candidate."""


class NiceMethod(StrEnum):
    """How one of the candidates of a run is chosen."""

    TOP = "top"
    DRS = "drs"


class TooFewOfClassError(Exception):
    """The network draws the class too seldom for as many pictures as were asked for."""

    def __init__(self, label: int, found: int, wanted: int, candidates: int) -> None:
        self.label, self.found, self.wanted, self.candidates = label, found, wanted, candidates
        super().__init__(
            f"of {candidates} candidates the classifier recognised {found} as class {label}, but {wanted} are needed; "
            "ask for fewer pictures, another class, or a conditional checkpoint"
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Pictures and how they were chosen.

    images: (n, c, h, w) in [-1, 1]. candidates: how many were drawn. numbers: of the candidate under the seed that
    became each picture, (n,). scores: the discriminator's, where it chose. accepted: where rejection sampling chose,
    whether it accepted the picture, (n,); else it is the best of its run.
    """

    images: Tensor
    candidates: int
    numbers: Tensor
    scores: Tensor | None = None
    accepted: Tensor | None = None

    @property
    def threshold(self) -> float | None:
        """The lowest score that was kept, on no fixed scale; None where none was kept for its score alone."""
        return None if self.scores is None or self.accepted is not None else float(self.scores.min())

    @property
    def accepted_share(self) -> float | None:
        """The share of the pictures that rejection sampling accepted; None where it did not choose."""
        return None if self.accepted is None else float(self.accepted.double().mean())

    def show(self, places: slice) -> "Selection":
        """Return the pictures at these places alone; the candidates are those of all."""
        scores, accepted = (None if one is None else one[places] for one in (self.scores, self.accepted))
        return Selection(self.images[places], self.candidates, self.numbers[places], scores, accepted)


@dataclass(frozen=True, slots=True)
class Candidates:
    """What pictures are chosen from: a run of consecutive ones for each.

    images: (n * run, c, h, w) in [-1, 1]. numbers: of each under the seed, (n, run). labels: of each picture, (n,).
    drawn: how many it took, those that a classifier did not pass among them. scores: (n, run); None where a run is one.
    """

    images: Tensor
    numbers: Tensor
    labels: Tensor
    seed: int
    drawn: int
    scores: Tensor | None

    def choose(self, rejections: Mapping[int, Rejection] | None = None) -> Selection:
        """Return the best of each run, or by the rejection of each class the first that is accepted."""
        if self.scores is None:
            return Selection(self.images, self.drawn, self.numbers.flatten())
        if rejections is None:
            return self._keep(self.scores, self.scores.argmax(dim=1))
        return self._accept(self.scores, rejections)

    def _accept(self, scores: Tensor, rejections: Mapping[int, Rejection]) -> Selection:
        """Keep the first of each run that is accepted, and the best where none is."""
        of_class = [rejections[int(label)] for label in self.labels]
        chances = torch.stack([one.probability(row) for one, row in zip(of_class, scores, strict=True)])
        is_accepted = draw_lots(self.numbers, self.seed) < chances
        is_met = is_accepted.any(dim=1)
        places = torch.where(is_met, is_accepted.int().argmax(dim=1), scores.argmax(dim=1))
        return self._keep(scores, places, is_met)

    def _keep(self, scores: Tensor, places: Tensor, accepted: Tensor | None = None) -> Selection:
        """Keep the candidate at one place of each run."""
        rows = torch.arange(len(places))
        images = self.images[rows * scores.shape[1] + places]
        return Selection(images, self.drawn, self.numbers[rows, places], scores[rows, places], accepted)


def draw(
    sampler: Sampler,
    *,
    seed: int,
    labels: Sequence[int],
    truncation: float = 1.0,
    nice_factor: int = 1,
    controls: Controls | None = None,
    rejections: Mapping[int, Rejection] | None = None,
) -> Selection:
    """Draw a picture for each label, one of `nice_factor` candidates where that is above 1.

    Picture i comes from the candidates i * nice_factor to (i + 1) * nice_factor - 1: the best of them or, where there
    are rejections, one for each class, the first that is accepted.
    Raises NoScoreError when a family without a score is asked for nice pictures.
    """
    candidates = draw_candidates(
        sampler, seed=seed, labels=labels, truncation=truncation, nice_factor=nice_factor, controls=controls
    )
    return candidates.choose(rejections)


def draw_candidates(
    sampler: Sampler,
    *,
    seed: int,
    labels: Sequence[int],
    truncation: float = 1.0,
    nice_factor: int = 1,
    controls: Controls | None = None,
) -> Candidates:
    """Draw `nice_factor` candidates for each label, and score them where that is above 1.

    Raises NoScoreError when a family without a score is to score them.
    """
    indices = range(len(labels) * nice_factor)
    of_candidate = [labels[index // nice_factor] for index in indices]
    images = sampler.sample(indices, seed=seed, labels=of_candidate, truncation=truncation, controls=controls)
    numbers, asked = torch.tensor(indices), torch.tensor(labels)
    return _in_runs(sampler, images, numbers, asked, run=nice_factor, seed=seed, drawn=len(indices))


def draw_class(
    sampler: Sampler,
    classify: Classify,
    *,
    seed: int,
    label: int,
    count: int,
    truncation: float = 1.0,
    nice_factor: int = 1,
    most_per_picture: int = 200,
    controls: Controls | None = None,
    rejections: Mapping[int, Rejection] | None = None,
) -> Selection:
    """Draw `count` pictures of a class from a network without labels, by a classifier.

    Raises TooFewOfClassError after `most_per_picture` candidates for each picture that is needed, or as soon as they
    could not suffice by the share that passed so far.
    """
    wanted = count * nice_factor
    most = wanted * most_per_picture
    images: list[Tensor] = []
    numbers: list[Tensor] = []
    found = first = 0
    portion = BLOCK * 8
    while found < wanted and first < most:
        indices = range(first, first + portion)
        drawn = sampler.sample(indices, seed=seed, labels=[0] * portion, truncation=truncation, controls=controls)
        passes = classify(drawn)[:, label] >= CONFIDENCE
        images.append(drawn[passes])
        numbers.append(torch.tensor(indices)[passes])
        found += len(images[-1])
        first += portion
        if _is_hopeless(found, first, wanted, most):
            break
    if found < wanted:
        raise TooFewOfClassError(label, found, wanted, first)
    candidates = _in_runs(
        sampler,
        torch.cat(images)[:wanted],
        torch.cat(numbers)[:wanted],
        torch.full((count,), label),
        run=nice_factor,
        seed=seed,
        drawn=first,
    )
    return candidates.choose(rejections)


def _is_hopeless(found: int, drawn: int, wanted: int, most: int) -> bool:
    """Whether `most` candidates would not hold enough, though the class came up five deviations too seldom so far.

    Counts of what is rare deviate by the root of their mean (Poisson); of none found, the mean may have been ten.
    """
    return (found + 5 * sqrt(found + 4)) * most < wanted * drawn


def _in_runs(
    sampler: Sampler, images: Tensor, numbers: Tensor, labels: Tensor, *, run: int, seed: int, drawn: int
) -> Candidates:
    """Put candidates, in their order, into runs of so many, and score them where a run is more than one."""
    scores = None if run == 1 else sampler.score(images, labels.repeat_interleave(run)).view(-1, run)
    return Candidates(images, numbers.view(-1, run), labels, seed, drawn, scores)
