"""The platform's HTTP face ``/api/v1`` (interface section 4), and where ordered faults strike it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.platform import canonical
from sandbox.platform.assembly import Platform
from sandbox.platform.clients import Client
from sandbox.platform.connections import transport_of
from sandbox.platform.faults import Fault
from sandbox.platform.receipt import spoil
from sandbox.platform.refusals import STATUS, Refusal
from sandbox.platform.times import write_time

_READ_AT_MOST = 96 * 1_048_576
_PROCESSING = canonical.write({"status": "processing"})


@dataclass(frozen=True, slots=True)
class Reply:
    """``label`` is how the oracle notes it."""

    status: int
    body: bytes
    label: str
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        return Response(self.body, self.status, self.headers, media_type="application/json")


Work = Callable[[Client, Request, bytes], Reply]


def _json(value: Any) -> Reply:
    return Reply(200, canonical.write(value), "200")


def _refused(code: str, message: str) -> Reply:
    return Reply(STATUS[code], canonical.write({"code": code, "message": message}), code)


def _receipt_or_processing(receipt: bytes | None) -> Reply:
    return Reply(202, _PROCESSING, "202") if receipt is None else Reply(200, receipt, "receipt")


class Api:
    """One endpoint a call; each request is one turn of the event loop, so the ledger sees one at a time."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def routes(self) -> list[Route]:
        calls: list[tuple[str, str, str, Work]] = [
            ("POST", "/api/v1/batches", "batches", self._take_batch),
            ("GET", "/api/v1/batches/{batch_id}", "status", self._batch_status),
            ("POST", "/api/v1/voids", "voids", self._take_void),
            ("GET", "/api/v1/streams/{stream}", "streams", self._stream),
            ("GET", "/api/v1/reconciliation", "reconciliation", self._reconciliation),
            ("GET", "/api/v1/reconciliation/items", "items", self._items),
            ("GET", "/api/v1/keys", "keys", self._keys),
            ("GET", "/api/v1/indicators", "indicators", self._indicators),
            ("GET", "/api/v1/ping", "ping", self._ping),
        ]
        return [Route(path, self._endpoint(call, work), methods=[method]) for method, path, call, work in calls]

    def _endpoint(self, call: str, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                body = await _read(request)
            except ClientDisconnect:
                return Response(status_code=400)
            # No await between drawing the faults and the end of the work: one request at a time.
            struck = dict(self._platform.faults.draw(call))
            if "down" in struck:
                return await _cut(request)
            about = self._note(call, request, body)
            reply = _ordered_answer(struck, self._platform) or self._answer(work, request, body)
            self._platform.oracle.note(**about, answer=reply.label)
            return await self._send(request, reply, struck)

        return endpoint

    def _note(self, call: str, request: Request, body: bytes) -> dict[str, Any]:
        about: dict[str, Any] = {"call": call, "at": write_time(self._platform.clock.now())}
        if call == "batches":
            about["batchId"] = request.headers.get("x-batch-id", "")
            self._platform.oracle.note(**about, digest=request.headers.get("x-batch-digest", ""), bytes=len(body))
        else:
            self._platform.oracle.note(**about)
        return about

    def _answer(self, work: Work, request: Request, body: bytes) -> Reply:
        ledger = self._platform.ledger
        try:
            client = self._platform.gatekeeper.admit(request.headers)
            reply = work(client, request, body)
        except Refusal as refusal:
            reply = _refused(refusal.code, refusal.message)
        except BaseException:
            ledger.rollback()
            raise
        ledger.commit()
        return reply

    async def _send(self, request: Request, reply: Reply, struck: dict[str, Fault]) -> Response:
        if "slow" in struck:
            await asyncio.sleep(float(struck["slow"].parameters.get("seconds", 2)))
        if "lose_reply" in struck:
            return await _cut(request)
        if "cut_reply" in struck:
            return await _cut(request, reply, int(struck["cut_reply"].parameters.get("bytes", 20)))
        if "garbled" in struck:
            return Response("<html><body>网关维护中</body></html>".encode("gb18030"), 200, media_type="text/html")
        if "bad_receipt" in struck and reply.label == "receipt":
            reply = self._spoiled(reply, struck["bad_receipt"])
        return reply.response()

    def _spoiled(self, reply: Reply, fault: Fault) -> Reply:
        batch = self._platform.ledger.batch(canonical.read(reply.body)["batchId"])
        suite = "GM-GCM-1" if batch is None else batch.suite
        variant = str(fault.parameters.get("variant", "signature"))
        return Reply(200, spoil(reply.body, variant, suite, self._platform.own_keys), "spoiled")

    def _take_batch(self, client: Client, request: Request, body: bytes) -> Reply:
        return _receipt_or_processing(self._platform.intake.take(client, request.headers, body))

    def _batch_status(self, client: Client, request: Request, _body: bytes) -> Reply:
        batch_id = request.path_params["batch_id"]
        batch = self._platform.ledger.batch(batch_id)
        if batch is None or batch.sender not in client.senders:
            return _refused("batch.unknown", "never seen, or refused")
        return _receipt_or_processing(self._platform.intake.finish(batch_id))

    def _take_void(self, client: Client, _request: Request, body: bytes) -> Reply:
        self._platform.voids.take(client, body)
        return _json({"status": "void"})

    def _stream(self, client: Client, request: Request, _body: bytes) -> Reply:
        stream = request.path_params["stream"]
        return _json(self._platform.queries.stream(client, stream, request.query_params.multi_items()))

    def _reconciliation(self, client: Client, request: Request, _body: bytes) -> Reply:
        return _json(self._platform.queries.reconciliation(client, request.query_params.multi_items()))

    def _items(self, client: Client, request: Request, _body: bytes) -> Reply:
        return _json(self._platform.queries.items(client, request.query_params.multi_items()))

    def _keys(self, _client: Client, request: Request, _body: bytes) -> Reply:
        return _json(self._platform.queries.keys(request.query_params.multi_items()))

    def _indicators(self, _client: Client, request: Request, _body: bytes) -> Reply:
        return _json(self._platform.queries.indicators(request.query_params.multi_items()))

    def _ping(self, _client: Client, _request: Request, _body: bytes) -> Reply:
        return _json({"status": "ok", "time": write_time(self._platform.clock.now())})


def _ordered_answer(struck: dict[str, Fault], platform: Platform) -> Reply | None:
    """An answer on demand, without looking at the request."""
    if "http_503" in struck:
        return Reply(503, b"", "503")
    if "http_500" in struck:
        return Reply(500, b"", "500")
    if "retry_after" in struck:
        wish = struck["retry_after"].parameters
        seconds = int(wish.get("seconds", 2))
        moment = platform.clock.now() + timedelta(seconds=seconds)
        after = format_datetime(moment) if wish.get("form") == "date" else str(seconds)
        return Reply(int(wish.get("status", 503)), b"", "retry_after", {"Retry-After": after})
    for name, default in (("auth", "auth.signature"), ("refuse", "batch.malformed")):
        if name in struck:
            return _refused(str(struck[name].parameters.get("code", default)), "refused on demand")
    return None


async def _read(request: Request) -> bytes:
    """The body up to a cap above every limit: an honest client reads its refusal instead of a broken pipe."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= _READ_AT_MOST:
            parts.append(part)
    return b"".join(parts)


async def _cut(request: Request, reply: Reply | None = None, length: int = 0) -> Response:
    """Cut the connection, after ``length`` bytes of the reply if there is one."""
    scope_client = request.scope.get("client")
    transport = transport_of(None if scope_client is None else (scope_client[0], scope_client[1]))
    if transport is None:
        raise RuntimeError("the connection to cut is not known")
    if reply is not None:
        head = (
            f"HTTP/1.1 {reply.status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(reply.body)}\r\n\r\n"
        )
        transport.write(head.encode() + reply.body[:length])
        transport.close()
    else:
        transport.abort()
    while not await request.is_disconnected():
        await asyncio.sleep(0)
    return Response()
