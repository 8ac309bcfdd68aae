"""Forms of pages, for browsers that run no script, and for scripts that send them: what each does, the API does too.

A page of another site cannot send one: see GuardHost. Each answers with the page that the browser then goes to.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from app.dependencies import Given, Services
from app.errors import status_of
from app.idempotency import digest
from app.routes.pages.train import describe
from app.schemas import MOST_PRIORITY
from app.submissions import resume, submit
from app.web.form_body import read_fields
from app.web.pages import render
from app.web.refusal_page import refuse
from app.web.train_form import TrainForm
from store.errors import JobNotFoundError, JobStateError, QueueFullError

router = APIRouter()

_BACK = re.compile(r"/train|/watch(/[0-9a-f]{1,32})?")
_PRIORITY = re.compile(r"[+-]?\d{1,4}")


@router.get("/forms/train", include_in_schema=False)
def show_train() -> Response:
    """Lead to the page of the form: a browser keeps this address where the form was refused."""
    return RedirectResponse("/train", status_code=303)


@router.post("/forms/train", include_in_schema=False)
async def send_train(request: Request, given: Given) -> Response:
    """Queue a training, as `POST /train` does, and go on to watch it; or show the form with what is wrong."""
    values = await _read(request)
    return await run_in_threadpool(_train, request, given, values)


def _train(request: Request, given: Services, values: Mapping[str, str]) -> Response:
    nonce = values.get("nonce", "")
    form = TrainForm({name: text for name, text in values.items() if name != "nonce"})
    if form.faults or form.wish is None:
        return render(request, "train", describe(form, given), status=422)
    key = f"form-{nonce[:32]}-{digest(form.wish)}" if re.fullmatch(r"[0-9a-f]+", nonce) else None
    try:
        job = submit(form.wish, given, idempotency_key=key)
    except QueueFullError as error:
        return render(request, "train", describe(form, given, refusal=str(error)), status=429)
    return RedirectResponse(f"/watch/{job.id}", status_code=303)


@router.get("/forms/jobs/{job_id}", include_in_schema=False)
def show_change(job_id: str) -> Response:
    """Lead to the page of the job."""
    return RedirectResponse(f"/watch/{quote(job_id, safe='')}", status_code=303)


@router.post("/forms/jobs/{job_id}", include_in_schema=False)
async def send_change(job_id: str, request: Request, given: Given) -> Response:
    """Pause, resume, cancel or move a job, or give it another priority, and go back."""
    values = await _read(request)
    return await run_in_threadpool(_change, job_id, request, given, values)


def _change(job_id: str, request: Request, given: Services, values: Mapping[str, str]) -> Response:
    back = values.get("back", "")
    back = back if _BACK.fullmatch(back) else "/watch"
    try:
        _apply(values, job_id, given)
    except (JobNotFoundError, JobStateError) as error:
        return refuse(request, str(error), back, status=status_of(error))
    except ValueError as error:
        return refuse(request, str(error), back, status=422)
    return RedirectResponse(back, status_code=303)


def _apply(values: Mapping[str, str], job_id: str, given: Services) -> None:
    match values.get("change"):
        case "pause":
            given.jobs.request_pause(job_id)
        case "resume":
            resume(job_id, given)
        case "cancel":
            given.jobs.request_cancel(job_id)
        case "front":
            given.jobs.move(job_id, "front")
        case "back":
            given.jobs.move(job_id, "back")
        case "priority":
            given.jobs.set_priority(job_id, _priority(values.get("priority", "")))
        case other:
            raise ValueError(f"there is no change {other!r}; there are pause, resume, cancel, front, back, priority")


def _priority(text: str) -> int:
    if _PRIORITY.fullmatch(text.strip()) and abs(int(text)) <= MOST_PRIORITY:
        return int(text)
    raise ValueError(f"a priority is a whole number from -{MOST_PRIORITY} up to {MOST_PRIORITY}; {text!r} came")


async def _read(request: Request) -> Mapping[str, str]:
    """Return the fields of a form that was sent; of one that came twice, the last.

    Raises what `read_fields` raises.
    """
    return dict(await read_fields(request))
