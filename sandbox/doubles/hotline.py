"""The 12345 hotline (12345 热线): ratings to pull, orders to create and follow, over SOAP."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.doubles.faults import HTTP_KINDS, FaultDesk
from sandbox.doubles.orders import ACTIONS, Order, OrderBook
from sandbox.doubles.records import RecordBook
from sandbox.doubles.soap import Call, Malformed, answer, elements, fault, parse_xml, read_call
from sandbox.doubles.stage import RequestLog, Stage
from sandbox.generator.model import SHANGHAI, Json

WSDL = Path(__file__).resolve().parents[2] / "targets" / "wsdl" / "hotline.wsdl"
PATH = "/ws"
LARGEST_PAGE = 500
EARLIEST, LATEST = "0000", "9999"
ORDER_FIELDS = {
    *("externalId", "areaCode", "deptCode", "deptName", "satisfaction", "indicators", "content"),
    *("projectNo", "taskName", "contactName", "contactMobile", "ratingTime", "dueTime"),
}


class Refused(Exception):
    """A business refusal: a code and a message inside a normal answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


class Hotline:
    """Serves ``data`` and keeps orders in ``store``; every open order moves on each ``tick_seconds`` (0: by hand)."""

    def __init__(self, data: Path, token: str, store: Path, tick_seconds: float) -> None:
        self._ratings = RecordBook.load(data, lambda record: (record["updatedAt"], record["ratingId"]), _rating)
        self._orders = OrderBook(store)
        self._token, self._tick_seconds = token, tick_seconds
        self._log = RequestLog()
        self._operations: dict[str, Callable[[dict[str, str]], str]] = {
            "listRatings": self.list_ratings,
            "createOrder": self.create_order,
            "queryOrder": self.query_order,
            "listOrders": self.list_orders,
            "updateOrder": self.update_order,
        }

    def stage(self) -> Stage:
        app = Starlette(
            routes=[Route(PATH, self.describe, methods=["GET"]), Route(PATH, self.call, methods=["POST"])],
        )
        admin = [
            Route("/sandbox/records", self.add_records, methods=["POST"]),
            Route("/sandbox/tick", self.tick_by_hand, methods=["POST"]),
        ]
        return Stage(app, FaultDesk(HTTP_KINDS), self._log, self._facts, admin)

    @asynccontextmanager
    async def clock(self) -> AsyncIterator[None]:
        """Orders progress while this is open."""
        ticking = asyncio.create_task(self._tick_forever()) if self._tick_seconds else None
        try:
            yield
        finally:
            if ticking:
                ticking.cancel()
                with suppress(asyncio.CancelledError):
                    await ticking
            self._orders.close()

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(self._tick_seconds)
            self._orders.tick()

    async def describe(self, request: Request) -> Response:
        if "wsdl" not in request.query_params:
            return Response("POST SOAP, or GET ?wsdl", 400)
        address = f"{request.base_url}{PATH.lstrip('/')}"
        wsdl = re.sub(r'location="[^"]*"', f'location="{address}"', WSDL.read_text(encoding="utf-8"))
        return Response(wsdl, media_type="text/xml")

    async def call(self, request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "text/xml":
            return Response("expected text/xml", 415)
        try:
            call = read_call(await request.body())
        except Malformed as malformed:
            return _xml(fault(str(malformed)), 500)
        operation = self._operations.get(call.operation)
        if operation is None:
            return _xml(fault("no such operation"), 500)
        if not secrets.compare_digest(call.arguments.get("token", "").encode(), self._token.encode()):
            return Response(status_code=401)
        return _xml(answer(call.operation, self._result(operation, call)))

    def _result(self, operation: Callable[[dict[str, str]], str], call: Call) -> str:
        try:
            return operation(_fields(call.arguments.get("xml", "")))
        except Refused as refused:
            return f"<result>{elements({'code': refused.code, 'message': refused.message})}</result>"

    def list_ratings(self, query: dict[str, str]) -> str:
        since, until, page, size = _window(query, "from", "to")
        found = self._ratings.since(since, until)
        ratings = b"".join(self._ratings.serve(found[(page - 1) * size : page * size])).decode()
        return _ok(f"<total>{len(found)}</total><ratings>{ratings}</ratings>")

    def create_order(self, order: dict[str, str]) -> str:
        external_id = order.get("externalId", "")
        if unknown := set(order) - ORDER_FIELDS:
            raise Refused("1", f"未知字段: {sorted(unknown)[0]}")
        if not re.fullmatch(r"[A-Za-z0-9_.#:-]{1,64}", external_id):
            raise Refused("1", "外部编号为空或格式错误")
        if not order.get("content", "").strip():
            raise Refused("1", "诉求内容不能为空")
        if not re.fullmatch(r"[0-9A-Z]{18}", order.get("deptCode", "")):
            raise Refused("1", "承办单位编码错误")
        if order.get("satisfaction") not in ("1", "2"):
            raise Refused("1", "只受理差评")
        made, is_new = self._orders.create(external_id)
        if not is_new:
            values = {"code": "2", "message": "外部编号不可重复", "orderNo": made.order_no}
            return f"<result>{elements(values)}</result>"
        return f"<result>{elements({'code': '0', 'message': '保存成功', 'orderNo': made.order_no})}</result>"

    def query_order(self, query: dict[str, str]) -> str:
        found = self._orders.find(query.get("externalId", ""))
        if found is None:
            raise Refused("404", "工单不存在")
        return _ok(_order(found))

    def list_orders(self, query: dict[str, str]) -> str:
        total, orders = self._orders.changed(*_window(query, "updatedFrom", "updatedTo"))
        return _ok(f"<total>{total}</total><orders>{''.join(map(_order, orders))}</orders>")

    def update_order(self, order: dict[str, str]) -> str:
        if order.get("action") not in ACTIONS:
            raise Refused("1", "不支持的操作")
        if not self._orders.update(order.get("orderNo", ""), order["action"]):
            raise Refused("404", "工单不存在")
        return _ok("")

    async def add_records(self, request: Request) -> Response:
        """Admin: further raw ratings (a JSON list)."""
        for record in orjson.loads(await request.body()):
            self._ratings.add(record)
        return JSONResponse({"records": len(self._ratings)})

    async def tick_by_hand(self, request: Request) -> Response:
        """Admin: move every open order on, ``{"times": n}`` times."""
        times = int(orjson.loads(await request.body() or b"{}").get("times", 1))
        return JSONResponse({"moved": [self._orders.tick() for _ in range(times)]})

    def _facts(self) -> dict[str, Any]:
        return {**self._ratings.facts(), **self._orders.facts()}


def _fields(xml: str) -> dict[str, str]:
    try:
        root = parse_xml(xml.encode())
    except Malformed as malformed:
        raise Refused("1", "报文不是合法的 XML") from malformed
    return {etree.QName(child).localname: (child.text or "").strip() for child in root if isinstance(child.tag, str)}


def _window(query: dict[str, str], start: str, end: str) -> tuple[str, str, int, int]:
    page, size = query.get("page") or "1", query.get("size") or "100"
    if not all(re.fullmatch("[0-9]{1,9}", number) and int(number) for number in (page, size)):
        raise Refused("1", "分页参数错误")
    if int(size) > LARGEST_PAGE:
        raise Refused("1", f"每页最多{LARGEST_PAGE}条")
    return _moment(query.get(start, ""), EARLIEST), _moment(query.get(end, ""), LATEST), int(page), int(size)


def _moment(text: str, default: str) -> str:
    if not text:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as broken:
        raise Refused("1", "时间格式错误") from broken
    if moment.tzinfo is None:
        raise Refused("1", "时间缺少时区")
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds")


def _order(order: Order) -> str:
    values = {
        "orderNo": order.order_no,
        "externalId": order.external_id,
        "status": order.status,
        "updatedAt": order.updated_at,
        "handler": order.handler,
        "verifyResult": order.verify_result,
        "reply": order.reply,
        "replyTime": order.reply_time,
        "revisit": order.revisit,
        "revisitTime": order.revisit_time,
    }
    return f"<order>{elements(values)}</order>"


def _rating(record: Json) -> bytes:
    return f"<rating>{elements(record)}</rating>".encode()


def _ok(content: str) -> str:
    return f"<result><code>0</code><message/>{content}</result>"


def _xml(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="text/xml")
