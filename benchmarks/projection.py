"""How long it takes to find the latent of a picture, and what gradients are worth beside random search.

    python -m benchmarks.projection [--pictures 20] [--data var/datasets]

Finds pictures of MNIST's test set, which the networks never saw, in the checkpoint that ships, on one thread: by
`project`, and by drawing latents at random for as many seconds of the processor and keeping the best. Prints the
seconds that a picture takes, and the root of the mean square of the pixels' differences, of 1, for the best of each.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
from torch import Tensor

from checkpoints.library import DEFAULT_CHECKPOINT, PRETRAINED, load_judge, load_sampler
from datasets import load_dataset
from models import BLOCK, LatentSpace, derive_seed, from_pixels, project

_DRAWN_AT_ONCE = 10 * BLOCK


def search(space: LatentSpace, target: Tensor, seconds: float) -> float:
    """Return the least error of latents that are drawn at random for so many seconds of the processor."""
    began, least, first = time.process_time(), 1.0, 0
    while time.process_time() - began < seconds:
        numbers = range(first, first + _DRAWN_AT_ONCE)
        images = space.draw(
            space.find(derive_seed("search"), numbers), space.weigh([number % 10 for number in numbers])
        )
        errors = ((images - target) / 2).square().mean(dim=(1, 2, 3)).sqrt()
        least, first = min(least, float(errors.min())), first + _DRAWN_AT_ONCE
    return least


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--data", type=Path, default=Path("var/datasets"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    space = LatentSpace(load_sampler(PRETRAINED / DEFAULT_CHECKPOINT))
    test = load_dataset("mnist", arguments.data, split="test")
    judge = load_judge("mnist")
    seconds, walls, found, drawn, right = [], [], [], [], 0
    for picture, label in zip(from_pixels(test.images[: arguments.pictures]), test.labels.tolist(), strict=False):
        began, wall = time.process_time(), time.perf_counter()
        matches = project(space, picture[None], judge, labels=range(10), count=8)
        seconds.append(time.process_time() - began)
        walls.append(time.perf_counter() - wall)
        found.append(min(match.pixel_error for match in matches))
        drawn.append(search(space, picture[None], seconds[-1]))
        right += matches[0].label == label
    print(f"{arguments.pictures} pictures of MNIST's test set, {space.dim} coordinates, one thread")
    for name, values in (("processor seconds", seconds), ("seconds by the clock", walls)):
        print(f"{name:<24}median {statistics.median(values):.2f}   most {max(values):.2f}")
    for name, values in (("error, projection", found), ("error, random search", drawn)):
        print(f"{name:<24}mean   {statistics.mean(values):.4f}")
    print(f"{'ratio of the errors':<24}{statistics.mean(drawn) / statistics.mean(found):.2f}")
    print(f"{'class of the best':<24}{right} of {arguments.pictures}")


if __name__ == "__main__":
    main()
