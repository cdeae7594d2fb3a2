"""The receiver of ``bj-form``: it gives every service a number, and knows no duplicates: a repeat counts again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.crypto import sm2
from sandbox.generator.model import SHANGHAI
from sandbox.provinces.ciphertext import Order, Unreadable, sm2_hex
from sandbox.provinces.receiver import Receiver, fresh

PATH = "/pubservice/appraise4OT/reShareApprInfo"
REQUIRED = ("projectNo", "serviceNumber", "taskCode", "areaCode", "userName", "mobile", "serviceTime")


class FormReceiver(Receiver):
    """``app_mark`` and ``app_word`` were issued to the sender; ``key`` is the platform's."""

    def __init__(self, key: sm2.PrivateKey, app_mark: str, app_word: str, order: Order = "c1c3c2") -> None:
        super().__init__()
        self._key, self._mark, self._word, self._order = key, app_mark, app_word, order

    def routes(self) -> list[Route]:
        return [Route(PATH, self.share, methods=["POST"])]

    async def share(self, request: Request) -> Response:
        given = request.query_params
        try:
            record = self._record(given)
        except (Unreadable, orjson.JSONDecodeError) as unreadable:
            return _said("-1", f"系统异常：{unreadable}")
        if words := self.refuse("service", record):
            return _said("-1", words)
        missing = [name for name in REQUIRED if not record.get(name)]
        if missing or not (record.get("certKey") or record.get("certKeyGOV")):
            return _said("-1", "必填项为空")
        self.arrivals[(record["projectNo"], record["serviceNumber"])] += 1
        self.effect("service", record)
        day = datetime.now(SHANGHAI).strftime("%Y%m%d")
        return _said("200", "", serviceCode=f"A000001{day}{len(self.effects):08d}", serviceNumber="1")

    def _record(self, given: QueryParams) -> dict[str, str]:
        if sorted(given) != ["appMark", "params", "sign", "time"]:
            raise Unreadable("parameters")
        signed = sm2_hex(self._key, given["sign"], self._order)
        if signed != f"{given['time']}{self._mark}{self._word}".encode() or given["appMark"] != self._mark:
            raise Unreadable("sign")
        if not fresh(given["time"]):
            raise Unreadable("time")
        params = orjson.loads(given["params"])
        if not isinstance(params, dict) or list(params) != ["data"]:
            raise Unreadable("params")
        return _only(orjson.loads(sm2_hex(self._key, params["data"], self._order)))


def _only(content: Any) -> dict[str, str]:
    """The one service of the array; every value is a non-empty string."""
    if not isinstance(content, list) or len(content) != 1 or list(content[0]) != ["projectService"]:
        raise Unreadable("array")
    record = content[0]["projectService"]
    if not all(isinstance(value, str) and value for value in record.values()):
        raise Unreadable("values")
    return dict(record)


def _said(code: str, message: str, **assigned: str) -> Response:
    answer = {"success": code == "200", "code": code, "errorMessage": message}
    return JSONResponse({**answer, "serviceCode": "", "serviceNumber": "", **assigned})
