"""The front page: a form that makes a grid's URL, and the newest jobs."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.catalogue import DEFAULT_ALIAS
from app.dependencies import Given, Services
from app.pages import render
from app.refusals import NoSuchCheckpointError
from app.schemas import moment
from checkpoints.format import CheckpointError
from store.jobs import Job

router = APIRouter()

_JOBS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job in a table."""

    id: str
    state: str
    family: str
    dataset: str
    steps: str
    since: str

    @classmethod
    def of(cls, job: Job) -> "JobRow":
        """Describe a job."""
        since = moment(job.created_at).strftime("%Y-%m-%d %H:%M UTC")
        return cls(job.id, job.state, job.family, job.dataset, f"{job.step} of {job.total_steps}", since)


@dataclass(frozen=True, slots=True)
class GeneratePage:
    """What the template is told. has_default: whether there is a checkpoint to draw from where none is named."""

    has_default: bool
    jobs: Sequence[JobRow]


@router.get("/", include_in_schema=False)
def show_generate(request: Request, given: Given) -> Response:
    """Show the form, and the newest jobs."""
    jobs = given.jobs.list(limit=_JOBS_SHOWN).items
    page = GeneratePage(has_default=_has_default(given), jobs=[JobRow.of(job) for job in jobs])
    return render(request, "generate", page)


def _has_default(given: Services) -> bool:
    try:
        given.catalogue.resolve(DEFAULT_ALIAS)
    except (CheckpointError, NoSuchCheckpointError):
        return False
    return True
