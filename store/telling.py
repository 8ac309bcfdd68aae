"""Numbers, durations and moments as people read them: one way of telling each, on every page and in every message.

Most of them are filters of the templates too, without `tell_`: `{{ job.step | thousands }}`.
"""

from datetime import UTC, datetime
from typing import TypeVar

_MINUTE, _HOUR = 60, 3600
_IN_MINUTES = 90 * _MINUTE
Value = TypeVar("Value")

_EXACT = 2**53
"""Whole numbers below this are exact as numbers with a point too."""


def tell_thousands(number: float) -> str:
    """Return a whole number with a comma between thousands: 60,000."""
    return f"{round(number):,}"


def tell_value(value: float) -> str:
    """Return a measured value in at most four digits that tell something: 0.2731, 12.1, 10."""
    return f"{value:.4g}"


def tell_setting(value: object) -> str:
    """Return a hyperparameter as one would write it into a request: 0.0002, 1000000, true, uniform."""
    plain = drop_point(value)
    if isinstance(plain, float):
        return tell_value(plain)
    return str(plain).lower() if isinstance(plain, bool) else str(plain)


def drop_point(value: Value) -> Value | int:
    """Return a number that is whole, and exact as such, without a point: 1000000 for 1e6; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value


def tell_duration(seconds: float) -> str:
    """Return a duration in its two largest units: 1 d 2 h, 1 h 5 min, 3 min 20 s, 41 s."""
    whole = round(seconds)
    for size, unit, part, smaller in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {smaller}"
    return f"{whole} s"


def tell_left(seconds: float) -> str:
    """Return the time that is left in words, as exact as a guess deserves."""
    if seconds < _MINUTE:
        return "less than a minute left"
    if seconds < _IN_MINUTES:
        return f"about {round(seconds / _MINUTE)} min left"
    return f"about {round(seconds / _HOUR)} h left"


def tell_minute(moment: datetime) -> str:
    """Return a moment to the minute, in UTC: 2026-11-28 04:59 UTC. moment: with a time zone."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def tell_second(moment: datetime) -> str:
    """Return a moment to the second, in UTC, where the zone is told elsewhere: 2026-11-28 04:59:32."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def tell_day(moment: datetime) -> str:
    """Return the day of a moment, in UTC: 2026-11-28."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
