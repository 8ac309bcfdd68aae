"""`ganery judge train`, `ganery evaluate` and `ganery publish`: how good a checkpoint is, and which ones ship."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from checkpoints.cards import model_card, training_command
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
from metrics import DEFAULT_METRICS, EVALUATED, Reference, UnknownMetricError, choose, find_metric, show, tabulate
from models import DERIVED_JUDGES, UnknownDatasetError, find_family
from store.checkpoints import checkpoint_id
from store.settings import StoreSettings
from workers.evaluation import Report, evaluate
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
    seed: int = 0,
) -> tuple[Checkpoint, Report]:
    """Measure pictures of a checkpoint by the metrics or groups of these names, and print the table.

    count: of pictures; default 10,000. seed: of what is drawn, and of which real pictures stand beside it. FID is
    measured where it is named, not as one of all.
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
    report = evaluate(to_sampler(checkpoint), reference, count=count or EVALUATED, seed=seed, names=names)
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
    shipped = replace(checkpoint, metadata=metadata, networks=networks, training_state=None)
    save(shipped, destination, card=lambda written: shipped_card(name, written, report.count))
    return destination


def shipped_card(name: str, metadata: Metadata, count: int = EVALUATED) -> str:
    """Return the model card of a checkpoint that ships under a name. count: pictures that it was judged by."""
    published = f"ganery publish DIR/checkpoints/{metadata.step:08d} --name {name}"
    return model_card(name, metadata, count=count, made_by=f"{training_command(metadata)}\n{published}")


def _metrics(report: Report) -> dict[str, float]:
    """Return each value and its floor by the metric's name: `fd` and `fd_floor`."""
    values = {one.name: one.value for one in report.measurements}
    floors = {f"{one.name}_floor": one.floor for one in report.measurements}
    return {name: float(show(value)) for name, value in (values | floors).items()}


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
