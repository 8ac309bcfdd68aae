"""How fast a training is, without what is drawn and saved beside it; and how far."""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks._crew import Tell
from checkpoints.files import write_whole
from ganery.display import TrainingBar

TRAINING_SHARE = 0.95
"""Of a run's time, as the time left reckons it; judging takes the rest."""


@dataclass(slots=True)
class Pace:
    """Pictures that were timed, and the seconds of training that they took; kept from one process to the next."""

    images: int = 0
    seconds: float = 0.0

    @property
    def images_per_second(self) -> float | None:
        """The rate, if anything was timed."""
        return self.images / self.seconds if self.seconds else None

    @classmethod
    def read(cls, file: Path) -> "Pace":
        """Return what is kept in a file; nothing where there is none."""
        try:
            return cls(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            return cls()


class Stopwatch(TrainingBar):
    """Times the steps of a training, and tells how far it is. file: keeps the pace.

    A step is timed unless it is the first of a process, which warms up, or follows a report, which draws and saves.
    """

    def __init__(
        self, file: Path, images_per_step: int, tell: Tell, *, now: Callable[[], float] = time.perf_counter
    ) -> None:
        super().__init__(Console(quiet=True))
        self.pace = Pace.read(file)
        self._file, self._images_per_step, self._tell, self._now = file, images_per_step, tell, now
        self._last: float | None = None
        self._is_warm = False

    def say(self, line: str) -> None:
        """Say nothing: other trainings go on beside this one."""

    def move(self, state: str, step: int, total: int) -> None:
        """Take the time at a step."""
        now = self._now()
        if self._last is not None:
            self.pace.seconds += now - self._last
            self.pace.images += self._images_per_step
        self._last = now if self._is_warm else None
        self._is_warm = True
        self._tell(TRAINING_SHARE * step / total, "")

    def losses(self, terms: Mapping[str, Any]) -> None:
        """Hear of a report: keep the pace, and remove older checkpoints than the newest."""
        self._last = None
        self.keep()
        for older in sorted((self._file.parent / "checkpoints").glob("[0-9]*"))[:-1]:
            shutil.rmtree(older)

    def keep(self) -> None:
        """Write the pace to its file."""
        write_whole(self._file, json.dumps(asdict(self.pace)).encode())


class Witness(Stopwatch):
    """Tells how far a training is, and notes what is to be seen of each checkpoint before it is removed.

    look: what is noted of a checkpoint in this directory. noted: by step; kept in `judged.json` in the run's directory.
    """

    def __init__(
        self, directory: Path, images_per_step: int, tell: Tell, look: Callable[[Path], Mapping[str, float | None]]
    ) -> None:
        super().__init__(directory / "pace.json", images_per_step, tell)
        self._checkpoints, self._notes, self._look = directory / "checkpoints", directory / "judged.json", look
        self.noted = read_notes(directory)

    def losses(self, terms: Mapping[str, Any]) -> None:
        """Hear of a report, after which older checkpoints than the newest are removed."""
        self.note()
        super().losses(terms)

    def note(self) -> None:
        """Look at the checkpoints on disk that are not noted yet."""
        found = {int(one.name): one for one in self._checkpoints.glob("[0-9]*")}
        for step in sorted(found.keys() - self.noted.keys()):
            self.noted[step] = dict(self._look(found[step]))
            write_whole(self._notes, json.dumps(self.noted).encode())


def read_notes(directory: Path) -> dict[int, dict[str, float | None]]:
    """Return what was noted of each checkpoint of a run, by step."""
    try:
        return {int(step): told for step, told in json.loads((directory / "judged.json").read_text()).items()}
    except (OSError, ValueError):
        return {}
