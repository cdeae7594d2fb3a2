"""The receiver of ``sd-txn``: services, then evaluations; what it holds already it says in words."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.crypto import sm2
from sandbox.provinces.ciphertext import Order, Unreadable, sm2_hex
from sandbox.provinces.receiver import Receiver, fresh

REQUIRED = {
    "service": (
        *("mobile", "serviceTime", "areaCode", "taskCode", "taskName", "projectNo", "proStatus", "orgcode", "orgName"),
        *("userProp", "userName", "userPageType", "serviceName", "serviceNumber", "projectType"),
        *("proTaskCode", "proTaskName", "proProjectNo", "creditNum", "creditType", "deptName"),
    ),
    "evaluation": (
        *("projectNo", "serviceNumber", "assessNumber", "pf", "satisfaction", "assessTime", "deptCode", "taskCode"),
        *("taskName", "proStatus", "proDepart", "userName", "userProp", "userPageType", "dataSource", "acceptDate"),
    ),
}
SLOTS = {"service": "service", "evaluation": "evaluate"}
PATHS = {"service": "/txn/evaluate/service", "evaluation": "/txn/evaluate/save"}
KNOWN_ALREADY = {"service": "已存在该条服务信息", "evaluation": "评价数据不可重复"}


class TxnReceiver(Receiver):
    """``province``: 12 digits. ``older``: it answers in the older form."""

    def __init__(
        self, key: sm2.PrivateKey, app_mark: str, app_word: str, province: str, order: Order = "c1c3c2"
    ) -> None:
        super().__init__()
        self._key, self._mark, self._word, self._province, self._order = key, app_mark, app_word, province, order
        self.older = False
        self._held: dict[tuple[str, ...], dict[str, str]] = {}

    def routes(self) -> list[Route]:
        return [Route(path, self._taking(kind), methods=["POST"]) for kind, path in PATHS.items()]

    def evaluated_elsewhere(self, project_no: str, service_number: str) -> None:
        """The citizen evaluated this service on the platform's own page."""
        self._held[("page", project_no, service_number)] = {}

    def _taking(self, kind: str) -> Any:
        async def take(request: Request) -> Response:
            if request.headers.get("c-tenancy-id") != self._province:
                return JSONResponse({"message": "租户错误"}, 403)
            try:
                return self._said(self._taken(kind, self._record(kind, await request.body())))
            except (Unreadable, orjson.JSONDecodeError, KeyError, TypeError) as unreadable:
                return self._said(f"报文错误：{unreadable}")

        return take

    def _record(self, kind: str, body: bytes) -> dict[str, str]:
        transaction = orjson.loads(body)
        if sorted(transaction) != ["txnBodyCom", "txnCommCom"] or transaction["txnCommCom"] != {}:
            raise Unreadable("transaction")
        content = transaction["txnBodyCom"]
        if sorted(content) != ["appMark", "params", "sign", "time"] or list(content["params"]) != [SLOTS[kind]]:
            raise Unreadable("txnBodyCom")
        signed = sm2_hex(self._key, content["sign"], self._order)
        if signed != f"{content['time']}{self._mark}{self._word}".encode() or content["appMark"] != self._mark:
            raise Unreadable("sign")
        if not fresh(content["time"]):
            raise Unreadable("time")
        (cipher,) = content["params"][SLOTS[kind]]
        (record,) = orjson.loads(sm2_hex(self._key, cipher, self._order))
        if not all(isinstance(value, str) and value for value in record.values()):
            raise Unreadable("values")
        return dict(record)

    def _taken(self, kind: str, record: dict[str, str]) -> str:
        """``success``, or why not."""
        if words := self.refuse(kind, record):
            return words
        missing = [name for name in REQUIRED[kind] if not record.get(name)]
        if missing:
            return f"必填项为空：{missing[0]}"
        if not record["projectNo"].startswith(self._province[:2]):
            return "办件编号前缀错误"
        case = (record["projectNo"], record["serviceNumber"])
        key = (kind, *case, record.get("assessNumber", ""))
        self.arrivals[key] += 1
        if kind == "evaluation":
            if ("service", *case, "") not in self._held:
                return "没有对应的服务数据"
            if ("page", *case) in self._held:
                return "本次服务已存在评价"
            if record["satisfaction"] in "12" and not (record.get("evalDetail") or record.get("writingEvaluation")):
                return "差评必须勾选详情或填写文字评价"
        if key in self._held:
            return KNOWN_ALREADY[kind]
        self._held[key] = record
        self.effect(kind, record)
        return "success"

    def _said(self, words: str) -> Response:
        done = words == "success"
        if self.older:
            return JSONResponse(
                {"code": "0" if done else "1", "success": "true" if done else "false", "message": words}
            )
        body = orjson.dumps({"code": "0" if done else "1", "message": words}).decode()
        return JSONResponse({"C-Response-Desc": "success" if done else "fail", "C-Response-Body": body})
