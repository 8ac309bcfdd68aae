"""The benchmarks' own machinery, on the drawn data set."""

import copy
import io
import json
import math
import os
import pickle
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from rich.console import Console
from torch import Tensor

from app.teaching.zoo_results import ZooResults, read_zoo_results
from benchmarks import _figures, collapse, judging_cost, modes, script_loop, study, zoo
from benchmarks._crew import Board, Countdown, Crew
from benchmarks._figures import Figure
from benchmarks._results import LUCIC_MNIST, Outcome, describe, draw_rows, gather, tabulate, tabulate_rest
from benchmarks._stopwatch import TRAINING_SHARE, Pace, Stopwatch
from benchmarks.trainer_overhead import PlainLoop, compare
from benchmarks.zoo import Run, choose, is_alike
from metrics import find_metric, metrics
from models import (
    MIXTURES,
    RING,
    Classifier,
    Symptom,
    UnknownFamilyError,
    UnknownPresetError,
    derive_seed,
    families,
    find_family,
    from_pixels,
)
from store.requests import complete
from store.study_requests import StudyRequest, StudyWish, plan_study
from tests.crew_tasks import serve
from tests.snapshot import ROOT
from tests.training import TOY, segments, segments_judge, toy_sampler, train
from workers import inspection, references
from workers.settings import WorkerSettings
from workers.trainer import Plan, TrainingDivergedError

LSGAN = find_family("lsgan")


FIGURES = {
    "fd": Figure(value=2.5, floor=0.25, count=10_000),
    "label_accuracy": None,
    "precision": Figure(value=0.91, floor=0.95, count=10_000),
    "recall": Figure(value=0.82, floor=0.95, count=10_000),
    "density": Figure(value=0.73, floor=0.98, count=10_000),
    "coverage": Figure(value=0.64, floor=0.97, count=10_000),
    "classes_covered": Figure(value=9, floor=10, count=10_000),
    "kid": Figure(value=0.0123, floor=0.0001, count=10_000),
    "gan_train": None,
}


def outcome(name: str = "lsgan:neutral", *, figures: Mapping[str, Figure | None] = FIGURES, **changes: Any) -> Outcome:
    family, preset = name.split(":")
    made = Outcome(
        family=family,
        preset=preset,
        ships=None,
        images=640,
        averaging_half_life=10_000,
        images_per_second=123.4,
        arithmetic="float32",
        threads=1,
        torch="2.0",
        figures=figures,
    )
    return replace(made, **changes)


# --- Which trainings ----------------------------------------------------------------------------------------------


def test_by_default_each_family_has_its_first_preset_and_those_that_differ_in_the_loss_alone() -> None:
    chosen = choose(families())
    for name, family in families().items():
        first = family.preset(family.default_preset)
        assert [preset for one, preset in chosen if one == name] == [
            preset for preset in family.presets if is_alike(family.preset(preset), first)
        ]


def test_presets_are_alike_whatever_their_hyperparameters_but_not_with_another_budget() -> None:
    neutral = LSGAN.preset("neutral")
    assert is_alike(neutral, replace(neutral, hyperparameters=LSGAN.preset("paper").hyperparameters))
    assert not is_alike(neutral, LSGAN.preset("paper"))
    assert not is_alike(neutral, replace(neutral, images=1))


def test_a_preset_is_chosen_by_its_full_name_or_for_all_families() -> None:
    assert choose(families(), ["lsgan:paper", "lsgan"]) == [("lsgan", "paper"), ("lsgan", "neutral")]
    neutral = choose(families(), presets=["neutral"])
    assert neutral
    assert {preset for _, preset in neutral} == {"neutral"}


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownFamilyError):
        choose(families(), ["nobody"])
    with pytest.raises(UnknownPresetError):
        choose(families(), ["lsgan:nothing"])
    with pytest.raises(zoo.NothingChosenError, match="nothing"):
        choose(families(), presets=["nothing"])


def test_the_published_figures_name_presets_that_exist() -> None:
    for name in LUCIC_MNIST:
        family, _, preset = name.partition(":")
        find_family(family).preset(preset)


# --- The page and the picture -------------------------------------------------------------------------------------


def better(fd: float, **others: float) -> Mapping[str, Figure | None]:
    found = {name: Figure(value=value, floor=1.0, count=10_000) for name, value in others.items()}
    return FIGURES | {"fd": Figure(value=fd, floor=0.25, count=10_000)} | found


def test_the_table_is_sorted_by_fd_below_what_real_pictures_have() -> None:
    best = outcome("toy:only", figures=better(1.0, label_accuracy=0.987), averaging_half_life=0)
    lines = tabulate([outcome(), best])
    assert lines[2] == "| *real pictures* | 0.25 | 1.0 | 100.00% | 0.95 | 0.95 | 0.98 | 0.97 | 10 |  |  |"
    assert lines[3] == "| toy:only \\* | 1.00 | 4.0 | 98.70% | 0.91 | 0.82 | 0.73 | 0.64 | 9 | 123 |  |"
    assert lines[4] == "| lsgan:neutral | 2.50 | 10.0 |  | 0.91 | 0.82 | 0.73 | 0.64 | 9 | 123 | 7.8 ± 0.6 |"
    assert {line.count("|") for line in lines} == {12}


def test_the_other_table_has_what_the_first_has_not() -> None:
    lines = tabulate_rest([outcome(), outcome("toy:only", ships="toy-ships", figures=better(1.0, gan_train=0.99))])
    assert lines[0] == "| family:preset | KID | GAN-train accuracy |"
    assert lines[2:] == [
        "| *better* | *lower* | *higher* |",
        "| *real pictures* | 0.0001000 | 100.00% |",
        "| toy-ships † | 0.01230 | 99.00% |",
        "| lsgan:neutral | 0.01230 |  |",
    ]


def test_a_rate_that_was_not_timed_is_left_out() -> None:
    assert tabulate([outcome(images_per_second=None)])[3].split("|")[10].strip() == ""


def test_the_page_says_how_it_came_about_and_what_failed() -> None:
    failures = {"toy:only": "it diverged"}
    page = describe([outcome()], command="the command", budget=60_000, jobs=2, failures=failures, picture="results.png")
    for part in ("60,000", "    the command", "2 trainings at a time with 1 thread each", "torch 2.0", "0.25"):
        assert part in page
    assert "`toy:only` failed: it diverged" in page
    assert "not comparable" in page


def test_the_figures_stand_as_the_table_does_and_leave_out_what_was_not_measured() -> None:
    known: Mapping[str, Figure | None] = {"fd": Figure(value=2.5, floor=0.25, count=100), "label_accuracy": None}
    better = {"fd": Figure(value=0.5, floor=0.25, count=100), "label_accuracy": Figure(value=0.987, floor=1, count=100)}
    outcomes = [outcome(figures=known), outcome("toy:only", figures=better), outcome("toy:best", ships="shipped")]
    figures = gather(outcomes, dataset="mnist", budget=60_000, seed=0)
    assert [one.family for one in figures.trainings] == ["toy", "lsgan"]
    assert figures.of("toy")[0].metrics["label_accuracy"] == 0.987
    assert "label_accuracy" not in figures.of("lsgan")[0].metrics
    assert (figures.count, figures.of("toy")[0].metrics["fd_floor"]) == (100, 0.25)


def test_the_figures_that_ship_are_those_of_the_document() -> None:
    results, document = read_zoo_results(), (ROOT / "docs" / "results.md").read_text()
    assert f"{results.budget:,} pictures" in document
    table = document.partition("\n## ")[0].splitlines()
    rows = [line for line in table if line.startswith("| ") and ":" in line.split("|")[1]][1:]
    assert len(rows) == len(results.trainings)
    for row, training in zip(rows, results.trainings, strict=True):
        assert row.startswith(f"| {training.family}:{training.preset} ")
        assert f"| {training.metrics['fd']:.2f} |" in row


def test_the_picture_has_a_row_for_each_sampler_beside_its_name() -> None:
    samplers = {"first": toy_sampler(), "the second": toy_sampler()}
    sheet = Image.open(io.BytesIO(draw_rows(samplers, seed=0, columns=16, scale=2)))
    side = 2 * 4  # of the toy's pictures
    assert sheet.height == 2 * side + 4
    assert sheet.width > 16 * side
    top, bottom = (sheet.crop((sheet.width - 16 * side, y, sheet.width, y + side)) for y in (0, side + 4))
    assert top.tobytes() == bottom.tobytes()  # the same noise
    names = sheet.crop((0, 0, sheet.width - 16 * side, sheet.height))
    assert names.getextrema()[0] == 0


# --- One training -------------------------------------------------------------------------------------------------


def test_only_steps_between_reports_are_timed_and_the_pace_outlives_the_process(tmp_path: Path) -> None:
    clock = iter(range(100))
    file = tmp_path / "pace.json"
    watch = Stopwatch(file, 64, lambda share, line: None, now=lambda: float(next(clock)))
    for step in range(4):
        watch.move("training", step, 10)  # begins; warms up; two timed steps
    watch.losses({})
    watch.move("training", 4, 10)  # after a report: drew and saved
    assert watch.pace == Pace(images=128, seconds=2.0)
    again = Stopwatch(file, 64, lambda share, line: None)
    assert again.pace.images_per_second == 64


def little_run(root: Path, budget: int = 12 * 64, seed: int = 0) -> Run:
    settings = WorkerSettings(data_dir=root / "data", device="cpu", training_threads=1)
    return Run("lsgan", "neutral", "segments", budget, seed, root / "zoo", settings)


@pytest.fixture
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_figures, "load_judge", lambda dataset: segments_judge())
    monkeypatch.setattr(_figures, "judge_digest", lambda dataset: "0" * 64)
    monkeypatch.setattr(references, "judge_digest", lambda dataset: "0" * 64)
    monkeypatch.setattr(zoo, "PICTURES", 300)


@pytest.mark.usefixtures("few_pictures")
def test_an_interrupted_run_goes_on_and_comes_to_an_outcome(tmp_path: Path) -> None:
    run, told = little_run(tmp_path), list[str]()

    def interrupt(share: float, line: str) -> None:
        told.append(line)
        if not line and share > TRAINING_SHARE / 2:
            os.kill(os.getpid(), signal.SIGINT)

    zoo.work(run, interrupt)
    assert run.read() is None
    assert "interrupted at step 7 of 12" in told
    timed = Pace.read(run.directory / "pace.json").images
    assert timed == 6 * 64  # all but the first step
    shares: list[float] = []
    zoo.work(run, lambda share, line: shares.append(share))
    assert shares[0] == TRAINING_SHARE * 7 / 12
    assert shares[-1] == 1
    ending = run.read()
    assert ending is not None
    assert (ending.name, ending.images, set(ending.figures)) == ("lsgan:neutral", 12 * 64, set(metrics()) - {"fid"})
    distance = ending.figures["fd"]
    assert distance is not None
    assert distance.value > distance.floor
    assert distance.count == 300
    assert ending.figures["gan_train"] is None  # it takes no labels
    assert ending.images_per_second is not None
    assert Pace.read(run.directory / "pace.json").images > timed
    assert run.checkpoint.name == "00000012"


@pytest.mark.usefixtures("few_pictures")
def test_only_what_is_not_known_is_measured_and_the_floor_once_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = replace(little_run(tmp_path, budget=64), family="cgan", preset="conv")
    zoo.work(run, lambda share, line: None)
    first = run.read()
    assert first is not None
    assert first.figures["gan_train"] is None  # of no passes
    longer, told = replace(run, passes=1), list[str]()
    assert longer.read() is None
    zoo.work(longer, lambda share, line: told.append(line))
    assert [line for line in told if line.startswith("measured")] == ["measured gan_train"]
    second = longer.read()
    assert second is not None
    assert second.figures["fd"] == first.figures["fd"]
    found = second.figures["gan_train"]
    assert found is not None
    assert 0 <= found.value <= 1

    trained: list[int] = []

    def train_none(*_: object, **__: object) -> Callable[[Tensor, Tensor], Classifier]:
        return lambda pixels, labels: trained.append(len(pixels)) or segments_judge()  # type: ignore[func-returns-value]

    monkeypatch.setattr(_figures, "classifier_trainer", train_none)
    another = replace(longer, seed=0, budget=128)
    zoo.work(another, lambda share, line: None)
    assert trained == [300]  # of the drawn pictures; the floor was known
    third = another.read()
    assert third is not None
    other = third.figures["gan_train"]
    assert other is not None
    assert other.floor == found.floor


@pytest.mark.usefixtures("few_pictures")
def test_a_damaged_file_of_figures_is_measured_again(tmp_path: Path) -> None:
    run = little_run(tmp_path, budget=64)
    zoo.work(run, lambda share, line: None)
    before = run.read()
    (run.directory / "figures.json").write_text("[3")
    assert run.read() is None
    zoo.work(run, lambda share, line: None)
    assert run.read() == before


def test_a_checkpoint_that_ships_stands_beside_its_family(tmp_path: Path) -> None:
    settings = WorkerSettings(data_dir=tmp_path / "data", training_threads=1)
    runs = [Run(family, "neutral", "mnist", 64, 0, tmp_path, settings, passes=2) for family in ("lsgan", "vae")]
    assert not list(zoo._shipped_beside(runs))
    flagship = replace(runs[0], family="projection_gan", preset="quick")
    (ships,) = zoo._shipped_beside([*runs, flagship])
    assert (ships.name, ships.preset, ships.passes, ships.is_trained) == ("projection_gan-mnist", "best", 2, True)
    assert ships.directory.name.startswith("ships-projection_gan-mnist-")


def test_another_budget_seed_or_recipe_is_another_directory(tmp_path: Path) -> None:
    places = {little_run(tmp_path).directory, little_run(tmp_path, budget=64).directory}
    places.add(little_run(tmp_path, seed=1).directory)
    assert len(places) == 3
    assert little_run(tmp_path).directory in places


@pytest.mark.usefixtures("few_pictures")
def test_the_command_trains_what_is_left_and_writes_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = little_run(tmp_path, budget=64)
    zoo.work(run, lambda share, line: None)
    places = ["--out", str(tmp_path / "out"), "--figures", str(tmp_path / "figures.json")]
    chosen = zoo._parse(["--budget", "64", "--families", "lsgan", *places])
    ended = run.read()
    assert ended is not None
    page, picture = zoo.conclude_all({run: ended}, chosen, {})
    assert "python -m benchmarks.zoo --budget 64 --families lsgan\n" in page.read_text()
    assert str(tmp_path) not in page.read_text()
    with Image.open(picture) as sheet:
        assert sheet.height == 2 * 16
    (figures,) = ZooResults.model_validate_json((tmp_path / "figures.json").read_text()).of("lsgan")
    assert figures.metrics["fd"] == pytest.approx(ended.value("fd"), rel=1e-4)
    assert "fd_floor" in figures.metrics


def test_the_command_tells_precision_and_leaves_places_out(tmp_path: Path) -> None:
    settings = WorkerSettings(data_dir=tmp_path, precision="bfloat16")
    chosen = zoo._parse(["--budget", "640", "--seed", "3", "--jobs", "2", "--dir", str(tmp_path)])
    command = "GANERY_PRECISION=bfloat16 python -m benchmarks.zoo --budget 640 --seed 3 --jobs 2"
    assert zoo._command(chosen, settings) == command


# --- Several at a time --------------------------------------------------------------------------------------------


def test_the_time_left_counts_what_was_done_before_but_not_its_pace() -> None:
    now = [0.0]
    countdown = Countdown(runs=2, now=lambda: now[0])
    countdown.at("resumed", 0.5)
    assert countdown.seconds_left is None
    now[0] = 10.0
    countdown.at("resumed", 0.75)
    assert countdown.share == 0.375
    assert countdown.seconds_left == 10 * 1.25 / 0.25
    assert str(countdown) == "0:00:50 left"


def test_a_crew_does_what_can_be_done_and_tells_what_failed() -> None:
    out = io.StringIO()
    with Board(Console(file=out), 3) as board:
        ending = Crew(serve, board, jobs=3, errors=(OSError,)).do(
            [(name, name) for name in ("works", "refuses", "dies")]
        )
    assert not ending.is_interrupted
    assert ending.failures == {"refuses": "no room", "dies": "its process ended with status 3"}
    assert "works: did it" in out.getvalue()


def test_control_c_reaches_every_process_and_starts_no_other() -> None:
    class Pressing(Board):
        def at(self, name: str, share: float) -> None:
            super().at(name, share)
            signal.raise_signal(signal.SIGINT)

    out = io.StringIO()
    with Pressing(Console(file=out), 2) as board:
        ending = Crew(serve, board, jobs=1, errors=()).do([("first", "waits"), ("second", "works")])
    assert ending.is_interrupted
    assert not ending.failures
    assert "second" not in out.getvalue()


# --- The trainer and the loops by hand ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lsgan", "wgan_gp"])
def test_the_plain_loop_trains_what_the_trainer_trains(name: str) -> None:
    family = find_family(name)
    trainer = train(family, width=4, hidden=16)
    plain = PlainLoop(family, trainer.config, trainer.plan, trainer.data)
    repeats = max(phase.repeats for phase in family.phases(trainer.config))
    plain.networks.train()
    for step in range(3):
        batches = [trainer._batch(repeat) for repeat in range(repeats)]
        trainer.step()
        plain.noise.manual_seed(derive_seed("step", trainer.plan.seed, step))
        plain.descend(batches)
    for ours, theirs in zip(trainer.networks.parameters(), plain.networks.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_both_take_turns_and_the_first_round_is_lost() -> None:
    calls: list[str] = []
    seconds = compare(lambda: calls.append("a"), lambda: calls.append("b"), rounds=2, steps=2)
    assert "".join(calls) == "aabb" * 3
    assert [len(column) for column in seconds] == [2, 2]


def test_the_plain_loop_steps_on_batches_of_its_own() -> None:
    preset = TOY.preset("only")
    plain = PlainLoop(TOY, TOY.configure({}, segments().spec), Plan.of("only", preset, seed=0), segments())
    for _ in range(3):
        plain.step()
    assert plain.networks["generator"].level != 0


def test_the_scripts_pictures_are_ours() -> None:
    data = segments()
    picture, label = script_loop.PILPictures(data)[5]
    assert torch.allclose(picture, from_pixels(data.images[5]), atol=1e-6)
    assert label == data.labels[5]


@pytest.mark.parametrize("name", list(script_loop.SCRIPTS))
def test_a_script_trains_both_networks_of_its_family(name: str) -> None:
    family = find_family(name)
    preset = family.preset("neutral")
    changes = preset.hyperparameters.model_dump() | {"width": 2, "hidden": 8}
    config = family.configure(changes, segments().spec)
    networks = family.build(config)
    before = copy.deepcopy(networks)
    game = script_loop.Game(networks, config.hyperparameters, 10, io.StringIO())
    loader = torch.utils.data.DataLoader(script_loop.PILPictures(segments()), batch_size=8, shuffle=True)
    moves = script_loop.SCRIPTS[name](game, loader)
    assert [next(moves) for _ in range(2)] == [8, 8]
    for player, network in networks.items():
        assert not torch.equal(next(network.parameters()), next(before[player].parameters()))


# --- A study ------------------------------------------------------------------------------------------------------


def little_study(root: Path) -> tuple[StudyRequest, list[study.TrialRun]]:
    wish = StudyWish(families=["lsgan", "wgan"], dataset="segments", trials=2, images=12 * 64, seed=1)
    plan = plan_study(wish)
    settings = WorkerSettings(data_dir=root / "data", device="cpu", training_threads=1)
    return plan.request, [study.TrialRun(trial, root / "study", settings) for trial in plan.trials]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "has_judge", lambda dataset: True)
    monkeypatch.setattr(inspection, "load_judge", lambda dataset: segments_judge())
    monkeypatch.setattr(references, "judge_digest", lambda dataset: "0" * 64)


@pytest.mark.usefixtures("judged")
def test_a_study_goes_on_where_it_was_and_writes_the_same_page_and_picture_again(tmp_path: Path) -> None:
    request, runs = little_study(tmp_path)

    def interrupt(share: float, line: str) -> None:
        if not line:
            os.kill(os.getpid(), signal.SIGINT)

    study.work(runs[0], interrupt)
    assert runs[0].read() is None
    for run in runs:
        study.work(run, lambda share, line: None)
    ending = runs[0].read()
    assert ending is not None
    assert list(ending.judged) == [ending.total_steps]
    written = [
        [path.read_text() for path in study.report(request, runs, tmp_path / out, told="the command", failures={})]
        for out in ("first", "second")
    ]
    assert written[0] == written[1]
    page, picture = written[0]
    assert "    the command\n" in page
    assert f"| lsgan:neutral | 2 | 2 | 0 | {min(_values(request, runs, 'lsgan')):.4g} |" in page
    assert picture.count("<circle") == 4
    assert str(tmp_path) not in page


def _values(request: StudyRequest, runs: list[study.TrialRun], family: str) -> list[float]:
    entries = study.list_entries(request, runs, find_metric("fd"), "final")
    return [one.value for one in entries if one.contestant.startswith(family) and one.value is not None]


def test_a_training_that_diverged_has_ended_and_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(*_: object) -> None:
        raise TrainingDivergedError(3, {"real": math.nan}, "lower the learning rate")

    monkeypatch.setattr(study, "train", diverge)
    request, runs = little_study(tmp_path)
    study.work(runs[0], lambda share, line: None)
    first, *others = study.list_entries(request, runs, find_metric("fd"), "final")
    assert (first.outcome, first.value) == ("failed", None)
    assert {one.outcome for one in others} == {"waiting"}
    page, picture = study.report(request, runs, tmp_path / "out", told="", failures={"another": "no room"})
    assert f"lsgan:neutral, draw 0: {first.reason}" in page.read_text()
    assert "another: not trained: no room" in page.read_text()
    assert picture.read_text().count('<path class="failed"') == 1


def test_the_best_is_of_the_checkpoint_with_the_best_headline() -> None:
    judged: dict[int, dict[str, float | None]] = {
        4: {"fd": 3.0, "recall": 0.9},
        8: {"fd": 1.0, "recall": 0.1},
        9: {"fd": None},
        12: {"fd": 2.0, "recall": 0.5},
    }
    ending = study.Ending(total_steps=12, judged=judged)
    assert (ending.at("best"), ending.at("final")) == (judged[8], judged[12])
    assert study.Ending(total_steps=12, judged={12: {"loss": 1.0}}).at("best") == {"loss": 1.0}
    assert study.Ending(total_steps=12, judged={}).at("best") is None


def test_a_study_is_trained_again_for_another_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, runs = little_study(tmp_path)
    before = {run.directory for run in runs}
    monkeypatch.setattr(study, "current_judge", lambda dataset: "another")
    assert before.isdisjoint(run.directory for run in runs)


def test_a_study_without_a_judge_says_so(tmp_path: Path) -> None:
    request, runs = little_study(tmp_path)
    study.work(runs[0], lambda share, line: None)
    assert study.list_entries(request, runs[:1], find_metric("fd"), "best")[0].outcome == "unjudged"
    page, _ = study.report(request, runs[:1], tmp_path / "out", told="", failures={})
    assert "there is no judge of segments" in page.read_text()


def test_the_command_of_a_study_names_what_it_trained(tmp_path: Path) -> None:
    chosen = study._parse(["--families", "gan,wgan:paper", "--trials", "3", "--jobs", "2", "--dir", str(tmp_path)])
    plan = study._plan(chosen)
    assert len({run.name for run in (study.TrialRun(one, tmp_path, WorkerSettings()) for one in plan.trials)}) == 6
    command = "python -m benchmarks.study --families gan:neutral,wgan:paper --trials 3 --budget 60000 --jobs 2"
    assert study._command(chosen, plan.request, WorkerSettings(precision="float32")) == command


# --- The cost of judging ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("judged")
def test_a_whole_training_costs_its_steps_and_its_judgements(tmp_path: Path) -> None:
    settings = WorkerSettings(data_dir=tmp_path, device="cpu", training_threads=1)
    bench = judging_cost.Bench("lsgan:neutral", "segments", settings, images=250 * 64)
    cost = judging_cost.measure(bench, rounds=1, steps=2)
    assert bench.trainer.step_count == 4
    assert (cost.steps, cost.interval, cost.judgements) == (250, 200, 2)  # at 200 and the end
    assert cost.step > 0
    assert cost.judgement > 0
    assert cost.share == pytest.approx((2 * cost.judgement + cost.first) / (250 * cost.step))


# --- Modes --------------------------------------------------------------------------------------------------------


def test_modes_are_the_classes_that_occur_and_kl_tells_how_uneven_they_are() -> None:
    assert modes.count_classes(torch.arange(8).repeat(5), 8) == {"modes": 8, "kl": pytest.approx(0)}
    assert modes.count_classes(torch.zeros(40, dtype=torch.int64), 8) == {"modes": 1, "kl": pytest.approx(math.log(8))}
    by_chance = modes.count_classes(modes.ask(1000, 26_000, seed=0), 1000)
    assert by_chance["modes"] == 1000
    assert by_chance["kl"] == pytest.approx(modes._by_chance(), rel=0.15)


def little_modes(root: Path, dataset: str = "ring", budget: int = 40 * 64) -> modes.Run:
    settings = WorkerSettings(data_dir=root / "data", device="cpu", training_threads=1)
    return modes.Run("lsgan", "neutral", dataset, budget, 0, root / "modes", settings, points=4)


@pytest.fixture
def little_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "COUNTS", dict.fromkeys(modes.COUNTS, 100))


@pytest.mark.usefixtures("little_counts")
def test_modes_are_counted_on_the_way_and_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    run = little_modes(tmp_path)

    def interrupt(share: float, line: str) -> None:
        if not line and share > TRAINING_SHARE * 0.6:
            os.kill(os.getpid(), signal.SIGINT)

    modes.work(run, interrupt)
    assert run.read() is None
    assert list(run.noted) == [10]  # so that a report can be written before the end
    before = dict(run.noted)
    modes.work(run, lambda share, line: None)
    noted = run.read()
    assert noted is not None
    assert {10, 20, 30, 40} <= set(noted)
    assert {step: noted[step] for step in before} == before
    assert set(noted[40]) == {"modes", "high_quality"}
    assert len(list((run.directory / "checkpoints").glob("[0-9]*"))) <= 2
    written = modes.report([run, little_modes(tmp_path, "grid")], tmp_path / "out", told="the command", failures={})
    assert [path.name for path in written] == ["modes.md", "modes.svg", "toys.png"]
    with Image.open(written[-1]) as picture:
        assert picture.height == 2 * RING.size  # a row for the one that has ended


def test_real_points_are_of_every_mode_and_of_high_quality(tmp_path: Path) -> None:
    for toy, mixture in MIXTURES.items():
        real = modes.look_at_real(toy, WorkerSettings(data_dir=tmp_path))
        assert real["modes"] == len(mixture.modes)
        assert real["high_quality"] == pytest.approx(0.989, abs=0.01)


def noted_modes(root: Path) -> list[modes.Run]:
    """Runs whose counts are known, without a training."""
    runs = [little_modes(root, dataset) for dataset in ("stacked_mnist", "ring", "grid")]
    found = {10: {"modes": 5.0, "kl": 2.0}, 40: {"modes": 940.0, "kl": 0.25}}, {40: {"modes": 7.0, "high_quality": 0.5}}
    for run, noted in zip(runs, (*found, found[1]), strict=True):
        run.directory.mkdir(parents=True)
        (run.directory / "judged.json").write_text(json.dumps(noted))
    return runs


def test_the_page_sets_our_row_beside_the_printed_ones(tmp_path: Path) -> None:
    real: dict[str, dict[str, float | None]] = {"stacked_mnist": {"modes": 1000.0, "kl": 0.02}}
    real |= {toy: {"modes": 8.0, "high_quality": 0.99} for toy in MIXTURES}
    page = modes.describe(noted_modes(tmp_path), real, told="the command", failures={"another": "no room"})
    for line in (
        "    the command",
        "`another` failed: no room.",
        "| lsgan:neutral | 640 | 5 | 2.000 |",
        "| **lsgan:neutral** | 940 | 0.250 | here, 2,560 pictures |",
        "| **lsgan:neutral** | 7 | 50.0% | 7 | 50.0% | 2,560 |",
        "| *real pictures* |  | 1000 | 0.020 |",
    ):
        assert line in page.splitlines()
    assert "| R3GAN | 1000 | 0.029 |" in page
    assert "![" in page.partition("## Ring and grid")[0]
    assert "![" not in page.partition("## Ring and grid")[2]  # no training on them has ended


def test_the_picture_of_modes_has_a_curve_for_each_run_in_both_panels(tmp_path: Path) -> None:
    stacked = noted_modes(tmp_path)[:1]
    picture = modes.draw(stacked, {"modes": 1000.0, "kl": 0.02})
    assert picture.count("<polyline") == 2
    assert picture.count("<circle") == 4
    assert picture == modes.draw(stacked, {"modes": 1000.0, "kl": 0.02})
    assert "lsgan:neutral: 940 at 2,560" in picture


def test_the_command_of_modes_names_what_differs(tmp_path: Path) -> None:
    chosen = modes._parse(["--families", "gan_r1", "--budget", "640", "--toys", "gan,lsgan:paper", "--report"])
    runs = list(modes._plan(chosen, WorkerSettings(data_dir=tmp_path)))
    assert [run.name for run in runs] == [
        "gan_r1:neutral on stacked_mnist",
        "gan:neutral on ring",
        "gan:neutral on grid",
        "lsgan:paper on ring",
        "lsgan:paper on grid",
    ]
    told = modes._command(chosen, WorkerSettings(precision="float32"))
    assert told == (
        "python -m benchmarks.modes --families gan_r1 --budget 640 --points 8 "
        "--toys gan,lsgan:paper --toy-budget 200000"
    )


# --- The collapse watch -------------------------------------------------------------------------------------------


def watched(root: Path, case: collapse.Case) -> collapse.Run:
    return collapse.Run(case, root / "collapse", WorkerSettings(data_dir=root, device="cpu", training_threads=1))


def test_every_symptom_is_shown_and_five_trainings_are_healthy() -> None:
    assert {case.expected for case in collapse.COLLAPSING} == set(Symptom)
    assert [case.expected for case in collapse.HEALTHY] == [None] * 5
    for case in (*collapse.COLLAPSING, *collapse.HEALTHY):
        run = watched(Path("never-written"), case)
        complete(run.wish)  # what is asked for can be trained
        assert pickle.loads(pickle.dumps(run)) == run  # as another process gets it


def test_a_training_that_diverges_is_told_and_is_not_trained_again(tmp_path: Path) -> None:
    (case,) = (case for case in collapse.COLLAPSING if case.expected is Symptom.DIVERGED)
    run, told = watched(tmp_path, case), list[str]()
    assert run.read() is None
    collapse.work(run, lambda share, line: told.append(line))
    ending = run.read()
    assert ending is not None
    (warning,) = ending.warnings
    assert warning.symptom is Symptom.DIVERGED
    assert told[-1] == f"diverged at step {warning.step}"
    assert collapse.is_as_expected(run)
    assert not collapse.is_as_expected(replace(run, case=replace(case, expected=Symptom.DEAD)))
    assert not collapse.is_as_expected(replace(run, case=replace(case, expected=None)))


def test_what_is_seen_of_a_training_is_kept_and_silence_is_told(tmp_path: Path) -> None:
    run = watched(tmp_path, collapse.Case("lsgan:neutral", 100 * 64, changes={"width": 4, "hidden": 8}, dataset="ring"))
    collapse.work(run, lambda share, line: None)
    ending = run.read()
    assert ending is not None
    assert set(ending.signs[100]) == {"progress", "spread", "variety", "classes", "separation"}
    assert collapse.tabulate([run])[2] == "| `lsgan:neutral` | ring | nothing | 100 | | none | |"
    page = collapse.describe([run], told="the command", failures={})
    assert "    the command" in page
    assert "every healthy one is silent" in page


def test_the_page_says_what_was_not_as_it_was_meant(tmp_path: Path) -> None:
    run = watched(tmp_path, collapse.Case("lsgan:neutral", 64, "all that can be done", Symptom.DEAD, dataset="ring"))
    run.file.parent.mkdir()
    warning = collapse.Told(step=400, symptom=Symptom.UNIFORM, words="they are alike; do something")
    signs = {step: {"progress": step / 600, "spread": 0.5, "variety": 0.1} for step in (200, 400, 600)}
    ending = collapse.Ending(steps=600, signs=signs, warnings=[warning])
    run.file.write_text(ending.model_dump_json())
    row = "| `lsgan:neutral` | ring | all that can be done | 600 | 400 | uniform | they are alike; do something |"
    page = collapse.describe([run], told="", failures={"another": "no room"}).splitlines()
    assert row in page
    assert "* `lsgan:neutral, all that can be done` was meant to show dead." in page
    assert "* `another` failed: no room." in page
    run.file.write_text(ending.model_copy(update={"warnings": []}).model_dump_json())
    assert run.read() is None, "another watch told this"
