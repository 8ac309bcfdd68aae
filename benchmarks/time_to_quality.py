"""Train the tutorial's script and the flagship's quick preset side by side: pictures a second, seconds to a distance.

    python -m benchmarks.time_to_quality --minutes 10

The tutorial's networks train for the given time; their best FD (Fréchet distance in the features of the shipped
judge) is the mark. Then the quick preset trains until it reaches the mark. Judging is not counted. Both run in this
process, one after the other, on as many threads; quote the ratio, not the seconds.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from checkpoints.library import load_judge
from datasets import TrainingData, load_dataset
from metrics import frechet_distance
from models import FLAGSHIP, find_family, from_pixels, to_pixels
from workers.trainer import Plan, Trainer

PICTURES = 5_000
WARM_UP_STEPS = 5


@dataclass(frozen=True, slots=True)
class Point:
    """Where a training stands: seconds of training, pictures seen, FD."""

    seconds: float
    images: int
    distance: float


def follow(family: str, preset: str, data: TrainingData, test: TrainingData, every: float) -> Iterator[Point]:
    """Train, and yield a point after about each `every` seconds of training."""
    trainer = start(family, preset, data)
    for _ in range(WARM_UP_STEPS):  # of a second trainer of the same shapes
        trainer.step()
    trainer = start(family, preset, data)
    judge = load_judge(data.spec.name)
    wanted = judge.features(from_pixels(test.images))
    labels = data.labels[:PICTURES].tolist()  # the classes as often as in the data
    seconds = 0.0
    while not trainer.is_finished:
        began = time.perf_counter()
        while time.perf_counter() - began < every and not trainer.is_finished:
            trainer.step()
        seconds += time.perf_counter() - began
        images = trainer.sampler().sample(range(PICTURES), seed=0, labels=labels)
        distance = frechet_distance(judge.features(from_pixels(to_pixels(images))), wanted)
        yield Point(seconds, trainer.images_seen, distance)


def start(family_name: str, preset_name: str, data: TrainingData) -> Trainer:
    """Return a preset's trainer at step 0, with seed 0."""
    family = find_family(family_name)
    preset = family.preset(preset_name)
    plan = Plan.of(preset_name, preset, seed=0)
    return Trainer(family, family.configure(preset.hyperparameters.model_dump(), data.spec), plan, data)


def main() -> None:
    """Print both curves and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="training time of the tutorial's networks")
    parser.add_argument("--data", type=Path, default=Path("var/datasets"), help="cache of the data sets")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    data, test = (load_dataset("mnist", arguments.data, split=split, report=print) for split in ("train", "test"))

    print(f"\n{'preset':<10}{'seconds':>9}{'pictures':>10}{'FD':>9}")
    mark = _print_until(arguments.minutes * 60, follow("dcgan", "tutorial", data, test, every=60), "tutorial")
    ours = follow(FLAGSHIP, "quick", data, test, every=1)
    reached = next((_printed(point, "quick") for point in ours if point.distance <= mark.distance), None)
    if reached is None:
        raise SystemExit(f"the quick preset did not reach FD {mark.distance:.1f}")
    print(
        f"\npictures a second   tutorial {mark.images / mark.seconds:.0f}, quick {reached.images / reached.seconds:.0f}"
    )
    print(f"seconds to FD {mark.distance:.1f}   tutorial {mark.seconds:.0f}, quick {reached.seconds:.1f}")
    print(f"ratio in time to equal quality   {mark.seconds / reached.seconds:.0f}")


def _print_until(seconds: float, points: Iterator[Point], name: str) -> Point:
    best: Point | None = None
    for point in points:
        _printed(point, name)
        if best is None or point.distance < best.distance:
            best = point
        if point.seconds >= seconds:
            break
    assert best is not None
    return best


def _printed(point: Point, name: str) -> Point:
    print(f"{name:<10}{point.seconds:>9.1f}{point.images:>10}{point.distance:>9.2f}", flush=True)
    return point


if __name__ == "__main__":
    main()
