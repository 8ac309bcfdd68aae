"""Whether `nice` chooses well by a batch norm's moving statistics: beside choosing by those of each batch.

    python -m benchmarks.zoo --families gan,lsgan,dcgan,acgan
    python -m benchmarks.score_statistics var/zoo/*/checkpoints/00001875

The service scores by moving statistics, so that a picture's score is its own; a discriminator learns by those of each
batch, which are of real or of drawn pictures alone. A row for each checkpoint: the share of pairs of a real and a drawn
picture in which the real one has the higher score, and the share of recognised pictures, of all and of the best of each
run, by either kind of score.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks._runs import positive
from checkpoints.library import load_judge, load_sampler
from datasets import load_dataset
from metrics import Pictures
from models import SURE, Sampler, derive_seed, from_pixels, to_pixels
from workers.inspection import separation
from workers.settings import WorkerSettings

REAL = 500
_CELL = 14
_COLUMNS = ("separation", "in play", "recognised", "best of run", "in play")


def measure(sampler: Sampler, real: Tensor, real_labels: Tensor, *, runs: int, run: int) -> tuple[float, ...]:
    """Return the numbers of a row, in the order of the columns.

    real: (n, c, h, w) in [-1, 1]. real_labels: (n,). runs: how many there are of so many candidates each.
    """
    labels = (torch.arange(runs) % len(sampler.config.dataset.classes)).repeat_interleave(run)
    images = sampler.sample(range(len(labels)), seed=derive_seed("score statistics"), labels=labels.tolist())
    judged = Pictures(load_judge(sampler.config.dataset.name), to_pixels(images), None)
    is_recognised = (judged.logits.softmax(dim=1).amax(dim=1) >= SURE).double()

    def look(score: Callable[[Tensor, Tensor], Tensor]) -> tuple[float, float]:
        drawn = score(images, labels)
        places = torch.arange(runs) * run + drawn.view(runs, run).argmax(dim=1)
        return separation(score(real, real_labels), drawn), float(is_recognised[places].mean())

    (apart, best), (apart_in_play, best_in_play) = look(sampler.score), look(sampler.score_in_play)
    return apart, apart_in_play, float(is_recognised.mean()), best, best_in_play


def main() -> None:
    """Print a row for each of the named checkpoints whose family has a score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, nargs="+", help="directories of checkpoints")
    parser.add_argument("--runs", type=positive, default=500)
    parser.add_argument("--run", type=positive, default=5, help="candidates in each run")
    arguments = parser.parse_args()
    print(_line("", _COLUMNS))
    for directory in arguments.checkpoint:
        sampler = load_sampler(directory)
        if sampler.family.score is None:
            continue
        test = load_dataset(sampler.config.dataset.name, WorkerSettings().datasets, split="test")
        real, labels = from_pixels(test.images[:REAL]), test.labels[:REAL]
        found = measure(sampler, real, labels, runs=arguments.runs, run=arguments.run)
        print(_line(sampler.family.name, [f"{share:.1%}" for share in found]), flush=True)


def _line(name: str, cells: Sequence[str]) -> str:
    return name.ljust(_CELL) + "".join(cell.rjust(_CELL) for cell in cells)


if __name__ == "__main__":
    main()
