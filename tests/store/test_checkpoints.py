"""Trained checkpoints are registered once, found, and named."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from store.checkpoints import CheckpointStore, checkpoint_id
from store.database import Database
from store.errors import AliasNotFoundError, CheckpointNotFoundError, InvalidCursorError, LeaseLostError
from store.events import EventKind, EventStore
from store.jobs import Claim, JobRequest, JobStore
from store.retention import Keep
from tests.store.examples import REQUEST, TOTAL_STEPS, checkpoint, claimed, end_lease, new_job


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
    checkpoints.set_alias("default", "r3gan-mnist", is_trained=False)
    checkpoints.set_alias("mine", "job-500", is_trained=False)
    checkpoints.set_alias("default", "job-500", is_trained=False)
    assert checkpoints.get_alias("default") == "job-500"
    assert checkpoints.aliases() == {"default": "job-500", "mine": "job-500"}


def test_an_alias_that_many_set_at_once_is_one(checkpoints: CheckpointStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: checkpoints.set_alias("default", f"job-{n}", is_trained=False), range(8)))
    assert list(checkpoints.aliases()) == ["default"]


def test_an_unknown_alias_is_not_found(checkpoints: CheckpointStore) -> None:
    with pytest.raises(AliasNotFoundError, match="there is no alias 'default'"):
        checkpoints.get_alias("default")


def test_a_name_for_a_checkpoint_that_was_removed_is_refused(checkpoints: CheckpointStore) -> None:
    with pytest.raises(CheckpointNotFoundError, match="job-500"):
        checkpoints.set_alias("default", "job-500", is_trained=True)
    assert checkpoints.aliases() == {}


# --- The best -----------------------------------------------------------------------------------------------------


def register(jobs: JobStore, claim: Claim, headlines: Mapping[int, float | None], *, judge: str | None = None) -> None:
    for step, headline in headlines.items():
        jobs.register_checkpoint(claim, replace(checkpoint(step), headline=headline, judge=judge))


def test_the_best_of_a_job_is_marked_the_older_of_equal_ones(jobs: JobStore, checkpoints: CheckpointStore) -> None:
    good, bad, unjudged = claimed(jobs), claimed(jobs), claimed(jobs)
    register(jobs, good, {100: None, 200: 2.0, 300: 1.0, 400: 1.0})
    register(jobs, bad, {100: 9.0})
    register(jobs, unjudged, {100: None})
    marked = {one.id for one in checkpoints.list().items if one.is_best}
    assert marked == {checkpoint_id(good.job.id, 300), checkpoint_id(bad.job.id, 100)}
    assert checkpoints.get(checkpoint_id(good.job.id, 300)).is_best
    assert not checkpoints.get(checkpoint_id(unjudged.job.id, 100)).is_best


def test_the_best_on_a_data_set_is_that_of_any_job(jobs: JobStore, checkpoints: CheckpointStore) -> None:
    assert checkpoints.best("mnist", judge=None) is None
    first, second = claimed(jobs), claimed(jobs)
    register(jobs, first, {100: 3.0, 200: None})
    register(jobs, second, {100: 2.0, 200: 4.0})
    found = checkpoints.best("mnist", judge=None)
    assert found is not None
    assert found.id == checkpoint_id(second.job.id, 100)
    assert checkpoints.best("mnist", judge=None, family="dcgan") == found
    assert checkpoints.best("mnist", judge=None, family="wgan") is None
    assert checkpoints.best("segments", judge=None) is None


def test_headlines_of_two_judges_are_not_compared(jobs: JobStore, checkpoints: CheckpointStore) -> None:
    claim, other = keeping(jobs, Keep(last=1, every=None)), claimed(jobs)
    register(jobs, claim, {100: 1.0, 200: 2.0}, judge="old")
    register(jobs, claim, {300: 8.0, 400: 7.0, 500: 9.0}, judge="new")
    register(jobs, other, {100: 0.5}, judge="old")
    best = {judge: checkpoints.best("mnist", judge=judge) for judge in ("old", "new", None)}
    assert best["old"] is not None
    assert best["new"] is not None
    assert (best["old"].id, best["new"].id) == (checkpoint_id(other.job.id, 100), checkpoint_id(claim.job.id, 400))
    assert best[None] is None
    assert [one.step for one in checkpoints.list(job_id=claim.job.id).items if one.is_best] == [400]
    jobs.retire_checkpoints(claim, 500)
    assert steps_left(checkpoints, claim) == [400, 500]


# --- Which stay ---------------------------------------------------------------------------------------------------


def keeping(jobs: JobStore, keep: Keep) -> Claim:
    """The claim of a job of 1000 steps with a checkpoint at each hundredth."""
    job = jobs.create(REQUEST.model_copy(update={"keep": keep}), total_steps=TOTAL_STEPS).job
    claim = jobs.claim("worker")
    assert claim is not None
    assert claim.job.id == job.id
    return claim


def steps_left(checkpoints: CheckpointStore, claim: Claim) -> list[int]:
    return sorted(one.step for one in checkpoints.list(job_id=claim.job.id).items)


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (Keep(), [300, 400, 800, 900, 1000]),
        (Keep(best=False), [400, 800, 900, 1000]),
        (Keep(last=1, every=None), [300, 1000]),
        (Keep(best=False, last=1, every=None), [1000]),
        (Keep(best=False, last=3, every=5), [500, 800, 900, 1000]),
        (Keep(every=1), [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]),
    ],
)
def test_the_best_the_last_and_every_nth_stay(
    jobs: JobStore, checkpoints: CheckpointStore, keep: Keep, left: list[int]
) -> None:
    claim = keeping(jobs, keep)
    gone = set()
    for step in range(100, 1001, 100):
        register(jobs, claim, {step: abs(step - 300) + 1.0})
        gone |= set(jobs.retire_checkpoints(claim, step))
    assert steps_left(checkpoints, claim) == left
    assert gone == {checkpoint(step).path for step in range(100, 1001, 100) if step not in left}
    assert jobs.get(claim.job.id).checkpoint_step == 1000


def test_one_off_the_schedule_stays_until_the_next(jobs: JobStore, checkpoints: CheckpointStore) -> None:
    claim = keeping(jobs, Keep(every=1))
    for step, left in ((100, [100]), (137, [100, 137]), (200, [100, 200])):
        register(jobs, claim, {step: None})
        jobs.retire_checkpoints(claim, step)
        assert steps_left(checkpoints, claim) == left


def test_one_that_a_name_means_stays(jobs: JobStore, checkpoints: CheckpointStore) -> None:
    claim = keeping(jobs, Keep(last=1, every=None))
    register(jobs, claim, {100: None})
    checkpoints.set_alias("default", checkpoint_id(claim.job.id, 100), is_trained=True)
    register(jobs, claim, {200: None, 300: None})
    jobs.retire_checkpoints(claim, 300)
    assert steps_left(checkpoints, claim) == [100, 300]


def test_a_job_from_before_there_was_a_choice_keeps_all() -> None:
    written = REQUEST.model_dump(mode="json", exclude={"keep", "quality_interval", "on_collapse"})
    assert JobRequest.model_validate(written).keep is None


def test_a_job_without_a_choice_keeps_every_checkpoint(jobs: JobStore, checkpoints: CheckpointStore) -> None:
    claim = claimed(jobs)
    register(jobs, claim, {100: None, 137: None, 200: None, 300: None, 400: None})
    assert jobs.retire_checkpoints(claim, 400) == []
    assert steps_left(checkpoints, claim) == [100, 137, 200, 300, 400]


def test_a_damaged_checkpoint_is_nobodys_best(jobs: JobStore, checkpoints: CheckpointStore) -> None:
    claim = claimed(jobs)
    register(jobs, claim, {100: 2.0, 200: 1.0})
    jobs.forget_headline(claim, 200)
    best = checkpoints.best("mnist", judge=None)
    assert best is not None
    assert best.step == 100
    assert [one.step for one in checkpoints.list().items if one.is_best] == [100]


def test_who_lost_the_lease_removes_nothing(jobs: JobStore, checkpoints: CheckpointStore, database: Database) -> None:
    claim = keeping(jobs, Keep(last=1, every=None))
    register(jobs, claim, {100: None, 200: None})
    end_lease(database, claim)
    jobs.reap()
    with pytest.raises(LeaseLostError):
        jobs.retire_checkpoints(claim, 200)
    assert steps_left(checkpoints, claim) == [100, 200]


def test_what_a_lost_training_left_beyond_stays_until_it_comes_again(
    jobs: JobStore, checkpoints: CheckpointStore
) -> None:
    claim = keeping(jobs, Keep(last=1, every=None))
    register(jobs, claim, {100: None, 200: None, 137: None})
    jobs.retire_checkpoints(claim, 137)
    assert steps_left(checkpoints, claim) == [100, 137, 200]
