"""What a job at work does just now, and how long it will go on, in words for people."""

from enum import StrEnum

_MINUTE, _HOUR = 60, 3600
_IN_MINUTES = 90 * _MINUTE


class Phase(StrEnum):
    """What a training does. Only while it is TRAINING does its step grow."""

    STARTING = "starting"
    TRAINING = "training"
    JUDGING = "judging"
    SAVING = "saving"


DESCRIPTIONS = {
    Phase.STARTING: "starting: it loads its data and builds its networks",
    Phase.TRAINING: "training",
    Phase.JUDGING: "judging its pictures beside real ones",
    Phase.SAVING: "saving its weights",
}


def tell_left(seconds: float) -> str:
    """Return the time that is left in words, as exact as a guess deserves."""
    if seconds < _MINUTE:
        return "less than a minute left"
    if seconds < _IN_MINUTES:
        return f"about {round(seconds / _MINUTE)} min left"
    return f"about {round(seconds / _HOUR)} h left"
