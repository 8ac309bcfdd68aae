"""What the flagship's choices are worth: its recipe with one thing changed at a time, at an equal budget of images.

    python -m benchmarks.flagship --images 60000

Prints CPU seconds of training, FD, label accuracy, precision and recall for each variant (docs/decisions/0007).
"""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from checkpoints.library import load_judge
from datasets import load_dataset
from metrics import Reference
from models import FLAGSHIP, find_family
from workers.evaluation import evaluate
from workers.trainer import Plan, Precision, Trainer

METRICS = ("fd", "label_accuracy", "precision", "recall")

VARIANTS: Mapping[str, tuple[Mapping[str, Any], Precision]] = {
    "as it is": ({}, "float32"),
    "relativistic, R1 + R2 each step": ({"loss": "relativistic", "penalty_interval": 1}, "float32"),
    "penalty each step": ({"penalty_interval": 1}, "float32"),
    "learning rates of a third": (
        {"generator_learning_rate": 1e-3, "discriminator_learning_rate": 5e-4},
        "float32",
    ),
    "penalty weight 0.3": ({"penalty_weight": 0.3}, "float32"),
    "bfloat16": ({}, "bfloat16"),
}


def main() -> None:
    """Train and judge each variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--data", type=Path, default=Path("var/datasets"), help="cache of the data sets")
    parser.add_argument("--only", choices=VARIANTS, action="append", help="a variant; may be repeated")
    arguments = parser.parse_args()
    family = find_family(FLAGSHIP)
    preset = family.preset(family.default_preset)
    train, test = (load_dataset("mnist", arguments.data, split=split, report=print) for split in ("train", "test"))
    reference = Reference.of(load_judge("mnist"), train, test)
    print(f"{'variant':<34}{'CPU s':>7}{'FD':>8}{'label':>8}{'prec.':>8}{'recall':>8}")
    for name in arguments.only or VARIANTS:
        changes, precision = VARIANTS[name]
        config = family.configure(preset.hyperparameters.model_dump() | dict(changes), train.spec)
        plan = Plan.of(family.default_preset, preset, seed=0, images=arguments.images)
        trainer = Trainer(family, config, plan, train, precision=precision)
        began = time.process_time()
        while not trainer.is_finished:
            trainer.step()
        seconds = time.process_time() - began
        report = evaluate(trainer.sampler(), reference, names=METRICS)
        print(f"{name:<34}{seconds:>7.0f}" + "".join(f"{report[one].value:>8.3f}" for one in METRICS), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
