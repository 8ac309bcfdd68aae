"""From what a study draws hyperparameters: ranges, and draws that are a function of a seed and a number.

A study after Lucic et al. 2018 (https://arxiv.org/abs/1711.10337) compares distributions: each family is trained with
many random hyperparameters at one budget, so none wins by being tuned with more care.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from models._noise import derive_seed

Value = float | int | bool | str

_DIGITS = 4
"""Digits that a drawn number keeps: enough to search by, short to read, and equal on every machine."""


@dataclass(frozen=True, slots=True)
class Uniform:
    """Numbers in [low, high), all alike, to four decimal places."""

    low: float
    high: float
    kind: Literal["uniform"] = "uniform"

    def at(self, share: float) -> float:
        """Return the number at this share, in [0, 1), of the way, rounded down: `high` itself is never drawn."""
        value = _keep_below(self.high, self.low + share * (self.high - self.low))
        return max(self.low, _round_down(value, _DIGITS))


@dataclass(frozen=True, slots=True)
class LogUniform:
    """Positive numbers in [low, high) whose logarithms are all alike, to four significant digits."""

    low: float
    high: float
    kind: Literal["log_uniform"] = "log_uniform"

    def at(self, share: float) -> float:
        """Return the number at this share of the way in logarithms, rounded down."""
        value = _keep_below(self.high, self.low * (self.high / self.low) ** share)
        return max(self.low, _round_down(value, _DIGITS - 1 - math.floor(math.log10(value))))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values, all alike."""

    values: tuple[Value, ...]
    kind: Literal["choice"] = "choice"

    def at(self, share: float) -> Value:
        """Return the value in whose part of [0, 1) the share lies."""
        return self.values[int(share * len(self.values))]


Range = Uniform | LogUniform | Choice
"""What a hyperparameter may be."""


def draw_hyperparameters(search: Mapping[str, Range], *, seed: int, family: str, trial: int) -> dict[str, Value]:
    """Return a value from each range: always the same for the same study seed, family and number of the trial.

    Each has a stream of its own, so a range that is added or changed leaves the other values as they were.
    """
    streams = {name: derive_seed("search", seed, family, trial, name) for name in search}
    return {name: search[name].at((stream >> 10) / 2**53) for name, stream in streams.items()}


def _keep_below(high: float, value: float) -> float:
    return min(value, math.nextafter(high, -math.inf))  # the last bit of a share may be lost on the way


def _round_down(value: float, places: int) -> float:
    """Return the number with so many decimal places, which may be negative."""
    rounded = round(value, places)
    return rounded if rounded <= value else round(rounded - 10.0**-places, places)
