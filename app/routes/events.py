"""What happened to a job: as a stream that goes on while it lives, or as a list to poll."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.caching import NEVER
from app.dependencies import Given, Services
from app.negotiation import prefers
from app.openapi import refuses
from app.schemas import EventView, Page
from store.events import Event, EventKind
from store.jobs import Job

router = APIRouter(tags=["jobs"])

_RECONNECT_MILLISECONDS = 2000
_VARY = {"Vary": "Accept"}
_STREAM, _LIST = "text/event-stream", "application/json"


class EventsQuery(BaseModel):
    """Which events to tell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: int | None = Field(
        None, ge=0, le=2**63 - 1, description="those that follow this sequence number; given, a list is answered"
    )
    limit: int = Field(100, ge=1, le=1000, description="the most items of a list")


@router.get(
    "/jobs/{job_id}/events",
    operation_id="list_events",
    response_model=Page[EventView],
    responses={
        200: {"description": "A stream; with after, or Accept: application/json, a list", "content": {_STREAM: {}}},
        204: {"description": "The stream has ended, and there is nothing to reconnect to"},
        **refuses(404, 422, 503),
    },
)
async def list_events(
    job_id: str,
    query: Annotated[EventsQuery, Query()],
    request: Request,
    given: Given,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", description="the id of the last event that came")
    ] = None,
) -> Response:
    """Tell what happened to a job: status, progress, metric, sample, log, checkpoint, warning, and at last end.

    As a stream, `Last-Event-ID` continues it. As a list, `next_cursor` is the next `after`; null when `end` was told.
    Which of the two it is, `Accept` says, and otherwise whether `after` is given.
    """
    job = await run_in_threadpool(given.jobs.get, job_id)
    last = await run_in_threadpool(given.events.last, job_id)
    after = min(query.after or 0, last)  # beyond the last, the end would never be told
    if not _asks_for_stream(request, query):
        return await run_in_threadpool(_list, job, after, query.limit, given)
    seen = min(_sequence(last_event_id) or after, last)
    if job.state.is_finished and seen == last:
        return Response(status_code=204, headers=_VARY)
    return EventSourceResponse(
        _stream(job_id, seen, given), headers={"Cache-Control": NEVER, "X-Accel-Buffering": "no"} | _VARY
    )


def _asks_for_stream(request: Request, query: EventsQuery) -> bool:
    if prefers(request, _STREAM, _LIST):
        return True
    return query.after is None and not prefers(request, _LIST, _STREAM)


def _list(job: Job, seen: int, limit: int, given: Services) -> Response:
    events = given.events.after(job.id, seen, limit=limit)
    last = events[-1].sequence if events else seen
    ended = _has_ended(events) or (not events and job.state.is_finished)
    items = [EventView.of(event) for event in events]
    page = Page[EventView](items=items, next_cursor=None if ended else str(last))
    return Response(page.model_dump_json(), headers={"Cache-Control": NEVER} | _VARY, media_type=_LIST)


async def _stream(job_id: str, seen: int, given: Services) -> AsyncIterator[bytes]:
    """Yield events as they come, comments while none do, and end after `end`; cancelled when the client leaves."""
    settings = given.settings
    yield format_sse_event(retry=_RECONNECT_MILLISECONDS)
    spoke = time.monotonic()
    while True:
        is_more = await given.feed.last(job_id) > seen
        events = await run_in_threadpool(given.events.after, job_id, seen) if is_more else []
        for event in events:
            yield _encode(event)
        if _has_ended(events):
            return
        if events:
            seen, spoke = events[-1].sequence, time.monotonic()
            continue
        if time.monotonic() - spoke >= settings.keep_alive_seconds:
            yield KEEPALIVE_COMMENT
            spoke = time.monotonic()
        await asyncio.sleep(settings.event_poll_seconds)


def _encode(event: Event) -> bytes:
    document = EventView.of(event).model_dump_json()
    return format_sse_event(event=event.kind, id=str(event.sequence), data_str=document)


def _has_ended(events: Sequence[Event]) -> bool:
    return bool(events) and events[-1].kind is EventKind.END


def _sequence(last_event_id: str | None) -> int | None:
    """Return the sequence number that a client saw last: None if it saw none, or says what no event of ours said."""
    return int(last_event_id) if last_event_id and last_event_id.isdecimal() and len(last_event_id) < 20 else None
