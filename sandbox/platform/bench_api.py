"""The test bench's HTTP face ``/sandbox``: faults, clock, key rotation and the oracle. Unsigned: the server
listens on loopback alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox.platform.assembly import Platform
from sandbox.platform.faults import UnknownFaultError
from sandbox.platform.record_rules import KINDS
from sandbox.platform.times import write_time


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


class BenchApi:
    """What tests and the demonstration order and ask."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def routes(self) -> list[Route]:
        return [
            Route("/sandbox/faults", self.order_fault, methods=["POST"]),
            Route("/sandbox/faults", self.clear_faults, methods=["DELETE"]),
            Route("/sandbox/clock", self.set_clock, methods=["POST"]),
            Route("/sandbox/keys", self.rotate_key, methods=["POST"]),
            Route("/sandbox/indicators", self.publish_indicators, methods=["POST"]),
            Route("/sandbox/reset", self.reset, methods=["POST"]),
            Route("/sandbox/oracle", self.summary),
            Route("/sandbox/oracle/effects", self.effects),
            Route("/sandbox/oracle/batches", self.batches),
            Route("/sandbox/oracle/voids", self.voids),
        ]

    async def order_fault(self, request: Request) -> Response:
        """Body: see :mod:`sandbox.platform.faults`."""
        try:
            return _json(self._platform.faults.order(await request.json()))
        except UnknownFaultError as error:
            return _json({"error": str(error)}, 400)

    async def clear_faults(self, _request: Request) -> Response:
        self._platform.faults.clear()
        return _json({"status": "cleared"})

    async def set_clock(self, request: Request) -> Response:
        """``{"now": RFC 3339}`` freezes, ``{"shift": seconds}`` shifts, ``{}`` gives real time back."""
        wish = await request.json()
        clock = self._platform.clock
        if "now" in wish:
            clock.freeze(datetime.fromisoformat(wish["now"]))
        elif "shift" in wish:
            clock.shift(float(wish["shift"]))
        else:
            clock.reset()
        return _json({"now": write_time(clock.now())})

    async def reset(self, _request: Request) -> Response:
        """Ledger, oracle, faults and clock as if newly installed; clients and keys stay."""
        self._platform.faults.clear()
        self._platform.clock.reset()
        self._platform.ledger.wipe()
        self._platform.oracle.wipe()
        return _json({"status": "reset"})

    async def rotate_key(self, request: Request) -> Response:
        """``{"alg": "SGD_SM3_SM2" | "SM2" | "ES256" | "RSA-OAEP-256"}``: a new key; the old one stays registered."""
        key = self._platform.own_keys.rotate((await request.json())["alg"])
        self._platform.own_keys.export(self._platform.settings.public_folder)
        return _json(key.listed())

    async def publish_indicators(self, request: Request) -> Response:
        """``{"version": S, "items": [{"code", "name", "level", "enabled"}]}``: another dictionary."""
        wish = await request.json()
        self._platform.queries.publish_indicators(wish["version"], wish["items"])
        return _json({"version": wish["version"]})

    async def summary(self, _request: Request) -> Response:
        return _json({**self._platform.oracle.summary(), "passes": dict(self._platform.crash.passes)})

    async def effects(self, request: Request) -> Response:
        """JSON lines, one a record version."""
        kind = request.query_params.get("kind", "")
        if kind not in KINDS:
            return _json({"error": "kind"}, 400)
        return StreamingResponse(self._effect_lines(kind), media_type="application/x-ndjson")

    async def _effect_lines(self, kind: str) -> AsyncIterator[bytes]:
        for line in self._platform.oracle.effects(kind):
            yield line

    async def batches(self, _request: Request) -> Response:
        return _json(self._platform.oracle.batches())

    async def voids(self, _request: Request) -> Response:
        return _json(self._platform.oracle.voids())
