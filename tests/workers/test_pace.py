import pytest

from store.phases import Phase
from store.requests import complete
from tests.workers.service import TRAINING
from workers.pace import Pace

JUDGED, SAVED = 4, 8  # TRAINING's intervals, in steps


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def begun(total_steps: int = 16) -> tuple[Pace, Clock]:
    """A training that has loaded for half a minute, and takes its first step."""
    clock = Clock()
    pace = Pace(complete(TRAINING)[0], total_steps, clock=clock)
    clock.now += 30
    pace.turn(Phase.TRAINING)
    pace.look(0)
    return pace, clock


def train(pace: Pace, clock: Clock, *, first: int, last: int, seconds: float = 1.0) -> None:
    for step in range(first + 1, last + 1):
        clock.now += seconds
        pace.look(step)


def interrupt(pace: Pace, clock: Clock, phase: Phase, seconds: float) -> None:
    pace.turn(phase)
    clock.now += seconds
    pace.turn(Phase.TRAINING)


def test_the_intervals_are_those_that_the_figures_below_suppose() -> None:
    assert (TRAINING.quality_interval, TRAINING.checkpoint_interval) == (JUDGED, SAVED)


def test_loading_and_interruptions_are_no_part_of_the_rate() -> None:
    pace, clock = begun()
    assert pace.rate is None
    train(pace, clock, first=0, last=JUDGED, seconds=0.5)
    assert pace.rate == 2
    interrupt(pace, clock, Phase.JUDGING, 20)
    pace.look(JUDGED)
    assert pace.rate == 2


def test_nothing_is_said_before_all_that_is_due_was_measured() -> None:
    pace, clock = begun()
    train(pace, clock, first=0, last=JUDGED)
    assert pace.remaining(JUDGED) is None
    interrupt(pace, clock, Phase.JUDGING, 20)
    assert pace.remaining(JUDGED) is None  # a checkpoint is due, and none was saved yet
    train(pace, clock, first=JUDGED, last=SAVED)
    interrupt(pace, clock, Phase.JUDGING, 20)
    interrupt(pace, clock, Phase.SAVING, 3)
    assert pace.remaining(SAVED) == pytest.approx(8 * 1 + 2 * 20 + 1 * 3)


def test_after_a_minute_of_training_what_was_not_measured_counts_nothing() -> None:
    pace, clock = begun()
    train(pace, clock, first=0, last=3, seconds=25)
    interrupt(pace, clock, Phase.JUDGING, 0)
    assert pace.remaining(3) == pytest.approx(13 * 25)


def test_a_stretch_of_training_that_goes_on_counts_into_that_minute() -> None:
    pace, clock = begun()
    train(pace, clock, first=0, last=3, seconds=19)
    assert pace.remaining(3) is None
    train(pace, clock, first=3, last=4, seconds=19)
    assert pace.remaining(4) == pytest.approx(12 * 19)


def test_the_time_left_goes_on_through_a_judgement_without_a_jump() -> None:
    pace, clock = begun()
    train(pace, clock, first=0, last=SAVED)
    for seconds in (60, 10):  # the first prepares what later ones find ready
        interrupt(pace, clock, Phase.JUDGING, seconds)
    interrupt(pace, clock, Phase.SAVING, 2)
    train(pace, clock, first=SAVED, last=12)
    before = pace.remaining(12)
    pace.turn(Phase.JUDGING)
    clock.now += 4
    assert before is not None
    assert pace.remaining(12) == pytest.approx(before + 10 - 4)  # it is under way, and no longer to come
    clock.now += 6
    assert pace.remaining(12) == pytest.approx(before)


def test_at_the_last_step_what_is_left_is_the_judgement_under_way_as_long_as_the_longest() -> None:
    pace, clock = begun()
    train(pace, clock, first=0, last=16)
    for seconds in (60, 10):
        interrupt(pace, clock, Phase.JUDGING, seconds)
    interrupt(pace, clock, Phase.SAVING, 2)
    pace.turn(Phase.JUDGING)
    clock.now += 15
    assert pace.remaining(16) == pytest.approx(45)
    clock.now += 90
    assert pace.remaining(16) == 0
