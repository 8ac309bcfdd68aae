"""A study is stored with all its jobs or not at all; its jobs are like any other."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from metrics import find_metric
from models import MNIST, Family, find_family
from store.checkpoints import NewCheckpoint
from store.database import Database
from store.errors import IdempotencyConflictError, QueueFullError, StudyNotFoundError
from store.events import EventStore
from store.jobs import Claim, JobStore
from store.retention import Keep
from store.states import Failed, JobState, Succeeded
from store.studies import StudyStore
from store.study_report import read_entry
from store.study_requests import MOST_TRAININGS, Plan, StudyWish, plan_study, varied
from tests.store.examples import REQUEST, TOTAL_STEPS, checkpoint, new_job

PLAN = plan_study(StudyWish(families=["lsgan", "wgan"], dataset="segments", trials=2, images=3200, seed=1))


@pytest.fixture
def studies(database: Database) -> StudyStore:
    return StudyStore(database)


def judged(step: int, headline: float | None, judge: str | None = None) -> NewCheckpoint:
    return replace(checkpoint(step), headline=headline, judge=judge, metrics={"fd": headline})


def claim_next(jobs: JobStore) -> Claim:
    claim = jobs.claim("worker")
    assert claim is not None
    return claim


def test_a_study_and_its_jobs_are_stored_as_asked_for(studies: StudyStore, jobs: JobStore, events: EventStore) -> None:
    study, created = (made := studies.create(replace(PLAN, name="mine"))).study, made.jobs
    assert studies.get(study.id) == study
    assert (study.name, study.request) == ("mine", PLAN.request)
    assert [(job.request, job.trial, job.study_id) for job in created] == [
        (one.request, one.number, study.id) for one in PLAN.trials
    ]
    assert {job.priority for job in created} == {PLAN.request.priority}
    assert [record.job for record in studies.trials(study.id)] == [jobs.get(job.id) for job in created]
    assert len(events.after(created[0].id, 0)) == 1
    assert studies.counts([study.id]) == {study.id: dict.fromkeys(JobState, 0) | {JobState.QUEUED: 4}}


def test_what_waits_alone_comes_before_a_study(studies: StudyStore, jobs: JobStore) -> None:
    first, *_ = studies.create(PLAN).jobs
    alone = new_job(jobs)
    assert claim_next(jobs).job.id == alone
    assert claim_next(jobs).job.id == first.id


def test_jobs_are_listed_by_study(studies: StudyStore, jobs: JobStore) -> None:
    new_job(jobs)
    made = studies.create(PLAN)
    studies.create(PLAN)
    listed = jobs.list(study_id=made.study.id, limit=3)
    assert [job.id for job in listed.items] == [job.id for job in reversed(made.jobs)][:3]
    assert listed.next_cursor is not None
    assert len(jobs.list().items) == 9


def test_a_trial_has_what_was_measured_at_its_end_and_at_its_best(studies: StudyStore, jobs: JobStore) -> None:
    study = studies.create(PLAN).study.id
    claim = claim_next(jobs)
    total = claim.job.total_steps
    assert total > 6
    for step, headline in ((3, 3.0), (4, 1.0), (5, None), (6, 2.0)):
        jobs.register_checkpoint(claim, judged(step, headline))
    first = studies.trials(study)[0]
    assert first.final is None
    assert first.best is not None
    assert (first.best.step, first.best.headline, first.best.metrics) == (4, 1.0, {"fd": 1.0})
    jobs.register_checkpoint(claim, judged(total, 5.0))
    jobs.settle(claim, Succeeded())
    first, second, *_ = studies.trials(study)
    assert first.final is not None
    assert (first.final.headline, first.final.checkpoint_id) == (5.0, f"{claim.job.id}-{total}")
    assert (second.final, second.best) == (None, None)


def test_a_trial_that_another_judge_measured_is_not_compared(studies: StudyStore, jobs: JobStore) -> None:
    study = studies.create(PLAN).study
    for judge, headlines in (("old", (1.0, 2.0)), ("new", (4.0, 5.0))):
        claim = claim_next(jobs)
        for step, headline in zip((3, claim.job.total_steps), headlines, strict=True):
            jobs.register_checkpoint(claim, judged(step, headline, judge))
        jobs.settle(claim, Succeeded())
    old, new, *_ = studies.trials(study.id)
    assert (old.final, old.best, old.is_outdated) == (None, None, True)
    assert new.final is not None
    assert new.best is not None
    assert (new.final.headline, new.best.headline, new.is_outdated) == (5.0, 4.0, False)
    entries = [read_entry(study.request, one, find_metric("fd"), "final") for one in (old, new)]
    assert [one.outcome for one in entries] == ["unjudged", "finished"]
    assert "another judge" in str(entries[0].reason)


def test_cancelling_a_study_leaves_what_has_ended_and_other_jobs_alone(studies: StudyStore, jobs: JobStore) -> None:
    other = new_job(jobs)
    jobs.request_pause(other)
    study = studies.create(PLAN).study.id
    ended, at_work = claim_next(jobs), claim_next(jobs)
    jobs.settle(ended, Failed({"type": "diverged", "detail": "loss is not finite"}))
    for _ in range(2):
        studies.cancel(study)
        counts = studies.counts([study])[study]
        assert (counts[JobState.FAILED], counts[JobState.CANCELLING], counts[JobState.CANCELLED]) == (1, 1, 2)
    assert jobs.get(at_work.job.id).state is JobState.CANCELLING
    assert jobs.get(other).state is JobState.PAUSED


def test_a_study_that_cannot_be_stored_whole_leaves_nothing(studies: StudyStore, jobs: JobStore) -> None:
    broken = replace(PLAN.trials[-1], total_steps=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="total_steps"):
        studies.create(Plan(None, PLAN.request, (*PLAN.trials[:-1], broken)))
    assert studies.list().items == ()
    assert jobs.list().items == ()


def test_a_key_belongs_to_one_study_and_is_no_jobs_key(studies: StudyStore, jobs: JobStore) -> None:
    jobs.create(REQUEST, total_steps=TOTAL_STEPS, idempotency_key="key", body_digest="a")
    first = studies.create(PLAN, idempotency_key="key", body_digest="b")
    again = studies.create(PLAN, idempotency_key="key", body_digest="b")
    assert (again.study, again.jobs) == (first.study, ())
    with pytest.raises(IdempotencyConflictError, match=f"created study {first.study.id}"):
        studies.create(PLAN, idempotency_key="key", body_digest="c")
    assert len(studies.list().items) == 1


def test_studies_and_single_jobs_have_a_limit_each(studies: StudyStore, jobs: JobStore) -> None:
    with pytest.raises(QueueFullError, match="4 jobs were to be queued and 3 may be: ask for fewer"):
        studies.create(PLAN, queue_limit=3)
    studies.create(PLAN, queue_limit=4)
    with pytest.raises(QueueFullError, match="4 jobs are queued, 4 were to come, and 7 may be"):
        studies.create(PLAN, queue_limit=7)
    jobs.create(REQUEST, total_steps=TOTAL_STEPS, queue_limit=1)
    with pytest.raises(QueueFullError):
        jobs.create(REQUEST, total_steps=TOTAL_STEPS, queue_limit=1)
    studies.create(PLAN, queue_limit=8)


@pytest.mark.parametrize("ask", [StudyStore.get, StudyStore.cancel])
def test_an_unknown_study_is_not_found(studies: StudyStore, ask: Callable[[StudyStore, str], object]) -> None:
    with pytest.raises(StudyNotFoundError, match="there is no study 'nobody'"):
        ask(studies, "nobody")
    assert studies.trials("nobody") == []


# --- What a study asks for ----------------------------------------------------------------------------------------


def test_a_plan_is_a_function_of_its_wish_and_interleaves_the_families() -> None:
    again = plan_study(StudyWish(families=["lsgan", "wgan"], dataset="segments", trials=2, images=3200, seed=1))
    assert again == PLAN
    assert [(one.request.family, one.number) for one in PLAN.trials] == [
        ("lsgan", 0),
        ("wgan", 0),
        ("lsgan", 1),
        ("wgan", 1),
    ]


def test_networks_of_equal_shapes_are_tried_once_for_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    monkeypatch.setattr(Family, "require_buildable", lambda family, config: tried.append(config))
    plan = plan_study(StudyWish(families=["lsgan", "cgan"], dataset="mnist", trials=20, images=3200, seed=1))
    drawn = [find_family(one.request.family).configure(one.request.hyperparameters, MNIST) for one in plan.trials]
    shapes = {find_family(one.request.family).architecture(c) for one, c in zip(plan.trials, drawn, strict=True)}
    assert len(tried) == len(shapes) < 20


def test_all_families_are_trained_with_the_same_seeds_and_each_draw_with_all() -> None:
    wish = StudyWish(families=["lsgan", "wgan"], dataset="segments", trials=2, seeds=3, images=3200, seed=1)
    trials = plan_study(wish).trials
    seeds = {
        family: [one.request.seed for one in trials if one.request.family == family] for family in ("lsgan", "wgan")
    }
    assert seeds["lsgan"] == seeds["wgan"]
    assert len(set(seeds["lsgan"])) == 6
    draws = {tuple(varied(PLAN.request, one.request).items()) for one in trials if one.request.family == "lsgan"}
    assert len(draws) == 2


def test_every_trial_has_the_budget_and_keeps_few_checkpoints() -> None:
    assert {one.request.images for one in PLAN.trials} == {3200}
    assert {str(one.request.keep) for one in PLAN.trials} == {str(Keep(best=True, last=1, every=None))}


def test_a_family_alone_means_its_neutral_preset_or_else_its_first() -> None:
    request = plan_study(StudyWish(families=["gan", "dcgan", "gan:minimax"], trials=1)).request
    assert request.families == ("gan:neutral", "dcgan:paper", "gan:minimax")
    assert 0 <= request.seed < 2**32


def test_the_largest_study_is_allowed() -> None:
    wish = StudyWish(families=["lsgan"], dataset="segments", trials=1, seeds=MOST_TRAININGS, images=64)
    assert len(plan_study(wish).trials) == MOST_TRAININGS
