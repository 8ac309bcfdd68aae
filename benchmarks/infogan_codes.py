"""What InfoGAN has found out without labels: how well its categorical code tells the digits.

    ganery train --local --family infogan --seed 0 --out var/local/infogan
    python -m benchmarks.infogan_codes var/local/infogan/checkpoints/* --out var/local/infogan/codes.png

Each code is matched with a digit, one to one, on the first 10,000 training pictures, and the agreement is counted on
the test pictures; Chen et al. 2016, section 7.2, have 95 %. `--out` gets two sheets one above the other: a row for each
code, in the order of its digits, and from left to right c1, in the lower sheet c2, from -2 to 2; the noise is the same.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from checkpoints.library import load_sampler
from datasets import TrainingData, load_dataset
from models import Sampler, encode_png, from_pixels, lay_out, to_pixels
from models.infogan import FAMILY, InfoGANControls, recognise

MATCHED = 10_000
COLUMNS = 10
BEYOND = 2.0


@torch.inference_mode()
def guess_codes(sampler: Sampler, pixels: Tensor) -> Tensor:
    """Return the most probable code of each picture: (n,). pixels: (n, c, h, w) uint8."""
    batches = torch.split(pixels, 500)
    return torch.cat([recognise(sampler.networks, sampler.config, from_pixels(one)).argmax(dim=1) for one in batches])


def count_pairs(codes: Tensor, labels: Tensor, categories: int, classes: int) -> Tensor:
    """Return how many pictures have each code and each label: (categories, classes)."""
    return (codes * classes + labels).bincount(minlength=categories * classes).view(categories, classes)


def match(counts: Tensor) -> Tensor:
    """Return the label that stands for each code, one to one for the most agreement, -1 for a code left over."""
    codes, labels = linear_sum_assignment(counts.numpy(), maximize=True)
    matched = torch.full((len(counts),), -1)
    matched[torch.from_numpy(codes)] = torch.from_numpy(labels)
    return matched


def sweep(sampler: Sampler, controls: Sequence[str], swept: str, codes: Sequence[int], seed: int) -> Tensor:
    """Return pictures of each code (a row) over the range of a continuous code, the others 0, of one noise: uint8."""
    rows = []
    for code in codes:
        for value in torch.linspace(-BEYOND, BEYOND, COLUMNS).tolist():
            chosen = InfoGANControls.model_validate({**dict.fromkeys(controls, 0), "code": code, swept: value})
            rows.append(sampler.sample([0], seed=seed, labels=[0], controls=chosen))
    return to_pixels(torch.cat(rows))


def describe(counts: Tensor, matched: Tensor, test: TrainingData) -> None:
    """Print a row for each code: what it stands for, and the pictures of each class that have it."""
    print(f"{'code':>4}{'class':>7}  pictures of {', '.join(test.spec.classes)}")
    for code in matched.argsort().tolist():
        name = test.spec.classes[matched[code]] if matched[code] >= 0 else "-"
        print(f"{code:>4}{name:>7}  " + "".join(f"{count:>6}" for count in counts[code].tolist()))


def main() -> None:
    """Print the agreement of the newest of the named checkpoints, and write its sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "checkpoint", type=Path, nargs="+", help="directories of checkpoints; the last by name is taken"
    )
    parser.add_argument("--data", type=Path, default=Path("var/datasets"), help="cache of the data sets")
    parser.add_argument("--out", type=Path, help="where the sheets go, a PNG")
    parser.add_argument("--seed", type=int, default=0, help="of the sheets")
    arguments = parser.parse_args()
    directory = max(arguments.checkpoint)
    sampler = load_sampler(directory)
    if sampler.family is not FAMILY:
        raise SystemExit(f"{directory} is of {sampler.family.name}, which has no codes")
    chosen, dataset = sampler.config.hyperparameters, sampler.config.dataset
    train, test = (load_dataset(dataset.name, arguments.data, split=split, report=print) for split in ("train", "test"))
    shape = chosen.categories, len(dataset.classes)
    matched = match(count_pairs(guess_codes(sampler, train.images[:MATCHED]), train.labels[:MATCHED], *shape))
    codes = guess_codes(sampler, test.images)
    describe(count_pairs(codes, test.labels, *shape), matched, test)
    agreement = (matched[codes] == test.labels).float().mean().item()
    print(f"{directory.name}: the code tells {agreement:.2%} of {len(codes)} test pictures")
    if arguments.out is not None and chosen.continuous_codes:
        controls = ("c1", "c2")[: chosen.continuous_codes]
        in_order = matched.argsort().tolist()
        sheets = [sweep(sampler, controls, swept, in_order, arguments.seed) for swept in controls]
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_bytes(encode_png(lay_out(torch.cat(sheets), columns=COLUMNS, scale=2)))


if __name__ == "__main__":
    main()
