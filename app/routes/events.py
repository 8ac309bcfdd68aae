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
from app.openapi import refuses
from app.schemas import EventView, Page
from store.events import Event, EventKind

router = APIRouter(tags=["jobs"])

_RECONNECT_MILLISECONDS = 2000
_STREAM = "text/event-stream"


class EventsQuery(BaseModel):
    """Which events to tell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: int = Field(0, ge=0, le=2**63 - 1, description="those that follow this sequence number")
    limit: int = Field(100, ge=1, le=1000, description="the most items of a list")


@router.get(
    "/jobs/{job_id}/events",
    operation_id="list_events",
    response_model=Page[EventView],
    responses={
        200: {"description": "A list; with Accept: text/event-stream, a stream", "content": {_STREAM: {}}},
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

    As a list, `next_cursor` is the next `after`; null when `end` was told. As a stream, `Last-Event-ID` continues it.
    """
    job = await run_in_threadpool(given.jobs.get, job_id)
    if _STREAM not in request.headers.get("accept", ""):
        return await run_in_threadpool(_list, job_id, query, given)
    seen = _sequence(last_event_id) or query.after
    if job.state.is_finished and not await run_in_threadpool(given.events.after, job_id, seen, limit=1):
        return Response(status_code=204)
    return EventSourceResponse(
        _stream(job_id, seen, given), headers={"Cache-Control": NEVER, "X-Accel-Buffering": "no"}
    )


def _list(job_id: str, query: EventsQuery, given: Services) -> Response:
    events = given.events.after(job_id, query.after, limit=query.limit)
    last = events[-1].sequence if events else query.after
    ended = _has_ended(events) or (not events and given.jobs.get(job_id).state.is_finished)
    items = [EventView.of(event) for event in events]
    page = Page[EventView](items=items, next_cursor=None if ended else str(last))
    return Response(page.model_dump_json(), headers={"Cache-Control": NEVER}, media_type="application/json")


async def _stream(job_id: str, seen: int, given: Services) -> AsyncIterator[bytes]:
    """Yield events as they come, comments while none do, and end after `end`; cancelled when the client leaves."""
    settings = given.settings
    yield format_sse_event(retry=_RECONNECT_MILLISECONDS)
    spoke = time.monotonic()
    while True:
        events = await run_in_threadpool(given.events.after, job_id, seen)
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
