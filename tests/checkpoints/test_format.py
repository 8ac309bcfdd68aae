import hashlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoints import files as checkpoint_files
from checkpoints import format as checkpoint_format
from checkpoints.format import (
    FORMAT_VERSION,
    Checkpoint,
    CheckpointCorruptError,
    CheckpointError,
    CheckpointIncompleteError,
    CheckpointMissingError,
    drop_training_state,
    load,
    read_metadata,
    recover,
    remove,
    save,
)
from tests.checkpoints.killing import kill_while_replacing
from tests.training import train_toy

FILES = ["metadata.json", "networks.safetensors", "averaged.safetensors", "training_state.safetensors"]


@pytest.fixture
def checkpoint() -> Checkpoint:
    snapshot = train_toy(steps=2, averaging_half_life=10).snapshot()
    metrics = {"loss": 0.1 + 0.2, "accuracy": 1e-300}
    described = snapshot.metadata.model_copy(update={"metrics": metrics, "created_at": datetime.now(UTC)})
    return replace(snapshot, metadata=described)


@pytest.fixture
def directory(tmp_path: Path, checkpoint: Checkpoint) -> Path:
    save(checkpoint, tmp_path / "step")
    return tmp_path / "step"


def rewrite_metadata(directory: Path, **changes: Any) -> None:
    path = directory / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# --- There and back -----------------------------------------------------------------------------------------------


def test_what_is_loaded_is_what_was_saved(directory: Path, checkpoint: Checkpoint) -> None:
    loaded = load(directory, for_training=True)
    assert sorted(os.listdir(directory)) == sorted(FILES)
    assert loaded.metadata.model_copy(update={"files": {}, "seal": ""}) == checkpoint.metadata
    for kind in ("networks", "averaged", "training_state"):
        wanted, got = getattr(checkpoint, kind), getattr(loaded, kind)
        assert wanted.keys() == got.keys()
        assert all(torch.equal(wanted[name], got[name]) for name in wanted)


def test_save_returns_the_metadata_as_written(tmp_path: Path, checkpoint: Checkpoint) -> None:
    assert save(checkpoint, tmp_path / "step") == read_metadata(tmp_path / "step")


def test_every_kind_of_tensor_survives(tmp_path: Path, checkpoint: Checkpoint) -> None:
    tensors = {
        "empty": torch.empty(0, 3),
        "scalar": torch.tensor(5),
        "transposed": torch.arange(6).view(2, 3).T,
        "channels last": torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        "half": torch.rand(3).bfloat16(),
        "not finite": torch.tensor([float("nan"), float("inf")]),
    }
    save(replace(checkpoint, networks=tensors), tmp_path / "step")
    loaded = load(tmp_path / "step").networks
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        torch.testing.assert_close(loaded[name], tensor, rtol=0, atol=0, equal_nan=True)


def test_training_state_is_read_where_it_is_asked_for(directory: Path) -> None:
    assert load(directory).training_state is None
    assert load(directory, for_training=True).training_state is not None


def test_without_an_average_there_is_no_file_of_it(tmp_path: Path) -> None:
    save(train_toy(steps=1).snapshot(), tmp_path / "step")
    assert not (tmp_path / "step" / "averaged.safetensors").exists()
    assert load(tmp_path / "step").averaged == {}


def test_a_saved_checkpoint_does_not_follow_the_training(tmp_path: Path) -> None:
    trainer = train_toy(steps=1)
    snapshot = trainer.snapshot()
    before = {name: tensor.clone() for name, tensor in snapshot.networks.items()}
    trainer.step()
    assert all(torch.equal(before[name], tensor) for name, tensor in snapshot.networks.items())


# --- What only a training needs -----------------------------------------------------------------------------------


def test_dropping_the_training_state_leaves_what_sampling_needs(directory: Path) -> None:
    digest = read_metadata(directory).digest
    drop_training_state(directory)
    drop_training_state(directory)
    assert load(directory).networks
    assert read_metadata(directory).digest == digest
    with pytest.raises(CheckpointIncompleteError, match="the checkpoint step holds no training state"):
        load(directory, for_training=True)


def test_a_checkpoint_may_be_saved_for_sampling_alone(tmp_path: Path, checkpoint: Checkpoint) -> None:
    save(replace(checkpoint, training_state=None), tmp_path / "step")
    assert load(tmp_path / "step").networks
    with pytest.raises(CheckpointIncompleteError):
        load(tmp_path / "step", for_training=True)


def test_an_empty_training_state_is_one(tmp_path: Path, checkpoint: Checkpoint) -> None:
    """Plain gradient descent has nothing to remember, and still continues."""
    save(replace(checkpoint, training_state={}), tmp_path / "step")
    assert load(tmp_path / "step", for_training=True).training_state == {}


# --- The digest ---------------------------------------------------------------------------------------------------


def test_digest_is_of_what_sampling_depends_on(tmp_path: Path, checkpoint: Checkpoint) -> None:
    def digest(name: str, **changes: Any) -> str:
        described = checkpoint.metadata.model_copy(update=changes.pop("metadata", {}))
        return save(replace(checkpoint, metadata=described, **changes), tmp_path / name).digest

    plain = digest("plain")
    assert digest("metrics", metadata={"metrics": {"loss": 3.0}}) == plain
    assert digest("state", training_state=None) == plain
    assert digest("weights", networks={"generator.level": torch.tensor(9.0)}) != plain
    assert digest("hyperparameters", metadata={"hyperparameters": {"learning_rate": 9}}) != plain
    assert digest("family", metadata={"family": "other"}) != plain


# --- Damage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
def test_a_flipped_bit_is_refused_wherever_it_is(directory: Path, checkpoint: Checkpoint, file: str) -> None:
    path = directory / file
    good = path.read_bytes()
    as_written = load(directory, for_training=True).metadata
    accepted = []
    for place in range(0, len(good), max(1, len(good) // 40)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        try:
            found = load(directory, for_training=True)
        except CheckpointError as error:
            assert file in str(error)  # noqa: PT017
        else:
            accepted.append((place, found.metadata))
    # The one harmless change: a blank between two values of the JSON that became another blank.
    assert all(metadata == as_written and good[place] in b" \n" for place, metadata in accepted)


@pytest.mark.parametrize("file", FILES[1:])
def test_a_missing_file_is_named(directory: Path, file: str) -> None:
    (directory / file).unlink()
    with pytest.raises(CheckpointError, match=r"training state" if "training" in file else f"{file} is missing"):
        load(directory, for_training=True)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_file_is_refused(directory: Path, file: str, share: float) -> None:
    path = directory / file
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointCorruptError, match=f"step is damaged: {file}"):
        load(directory, for_training=True)


def test_a_file_of_the_right_digest_that_is_no_safetensors_is_refused(directory: Path) -> None:
    data = b"\x80\x04."  # a pickle, as it happens
    (directory / "networks.safetensors").write_bytes(data)
    digests = read_metadata(directory).files | {"networks.safetensors": hashlib.sha256(data).hexdigest()}
    metadata = read_metadata(directory).model_copy(update={"files": digests}).sealed()
    (directory / "metadata.json").write_text(metadata.model_dump_json())
    with pytest.raises(CheckpointCorruptError, match="is no safetensors file"):
        load(directory)


def test_no_checkpoint_is_said_so(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere", tmp_path / "nowhere" / "deeper"):
        with pytest.raises(CheckpointMissingError, match="there is no checkpoint in"):
            load(place)


def test_metadata_that_were_edited_are_refused(directory: Path) -> None:
    rewrite_metadata(directory, seed=123)
    with pytest.raises(CheckpointCorruptError, match=r"metadata\.json is not what its seal says"):
        load(directory)


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"format_version": "new"}', "\x00\xff"])
def test_metadata_that_are_none_are_refused(directory: Path, text: str) -> None:
    (directory / "metadata.json").write_text(text)
    with pytest.raises(CheckpointCorruptError, match=r"metadata\.json is not ours"):
        load(directory)


def test_a_newer_format_is_named_though_it_has_unknown_parts(directory: Path) -> None:
    rewrite_metadata(directory, format_version=FORMAT_VERSION + 1, novelty="unheard of")
    with pytest.raises(
        CheckpointCorruptError, match=rf"of format {FORMAT_VERSION + 1}; .* reads up to {FORMAT_VERSION}"
    ):
        load(directory)


# --- Whole or not at all ------------------------------------------------------------------------------------------


def test_saving_again_replaces_what_was_there(directory: Path, checkpoint: Checkpoint) -> None:
    (directory / "leftover").touch()
    save(replace(checkpoint, networks={"generator.level": torch.tensor(7.0)}), directory)
    assert load(directory).networks["generator.level"].item() == 7
    assert not (directory / "leftover").exists()


def test_a_failed_save_leaves_the_old_one_and_nothing_half_made(
    directory: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, data: bytes) -> None:
        if path.name == "metadata.json":
            raise OSError("No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr(checkpoint_format, "write_whole", fail)
    with pytest.raises(OSError, match="No space"):
        save(replace(checkpoint, networks={"generator.level": torch.tensor(7.0)}), directory)
    assert os.listdir(directory.parent) == ["step"]
    assert load(directory).networks["generator.level"].item() != 7


def test_a_kill_between_the_two_moves_loses_neither(directory: Path, checkpoint: Checkpoint, tmp_path: Path) -> None:
    left: list[dict[str, float]] = []
    move = Path.rename

    def watch(path: Path, target: Path) -> Path:
        left.append({place.parent.name: level(place.parent) for place in tmp_path.rglob("metadata.json")})
        return move(path, target)

    def level(place: Path) -> float:
        return load(place).networks["generator.level"].item()

    before = level(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", watch)
        save(replace(checkpoint, networks={"generator.level": torch.tensor(7.0)}), directory)
    assert left == [{"step": before, "new": 7.0}, {"old": before, "new": 7.0}]
    assert os.listdir(tmp_path) == ["step"]


def test_a_checkpoint_whose_replacement_was_killed_returns_to_its_place(directory: Path) -> None:
    before = load(directory, for_training=True).networks
    kill_while_replacing(directory)
    assert not directory.exists()
    recover(directory.parent)
    found = load(directory, for_training=True).networks
    assert all(torch.equal(before[name], tensor) for name, tensor in found.items())
    assert os.listdir(directory.parent) == ["step"]


def test_what_a_killed_save_left_beside_a_whole_checkpoint_is_removed(directory: Path, checkpoint: Checkpoint) -> None:
    kill_while_replacing(directory)
    save(replace(checkpoint, networks={"generator.level": torch.tensor(7.0)}), directory)
    recover(directory.parent)
    assert load(directory).networks["generator.level"].item() == 7
    assert os.listdir(directory.parent) == ["step"]


def test_what_another_writes_is_no_leftover(directory: Path) -> None:
    asides = {".writing-other-00000001", ".writing-step-other-00000001"}
    for name in asides:
        (directory.parent / name).mkdir()
    recover(directory.parent, is_dead=lambda name: name == "step")
    assert set(os.listdir(directory.parent)) == {"step", *asides}


def test_a_move_that_fails_brings_the_old_one_back(
    directory: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError("No space left on device")
        return move(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="No space"):
        save(checkpoint, directory)
    assert os.listdir(directory.parent) == ["step"]
    assert load(directory).networks


def test_the_directory_appears_after_every_file_is_written(
    tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    write = checkpoint_files.write_whole

    def watch(path: Path, data: bytes) -> None:
        write(path, data)
        seen.append((tmp_path / "step").exists())

    monkeypatch.setattr(checkpoint_format, "write_whole", watch)
    save(checkpoint, tmp_path / "step")
    assert seen == [False] * len(FILES)


def test_a_removed_checkpoint_is_gone_at_once_and_its_remains_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "00000008-1"
    save(train_toy(steps=1).snapshot(), directory)
    with monkeypatch.context() as killed:
        killed.setattr("shutil.rmtree", lambda *_, **__: None)  # it is killed before it has removed a file
        remove(directory)
    assert not directory.exists()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".removing-")
    recover(tmp_path, is_dead=lambda name: False)
    assert list(tmp_path.iterdir()) == []
    remove(directory)  # a second time is none too many
