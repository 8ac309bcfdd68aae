"""What a model card says of a checkpoint, and that a training leaves one."""

from pathlib import Path

from checkpoints.cards import model_card, training_command
from checkpoints.format import Metadata, load, read_metadata, save
from models import find_family
from tests.training import train, train_toy
from workers.keeper import write


def metadata(**changes: object) -> Metadata:
    found = train(find_family("lsgan"), steps=1, images=8, width=4, hidden=8).snapshot().metadata
    return found.model_copy(update=changes)


def test_a_card_says_what_the_metadata_say() -> None:
    metrics = {"fd": 0.5, "fd_floor": 0.25, "nearest_training_picture": 0.9, "nearest_training_picture_floor": 1.0}
    made = metadata(metrics=metrics | {"generator/loss": 3.0, "recall": 0.5})
    lines = model_card("ours", made, count=10_000, made_by="first\nsecond").splitlines()
    for line in (
        "# ours",
        "    first",
        "    second",
        "| FD | 0.5000 | 0.2500 | 10,000 | lower |",
        "| nearest training picture | 0.9000 | 1.000 | 2,000 | real |",
        "| recall | 0.5000 |  | 10,000 | higher |",
        "FD is 2.00 times its floor.",
        f"Training pictures and labels: sha256 `{made.dataset_digest}`",
        f"Configuration and weights: sha256 `{made.digest}`",
        "Batches of 8, arithmetic float32, weights averaged with a half-life of 100 pictures.",
    ):
        assert line in lines
    assert "generator/loss" not in "\n".join(lines)
    assert "in the midst" not in "\n".join(lines)


def test_a_card_does_not_hide_that_nothing_was_judged_or_that_more_was_to_come() -> None:
    card = model_card("ours", metadata(images=640, averaging_half_life=0), count=1000, made_by="command")
    assert "not judged" in card
    assert "| FD |" not in card
    assert "seed 0, in the midst of a training of 640." in card
    assert "weights not averaged" in card


def test_a_training_leaves_a_card_that_no_digest_guards(tmp_path: Path) -> None:
    checkpoint = train(find_family("lsgan"), steps=1, images=8, width=4, hidden=8).snapshot()
    written = write(checkpoint, {"fd": 0.5, "fd_floor": 0.25}, "ab" * 32, tmp_path / "step")
    card = tmp_path / "step" / "README.md"
    assert card.read_text().startswith("# lsgan-segments, step 1\n")
    assert f"    {training_command(written)}" in card.read_text().splitlines()
    assert "| FD | 0.5000 | 0.2500 | 1,000 | lower |" in card.read_text()
    card.write_text("what a person added")
    assert load(tmp_path / "step").metadata == read_metadata(tmp_path / "step") == written


def test_a_checkpoint_that_is_saved_without_a_card_has_none(tmp_path: Path) -> None:
    save(train_toy(steps=1).snapshot(), tmp_path / "step")
    assert not (tmp_path / "step" / "README.md").exists()


def test_of_a_family_that_is_gone_the_command_says_all() -> None:
    told = training_command(metadata(family="gone", hyperparameters={"width": 4}))
    assert told == (
        "ganery train --local --family gone --preset neutral --seed 0 --dataset segments --images 8 --batch-size 8 "
        "--set width=4 --out DIR"
    )
