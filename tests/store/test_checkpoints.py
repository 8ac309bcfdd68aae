"""Trained checkpoints are registered once, found, and named."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from store.checkpoints import CheckpointStore, checkpoint_id
from store.errors import AliasNotFoundError, CheckpointNotFoundError, InvalidCursorError
from store.events import EventKind, EventStore
from store.jobs import JobStore
from tests.store.examples import checkpoint, claimed, new_job


def test_a_registered_checkpoint_is_found_by_its_id(jobs: JobStore, checkpoints: CheckpointStore) -> None:
    claim = claimed(jobs)
    new = checkpoint(500)
    assert jobs.register_checkpoint(claim, new)
    found = checkpoints.get(checkpoint_id(claim.job.id, 500))
    assert (found.job_id, found.family, found.preset, found.dataset) == (
        claim.job.id,
        "dcgan",
        "tutorial",
        "mnist",
    )
    assert (found.step, found.images_seen, found.path) == (500, 32_000, new.path)
    assert (found.digest, found.metrics) == (new.digest, new.metrics)
    assert jobs.get(claim.job.id).latest_checkpoint == found.id


def test_a_registered_checkpoint_is_an_event(jobs: JobStore, events: EventStore) -> None:
    claim = claimed(jobs)
    jobs.register_checkpoint(claim, checkpoint(500))
    (told,) = events.after(claim.job.id, 0, [EventKind.CHECKPOINT])
    assert told.step == 500
    assert told.data == {
        "id": f"{claim.job.id}-500",
        "images_seen": 32_000,
        "metrics": {"frechet_distance": 12.5},
    }


def test_the_first_checkpoint_of_a_step_stays(jobs: JobStore, checkpoints: CheckpointStore, events: EventStore) -> None:
    claim = claimed(jobs)
    first = checkpoint(500)
    assert jobs.register_checkpoint(claim, first)
    assert not jobs.register_checkpoint(claim, replace(first, path="elsewhere", digest="sha256:other"))
    assert checkpoints.get(checkpoint_id(claim.job.id, 500)).path == first.path
    assert len(events.after(claim.job.id, 0, [EventKind.CHECKPOINT])) == 1


def test_the_latest_checkpoint_has_the_most_steps(jobs: JobStore, checkpoints: CheckpointStore) -> None:
    claim = claimed(jobs)
    assert checkpoints.latest(claim.job.id) is None
    for step in (0, 200, 100):
        jobs.register_checkpoint(claim, checkpoint(step))
    latest = checkpoints.latest(claim.job.id)
    assert latest is not None
    assert latest.step == 200
    assert jobs.get(claim.job.id).latest_checkpoint == latest.id


@pytest.mark.parametrize("name", ["r3gan-mnist", "", "a\0b", "\ud800"])
def test_an_unknown_checkpoint_is_not_found(checkpoints: CheckpointStore, name: str) -> None:
    with pytest.raises(CheckpointNotFoundError, match="there is no checkpoint"):
        checkpoints.get(name)


def test_a_list_holds_what_was_asked_for_newest_first(jobs: JobStore, checkpoints: CheckpointStore) -> None:
    claims = [claimed(jobs) for _ in range(2)]
    for step in (100, 200, 300):
        for claim in claims:
            jobs.register_checkpoint(claim, checkpoint(step))
    first = checkpoints.list(job_id=claims[0].job.id, family="dcgan", dataset="mnist", limit=2)
    assert [found.step for found in first.items] == [300, 200]
    jobs.register_checkpoint(claims[0], checkpoint(400))
    rest = checkpoints.list(job_id=claims[0].job.id, limit=2, cursor=first.next_cursor)
    assert ([found.step for found in rest.items], rest.next_cursor) == ([100], None)
    assert len(checkpoints.list().items) == 7
    assert checkpoints.list(family="gan").items == ()


def test_a_cursor_of_another_list_is_refused(jobs: JobStore, checkpoints: CheckpointStore) -> None:
    for _ in range(2):
        new_job(jobs)
    with pytest.raises(InvalidCursorError, match="next_cursor"):
        checkpoints.list(cursor=jobs.list(limit=1).next_cursor)


def test_an_alias_means_the_checkpoint_set_last(checkpoints: CheckpointStore) -> None:
    checkpoints.set_alias("default", "r3gan-mnist")
    checkpoints.set_alias("best", "job-500")
    checkpoints.set_alias("default", "job-500")
    assert checkpoints.get_alias("default") == "job-500"
    assert checkpoints.aliases() == {"best": "job-500", "default": "job-500"}


def test_an_alias_that_many_set_at_once_is_one(checkpoints: CheckpointStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: checkpoints.set_alias("default", f"job-{n}"), range(8)))
    assert list(checkpoints.aliases()) == ["default"]


def test_an_unknown_alias_is_not_found(checkpoints: CheckpointStore) -> None:
    with pytest.raises(AliasNotFoundError, match="there is no alias 'default'"):
        checkpoints.get_alias("default")
