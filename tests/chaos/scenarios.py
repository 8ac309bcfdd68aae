"""What may happen to a service, and what must be true afterwards."""

import os
import shutil
import signal
import time
from collections.abc import Callable

import httpx
import pytest

from store.events import EventKind
from store.jobs import Job
from store.states import JobState
from tests.chaos.stack import TRAINING, Result, Stack, is_alive, kill, kill_alone, new_stack, training_pids
from tests.postgres import postgres_server

Undisturbed = Callable[[], Result]
"""Waits for what a training leaves to which nothing happened."""

Scenario = Callable[[Stack, Undisturbed], None]

SCENARIOS: dict[str, Scenario] = {}

MIDDLE = 50
"""A step after the first checkpoint, and far from the end."""

SHORT = TRAINING.model_copy(update={"images": 64})


def scenario(play: Scenario) -> Scenario:
    """Make a function a test. It gets a stack with a broker and one worker, and may hurt all of it."""
    SCENARIOS[play.__name__] = play
    return play


def assert_as_undisturbed(stack: Stack, job: Job, undisturbed: Undisturbed, *, attempt: int, runs: int = 1) -> None:
    """runs: how often the job was claimed. After a lost lease that may happen without its being queued again."""
    assert job.attempt == attempt
    states = [state for state in stack.states(job.id) if state != JobState.QUEUED]
    assert states == ["running"] * runs + ["succeeded"]
    steps = [event.step for event in stack.events(job.id, EventKind.METRIC)]
    assert steps == list(undisturbed().metrics), "a gap or an overlap"
    assert_equal(stack.result(job.id), undisturbed())
    stack.eventually(lambda: not training_pids(job.id))


def assert_equal(found: Result, expected: Result) -> None:
    """One by one, so that a failure says what differs: of pictures first what they show, then how it is coded."""
    assert found.metrics == expected.metrics
    assert found.weights == expected.weights
    assert found.pixels == expected.pixels
    assert found.samples == expected.samples, "the same pixels in other bytes"


@scenario
def a_killed_training_process_is_replaced_by_its_worker(stack: Stack, undisturbed: Undisturbed) -> None:
    job_id = stack.submit()
    os.kill(stack.wait_for_step(job_id, MIDDLE), signal.SIGKILL)
    job = stack.finish(job_id)
    assert_as_undisturbed(stack, job, undisturbed, attempt=2, runs=2)
    reasons = [event.data.get("reason") for event in stack.events(job_id, EventKind.STATUS)]
    assert any(reason and "the training process was killed by SIGKILL" in reason for reason in reasons)


@scenario
def a_killed_worker_takes_its_processes_along_and_the_next_goes_on(stack: Stack, undisturbed: Undisturbed) -> None:
    job_id = stack.submit()
    training = stack.wait_for_step(job_id, MIDDLE)
    kill_alone(stack.workers[0])
    stack.eventually(lambda: not is_alive(training))
    stack.heal()
    stack.end_lease(job_id)
    assert_as_undisturbed(stack, stack.finish(job_id), undisturbed, attempt=2, runs=2)


@scenario
def a_training_that_was_stopped_past_its_lease_writes_nothing_when_it_wakes(
    stack: Stack, undisturbed: Undisturbed
) -> None:
    second = stack.start_worker()
    job_id = stack.submit()
    stopped = stack.wait_for_step(job_id, MIDDLE)
    stack.stop(stopped)
    stack.end_lease(job_id)
    try:
        stack.eventually(lambda: stack.jobs.get(job_id).attempt == 2)
    finally:
        os.kill(stopped, signal.SIGCONT)
    stack.eventually(lambda: not is_alive(stopped))
    assert f"has lost job {job_id} (token 1)" in stack.log(job_id)
    assert_as_undisturbed(stack, stack.finish(job_id), undisturbed, attempt=2, runs=2)
    stack.stop_worker(second)


@scenario
def a_doorbell_that_rings_twice_at_two_workers_is_obeyed_once(stack: Stack, undisturbed: Undisturbed) -> None:
    second = stack.start_worker()
    job_id = stack.submit(rings=2)
    stack.wait_for_step(job_id, 1)  # where there is one training process
    assert_as_undisturbed(stack, stack.finish(job_id), undisturbed, attempt=1)
    stack.stop_worker(second)


@scenario
def a_training_needs_no_broker(stack: Stack, undisturbed: Undisturbed) -> None:
    job_id = stack.submit()
    stack.wait_for_step(job_id, MIDDLE)
    stack.kill_broker(wipe=False)
    job = stack.finish(job_id)
    assert_as_undisturbed(stack, job, undisturbed, attempt=1)


@scenario
def a_job_for_which_no_broker_rang_is_run_when_it_is_back(stack: Stack, undisturbed: Undisturbed) -> None:
    stack.kill_broker(wipe=False)
    job_id = stack.submit(SHORT, rings=0)
    assert not stack.ring(job_id)
    stack.start_broker()
    assert stack.finish(job_id).attempt == 1


@scenario
def a_job_whose_doorbell_was_wiped_with_the_broker_is_run_all_the_same(stack: Stack, undisturbed: Undisturbed) -> None:
    stack.stop_worker(stack.workers[0])
    job_id = stack.submit(SHORT)
    stack.kill_broker(wipe=True)
    stack.heal()
    assert stack.finish(job_id).attempt == 1


@scenario
def a_paused_job_goes_on_where_it_was(stack: Stack, undisturbed: Undisturbed) -> None:
    job_id = stack.submit()
    stack.wait_for_step(job_id, MIDDLE)
    assert stack.jobs.request_pause(job_id).state is JobState.PAUSING
    paused = stack.wait_for(job_id, JobState.PAUSED)
    assert paused.checkpoint_step == paused.step >= MIDDLE
    stack.jobs.resume(job_id)
    stack.ring(job_id)
    job = stack.finish(job_id)
    assert job.attempt == 1
    assert stack.states(job_id) == ["queued", "running", "pausing", "paused", "queued", "running", "succeeded"]
    assert_equal(stack.result(job_id), undisturbed())


@scenario
def jobs_are_cancelled_and_paused_wherever_they_stand(stack: Stack, undisturbed: Undisturbed) -> None:
    running = stack.submit()
    stack.wait_for_step(running, 1)
    cancelled, paused = stack.submit(SHORT), stack.submit(SHORT)
    assert stack.jobs.request_cancel(cancelled).state is JobState.CANCELLED
    assert stack.jobs.request_pause(paused).state is JobState.PAUSED
    stack.wait_for_step(running, MIDDLE)
    assert stack.jobs.request_pause(running).state is JobState.PAUSING
    assert stack.jobs.request_cancel(running).state is JobState.CANCELLING
    ended = stack.wait_for(running, JobState.CANCELLED)
    assert (ended.checkpoint_step or 0) >= MIDDLE
    assert stack.states(running) == ["queued", "running", "pausing", "cancelling", "cancelled"]
    stack.jobs.resume(paused)
    stack.ring(paused)
    stack.finish(paused)
    assert stack.states(paused) == ["queued", "paused", "queued", "running", "succeeded"]
    assert stack.states(cancelled) == ["queued", "cancelled"]


@scenario
def a_worker_that_is_asked_to_leave_puts_its_job_back(stack: Stack, undisturbed: Undisturbed) -> None:
    job_id = stack.submit()
    stack.wait_for_step(job_id, MIDDLE)
    stack.stop_worker(stack.workers[0])
    put_back = stack.jobs.get(job_id)
    assert put_back.state is JobState.QUEUED
    assert put_back.attempt == 0, "an orderly shutdown is no attempt"
    assert put_back.checkpoint_step == put_back.step >= MIDDLE
    stack.heal()
    assert_as_undisturbed(stack, stack.finish(job_id), undisturbed, attempt=1, runs=2)


@scenario
def a_locked_database_delays_a_training_and_no_more(stack: Stack, undisturbed: Undisturbed) -> None:
    job_id = stack.submit()
    stack.wait_for_step(job_id, MIDDLE)
    with stack.locked(timeout_seconds=30):
        time.sleep(5)
    assert_as_undisturbed(stack, stack.finish(job_id), undisturbed, attempt=1)


@scenario
def a_database_server_that_restarts_delays_a_training_and_no_more(stack: Stack, undisturbed: Undisturbed) -> None:
    with postgres_server() as server, new_stack(database_url=server.new_url()) as on_postgres:
        on_postgres.heal()
        job_id = on_postgres.submit()
        training = on_postgres.wait_for_step(job_id, MIDDLE)
        server.stop()
        server.start()
        os.kill(training, signal.SIGKILL)
        assert_as_undisturbed(on_postgres, on_postgres.finish(job_id), undisturbed, attempt=2, runs=2)


@scenario
def redis_carries_doorbells_as_valkey_does(stack: Stack, undisturbed: Undisturbed) -> None:
    redis = shutil.which("redis-server")
    if redis is None:
        pytest.skip("redis-server is not installed")
    with new_stack(broker_program=redis) as on_redis:
        on_redis.start_broker()
        on_redis.start_worker(GANERY_RING_AGAIN_SECONDS="3600")  # a job runs only if its doorbell is heard
        assert on_redis.finish(on_redis.submit(SHORT)).attempt == 1


@scenario
def a_killed_web_server_forgets_nothing(stack: Stack, undisturbed: Undisturbed) -> None:
    with stack.web_server() as (process, client):
        job_id = _post_once(client)
        stack.adopt(job_id)
        stack.wait_for_step(job_id, MIDDLE)
        kill(process)
    with stack.web_server() as (_, client):
        assert _post_once(client) == job_id
        assert_as_undisturbed(stack, stack.finish(job_id), undisturbed, attempt=1)
        assert client.get(f"/jobs/{job_id}").json()["state"] == "succeeded"


def _post_once(client: httpx.Client) -> str:
    """The id of the job that this request created the first time."""
    headers = {"Idempotency-Key": "once", "Content-Type": "application/json"}
    reply = client.post("/train", content=TRAINING.model_dump_json(), headers=headers)
    assert reply.status_code == 202, reply.text
    return str(reply.json()["id"])
