"""`ganery judge train`, `ganery evaluate` and `ganery publish`: how good a checkpoint is, and which ones ship."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from checkpoints.format import Checkpoint, CheckpointError, Metadata, load, read_metadata, recover, save
from checkpoints.library import (
    PRETRAINED,
    current_judge,
    find_shipped,
    has_judge,
    judge_directory,
    load_judge,
    shipped,
    to_sampler,
)
from checkpoints.packing import pack
from datasets import DatasetUnavailableError, TrainingData, load_dataset
from ganery.holding import HeldError, hold
from ganery.processes import Say
from metrics import DEFAULT_METRICS, Measurement, Reference, UnknownMetricError, choose, find_metric, show, tabulate
from models import DERIVED_JUDGES, UnknownDatasetError, find_family
from store.checkpoints import checkpoint_id
from store.settings import StoreSettings
from workers.evaluation import PICTURES, Report, evaluate
from workers.gan_train import classifier_trainer
from workers.inception import InceptionUnavailableError, load_inception
from workers.judging import train_judge

_NAMED = 10
"""Trained checkpoints that an error names."""

_WRITTEN = re.compile(r"(?P<step>\d+)-(?P<token>\d+)")
"""The name of the directory of a trained checkpoint: CheckpointKeeper gives it."""

FID = "fid"
"""The metric that needs what does not ship."""


class UnknownCheckpointError(Exception):
    """Nothing that was trained or ships has this name, and no directory either."""

    def __init__(self, name: str, shipped_names: Iterable[str], trained_ids: Sequence[str]) -> None:
        self.name = name
        trained = f"; trained are {', '.join(trained_ids)}" if trained_ids else "; none is trained yet"
        super().__init__(
            f"there is no checkpoint {name!r}: {', '.join(shipped_names) or 'none'} ships{trained}; "
            "name one of these, or the directory of one"
        )


class UnfinishedTrainingError(Exception):
    """A checkpoint from the midst of a training does not ship."""

    def __init__(self, directory: Path, metadata: Metadata) -> None:
        super().__init__(
            f"{directory} has seen {metadata.images_seen:,} of {metadata.images:,} pictures: let its training go on "
            "to its end, and publish the last checkpoint"
        )


class NoJudgeError(Exception):
    """Nothing can tell how good pictures of the data set are."""

    def __init__(self, dataset: str) -> None:
        super().__init__(f"{dataset} has no judge, whose features carry every distance: ganery judge train {dataset}")


class JudgeNotTrainedError(Exception):
    """The judge of the data set is made of others: there is nothing to train."""

    def __init__(self, dataset: str, parts: tuple[str, ...]) -> None:
        self.dataset, self.parts = dataset, parts
        trained = f"train what it is made of: ganery judge train {parts[0]}" if parts else "it needs no training"
        super().__init__(f"the judge of {dataset} is derived, not trained; {trained}")


ERRORS = (
    CheckpointError,
    DatasetUnavailableError,
    HeldError,
    InceptionUnavailableError,
    JudgeNotTrainedError,
    NoJudgeError,
    OSError,
    UnfinishedTrainingError,
    UnknownCheckpointError,
    UnknownDatasetError,
    UnknownMetricError,
)
"""What a person can mend."""


def make_judge(dataset: str, settings: StoreSettings, out: Path | None, say: Say) -> None:
    """Train the judge of a data set and store it, by default where the shipped ones lie.

    Raises JudgeNotTrainedError for one that is made of others.
    """
    if dataset in DERIVED_JUDGES:
        raise JudgeNotTrainedError(dataset, DERIVED_JUDGES[dataset].trained)
    train, test = _both_splits(dataset, settings, say)
    directory = out or judge_directory(dataset)
    written = save(train_judge(train, test, report=say), directory)
    (directory / "README.md").write_text(_judge_card(written))
    say(f"{directory}: recognises {written.metrics['test_accuracy']:.2%} of the test pictures")


def find_checkpoint(name: str, settings: StoreSettings) -> Path:
    """Return the directory of a checkpoint: of a shipped name or id, of the id of a trained one, or the path itself.

    Raises UnknownCheckpointError, which names those that there are.
    """
    if (ours := find_shipped(name)) is not None:
        return ours
    trained = _find_trained(settings)
    if (found := trained.get(name)) is not None:
        return found
    if not Path(name).is_dir():
        newest = sorted(trained, key=lambda one: trained[one].stat().st_mtime, reverse=True)
        raise UnknownCheckpointError(name, shipped(), newest[:_NAMED])
    return Path(name)


def _find_trained(settings: StoreSettings) -> dict[str, Path]:
    """Return where the checkpoints that the service has trained lie, by id; the last written of a step."""
    found: dict[str, tuple[int, Path]] = {}
    for path in settings.checkpoints.glob("*/*-*"):
        if (name := _WRITTEN.fullmatch(path.name)) is not None:
            id_, token = checkpoint_id(path.parent.name, int(name["step"])), int(name["token"])
            found[id_] = max(found.get(id_, (token, path)), (token, path))
    return {id_: path for id_, (_, path) in found.items()}


def judge_checkpoint(
    directory: Path,
    settings: StoreSettings,
    say: Say,
    *,
    names: Sequence[str] = DEFAULT_METRICS,
    count: int | None = None,
) -> tuple[Checkpoint, Report]:
    """Measure pictures of a checkpoint by the metrics or groups of these names, and print the table.

    count: of pictures; default 10,000. FID is measured where it is named, not as one of all.
    """
    chosen = choose(names)
    inception = load_inception() if FID in names else None
    checkpoint = load(directory)
    dataset = checkpoint.metadata.dataset.name
    if not has_judge(dataset):
        raise NoJudgeError(dataset)
    train, test = _both_splits(dataset, settings, say)
    trainer = classifier_trainer(train.spec)
    reference = Reference.of(load_judge(dataset), train, test, train_classifier=trainer, inception=inception)
    report = evaluate(to_sampler(checkpoint), reference, count=count or PICTURES, names=names)
    for line in (*tabulate(report.measurements), *_remarks(report, [one.name for one in chosen])):
        say(line)
    return checkpoint, report


def _remarks(report: Report, names: Sequence[str]) -> Iterator[str]:
    """Yield what the table does not say."""
    if report.distance_ratio is not None:
        yield f"FD is {report.distance_ratio:.2f} times its floor"
    left = [find_metric(name).title for name in names if report.find(name) is None]
    if left:
        yield f"not to be measured here: {', '.join(left)}"


def publish(name: str, directory: Path, settings: StoreSettings, say: Say) -> Path:
    """Judge a checkpoint and put what sampling needs of it among those that ship, with a model card.

    The networks that only score are packed into eight bits: they order pictures, and draw none. Raises
    UnfinishedTrainingError, and HeldError while another publishes.
    """
    metadata = read_metadata(directory)
    if metadata.images_seen < metadata.images:
        raise UnfinishedTrainingError(directory, metadata)
    with hold(settings.data_dir / "publish.lock"):
        return _publish(name, directory, settings, say)


def _publish(name: str, directory: Path, settings: StoreSettings, say: Say) -> Path:
    recover(PRETRAINED, is_dead=lambda other: other == name)  # no other process publishes now
    judge = current_judge(read_metadata(directory).dataset.name)  # before it measures: it might be trained meanwhile
    checkpoint, report = judge_checkpoint(directory, settings, say)
    family = find_family(checkpoint.metadata.family)
    live = {key: value for key, value in checkpoint.networks.items() if key not in checkpoint.averaged}
    scoring = {key: value for key, value in live.items() if key.split(".")[0] not in family.generators}
    networks = {key: value for key, value in live.items() if key not in scoring} | pack(scoring)
    metadata = checkpoint.metadata.model_copy(update={"metrics": _metrics(report), "judge": judge})
    destination = PRETRAINED / name
    metadata = save(replace(checkpoint, metadata=metadata, networks=networks, training_state=None), destination)
    (destination / "README.md").write_text(_model_card(name, replace(checkpoint, metadata=metadata), report))
    return destination


def _metrics(report: Report) -> dict[str, float]:
    """Return each value and its floor by the metric's name: `fd` and `fd_floor`."""
    values = {one.name: one.value for one in report.measurements}
    floors = {f"{one.name}_floor": one.floor for one in report.measurements}
    return {name: float(show(value)) for name, value in (values | floors).items()}


def _model_card(name: str, checkpoint: Checkpoint, report: Report) -> str:
    metadata = checkpoint.metadata
    table = "\n".join(_row(one) for one in report.measurements)
    ratio = "".join(_remarks(report, ()))
    return f"""# {name}

{metadata.family}, preset `{metadata.preset}`, trained on the {metadata.dataset.name} training pictures:
{metadata.images_seen:,} pictures in {metadata.step:,} steps, seed {metadata.seed}.

Made by

    {_command(metadata)}
    ganery publish DIR/checkpoints/{metadata.step:08d} --name {name}

Quality, {report.count:,} pictures against the test pictures in the features of `judge-{metadata.dataset.name}`
(a classifier of our own: the distance FD is no FID). The column real is what as many real pictures have in place of
the drawn ones. `ganery evaluate {name}` prints this table again; docs/metrics.md says what each metric cannot see.

| | drawn | real | pictures | better |
|---|---:|---:|---:|---|
{table}

{ratio}.

It draws {metadata.dataset.channels} x {metadata.dataset.size} x {metadata.dataset.size} pictures of the classes
{metadata.dataset.listed_classes} and nothing else; its faults are those of its training set.

Hyperparameters: `{json.dumps(metadata.hyperparameters, sort_keys=True)}`
"""


def _row(one: Measurement) -> str:
    metric = find_metric(one.name)
    return f"| {metric.title} | {show(one.value)} | {show(one.floor)} | {one.count:,} | {metric.better} |"


def _command(metadata: Metadata) -> str:
    """Return the command that trains the same again; it says only what the preset and the defaults do not."""
    preset = find_family(metadata.family).preset(metadata.preset)
    usual = preset.hyperparameters.model_dump(mode="json")
    precision = [f"GANERY_PRECISION={metadata.precision}"] if metadata.precision != "float32" else []
    named = {"--family": metadata.family, "--preset": metadata.preset, "--seed": metadata.seed}
    named |= {"--dataset": metadata.dataset.name} if metadata.dataset.name != "mnist" else {}
    named |= {"--images": metadata.images} if metadata.images != preset.images else {}
    named |= {"--batch-size": metadata.batch_size} if metadata.batch_size != preset.batch_size else {}
    changed = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in metadata.hyperparameters.items()
        if value != usual.get(name)
    }
    options = [str(word) for option in named.items() for word in option]
    options += [word for name, value in changed.items() for word in ("--set", f"{name}={value}")]
    return shlex.join([*precision, "ganery", "train", "--local", *options, "--out", "DIR"])


def _judge_card(metadata: Metadata) -> str:
    name = metadata.dataset.name
    return f"""# judge-{name}

A small convolutional classifier, trained on the {name} training pictures, a little turned, scaled and shifted:
{metadata.images_seen:,} pictures in {metadata.step:,} steps, seed {metadata.seed}. It recognises
{metadata.metrics["test_accuracy"]:.2%} of the test pictures. Its features carry the distances that Ganery prints,
and it finds the pictures of a class among those of a network that takes no labels.

Made by

    ganery judge train {name}
"""


def _both_splits(dataset: str, settings: StoreSettings, say: Say) -> tuple[TrainingData, TrainingData]:
    train, test = (load_dataset(dataset, settings.datasets, split=split, report=say) for split in ("train", "test"))
    return train, test
