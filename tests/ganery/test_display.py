import re
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from rich.console import Console

from ganery.client import Event, Findings, Job, Picture, Progress, Spread, Study, Trial
from ganery.display import TrainingBar, describe_end, describe_picture, tabulate, tabulate_study


def make_job(**values: Any) -> Job:
    usual = {
        "id": "0123456789abcdef",
        "state": "running",
        "family": "dcgan",
        "preset": "paper",
        "dataset": "mnist",
        "seed": 1,
        "progress": Progress(step=50, total=200),
        "created_at": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return Job.model_validate(usual | values)


def make_picture(**values: Any) -> Picture:
    usual = {"png": b"", "link": "", "seed": 3, "checkpoint": "cgan-mnist", "candidates": 16}
    return Picture(**{**usual, "threshold": None, "selected_by": None, **values})


def shown(*jobs: Job, events: tuple[Event, ...] = (), is_terminal: bool = True, line_seconds: float = 30) -> str:
    """What a bar shows of a job."""
    console = Console(file=StringIO(), force_terminal=is_terminal, width=200, color_system=None)
    with TrainingBar(console, line_seconds=line_seconds) as bar:
        for job in jobs:
            bar.follow(job, events)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_columns_of_the_jobs_stand_below_each_other() -> None:
    head, first, second = tabulate([make_job(), make_job(state="queued", id="a")])
    assert head.split() == ["JOB", "STATE", "FAMILY", "PRESET", "DATA", "SET", "STEP", "CREATED"]
    assert first.split()[:6] == ["0123456789abcdef", "running", "dcgan", "paper", "mnist", "50/200"]
    assert head.index("STATE") == first.index("running") == second.index("queued")


def test_a_study_is_a_line_for_each_family_and_one_for_its_jobs() -> None:
    spread = Spread(minimum=1, lower_quartile=2.5, median=3.14159, upper_quartile=20, maximum=1000)
    best = Trial(job_id="a", hyperparameters={})
    rows = [
        Findings(family="gan:neutral", trials=5, finished=3, failures=2, distribution=spread, best=best),
        Findings(family="wgan:neutral", trials=5, finished=0, failures=0, distribution=None, best=None),
    ]
    jobs = {"queued": 5, "running": 0, "succeeded": 3, "failed": 2}
    study = Study(id="s", title="FD", better="lower", is_finished=False, jobs=jobs, families=rows, plot="/plot.svg")
    head, first, second, last = tabulate_study(study)
    names = re.split(" {2,}", head)
    assert names[:5] == ["FAMILY", "TRIALS", "FINISHED", "FAILED", "MIN"]
    assert len(set(names)) == len(names) == 10
    assert first.split() == ["gan:neutral", "5", "3", "2", "1", "2.5", "3.142", "20", "1000", "a"]
    assert second.split() == ["wgan:neutral", "5", "0", "0", *"------"]
    assert last.endswith("jobs: 5 queued, 3 succeeded, 2 failed")


def test_the_end_of_a_job_says_how_and_where() -> None:
    succeeded = make_job(state="succeeded", checkpoints=["a-200", "a-100"])
    assert describe_end(succeeded) == (
        "job 0123456789abcdef succeeded after 50 of 200 steps; its newest checkpoint is a-200"
    )
    failed = make_job(state="failed", error={"type": "TrainingDivergedError", "detail": "the training diverged"})
    assert describe_end(failed) == "job 0123456789abcdef failed: the training diverged"


def test_a_picture_says_what_it_was_chosen_from() -> None:
    assert describe_picture(make_picture()) == "checkpoint cgan-mnist, seed 3"
    nice = make_picture(candidates=320, threshold=1.25)
    assert describe_picture(nice).endswith("the best of 320 candidates, from score 1.25")
    by_rejection = make_picture(candidates=320, accepted_share=0.9375)
    assert describe_picture(by_rejection).endswith("94% accepted from 320 candidates, the rest the best of their runs")
    assert describe_picture(make_picture(accepted_share=1.0)).endswith("100% accepted from 16 candidates")
    found = make_picture(candidates=160, selected_by="judge-mnist; confidence=0.5")
    assert describe_picture(found).endswith("classes found by judge-mnist; confidence=0.5 among 160 candidates")


def test_the_bar_shows_state_steps_and_messages() -> None:
    log = Event(sequence=1, kind="log", data={"message": "fetching [1/4]"})
    text = shown(make_job(), events=(log,))
    assert "running" in text
    assert "50/200" in text
    assert "fetching [1/4]" in text


def test_the_bar_shows_the_place_in_the_queue() -> None:
    assert "queued (place 3)" in shown(make_job(state="queued", position=2))


def test_a_pipe_gets_lines_and_no_bar() -> None:
    happened = (
        Event(sequence=1, kind="checkpoint", step=50, data={}),
        Event(sequence=2, kind="warning", step=50, data={"message": "it collapses"}),
        Event(sequence=3, kind="metric", step=50, data={"critic/real": 0.25}),
    )
    assert shown(make_job(), events=happened, is_terminal=False).splitlines() == [
        "checkpoint at step 50",
        "it collapses",
        "running: step 50 of 200 (25%), critic/real 0.250",
    ]


def test_a_line_tells_what_a_job_does_and_how_long_it_will_go_on() -> None:
    judging = make_job(phase="judging", eta_seconds=200.0)
    assert shown(judging, is_terminal=False) == "running, judging: step 50 of 200 (25%), about 3 min left\n"
    assert "running, judging" in shown(judging)
    assert "about 3 min left" in shown(judging)
    assert shown(make_job(phase="training"), is_terminal=False) == "running: step 50 of 200 (25%)\n"


def test_a_pipe_gets_a_line_for_each_event_of_progress() -> None:
    told = [Event(sequence=step, kind="progress", step=step, data={"total_steps": 200}) for step in (20, 40)]
    assert shown(make_job(), events=tuple(told), is_terminal=False).splitlines() == [
        "running: step 20 of 200 (10%)",
        "running: step 40 of 200 (20%)",
    ]
    assert "step 20" not in shown(make_job(), events=tuple(told))


def test_a_pipe_gets_a_line_when_the_state_changes_at_the_end_and_every_so_often() -> None:
    jobs = [make_job(state="queued", position=0, progress=Progress(step=0, total=200))]
    jobs += [make_job(progress=Progress(step=step, total=200)) for step in (1, 2, 3, 200, 200)]
    jobs.append(make_job(state="succeeded", progress=Progress(step=200, total=200)))
    seldom = ["queued (place 1): step 0 of 200 (0%)", "running: step 1 of 200 (0%)"]
    end = ["running: step 200 of 200 (100%)", "succeeded: step 200 of 200 (100%)"]
    assert shown(*jobs, is_terminal=False).splitlines() == [*seldom, *end]
    often = ["running: step 2 of 200 (1%)", "running: step 3 of 200 (2%)"]
    assert shown(*jobs, is_terminal=False, line_seconds=0).splitlines() == [*seldom, *often, *end]
