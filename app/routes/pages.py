"""What people read: the front page, without a script, and what the types of problems mean."""

from collections.abc import Sequence
from html import escape

from fastapi import APIRouter
from starlette.responses import Response

from app.catalogue import DEFAULT_ALIAS
from app.dependencies import Given, Services
from app.errors import ALL_KINDS, TYPES, Kind
from app.openapi import refuses
from app.pages import render
from app.refusals import NoSuchCheckpointError, ProblemTypeNotFoundError
from app.schemas import Page, ProblemType, moment
from checkpoints.format import CheckpointError
from store.jobs import Job

router = APIRouter(tags=["pages"])

_JOBS_SHOWN = 10


@router.get("/", include_in_schema=False)
def index(given: Given) -> Response:
    """The front page: a form that makes a grid's URL, and the newest jobs."""
    return render("index", sample=_sample(given), jobs=_rows(given.jobs.list(limit=_JOBS_SHOWN).items))


@router.get(TYPES, operation_id="list_problem_types")
def list_problem_types() -> Page[ProblemType]:
    """List what a refusal may say it is."""
    return Page(items=[_describe(kind) for kind in ALL_KINDS.values()], next_cursor=None)


@router.get(f"{TYPES}/{{name}}", operation_id="get_problem_type", responses=refuses(404, 422))
def get_problem_type(name: str) -> ProblemType:
    """Tell what a problem's type means."""
    if name not in ALL_KINDS:
        raise ProblemTypeNotFoundError(name)
    return _describe(ALL_KINDS[name])


def _describe(kind: Kind) -> ProblemType:
    return ProblemType(type=f"{TYPES}/{kind.name}", title=kind.title, status=kind.status)


def _sample(given: Services) -> str:
    """Return a grid by the default checkpoint, where there is one."""
    try:
        given.catalogue.resolve(DEFAULT_ALIAS)
    except (CheckpointError, NoSuchCheckpointError):
        return '<p class="empty">There is no default checkpoint yet: train one, and promote it.</p>'
    url = "/generate?seed=7&amp;count=60&amp;columns=20&amp;scale=2"
    return f'<a href="{url}"><img class="sample" src="{url}" alt="sixty pictures by the default checkpoint"></a>'


def _rows(jobs: Sequence[Job]) -> str:
    if not jobs:
        return '<p class="empty">None yet. <code>POST /train</code> with <code>{}</code> begins one.</p>'
    rows = "\n".join(map(_row, jobs))
    head = "<tr><th>job</th><th>state</th><th>family</th><th>data</th><th>steps</th><th>since</th></tr>"
    return f"<table><thead>{head}</thead><tbody>\n{rows}\n</tbody></table>"


def _row(job: Job) -> str:
    since = moment(job.created_at).strftime("%Y-%m-%d %H:%M UTC")
    cells = (job.state, job.family, job.dataset, f"{job.step} of {job.total_steps}", since)
    link = f'<td><a href="/jobs/{job.id}">{job.id}</a></td>'
    return f'<tr class="{job.state}">{link}{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
