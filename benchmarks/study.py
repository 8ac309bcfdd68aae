"""Compare families by random hyperparameters at one budget, after Lucic et al. 2018, and write a page and a picture.

    python -m benchmarks.study --families gan,wgan --trials 5 --budget 60000 --jobs 2

The trainings are those that POST /studies asks for with the same families, trials, seeds, budget and seed. Ctrl-C
saves; the same command goes on where it was, also after a kill, and writes page and picture again once all have ended.
GANERY_PRECISION chooses the arithmetic. Results go to OUT/study.md and OUT/study.svg.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks._crew import Tell
from benchmarks._runs import command, do_left, names, positive, share_threads
from benchmarks._stopwatch import Witness
from checkpoints.files import write_whole
from checkpoints.format import drop_training_state, read_metadata
from checkpoints.library import current_judge
from ganery.local_training import train
from metrics import JUDGED, Metric, find_metric
from models import Range
from store.requests import RequestError
from store.study_plot import draw
from store.study_report import Entry, Row, TrialOutcome, Value, arrange, find_floor, read_floor, read_metric, tabulate
from store.study_requests import Plan, StudyRequest, StudyWish, Trial, plan_study, varied
from workers.inspection import HEADLINE
from workers.settings import WorkerSettings
from workers.trainer import TrainingDivergedError

CONTESTANTS = ("gan", "gan:minimax", "lsgan", "wgan", "wgan_gp", "dragan", "began")
"""Those of Lucic et al. 2018."""

Judged = Mapping[int, Mapping[str, float | None]]
"""What was measured of the pictures, by step."""


class Ending(BaseModel):
    """What came of one training. Frozen; kept as JSON. failure: why it has no end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    total_steps: int
    judged: dict[int, dict[str, float | None]]
    failure: str | None = None

    def at(self, value: Value) -> Mapping[str, float | None] | None:
        """Return what was measured at the end, or of the checkpoint with the best headline; None where nothing was."""
        headlines = {step: told for step, told in self.judged.items() if told.get(HEADLINE) is not None}
        if value == "final" or not headlines:
            return self.judged.get(self.total_steps)
        return headlines[min(headlines, key=lambda step: (headlines[step][HEADLINE], step))]


@dataclass(frozen=True, slots=True)
class TrialRun:
    """One training of the study. root: where each has a directory."""

    trial: Trial
    root: Path
    settings: WorkerSettings

    @property
    def name(self) -> str:
        """The family, the draw and the seed."""
        return f"{self.trial.contestant}, draw {self.trial.number}, seed {self.trial.request.seed}"

    @property
    def dataset(self) -> str:
        """The name of the data set."""
        return self.trial.request.dataset

    @property
    def directory(self) -> Path:
        """Where it lies: whatever differs in the request, in the arithmetic or in the judge is another training."""
        asked = (self.trial.request.model_dump(mode="json"), self.settings.precision, current_judge(self.dataset))
        digest = blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=8).hexdigest()
        return self.root / f"{self.trial.request.family}-{self.trial.request.preset}-{digest}"

    def read(self) -> Ending | None:
        """Return what came of it, if it has ended."""
        try:
            return Ending.model_validate_json((self.directory / "ending.json").read_text())
        except (OSError, ValidationError):
            return None


def _read_metrics(checkpoint: Path) -> Mapping[str, float | None]:
    return read_metadata(checkpoint).metrics


def work(run: TrialRun, tell: Tell) -> None:
    """Train; where Ctrl-C is pressed, save and return without an ending. One that diverges has ended, and failed.

    Raises one of `train`'s other errors.
    """
    request, steps = run.trial.request, run.trial.total_steps
    wish = request.model_dump() | {"sample_interval": steps}
    witness = Witness(run.directory, -(-request.images // steps), tell, _read_metrics)
    try:
        result = train(wish, run.directory, run.settings, witness)
    except TrainingDivergedError as error:
        _end(run, Ending(total_steps=steps, judged=witness.noted, failure=str(error)))
        tell(1.0, f"diverged: {error}")
        return
    witness.note()
    if not result.is_finished:
        tell(result.step / steps, f"interrupted at step {result.step} of {steps}")
        return
    ending = Ending(total_steps=steps, judged=witness.noted)
    _end(run, ending)
    drop_training_state(result.checkpoint)
    tell(1.0, f"{HEADLINE} {(ending.at('final') or {}).get(HEADLINE)}")


def _end(run: TrialRun, ending: Ending) -> None:
    write_whole(run.directory / "ending.json", ending.model_dump_json(indent=2).encode())


# --- The report ---------------------------------------------------------------------------------------------------


def list_entries(study: StudyRequest, runs: Sequence[TrialRun], metric: Metric, value: Value) -> list[Entry]:
    """Return how each training stands by a metric, as the service tells it."""
    return [_entry(study, run, metric, value) for run in runs]


def _entry(study: StudyRequest, run: TrialRun, metric: Metric, value: Value) -> Entry:
    ending, request = run.read(), run.trial.request
    told = None if ending is None else ending.at(value)
    outcome, measured, reason = _read(ending, told, metric)
    return Entry(
        contestant=run.trial.contestant,
        trial=run.trial.number,
        seed=request.seed,
        job_id=run.directory.name,
        outcome=outcome,
        hyperparameters=varied(study, request),
        value=measured,
        badness=float("inf") if measured is None or told is None else metric.badness(told),
        reason=reason,
        floor=read_floor(told, metric),
    )


def _read(
    ending: Ending | None, told: Mapping[str, float | None] | None, metric: Metric
) -> tuple[TrialOutcome, float | None, str | None]:
    if ending is None:
        return "waiting", None, None
    if ending.failure is not None:
        return "failed", None, ending.failure
    return read_metric(told, metric)


def describe(
    study: StudyRequest, final: Sequence[Row], best: Sequence[Row], *, told: str, failures: Mapping[str, str]
) -> str:
    """Return the page as Markdown.

    final, best: the rows by either value. told: the command. failures: why a run could not be trained, by its name.
    """
    failed = [f"* {one.label}" for row in final for one in row.having("failed")]
    failed += [f"* {name}: not trained: {reason}" for name, reason in failures.items()]
    floor = find_floor([one for row in final for one in row.entries])
    if any(row.having("unjudged") for row in final):
        failed.append(f"* No pictures could be measured: there is no judge of {study.dataset}.")
    return f"""# A study of families at an equal budget

After Lucic et al. 2018, [Are GANs created equal?](https://arxiv.org/abs/1711.10337): each family with \
{study.trials} random draws of hyperparameters by {study.seeds} seed{"" if study.seeds == 1 else "s"}, each training \
after its discriminator has seen {study.images:,} pictures of {study.dataset}. Study seed {study.seed}.

    {told}

{os.cpu_count()} cores, torch {torch.__version__.partition("+")[0]}.

![A box for each family, a dot for each training, a cross for each that failed](study.svg)

## At the whole budget

{chr(10).join(tabulate(final))}

## By the best checkpoint on the way

{chr(10).join(tabulate(best))}

## What failed

{chr(10).join(failed) or "Nothing."}

## What was drawn

{chr(10).join(f"* `{family}`: {_tell_search(search)}" for family, search in study.search.items())}

## How to read it

* The values are FD, the Fréchet distance of {JUDGED:,} drawn pictures to the test pictures in the features of our own
  judge ([why](decisions/0008-a-judge-of-our-own.md)), measured as the training goes on: less is better, and as many
  real pictures have {"no value" if floor is None else f"{floor:.3g}"}. They are not comparable with FID, nor with FD of
  more pictures; only with one another.
* Quartiles are those of the trainings that came to their end. A family that fails often may have a good box: read the
  number of failures beside it.
* The draws are wide on purpose: most are bad. The minimum says what tuning can find among so many, the median how much
  it is needed.
* The budget is one of pictures seen by the discriminator: with five of its steps to one of the generator, the
  generator has stepped less often.
* With few draws the order may be chance: another study seed is another sample.
"""


def _tell_search(search: Mapping[str, Range]) -> str:
    told = [
        f"`{name}` of {', '.join(map(str, one.values))}"
        if one.kind == "choice"
        else f"`{name}` from {one.low:g} to {one.high:g}{' by its logarithm' if one.kind == 'log_uniform' else ''}"
        for name, one in search.items()
    ]
    return "; ".join(told) or "nothing but the seed"


def report(
    study: StudyRequest, runs: Sequence[TrialRun], out: Path, *, told: str, failures: Mapping[str, str]
) -> list[Path]:
    """Write the page and the picture; return their paths. told, failures: as the page takes them."""
    metric = find_metric(HEADLINE)
    final, best = (arrange(study.families, list_entries(study, runs, metric, value)) for value in ("final", "best"))
    title = f"{study.images:,} pictures of {study.dataset} each"
    files = {
        "study.md": describe(study, final, best, told=told, failures=failures),
        "study.svg": draw(final, title=title, axis_title=f"{metric.title} at the whole budget; less is better"),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
    return [out / name for name in files]


# --- All of it ----------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what is left to do, and write the results."""
    chosen = _parse(arguments)
    settings = share_threads(WorkerSettings(), chosen.jobs)
    try:
        plan = _plan(chosen)
    except RequestError as error:
        raise SystemExit(str(error)) from None
    root = chosen.dir or settings.data_dir / "study"
    runs = [TrialRun(trial, root, settings) for trial in plan.trials]
    ending = do_left(work, runs, settings, jobs=chosen.jobs)
    told = _command(chosen, plan.request, settings)
    print(*report(plan.request, runs, chosen.out, told=told, failures=ending.failures), sep="\n")


def _plan(chosen: argparse.Namespace) -> Plan:
    wish = StudyWish(
        families=chosen.families,
        dataset=chosen.dataset,
        trials=chosen.trials,
        seeds=chosen.seeds,
        images=chosen.budget,
        seed=chosen.seed,
    )
    return plan_study(wish)


def _command(chosen: argparse.Namespace, study: StudyRequest, settings: WorkerSettings) -> str:
    options = {
        "--families": ",".join(study.families),
        "--dataset": chosen.dataset if chosen.dataset != "mnist" else "",
        "--trials": study.trials,
        "--seeds": study.seeds if study.seeds > 1 else 0,
        "--budget": study.images,
        "--seed": study.seed,
        "--jobs": chosen.jobs if chosen.jobs > 1 else 0,
    }
    return command("study", options, settings)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=names, default=list(CONTESTANTS), help="as a,b or a:preset,b")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--trials", type=positive, default=5, help="random draws of hyperparameters of each family")
    parser.add_argument("--seeds", type=positive, default=1, help="trainings with each draw")
    parser.add_argument("--budget", type=positive, default=60_000, help="pictures that each discriminator sees")
    parser.add_argument("--seed", type=int, default=0, help="of all draws")
    parser.add_argument("--jobs", type=positive, default=1, help="trainings at a time; they share the threads")
    parser.add_argument("--dir", type=Path, help="what has been done so far; default study in GANERY_DATA_DIR")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where the results go")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
