"""The command `ganery`. Its commands speak to a running service; --local works without one.

What needs torch or a database is imported by the command that needs it: each takes a second or more to load.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings
from rich.console import Console
from rich.markup import escape

from ganery.client import Action, Client, ClientError, Job, Picture, ServiceUnreachableError
from ganery.display import TrainingBar, describe_end, describe_picture, tabulate, tabulate_study
from ganery.settings import ClientSettings, explain, variable

if TYPE_CHECKING:
    from store.settings import StoreSettings

app = typer.Typer(
    help="Train GANs and draw their pictures.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
data = typer.Typer(help="The data sets.", no_args_is_help=True)
app.add_typer(data, name="data")
judge = typer.Typer(help="The classifiers that judge pictures.", no_args_is_help=True)
app.add_typer(judge, name="judge")

NICE_METHODS = {"top": "the best of the candidates", "drs": "the first that rejection sampling accepts"}
"""models.NiceMethod in words: to import it takes a second."""

_KEPT_PATH = "/generate"
"""Of the pictures that the gallery keeps."""

INTERRUPTED = 130
"""The exit status of a command that Ctrl-C ended."""

Settings = TypeVar("Settings", bound=BaseSettings)


def main() -> None:
    """Run the command line."""
    app()


@app.command()
def up() -> None:
    """Start the whole service: broker, worker and web server.

    GANERY_HOST, GANERY_PORT and GANERY_DATA_DIR say where; REDIS_URL and GANERY_DATABASE_URL replace the
    embedded broker and database.
    """
    if sys.platform == "win32":
        _fail(
            "ganery up needs Linux or macOS, and no broker can be embedded on Windows. Start Redis, set REDIS_URL, "
            "then `celery -A workers.celery_app worker --pool solo` and `uvicorn --factory app.main:create_app`"
        )
    from ganery import launcher  # noqa: PLC0415

    with _explained(*launcher.ERRORS):
        launcher.launch(_read_settings(launcher.LauncherSettings), _say)


@app.command()
def train(
    *,
    family: Annotated[str | None, typer.Option(help="The family; default the flagship.")] = None,
    preset: Annotated[str | None, typer.Option(help="The family's preset; default its first.")] = None,
    dataset: Annotated[str | None, typer.Option(help="The data set; default mnist.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed; default drawn, or 0 with --local.")] = None,
    images: Annotated[int | None, typer.Option(help="Pictures to train with; default the preset's.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pictures in a batch; default the preset's.")] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A hyperparameter; may be repeated.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the job to its end.")] = False,
    local: Annotated[bool, typer.Option("--local", help="Train here, without a service.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="With --local: where checkpoints and sample grids go, and are found again.")
    ] = None,
) -> None:
    """Train a model: queue a job, or with --local train in this process."""
    named = {
        "family": family,
        "preset": preset,
        "dataset": dataset,
        "seed": seed,
        "images": images,
        "batch_size": batch_size,
        "hyperparameters": parse_values(values or []) or None,
    }
    wish = {name: value for name, value in named.items() if value is not None}
    if local:
        _train_here(wish, out)
        return
    if out is not None:
        _fail("--out is for --local: the service keeps checkpoints in its own data directory")
    with _service() as client:
        job = client.train(wish)
        _say(f"job {job.id} is {job.state}: {job.family} ({job.preset}) on {job.dataset}, seed {job.seed}")
        if watch:
            _follow(client, job.id)
        else:
            _say(f"follow it with: ganery watch {job.id}")


@app.command()
def generate(
    *,
    digit: Annotated[int | None, typer.Option(help="The digit to draw.")] = None,
    label: Annotated[str | None, typer.Option(help="The class to draw, by name or index.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed, the same pictures; default drawn.")] = None,
    count: Annotated[int | None, typer.Option(help="How many pictures; default 16.")] = None,
    columns: Annotated[int | None, typer.Option(help="Pictures in a row; default a square.")] = None,
    nice: Annotated[bool, typer.Option("--nice", help="Keep the best-looking of many candidates.")] = False,
    nice_factor: Annotated[int | None, typer.Option(help="With --nice: candidates a picture; default 20.")] = None,
    nice_method: Annotated[
        str | None, typer.Option(help="With --nice: top, the best, or drs, by rejection sampling; default top.")
    ] = None,
    truncation: Annotated[float | None, typer.Option(help="In (0, 1]; smaller is less varied.")] = None,
    scale: Annotated[int | None, typer.Option(help="Each pixel becomes a square of so many.")] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="An id or alias; with --local a checkpoint's directory too.")
    ] = None,
    family: Annotated[str | None, typer.Option(help="Take the newest checkpoint of this family.")] = None,
    controls: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A control of the family, such as code=3; may be repeated."),
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="Draw here, without a service.")] = False,
    out: Annotated[Path, typer.Option(help="The file to write; - for the standard output.")] = Path("grid.png"),
) -> None:
    """Draw a grid of pictures into a PNG file."""
    _check_nice(nice=nice, nice_factor=nice_factor, nice_method=nice_method)
    named = {
        "digit": digit,
        "label": label,
        "seed": seed,
        "count": count,
        "columns": columns,
        "nice": nice or None,
        "nice_factor": nice_factor,
        "nice_method": nice_method,
        "truncation": truncation,
        "scale": scale,
        "checkpoint": checkpoint,
        "family": family,
    }
    parameters = {name: value for name, value in named.items() if value is not None} | parse_values(controls or [])
    picture = _draw_here(parameters) if local else _draw_there(parameters)
    if str(out) == "-":
        sys.stdout.buffer.write(picture.png)
        return
    with _explained(OSError):
        out.write_bytes(picture.png)
    _say(f"{out}: {describe_picture(picture)}")
    if not local:
        _say(f"the same again: {picture.link}")


@app.command()
def keep(
    file: Annotated[Path, typer.Argument(help="A PNG that the service drew.")],
    *,
    star: Annotated[bool, typer.Option("--star", help="Give it a star.")] = False,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="A tag; may be repeated.")] = None,
    note: Annotated[str, typer.Option(help="What to remember of it.")] = "",
) -> None:
    """Keep a picture in the gallery, by the recipe that its PNG holds."""
    with _service() as client:
        told = client.recall(_read_file(file))
        if told.path != _KEPT_PATH:
            page = f"{client.url}{told.page}"
            _fail(f"{file} is of {told.path}, and what {_KEPT_PATH} draws can be kept; {page} draws it again")
        kept = client.keep(told.parameters, starred=star, tags=tags or [], note=note)
    tagged = f", tagged {', '.join(kept.tags)}" if kept.tags else ""
    _say(f"picture {kept.id} is kept{tagged}: {client.url}{kept.image}")


@app.command()
def verify(file: Annotated[Path, typer.Argument(help="A PNG that the service drew.")]) -> None:
    """Draw a picture again by the recipe that its PNG holds, and compare; exit with 1 if it is different."""
    with _service() as client:
        found = client.verify(_read_file(file))
    _say(f"{file}: {found.verdict}, drawn by {found.checkpoint}")
    for reason in found.reasons:
        _say(f"  {reason}")
    if not found.holds:
        raise typer.Exit(1)


@app.command()
def jobs(limit: Annotated[int, typer.Option(help="How many of the newest.", min=1, max=100)] = 20) -> None:
    """List the newest jobs."""
    with _service() as client:
        for line in tabulate(client.jobs(limit=limit)):
            _say(line)


@app.command()
def watch(job: Annotated[str, typer.Argument(help="The job's id.")]) -> None:
    """Follow a job to its end; Ctrl-C leaves it at work."""
    with _service() as client:
        _follow(client, job)


@app.command()
def cancel(job: Annotated[str, typer.Argument(help="The job's id.")]) -> None:
    """End a job; what it has trained so far stays."""
    _change(job, "cancel")


@app.command()
def pause(job: Annotated[str, typer.Argument(help="The job's id.")]) -> None:
    """Let a job save and wait until it is resumed."""
    _change(job, "pause")


@app.command()
def resume(job: Annotated[str, typer.Argument(help="The job's id.")]) -> None:
    """Let a paused job go on."""
    _change(job, "resume")


@app.command()
def promote(
    checkpoint: Annotated[str, typer.Argument(help="The checkpoint's id.")],
    alias: Annotated[str, typer.Option(help="The name that shall mean it.")] = "default",
) -> None:
    """Let a name mean a checkpoint: pictures are drawn from `default` where none is named."""
    with _service() as client:
        named = client.promote(alias, checkpoint)
    before = f"; before, it meant {named.previous}" if named.previous else ""
    _say(f"{named.name} means {named.checkpoint} now{before}")


@app.command()
def study(
    study_id: Annotated[str | None, typer.Argument(metavar="STUDY", help="Show this one.")] = None,
    *,
    families: Annotated[str | None, typer.Option(help="Begin one: families as a,b or a:preset,b.")] = None,
    dataset: Annotated[str | None, typer.Option(help="The data set; default mnist.")] = None,
    trials: Annotated[int | None, typer.Option(help="Random hyperparameters of each family; default 10.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Trainings with each; default 1.")] = None,
    images: Annotated[int | None, typer.Option(help="Pictures to train with, each; default 60000.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed of all draws; default drawn.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
) -> None:
    """Compare families by random hyperparameters at one budget: begin a study, or show what one has found."""
    if (study_id is None) == (families is None):
        _fail("name a study to show, or --families to begin one, for example: ganery study --families gan,wgan")
    named = {
        "families": families and [one for one in families.split(",") if one],
        "dataset": dataset,
        "trials": trials,
        "seeds": seeds,
        "images": images,
        "seed": seed,
        "name": name,
    }
    with _service() as client:
        if study_id is None:
            found = client.create_study({key: value for key, value in named.items() if value is not None})
        else:
            found = client.study(study_id)
    for line in tabulate_study(found):
        _say(line)
    _say(f"its picture: {client.url}{found.plot}")
    if not found.is_finished:
        _say(f"look again with: ganery study {found.id}")


@data.command()
def fetch(dataset: Annotated[str, typer.Argument(help="The data set, for example mnist.")]) -> None:
    """Fetch a data set into the data directory, so that no training has to wait for it."""
    from ganery import local_training  # noqa: PLC0415

    with _explained(*local_training.ERRORS):
        local_training.fetch(dataset, _data_settings(), _say)


@judge.command("train")
def train_judge(
    dataset: Annotated[str, typer.Argument(help="The data set, for example mnist.")],
    out: Annotated[Path | None, typer.Option(help="Where to store it; default among the shipped ones.")] = None,
) -> None:
    """Train the judge of a data set: 10 passes, some ten minutes on two cores."""
    from ganery import quality  # noqa: PLC0415

    with _explained(*quality.ERRORS):
        quality.make_judge(dataset, _data_settings(), out, _say)


@app.command()
def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint's id, shipped name or directory.")],
    metrics: Annotated[
        str, typer.Option(help="Metrics by name, as fd,kid; or cheap, full, or all, which trains a classifier twice.")
    ] = "full",
    fid: Annotated[
        bool, typer.Option("--fid", help="FID too; needs torch-fidelity and its weights, and minutes to hours.")
    ] = False,
    count: Annotated[int, typer.Option(min=200, help="How many pictures are drawn.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Other pictures for each: how far a value varies by chance.")] = 0,
) -> None:
    """Measure pictures of a checkpoint by FD, precision and more, each beside what real pictures have."""
    from ganery import quality  # noqa: PLC0415

    settings = _data_settings()
    names = [*filter(None, metrics.split(",")), *([quality.FID] if fid else [])]
    with _explained(*quality.ERRORS):
        directory = quality.find_checkpoint(checkpoint, settings)
        quality.judge_checkpoint(directory, settings, _say, names=names, count=count, seed=seed)


@app.command()
def publish(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint's id or directory.")],
    name: Annotated[str, typer.Option(help="What it shall be called among the shipped ones.")],
) -> None:
    """Measure a checkpoint and ship it: what sampling needs, with a model card, into checkpoints/pretrained."""
    from ganery import quality  # noqa: PLC0415

    settings = _data_settings()
    with _explained(*quality.ERRORS):
        _say(str(quality.publish(name, quality.find_checkpoint(checkpoint, settings), settings, _say)))


def _train_here(wish: dict[str, Any], out: Path | None) -> None:
    from ganery import local_training  # noqa: PLC0415
    from workers.settings import WorkerSettings  # noqa: PLC0415

    settings = _read_settings(WorkerSettings)
    with _explained(*local_training.ERRORS), TrainingBar(Console(stderr=True)) as bar:
        result = local_training.train(wish, out, settings, bar)
    place = result.checkpoint if result.step else "no checkpoint yet"
    _say(f"{place}: after {result.step} of {result.total_steps} steps")
    if not result.is_finished:
        _say("interrupted; the same command goes on from there")
        raise typer.Exit(INTERRUPTED)
    _say(f"draw from it with: ganery generate --local --checkpoint {result.checkpoint}")


def _check_nice(*, nice: bool, nice_factor: int | None, nice_method: str | None) -> None:
    """Refuse by the names of the options what the service would refuse by those of its parameters."""
    if nice_method is not None and nice_method not in NICE_METHODS:
        told = ", or ".join(f"{name}, {meaning}" for name, meaning in NICE_METHODS.items())
        _fail(f"--nice-method {nice_method}: choose {told}")
    for option, value in (("--nice-factor", nice_factor), ("--nice-method", nice_method)):
        if value is not None and not nice:
            _fail(f"{option} {value} means nothing without --nice: add it")


def _draw_here(parameters: dict[str, Any]) -> Picture:
    from app.settings import AppSettings  # noqa: PLC0415
    from ganery import local_drawing  # noqa: PLC0415

    with _explained(*local_drawing.ERRORS):
        return local_drawing.generate(parameters, _read_settings(AppSettings))


def _draw_there(parameters: dict[str, Any]) -> Picture:
    with _service() as client:
        return client.generate(parameters)


def _change(job_id: str, action: Action) -> None:
    with _service() as client:
        job = client.change(job_id, action)
    _say(f"job {job.id} is {job.state}")


def _follow(client: Client, job_id: str) -> None:
    """Show a job until it is finished; exit with 1 if it did not succeed."""
    try:
        with TrainingBar(Console(stderr=True)) as bar:
            job = _follow_with(bar, client, job_id)
    except KeyboardInterrupt:
        _say(f"job {job_id} goes on; follow it again with: ganery watch {job_id}")
        raise typer.Exit(INTERRUPTED) from None
    _say(describe_end(job))
    if job.state != "succeeded":
        raise typer.Exit(1)


def _follow_with(bar: TrainingBar, client: Client, job_id: str) -> Job:
    def lost(error: ServiceUnreachableError) -> None:
        bar.say(f"{error.url} does not answer; trying again")

    for job, events in client.follow(job_id, lost=lost):
        bar.follow(job, events)
    return job


def parse_values(assignments: list[str]) -> dict[str, Any]:
    """Read name=value: a value that is JSON is what it says, any other is a string."""
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not (name and equals):
            _fail(f"--set {assignment}: expected NAME=VALUE, for example --set latent_dim=64 or --set code=3")
        try:
            values[name] = json.loads(text)
        except json.JSONDecodeError:
            values[name] = text
    return values


def _data_settings() -> "StoreSettings":
    """Where the data directory is."""
    from store.settings import StoreSettings  # noqa: PLC0415

    return _read_settings(StoreSettings)


def _read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        _fail(f"{file} cannot be read: {error.strerror or error}")


@contextmanager
def _service() -> Iterator[Client]:
    """A client of the service of GANERY_URL; what it refuses ends the command with a clear line."""
    with _explained(ClientError), Client(_read_settings(ClientSettings).url) as client:
        yield client


def _read_settings(kind: type[Settings]) -> Settings:
    try:
        return kind()
    except ValidationError as error:
        _fail(explain(error, kind, lambda field: variable(kind, field)))


@contextmanager
def _explained(*kinds: type[Exception]) -> Iterator[None]:
    """Turn errors that a person can mend into a message and the exit status 1."""
    try:
        yield
    except kinds as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(f"[red]error:[/] {escape(message)}", highlight=False)
    raise typer.Exit(1)


def _say(line: str) -> None:
    print(line, flush=True)
