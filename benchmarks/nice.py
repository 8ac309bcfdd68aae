"""What choosing by the discriminator is worth: the share of recognised pictures, plain and nice.

    ganery train --local --family dcgan --preset tutorial --images 120000 --out var/local/tutorial
    python -m benchmarks.nice var/local/tutorial/checkpoints/*

A picture is recognised when the shipped judge is sure of its class (probability at least 0.9), and the class is the
one that was asked for where the network takes labels. Prints a row for each `nice_factor`.
"""

import argparse
from pathlib import Path

import torch

from checkpoints.library import load_judge, load_sampler
from models import draw, from_pixels, to_pixels

SURE = 0.9
FACTORS = (1, 2, 5, 20)


def main() -> None:
    """Print the table of the newest of the named checkpoints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "checkpoint", type=Path, nargs="+", help="directories of checkpoints; the last by name is taken"
    )
    parser.add_argument("--count", type=int, default=1000, help="pictures for each row")
    arguments = parser.parse_args()
    directory = max(arguments.checkpoint)
    sampler = load_sampler(directory)
    dataset = sampler.config.dataset
    judge = load_judge(dataset.name)
    labels = [place % len(dataset.classes) for place in range(arguments.count)]
    print(f"{directory.name}, {arguments.count} pictures a row\n{'nice_factor':>11}{'recognised':>12}")
    for factor in FACTORS:
        images = draw(sampler, seed=0, labels=labels, nice_factor=factor).images
        sure, recognised = judge.probabilities(from_pixels(to_pixels(images))).max(dim=1)
        is_recognised = sure >= SURE
        if sampler.is_conditional:
            is_recognised &= recognised == torch.tensor(labels)
        print(f"{factor:>11}{is_recognised.float().mean().item():>12.1%}", flush=True)


if __name__ == "__main__":
    main()
