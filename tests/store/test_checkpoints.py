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
    jobs.register_checkpoint(claim, new)
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


def test_a_checkpoint_that_was_written_again_is_known_as_it_is_now(
    jobs: JobStore, checkpoints: CheckpointStore, events: EventStore
) -> None:
    claim = claimed(jobs)
    first = checkpoint(500)
    again = replace(first, path="elsewhere", digest="sha256:other", metrics={"loss": 2.0})
    jobs.register_checkpoint(claim, first)
    jobs.register_checkpoint(claim, again)
    found = checkpoints.get(checkpoint_id(claim.job.id, 500))
    assert (found.path, found.digest, found.metrics) == (again.path, again.digest, again.metrics)
    assert len(events.after(claim.job.id, 0, [EventKind.CHECKPOINT])) == 1


def test_the_latest_checkpoint_has_the_most_steps(jobs: JobStore) -> None:
    claim = claimed(jobs)
    assert jobs.get(claim.job.id).latest_checkpoint is None
    for step in (0, 200, 100):
        jobs.register_checkpoint(claim, checkpoint(step))
    assert jobs.get(claim.job.id).latest_checkpoint == checkpoint_id(claim.job.id, 200)


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


def test_the_newest_of_many_jobs_are_found_at_once(jobs: JobStore, checkpoints: CheckpointStore) -> None:
    one, other, without = (claimed(jobs) for _ in range(3))
    for step in (100, 200, 300):
        jobs.register_checkpoint(one, checkpoint(step))
    jobs.register_checkpoint(other, checkpoint(100))
    ids = [claim.job.id for claim in (one, other, without)]
    assert checkpoints.ids_of_jobs(ids, limit=2) == {
        ids[0]: [checkpoint_id(ids[0], 300), checkpoint_id(ids[0], 200)],
        ids[1]: [checkpoint_id(ids[1], 100)],
        ids[2]: [],
    }
    assert list(checkpoints.ids_of_jobs(ids[:1], limit=9)) == ids[:1]


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
