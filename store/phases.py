"""What a job at work does just now, in words for people."""

from enum import StrEnum


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
