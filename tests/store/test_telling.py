"""Numbers, durations and moments in words."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from store.telling import tell_day, tell_duration, tell_minute, tell_second, tell_setting, tell_thousands, tell_value


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0"), (999, "999"), (60_000, "60,000"), (-1_234_567, "-1,234,567"), (2_500.4, "2,500")]
)
def test_thousands_are_set_apart(number: float, expected: str) -> None:
    assert tell_thousands(number) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(0.27314, "0.2731"), (12.1, "12.1"), (10.0, "10"), (0.000791712, "0.0007917"), (0.0, "0")]
)
def test_a_value_has_four_digits_that_tell_something(value: float, expected: str) -> None:
    assert tell_value(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0002, "0.0002"),
        (0.897943, "0.8979"),
        (True, "true"),
        (64, "64"),
        (1e6, "1000000"),
        (1e300, "1e+300"),
        ("uniform", "uniform"),
    ],
)
def test_a_setting_is_told_as_a_request_has_it(value: object, expected: str) -> None:
    assert tell_setting(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.4, "0 s"),
        (41, "41 s"),
        (59.7, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3_600, "1 h 0 min"),
        (7_325, "2 h 2 min"),
        (93_600, "1 d 2 h"),
    ],
)
def test_a_duration_is_told_by_its_largest_units(seconds: float, expected: str) -> None:
    assert tell_duration(seconds) == expected


def test_a_moment_is_told_in_utc_wherever_it_comes_from() -> None:
    late = datetime(2026, 11, 28, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
    assert tell_minute(late) == "2026-11-27 23:02 UTC"
    assert tell_second(late) == "2026-11-27 23:02:03"
    assert tell_day(late) == "2026-11-27"
    assert tell_day(datetime(2026, 11, 28, tzinfo=UTC)) == "2026-11-28"
