"""The app (移动应用): every request signed by ``x-tif-*``, an opaque cursor, times as epoch milliseconds."""

from __future__ import annotations

import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.doubles.faults import HTTP_KINDS, FaultDesk
from sandbox.doubles.records import RecordBook
from sandbox.doubles.stage import RequestLog, Stage

CLOCK_SKEW = 300
LARGEST_PAGE = 1000


class Guard:
    """Checks ``x-tif-*`` in the order paasid, time, signature, nonce; a nonce counts once its signature was right."""

    def __init__(self, paasid: str, token: str, now: Callable[[], float] = time.time) -> None:
        self._paasid, self._token, self._now = paasid, token, now
        self._nonces: dict[str, float] = {}

    def refusal(self, headers: Mapping[str, str]) -> str | None:
        """Why the request is refused, or None."""
        given = [headers.get(f"x-tif-{name}", "") for name in ("paasid", "timestamp", "nonce", "signature")]
        paasid, timestamp, nonce, signature = given
        if not compare_digest(paasid.encode(), self._paasid.encode()):
            return "paasid 未登记"
        now = self._now()
        if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(now - int(timestamp)) > CLOCK_SKEW:
            return "时间戳超出允许范围"
        if not 1 <= len(nonce) <= 64:
            return "nonce 格式错误"
        right = sha256(f"{timestamp}{self._token}{nonce}{timestamp}".encode()).hexdigest()
        if not compare_digest(signature.encode(), right.encode()):
            return "签名错误"
        if nonce in self._nonces:
            return "nonce 重复"
        self._forget(now)
        self._nonces[nonce] = int(timestamp) + CLOCK_SKEW
        return None

    def _forget(self, now: float) -> None:
        if len(self._nonces) > 10_000:
            self._nonces = {nonce: until for nonce, until in self._nonces.items() if until >= now}


class App:
    """Serves ``data`` in the order of arrival to ``paasid``."""

    def __init__(self, data: Path, paasid: str, token: str, now: Callable[[], float] = time.time) -> None:
        self._book = RecordBook.load(data, lambda record: ("", ""), orjson.dumps)
        self._guard = Guard(paasid, token, now)
        self._log = RequestLog()

    def stage(self) -> Stage:
        app = Starlette(routes=[Route("/openapi/v2/evaluations", self.evaluations)])
        admin = [Route("/sandbox/records", self.add_records, methods=["POST"])]
        return Stage(app, FaultDesk(HTTP_KINDS), self._log, self._facts, admin)

    async def evaluations(self, request: Request) -> Response:
        refusal = self._guard.refusal(request.headers)
        if refusal is not None:
            return _refuse(401, refusal)
        start = read_cursor(request.query_params.get("cursor", ""), len(self._book))
        limit = request.query_params.get("limit", "200")
        if start is None or not re.fullmatch(r"[0-9]{1,4}", limit) or not 1 <= int(limit) <= LARGEST_PAGE:
            return _refuse(400, "参数错误")
        end = min(start + int(limit), len(self._book))
        tail = orjson.dumps({"nextCursor": make_cursor(end), "hasMore": end < len(self._book)})
        head = b'{"success":true,"code":"200","result":{"items":['
        records = self._book.serve(range(start, end))
        body = b"".join((head, b",".join(records), b"],", tail[1:-1], b"}}"))
        return Response(body, media_type="application/json")

    async def add_records(self, request: Request) -> Response:
        """Admin: further raw records (a JSON list) at the end."""
        for record in orjson.loads(await request.body()):
            self._book.add(record)
        return JSONResponse({"records": len(self._book)})

    def _facts(self) -> dict[str, Any]:
        return self._book.facts()


def make_cursor(position: int) -> str:
    """An opaque text for ``position``."""
    return urlsafe_b64encode(b"v1:%d" % position).decode().rstrip("=")


def read_cursor(text: str, size: int) -> int | None:
    """The position; 0 for the empty text, None for one that this app never gave."""
    if not text:
        return 0
    try:
        version, _, position = urlsafe_b64decode(text + "=" * (-len(text) % 4)).partition(b":")
        number = int(position)
    except ValueError:
        return None
    return number if version == b"v1" and 0 <= number <= size else None


def _refuse(status: int, message: str) -> Response:
    return JSONResponse({"success": False, "code": str(status), "message": message, "result": None}, status)
