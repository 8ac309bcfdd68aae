"""Errors carry what offended, also to another process."""

import pickle

import pytest

from store.errors import (
    AliasNotFoundError,
    BlobDamagedError,
    BlobMissingError,
    CheckpointNotFoundError,
    DatabaseUnavailableError,
    DatabaseUrlError,
    IdempotencyConflictError,
    InvalidCursorError,
    JobNotFoundError,
    JobStateError,
    LeaseLostError,
    NewerSchemaError,
    PictureInTrashError,
    PictureNotFoundError,
    QueueFullError,
    StoreError,
    StudyNotFoundError,
)

ERRORS = [
    AliasNotFoundError("best"),
    CheckpointNotFoundError("job-1"),
    BlobDamagedError("ab12"),
    BlobMissingError("ab12"),
    PictureInTrashError("0a"),
    PictureNotFoundError("0a"),
    DatabaseUnavailableError("sqlite:///file", "database is locked"),
    DatabaseUrlError("mysql://host", "not SQLite"),
    IdempotencyConflictError("key", "job 7"),
    InvalidCursorError("zzz"),
    JobNotFoundError("job"),
    JobStateError("job", "pause", "failed", {"running", "queued"}),
    LeaseLostError("job", "worker", 7),
    StudyNotFoundError("study"),
    NewerSchemaError("0009", "0001"),
    QueueFullError(8, 8),
    QueueFullError(8, 12, 5),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_way_to_another_process(error: StoreError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_names_what_offended(error: StoreError) -> None:
    assert str(error.args[0]) in str(error)
