"""Discriminator rejection sampling: candidates are accepted as often as the data has them (Azadi et al. 2019).

Source: https://arxiv.org/abs/1810.06758, section 3.

Idea: the logit of a discriminator at its best is the logarithm of the ratio of the data's density p to the drawn one q.
Whoever keeps a candidate with the probability p/q over its maximum draws from p. With D the logit, D_M its maximum and
s the sigmoid, the paper writes that probability as s(F), which gamma can shift:

    F(x)      = D(x) - D_M - log(1 - exp(D(x) - D_M - epsilon)) - gamma
    accepted    with probability s(F(x)); for gamma = 0 that is exp(D(x) - D_M), so exact but rare

A gamma below 0 accepts more and corrects less, down to all candidates and q as it is; one above 0 accepts less, and
goes beyond p.

Traps: a score that is no logit, as a critic's or an energy, has no such ratio. The ratio is of the networks that played
against each other: a discriminator far from its best, or a generator whose weights were averaged since, make it rough.

Deviations
* D_M: the maximum over a fixed burn-in, a larger logit counting as D_M; in the paper it rises whenever a larger one is
  met, and so what becomes of a candidate would depend on those before it.
* gamma: once from a percentile of the burn-in; the paper takes it of each batch.
* Percentile: the one that leaves about PASSING of a run of candidates an even chance or better.
* End: a run without an accepted candidate gives its highest logit; the paper draws on.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models._family import Controls, Family, ScoreKind
from models._noise import BLOCK, derive_seed
from models._sampler import NoScoreError, Sampler

BURN_IN = 256
"""Candidates on which the maximum and the percentile are measured, for each class: some tenths of a second."""

PASSING = 4
"""Candidates of each run that shall have an even chance or better: few runs end without one, few with their first."""

EPSILON = 1e-6
"""Keeps F finite at the maximum."""

BurnIn = Callable[[int], Tensor]
"""From a class to the logits of its burn-in: (n,)."""


class NotALogitError(ValueError):
    """Rejection sampling was asked for by a score that is no logarithm of a ratio of densities."""

    def __init__(self, family: str, kind: ScoreKind) -> None:
        self.family, self.kind = family, kind
        super().__init__(
            f"the score of {family} is of the kind {kind}: rejection sampling needs the kind {ScoreKind.LOGIT}, "
            "from which alone follows how often to accept"
        )


@dataclass(frozen=True, slots=True)
class Rejection:
    """How often candidates are accepted. maximum: D_M; gamma: the shift. Both on the scale of the logits."""

    maximum: float
    gamma: float = 0.0

    @classmethod
    def measured(cls, logits: Tensor, *, run: int) -> "Rejection":
        """Return the rejection that a burn-in (n,) gives for runs of so many candidates."""
        highest = cls(float(logits.max()))
        share = max(0.0, 1 - PASSING / run)
        return cls(highest.maximum, float(highest.log_odds(logits).quantile(share)))

    def log_odds(self, logits: Tensor) -> Tensor:
        """Return F of each logit, in the same shape and double precision."""
        below = (logits.double() - self.maximum).clamp(max=0)
        return below - (-(below - EPSILON).expm1()).log() - self.gamma

    def probability(self, logits: Tensor) -> Tensor:
        """Return the probability by which each is accepted, in the same shape."""
        return self.log_odds(logits).sigmoid()


def require_logit(family: Family[Any]) -> None:
    """Raise NoScoreError for a family without a score, NotALogitError for one whose score is another kind."""
    if family.score_kind is None:
        raise NoScoreError(family.name)
    if family.score_kind is not ScoreKind.LOGIT:
        raise NotALogitError(family.name, family.score_kind)


def draw_burn_in(sampler: Sampler, label: int, *, truncation: float = 1.0, controls: Controls | None = None) -> Tensor:
    """Return the logits of BURN_IN candidates of a class, (BURN_IN,): the same for every seed of pictures.

    Of a network without labels all candidates count, whatever they show: it has one ratio, and one maximum of it.
    Raises NoScoreError, NotALogitError.
    """
    require_logit(sampler.family)
    labels = [label] * BURN_IN
    seed = derive_seed("burn-in")
    images = sampler.sample(range(BURN_IN), seed=seed, labels=labels, truncation=truncation, controls=controls)
    return sampler.score(images, torch.tensor(labels))


def measure_rejections(sampler: Sampler, labels: Iterable[int], run: int, burn_in: BurnIn) -> Mapping[int, Rejection]:
    """Return the rejection of each class for runs of so many candidates; without labels, one for all."""
    if sampler.is_conditional:
        return {label: Rejection.measured(burn_in(label), run=run) for label in set(labels)}
    return dict.fromkeys(labels, Rejection.measured(burn_in(0), run=run))


def draw_lots(numbers: Tensor, seed: int) -> Tensor:
    """Return a number from U(0, 1) for each candidate, in the shape of their numbers: of seed and number alone."""
    blocks, places = numbers.flatten() // BLOCK, numbers.flatten() % BLOCK
    drawn, rows = torch.unique(blocks, return_inverse=True)
    return torch.stack([_lots_of_block(int(block), seed) for block in drawn])[rows, places].view(numbers.shape)


def _lots_of_block(block: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(derive_seed("lot", seed, block))
    return torch.rand(BLOCK, generator=generator, dtype=torch.float64)
