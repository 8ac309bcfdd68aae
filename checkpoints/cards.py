"""The model card of a checkpoint, from its metadata: what it learnt from and how, how good it is, what it cannot do."""

import json
import shlex
from collections.abc import Iterator

from checkpoints.format import Metadata
from metrics import Metric, metrics, show
from models import families


def model_card(name: str, metadata: Metadata, *, count: int, made_by: str) -> str:
    """Return the card as Markdown.

    count: pictures of which its metrics were measured. made_by: the command, in one line or several.
    """
    spec = metadata.dataset
    commands = "\n".join(f"    {line}" for line in made_by.splitlines())
    return f"""# {name}

{metadata.family}, preset `{metadata.preset}`, trained on the {spec.name} training pictures:
{metadata.images_seen:,} pictures in {metadata.step:,} steps, seed {metadata.seed}{_left(metadata)}.

Made by

{commands}

{_quality(metadata, count)}
It draws {spec.channels} x {spec.size} x {spec.size} pictures of the classes
{spec.listed_classes} and nothing else; its faults are those of its training set.

Batches of {metadata.batch_size}, arithmetic {metadata.precision}, {_average(metadata)}.

Hyperparameters: `{json.dumps(metadata.hyperparameters, sort_keys=True)}`

Training pictures and labels: sha256 `{metadata.dataset_digest}`

Configuration and weights: sha256 `{metadata.digest}`
"""


def _average(metadata: Metadata) -> str:
    half_life = metadata.averaging_half_life
    return f"weights averaged with a half-life of {half_life:,.0f} pictures" if half_life else "weights not averaged"


def _left(metadata: Metadata) -> str:
    return "" if metadata.images_seen >= metadata.images else f", in the midst of a training of {metadata.images:,}"


def _quality(metadata: Metadata, count: int) -> str:
    rows = list(_rows(metadata, count))
    if not rows:
        return "Its pictures were not judged. `ganery evaluate` measures them where the data set has a judge.\n"
    table = "\n".join(rows)
    return f"""Quality, {count:,} pictures against the test pictures in the features of `judge-{metadata.dataset.name}`
(a classifier of our own: the distance FD is no FID). The column real is what as many real pictures have in place of
the drawn ones, where it is on record. `ganery evaluate` measures it; docs/metrics.md says what each metric cannot see.

| | drawn | real | pictures | better |
|---|---:|---:|---:|---|
{table}
{_ratio(metadata)}"""


def _rows(metadata: Metadata, count: int) -> Iterator[str]:
    for metric in metrics().values():
        value, floor = _find(metadata, metric)
        if value is not None:
            looked_at = count if metric.most is None else min(count, metric.most)
            real = "" if floor is None else show(floor)
            yield f"| {metric.title} | {show(value)} | {real} | {looked_at:,} | {metric.better} |"


def _find(metadata: Metadata, metric: Metric) -> tuple[float | None, float | None]:
    return metadata.metrics.get(metric.name), metadata.metrics.get(f"{metric.name}_floor")


def _ratio(metadata: Metadata) -> str:
    value, floor = metadata.metrics.get("fd"), metadata.metrics.get("fd_floor")
    return f"\nFD is {value / floor:.2f} times its floor.\n" if value is not None and floor else ""


def training_command(metadata: Metadata, *, out: str = "DIR") -> str:
    """Return the command that trains the same again; it says only what the preset and the defaults do not.

    Of a family or preset that this version has not, it says all.
    """
    family = families().get(metadata.family)
    preset = None if family is None else family.presets.get(metadata.preset)
    usual = {} if preset is None else preset.hyperparameters.model_dump(mode="json")
    precision = [f"GANERY_PRECISION={metadata.precision}"] if metadata.precision != "float32" else []
    named = {"--family": metadata.family, "--preset": metadata.preset, "--seed": metadata.seed}
    named |= {"--dataset": metadata.dataset.name} if metadata.dataset.name != "mnist" else {}
    named |= {"--images": metadata.images} if preset is None or metadata.images != preset.images else {}
    named |= {"--batch-size": metadata.batch_size} if preset is None or metadata.batch_size != preset.batch_size else {}
    changed = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in metadata.hyperparameters.items()
        if value != usual.get(name)
    }
    options = [str(word) for option in named.items() for word in option]
    options += [word for name, value in changed.items() for word in ("--set", f"{name}={value}")]
    return shlex.join([*precision, "ganery", "train", "--local", *options, "--out", out])
