"""The portal (政务服务网): login, a token that expires, pages by time of change."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from datetime import datetime
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

LARGEST_PAGE = 500
TOKEN_SECONDS = 600
FORM = "%Y-%m-%d %H:%M:%S"


class Portal:
    """Serves ``data`` to ``login``. ``now`` is a monotonic clock in seconds."""

    def __init__(self, data: Path, login: str, password: str, now: Callable[[], float] = time.monotonic) -> None:
        self._book = RecordBook.load(data, lambda record: (record["updatedAt"], record["id"]), orjson.dumps)
        self._login, self._password, self._now = login, password, now
        self._tokens: dict[str, float] = {}
        self._log = RequestLog()
        self.token_seconds = TOKEN_SECONDS

    def stage(self) -> Stage:
        app = Starlette(
            routes=[
                Route("/api/login", self.log_in, methods=["POST"]),
                Route("/api/evaluations", self.evaluations),
            ]
        )
        admin = [
            Route("/sandbox/records", self.add_records, methods=["POST"]),
            Route("/sandbox/expire", self.expire_tokens, methods=["POST"]),
        ]
        return Stage(app, FaultDesk(HTTP_KINDS), self._log, self._facts, admin)

    async def log_in(self, request: Request) -> Response:
        try:
            asked = orjson.loads(await request.body())
            given = (str(asked["username"]), str(asked["password"]))
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return _refuse(400, "请求格式错误")
        if not secrets.compare_digest("\n".join(given).encode(), f"{self._login}\n{self._password}".encode()):
            return _refuse(401, "用户名或密码错误")
        token = secrets.token_urlsafe(24)
        self._tokens[token] = self._now() + self.token_seconds
        return JSONResponse(
            {"code": 0, "message": "ok", "data": {"token": token, "expiresIn": self.token_seconds}},
        )

    async def evaluations(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or self._tokens.get(token, 0) <= self._now():
            return _refuse(401, "令牌无效或已过期")
        after = request.query_params.get("updatedAfter", "")
        page = _number(request.query_params.get("page", "1"), 1, 10**9)
        size = _number(request.query_params.get("pageSize", "500"), 1, LARGEST_PAGE)
        if page is None or size is None or not _is_time(after):
            return _refuse(400, "参数错误")
        found = self._book.since(after)
        records = self._book.serve(found[(page - 1) * size : page * size])
        head = b'{"code":0,"message":"ok","data":{"total":%d,"page":%d,"pageSize":%d,"list":[' % (
            len(found),
            page,
            size,
        )
        return Response(b"".join((head, b",".join(records), b"]}}")), media_type="application/json")

    async def add_records(self, request: Request) -> Response:
        """Admin: further raw records (a JSON list), for tests of corrections and poison."""
        for record in orjson.loads(await request.body()):
            self._book.add(record)
        return JSONResponse({"records": len(self._book)})

    async def expire_tokens(self, request: Request) -> Response:
        """Admin: every token expires now; ``{"seconds": n}`` sets how long later ones live."""
        asked = orjson.loads(await request.body() or b"{}")
        self.token_seconds = int(asked.get("seconds", self.token_seconds))
        self._tokens.clear()
        return JSONResponse({"token_seconds": self.token_seconds})

    def _facts(self) -> dict[str, Any]:
        return self._book.facts()


def _refuse(status: int, message: str) -> Response:
    return JSONResponse({"code": status, "message": message, "data": None}, status)


def _number(text: str, least: int, most: int) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,10}", text) and least <= int(text) <= most else None


def _is_time(text: str) -> bool:
    if not text:
        return True
    try:
        return datetime.strptime(text, FORM).strftime(FORM) == text  # noqa: DTZ007  # compared as text only
    except ValueError:
        return False
