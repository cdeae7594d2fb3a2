"""The receiver of ``tif-header``: signed headers, nonces used once, JSON bodies."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.provinces.receiver import SKEW, Receiver

REQUIRED = {
    "service": ("projectNo", "serviceNumber", "areaCode", "taskCode", "serviceTime"),
    "evaluation": ("projectNo", "serviceNumber", "assessNumber", "satisfaction", "pf", "assessTime"),
    "rectification": ("projectNo", "serviceNumber", "assessNumber", "cycle", "workOrderNo", "orderStatus"),
}
PARENT = {"evaluation": "service", "rectification": "evaluation"}
PARTS = ("projectNo", "serviceNumber", "assessNumber", "cycle")
WIDTH = {"service": 2, "evaluation": 3, "rectification": 4}


class HeaderReceiver(Receiver):
    def __init__(self, paasid: str, token: str) -> None:
        super().__init__()
        self._paasid, self.token = paasid, token  # the token may be changed while it serves
        self._nonces: set[str] = set()
        self._held: dict[tuple[str, ...], dict[str, str]] = {}

    def routes(self) -> list[Route]:
        posts = [Route(f"/hcp/{kind}", self._taking(kind), methods=["POST"]) for kind in REQUIRED]
        return [*posts, Route("/hcp/ping", self.ping, methods=["GET"])]

    async def ping(self, request: Request) -> Response:
        if not self._signed(request):
            return JSONResponse({"code": "401", "message": "签名错误"}, 401)
        return JSONResponse({"code": "0"})

    def _taking(self, kind: str) -> Any:
        async def take(request: Request) -> Response:
            if not self._signed(request):
                return JSONResponse({"code": "401", "message": "签名错误"}, 401)
            return JSONResponse(self._taken(kind, orjson.loads(await request.body())))

        return take

    def _signed(self, request: Request) -> bool:
        given = {
            name: request.headers.get(f"x-tif-{name}", "") for name in ("paasid", "timestamp", "nonce", "signature")
        }
        text = given["timestamp"] + self.token + given["nonce"] + given["timestamp"]
        right = (
            given["paasid"] == self._paasid
            and given["timestamp"].isdigit()
            and abs(time.time() - int(given["timestamp"])) <= SKEW.total_seconds()
            and given["signature"] == hashlib.sha256(text.encode()).hexdigest()
            and 0 < len(given["nonce"]) <= 64
            and given["nonce"] not in self._nonces
        )
        self._nonces.add(given["nonce"])
        return right

    def _taken(self, kind: str, record: dict[str, str]) -> dict[str, str]:
        if words := self.refuse(kind, record):
            return {"code": "422", "message": words}
        missing = [name for name in REQUIRED[kind] if not record.get(name)]
        if missing:
            return {"code": "400", "message": f"必填项为空：{missing[0]}"}
        key = (kind, *(record[part] for part in PARTS[: WIDTH[kind]]))
        self.arrivals[key] += 1
        above = PARENT.get(kind)
        if above and (above, *key[1 : 1 + WIDTH[above]]) not in self._held:
            return {"code": "424", "message": "上级数据不存在"}
        if key in self._held:
            return {"code": "409", "message": "数据不可重复"}
        self._held[key] = record
        self.effect(kind, record)
        return {"code": "0", "message": "", "id": f"T{len(self.effects):06d}"}
