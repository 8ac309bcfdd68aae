"""What every request passes through, as plain ASGI: bodies of any length and streams without end stay what they are."""

import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import fault, http_problem
from app.monitoring import Metrics

_log = logging.getLogger(__name__)
_SAFE = {"GET", "HEAD", "OPTIONS"}
_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


class AnswerHead:
    """Answers HEAD as GET, but ends the answer where its body would begin: a stream might never end by itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body"})

        await self._app({**scope, "method": "GET"}, receive, send_head)


class Observe:
    """Gives each request an id and an answer, even where we fail; measures the time; forbids to guess media types."""

    def __init__(self, app: ASGIApp, metrics: Metrics, log: Callable[[str], None] | None = None) -> None:
        self._app, self._metrics, self._log = app, metrics, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        asked = Headers(scope=scope).get("x-request-id", "")
        request_id = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
        began_to_answer = False

        async def answer(message: Message) -> None:
            nonlocal began_to_answer
            if message["type"] == "http.response.start":
                began_to_answer = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                self._note(scope, request_id, message["status"], time.perf_counter() - began)
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception:
            _log.exception("request %s failed: %s %s", request_id, scope["method"], scope["path"])
            if began_to_answer:
                raise
            await fault(scope["path"])(scope, receive, answer)

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(scope["method"], route, status).observe(seconds)
        if self._log is not None:
            line = {
                "request_id": request_id,
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "seconds": round(seconds, 6),
            }
            self._log(json.dumps(line))


class GuardHost:
    """Refuses names that the service does not go by, and changes that a page of another site asks for.

    allowed: names without ports; any where empty.
    """

    def __init__(self, app: ASGIApp, allowed: frozenset[str]) -> None:
        self._app, self._allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and (refusal := self._refusal(scope)) is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._allowed and _without_port(host) not in self._allowed:
            names = ", ".join(sorted(self._allowed))
            error = HTTPException(421, f"this service is not called {host!r}, but {names}: see GANERY_ALLOWED_HOSTS")
            return http_problem(error, scope["method"], scope["path"])
        if scope["method"] not in _SAFE and _is_foreign(headers):
            asker = "another site" if origin is None else repr(origin)
            error = HTTPException(403, f"a page of {asker} may not ask {host!r} for a change")
            return http_problem(error, scope["method"], scope["path"])
        return None


def _is_foreign(headers: Headers) -> bool:
    """Whether a page of another site asks: a browser says so in Origin, or at least in Sec-Fetch-Site."""
    origin = headers.get("origin")
    if origin is not None:
        try:
            return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
        except ValueError:
            return True
    return headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}


def _without_port(host: str) -> str:
    return re.sub(r":\d*$", "", host).lower()


class LimitBody:
    """Refuses a body above the limit: at once where its length is told, else when the limit is passed.

    of_paths: other limits, for what is sent to these paths.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int, of_paths: Mapping[str, int]) -> None:
        self._app, self._limit, self._of_paths = app, limit_bytes, of_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._of_paths.get(scope["path"], self._limit)
        told = Headers(scope=scope).get("content-length", "0")
        if told.isdecimal() and int(told) > limit:
            refusal = http_problem(_too_large(f"{told} bytes", limit), scope["method"], scope["path"])
            await refusal(scope, receive, send)
            return
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(f"more than {limit} bytes", limit)
            return message

        await self._app(scope, receive_limited, send)


def _too_large(came: str, limit: int) -> HTTPException:
    return HTTPException(413, f"a body of {came} came; at most {limit} bytes are taken")
