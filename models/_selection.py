"""Choose which candidates become pictures: the nice ones, and those of a class that was not asked of the network.

Candidates are numbered under a seed. Picture i is decided by the candidates before it alone, so it is the same
whatever the count.

* Nice: the discriminator's best of each run of `nice_factor` candidates becomes one picture (the tutorial draws 20
  for each picture that it keeps).
* By class, for a network without labels: a classifier passes the candidates of the class, in their order.

Together: the best of each run of `nice_factor` candidates that the classifier passed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from models._family import Controls
from models._noise import BLOCK
from models._sampler import Sampler

Classify = Callable[[Tensor], Tensor]
"""(n, c, h, w) in [-1, 1] to class probabilities (n, classes)."""

CONFIDENCE = 0.5
"""The least probability by which a classifier passes a candidate."""


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

    images: (n, c, h, w) in [-1, 1]. candidates: how many were drawn. scores: the discriminator's, where it chose.
    """

    images: Tensor
    candidates: int
    scores: Tensor | None = None

    @property
    def threshold(self) -> float | None:
        """The lowest score that was kept, on no fixed scale; None where nothing was chosen by score."""
        return None if self.scores is None else float(self.scores.min())


def draw(
    sampler: Sampler,
    *,
    seed: int,
    labels: Sequence[int],
    truncation: float = 1.0,
    nice_factor: int = 1,
    controls: Controls | None = None,
) -> Selection:
    """Draw a picture for each label, the best of `nice_factor` candidates where that is above 1.

    Picture i comes from the candidates i * nice_factor to (i + 1) * nice_factor - 1.
    Raises NoScoreError when a family without a score is asked for nice pictures.
    """
    indices = range(len(labels) * nice_factor)
    of_candidate = [labels[index // nice_factor] for index in indices]
    images = sampler.sample(indices, seed=seed, labels=of_candidate, truncation=truncation, controls=controls)
    return _best_of_runs(sampler, images, torch.tensor(of_candidate), nice_factor, len(indices))


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
) -> Selection:
    """Draw `count` pictures of a class from a network without labels, by a classifier.

    Raises TooFewOfClassError after `most_per_picture` candidates for each picture that is needed, or as soon as they
    could not suffice by the share that passed so far.
    """
    wanted = count * nice_factor
    most = wanted * most_per_picture
    passed: list[Tensor] = []
    found = first = 0
    portion = BLOCK * 8
    while found < wanted and first < most:
        indices = range(first, first + portion)
        images = sampler.sample(indices, seed=seed, labels=[0] * portion, truncation=truncation, controls=controls)
        passed.append(images[classify(images)[:, label] >= CONFIDENCE])
        found += len(passed[-1])
        first += portion
        if _is_hopeless(found, first, wanted, most):
            break
    if found < wanted:
        raise TooFewOfClassError(label, found, wanted, first)
    images = torch.cat(passed)[:wanted]
    return _best_of_runs(sampler, images, torch.full((wanted,), label), nice_factor, first)


def _is_hopeless(found: int, drawn: int, wanted: int, most: int) -> bool:
    """Whether `most` candidates would not hold enough, though the class came up five deviations too seldom so far.

    Counts of what is rare deviate by the root of their mean (Poisson); of none found, the mean may have been ten.
    """
    return (found + 5 * sqrt(found + 4)) * most < wanted * drawn


def _best_of_runs(sampler: Sampler, images: Tensor, labels: Tensor, run: int, candidates: int) -> Selection:
    """Keep the candidate with the highest score of each run; the first of equals."""
    if run == 1:
        return Selection(images, candidates)
    scores = sampler.score(images, labels).view(-1, run)
    best = scores.argmax(dim=1)
    rows = torch.arange(len(scores))
    return Selection(images[rows * run + best], candidates, scores[rows, best])
