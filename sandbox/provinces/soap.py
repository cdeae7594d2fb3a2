"""The receiver of ``fj-soap``: tokens that expire, SOAP 1.1, one XML string in and one out."""

from __future__ import annotations

import hashlib
import secrets
import time
from xml.sax.saxutils import escape

from lxml import etree
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.doubles.soap import ENVELOPE, Malformed, elements, parse_xml
from sandbox.provinces.ciphertext import Unreadable, sm4_ecb
from sandbox.provinces.receiver import SKEW, Receiver

NAMESPACE = "http://linewell.com/ws/"
OPERATIONS = {"getSaveEvaluation": "evaluation", "getEvaluationSupplement": "rectification"}
REQUIRED = (
    *("EXE_ID", "itemCode", "businessCode", "businessName", "proStatus", "regionCode", "acceptDate", "userProp"),
    *("userName", "userPageType", "certKey", "serviceTime", "evaluateType", "projectName", "nodeName"),
    *("contactMobile", "pf", "type", "alternate", "assessTime"),
)


class SoapReceiver(Receiver):
    """``app_code`` is the secret shared with ``app_key``. ``expire()`` makes the token of the moment worthless."""

    def __init__(self, app_key: str, app_code: str) -> None:
        super().__init__()
        self._app_key, self._app_code = app_key, app_code
        self._key = _md5(app_code)[:16].encode()
        self._token = ""
        self.tokens = 0
        self._held: dict[tuple[str, ...], str] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/api-gateway/gateway/get-token", self.get_token, methods=["GET"]),
            Route("/ws/evaluation", self.call, methods=["POST"]),
        ]

    def expire(self) -> None:
        self._token = ""

    async def get_token(self, request: Request) -> Response:
        given = request.query_params
        timestamp = given.get("timestamp", "")
        known = given.get("app_key") == self._app_key and given.get("sign") == _md5(self._app_code + timestamp)
        if not known or not timestamp.isdigit() or abs(time.time() - int(timestamp) / 1000) > SKEW.total_seconds():
            return JSONResponse({"code": 401, "msg": "签名错误"}, 401)
        self._token = secrets.token_hex(16)
        self.tokens += 1
        answer = {"access_token": self._token, "refresh_token": secrets.token_hex(16)}
        return JSONResponse({**answer, "expires_in": 120, "re_expires_in": 600})

    async def call(self, request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0] != "text/xml":
            return Response("expected text/xml", 415)
        try:
            operation, authorization, arguments = _read(await request.body())
        except Malformed as malformed:
            return _xml(_fault(str(malformed)), 500)
        if not self._token or authorization != f"Basic {self._token}":
            return _xml(_fault("access_token_invalid"), 500)
        if operation not in OPERATIONS or sorted(arguments) != ["appKey", "xmlStr"]:
            return _xml(_fault("no such operation"), 500)
        return _xml(_answer(operation, self._result(OPERATIONS[operation], arguments)), 200)

    def _result(self, kind: str, arguments: dict[str, str]) -> str:
        try:
            if arguments["appKey"] != self._app_key:
                return _said("401", "应用未授权")
            root = parse_xml(sm4_ecb(self._key, arguments["xmlStr"]))
        except (Unreadable, Malformed) as unreadable:
            return _said("400", f"报文错误：{unreadable}")
        record = {str(child.tag): child.text or "" for child in root}
        if words := self.refuse(kind, record):
            return _said("400", words)
        return self._evaluation(record) if kind == "evaluation" else self._supplement(record)

    def _evaluation(self, record: dict[str, str]) -> str:
        needed = (*REQUIRED, "resultDate") if record.get("proStatus") == "3" else REQUIRED
        missing = [name for name in needed if not record.get(name)]
        if missing or len(record["regionCode"]) != 6:
            return _said("400", f"必填项为空或格式错误：{(missing or ['regionCode'])[0]}")
        details = record.get("appraisald", "")
        if details and record.get("appraisaldnum") != str(len(details.split(","))):
            return _said("400", "评价详情数量不符")
        key = (record["EXE_ID"], record.get("serviceNumber", ""), record["evaluateType"])
        self.arrivals[key] += 1
        if key in self._held:
            return _said("3", "数据重复")
        self._held[key] = f"EU{len(self._held) + 1:010d}"
        self.effect("evaluation", record)
        return _said("200", "成功", self._held[key])

    def _supplement(self, record: dict[str, str]) -> str:
        if record.get("evaluateUnid") not in self._held.values():
            return _said("400", "评价不存在")
        key = ("supplement", record["evaluateUnid"])
        self.arrivals[key] += 1
        if key in self._held:
            return _said("3", "数据重复")
        self._held[key] = "-"
        self.effect("rectification", record)
        return _said("200", "成功", record["evaluateUnid"])


def _read(body: bytes) -> tuple[str, str, dict[str, str]]:
    """Operation, the header's authorization, and the arguments."""
    root = parse_xml(body)
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        raise Malformed("not a SOAP 1.1 envelope")
    authorization = root.findtext(f"{{{ENVELOPE}}}Header/{{{NAMESPACE}}}Authorization") or ""
    content = root.find(f"{{{ENVELOPE}}}Body")
    if content is None or len(content) != 1 or etree.QName(content[0]).namespace != NAMESPACE:
        raise Malformed("the Body must hold one operation of ours")
    return etree.QName(content[0]).localname, authorization, {str(part.tag): part.text or "" for part in content[0]}


def _said(code: str, message: str, unid: str = "") -> str:
    data = f"<data>{elements({'evaluateUnid': unid})}</data>" if unid else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><result>{elements({"code": code, "message": message})}{data}</result>'
    )


def _answer(operation: str, text: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>'
        f'<ns:{operation}Response xmlns:ns="{NAMESPACE}"><return>{escape(text)}</return></ns:{operation}Response>'
        "</soap:Body></soap:Envelope>"
    ).encode()


def _fault(text: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body><soap:Fault>'
        f"<faultcode>soap:Server</faultcode><faultstring>{escape(text)}</faultstring></soap:Fault></soap:Body>"
        "</soap:Envelope>"
    ).encode()


def _xml(body: bytes, status: int) -> Response:
    return Response(body, status, media_type="text/xml; charset=utf-8")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
