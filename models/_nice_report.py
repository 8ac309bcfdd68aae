"""What choosing is worth and what it costs: quality and diversity against the candidates that a picture is chosen from.

Quality is what the judge of the data set recognises. Diversity is the mean distance between two pictures of one class
in the judge's features, as a share of what it is where nothing is chosen. It falls where the discriminator likes one
manner of writing a digit, and rises where it likes those that the generator draws too seldom.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from math import isfinite, sqrt

import torch
from torch import Tensor

from models._classifier import PictureJudge
from models._family import ScoreKind
from models._grid import from_pixels, to_pixels
from models._rejection import BurnIn, Rejection, draw_burn_in, measure_rejections
from models._sampler import NoScoreError, Sampler
from models._selection import NiceMethod, Selection, draw_candidates

NICE_FACTORS = (2, 5, 10, 20)
"""Candidates for each picture that are compared with one."""

SURE = 0.9
"""The least probability by which the judge recognises a picture."""

_MANNERS = {None: "nothing chosen", NiceMethod.TOP: "the best of each", NiceMethod.DRS: "by rejection sampling"}


@dataclass(frozen=True, slots=True)
class NiceRow:
    """What came of one manner of choosing. method: None where nothing was chosen. candidates: how many were drawn.

    recognised: the share of pictures that the judge is sure of (SURE), and as the class that was asked for where one
    could be. confidence: the mean probability of that class, or of the most probable one. diversity: 1 where nothing
    is chosen; None where no class has two pictures. classes_covered: the share of the classes of which a picture was
    recognised. accepted_share: the share that rejection sampling accepted, where it chose.
    """

    nice_factor: int
    method: NiceMethod | None
    candidates: int
    recognised: float
    confidence: float
    diversity: float | None
    classes_covered: float
    accepted_share: float | None


@dataclass(frozen=True, slots=True)
class NiceReport:
    """A row for every manner of choosing `count` pictures; the first is of pictures that nothing chose."""

    count: int
    rows: tuple[NiceRow, ...]

    @property
    def sentence(self) -> str:
        """What the most candidates do, in plain words, and what chance alone would."""
        plain, most = self.rows[0], max(row.nice_factor for row in self.rows)
        told = [_compare(plain, row) for row in self.rows[1:] if row.nice_factor == most]
        return (
            f"{most} candidates a picture: {'; '.join(told)}. By chance alone a share of {self.count} pictures "
            f"deviates by {_percent(self.deviation)}."
        )

    @property
    def deviation(self) -> float:
        """The standard deviation of a share such as `recognised` where nothing is chosen, with two more of each kind.

        Those keep it above 0 where all are recognised (Agresti & Coull 1998).
        """
        share = (self.rows[0].recognised * self.count + 2) / (self.count + 4)
        return sqrt(share * (1 - share) / (self.count + 4))


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the judge says of some pictures. probability: of the class that counts; spread: of each class, or NaN."""

    label: Tensor
    recognised: Tensor
    probability: Tensor
    spread: Tensor


@torch.inference_mode()
def report_nice(
    sampler: Sampler,
    judge: PictureJudge,
    *,
    seed: int,
    count: int,
    factors: Sequence[int] = NICE_FACTORS,
    burn_in: BurnIn | None = None,
) -> NiceReport:
    """Draw `count` pictures, of every class in turn, in each manner of choosing, and judge them.

    The pictures are those that `draw` gives for the seed. factors: above 1. burn_in: what rejections are measured on;
    default, drawn anew. Raises NoScoreError where nothing can choose.
    """
    if sampler.family.score is None:
        raise NoScoreError(sampler.family.name)
    burn_in = burn_in or cache(partial(draw_burn_in, sampler))
    classes = len(sampler.config.dataset.classes)
    labels = [place % classes for place in range(count)]
    asked = torch.tensor(labels) if sampler.is_conditional else None
    plain = draw_candidates(sampler, seed=seed, labels=labels).choose()
    judged = _judge(judge, plain.images, asked)
    rows = [_row(1, None, plain, judged, judged)]
    for factor in factors:
        candidates = draw_candidates(sampler, seed=seed, labels=labels, nice_factor=factor)
        for method, rejections in _manners(sampler, labels, factor, burn_in):
            selection = candidates.choose(rejections)
            rows.append(_row(factor, method, selection, _judge(judge, selection.images, asked), judged))
    return NiceReport(count, tuple(rows))


def mean_pairwise_distance(features: Tensor) -> float:
    """Return the mean Euclidean distance between two different rows of (n, d); NaN of fewer than two."""
    return float(torch.pdist(features).mean())


def _manners(
    sampler: Sampler, labels: Sequence[int], factor: int, burn_in: BurnIn
) -> Iterator[tuple[NiceMethod, Mapping[int, Rejection] | None]]:
    yield NiceMethod.TOP, None
    if sampler.family.score_kind is ScoreKind.LOGIT:
        yield NiceMethod.DRS, measure_rejections(sampler, labels, factor, burn_in)


def _judge(judge: PictureJudge, images: Tensor, asked: Tensor | None) -> _Judged:
    """Judge pictures as a PNG holds them. asked: the class of each, (n,), where one was asked for."""
    features = judge.features(from_pixels(to_pixels(images)))
    probabilities = judge.head(features).softmax(dim=1)
    label = probabilities.argmax(dim=1) if asked is None else asked
    probability = probabilities.gather(1, label[:, None])[:, 0]
    spread = [mean_pairwise_distance(features[label == one]) for one in range(probabilities.shape[1])]
    return _Judged(label, probability >= SURE, probability, torch.tensor(spread))


def _row(factor: int, method: NiceMethod | None, selection: Selection, judged: _Judged, plain: _Judged) -> NiceRow:
    return NiceRow(
        nice_factor=factor,
        method=method,
        candidates=selection.candidates,
        recognised=float(judged.recognised.double().mean()),
        confidence=float(judged.probability.double().mean()),
        diversity=_ratio(judged.spread, plain.spread),
        classes_covered=len(torch.unique(judged.label[judged.recognised])) / len(judged.spread),
        accepted_share=selection.accepted_share,
    )


def _ratio(spread: Tensor, plain: Tensor) -> float | None:
    """Return the ratio of the means over the classes that both know; None where there are none, or all are alike."""
    known = spread.isfinite() & plain.isfinite()
    ratio = float(spread[known].sum() / plain[known].sum())
    return ratio if isfinite(ratio) else None


def _compare(plain: NiceRow, row: NiceRow) -> str:
    diversity = "unknown" if row.diversity is None else f"{100 * (row.diversity - 1):+.0f} %"
    recognised = f"recognised {_percent(plain.recognised)} -> {_percent(row.recognised)}"
    return f"{_MANNERS[row.method]}, {recognised}, diversity {diversity}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
