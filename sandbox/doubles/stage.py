"""The ASGI shell around every HTTP double: faults, a log of what really happened, and the admin calls."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.doubles.clock import CLOCK
from sandbox.doubles.faults import Fault, FaultDesk, InvalidFault

ADMIN = "/sandbox/"
RECENT = 200
BAD_GATEWAY = """<html><head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx/1.24.0</center></body></html>"""
GARBAGE = b'\x00\xff{"code":0,\xc3\x28 \xe4\xb8 <oops> \x1f\x8b'
OPERATION = re.compile(rb"Body[^>]*>\s*<(?:\w+:)?(\w+)")


class RequestLog:
    """Requests as they really came, and how they really ended; no bodies, since those hold personal data."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.recent: deque[dict[str, Any]] = deque(maxlen=RECENT)

    def note(self, what: str, outcome: str, fault: str | None = None) -> None:
        """One request: ``what`` without its query, and its status, or what cut it short."""
        self.counts[f"{what} {outcome}"] += 1
        at = CLOCK.now().isoformat(timespec="milliseconds")
        self.recent.append({"at": at, "request": what, "outcome": outcome, "fault": fault})

    def shown(self) -> dict[str, Any]:
        return {"requests": dict(sorted(self.counts.items())), "recent": list(self.recent)}


class Stage:
    """An ASGI application: ``app`` behind its faults. ``oracle`` adds the double's own facts to ``/sandbox/oracle``."""

    def __init__(
        self, app: ASGIApp, desk: FaultDesk, log: RequestLog, oracle: Callable[[], dict[str, Any]], routes: list[Route]
    ) -> None:
        self._app, self._desk, self._log = app, desk, log
        self._admin = Starlette(routes=[*admin_routes(desk, log, oracle), *routes])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].startswith(ADMIN):
            await self._admin(scope, receive, send)
        else:
            await self._play(scope, receive, send)

    async def _play(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        found = OPERATION.search(body[:2000])
        operation = f" {found.group(1).decode()}" if found else ""
        what = f"{scope['method']} {scope['path']}{operation}"
        fault = self._desk.strike(f"{scope['method']} {scope['path']}?{scope['query_string'].decode()}{operation}")
        kind = fault.kind if fault else None
        if fault and kind == "slow":
            await asyncio.sleep(fault.seconds)
        if kind == "down":
            self._log.note(what, "dropped", kind)
            _transport(send).abort()
            return
        made = _made_up(fault) if fault else None
        if made is not None:
            self._log.note(what, str(made.status_code), kind)
            await made(scope, receive, send)
            return
        answer = await _answer(self._app, scope, body)
        self._log.note(what, str(answer.status), kind)
        if kind == "lose_reply":
            _transport(send).abort()
        elif kind == "cut":
            await _cut(answer, send)
        else:
            for message in answer.messages:
                await send(message)


class _Answer:
    """The application's whole answer, held back until it is known what becomes of it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def take(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])


async def _answer(app: ASGIApp, scope: Scope, body: bytes) -> _Answer:
    answer = _Answer()
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    await app(scope, receive, answer.take)
    return answer


async def _cut(answer: _Answer, send: Send) -> None:
    """The full Content-Length, half of the body, then nothing."""
    await send(answer.messages[0])
    await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
    await asyncio.sleep(0.05)  # let the half leave before the reset
    _transport(send).abort()


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _made_up(fault: Fault) -> Response | None:
    if fault.kind == "401":
        return JSONResponse({"code": 401, "message": "未授权"}, 401)
    if fault.kind == "502":
        return HTMLResponse(BAD_GATEWAY, 502)
    if fault.kind == "503":
        return HTMLResponse("<h1>503</h1>", 503, {"Retry-After": str(round(fault.seconds))})
    if fault.kind == "garbage":
        return Response(GARBAGE, 200, media_type="application/json")
    return None


def _transport(send: Send) -> asyncio.Transport:
    """The connection below uvicorn's ``send``: ASGI itself knows no way to drop it."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    return transport


def admin_routes(desk: FaultDesk, log: RequestLog, oracle: Callable[[], dict[str, Any]]) -> list[Route]:
    """``/sandbox/faults``, ``/sandbox/clock`` (``{"shift": seconds}``) and ``/sandbox/oracle``."""

    async def faults(request: Request) -> Response:
        if request.method == "POST":
            try:
                desk.order(orjson.loads(await request.body()))
            except (InvalidFault, orjson.JSONDecodeError) as invalid:
                return JSONResponse({"error": str(invalid)}, 400)
        elif request.method == "DELETE":
            desk.clear()
        return JSONResponse({"faults": desk.listed(), "kinds": list(desk.kinds)})

    async def clock(request: Request) -> Response:
        CLOCK.shift = float(orjson.loads(await request.body()).get("shift", 0))
        return JSONResponse({"now": CLOCK.now().isoformat(timespec="seconds")})

    async def facts(request: Request) -> Response:
        return JSONResponse({**log.shown(), **oracle()})

    return [
        Route("/sandbox/faults", faults, methods=["GET", "POST", "DELETE"]),
        Route("/sandbox/clock", clock, methods=["POST"]),
        Route("/sandbox/oracle", facts),
    ]
