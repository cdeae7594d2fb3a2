"""A small double of the 12345 hotline: real HTTP and SOAP, one order per external id, faults on demand."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from tests.integration.hotline.wire import NAMESPACE, returned

TOKEN = "double-token"
Fault = Callable[["Handler", str], bool]  # True: it answered (or not) itself; called with the operation


class Double(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.orders: dict[str, dict[str, str]] = {}  # by external id
        self.creates: dict[str, int] = {}  # createOrder calls that arrived, by external id
        self.calls: list[str] = []
        self.updates: list[dict[str, str]] = []
        self.before: dict[str, list[Fault]] = {}  # faults of the next calls, by operation
        self.after: dict[str, list[Fault]] = {}  # the same, once the call has taken effect
        self.refuse: Callable[[dict[str, str]], str | None] = lambda _order: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Double:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is part of the game."""

    def change(self, external_id: str, status: str, at: datetime, **fields: str) -> None:
        with self.lock:
            self.orders[external_id].update(status=status, updatedAt=at.isoformat(), **fields)

    def createOrder(self, order: dict[str, str]) -> str:
        external_id = order["externalId"]
        self.creates[external_id] = self.creates.get(external_id, 0) + 1
        if refusal := self.refuse(order):
            return f"<result><code>1</code><message>{refusal}</message></result>"
        if external_id in self.orders:
            number = self.orders[external_id]["orderNo"]
            return f"<result><code>2</code><message>外部编号不可重复</message><orderNo>{number}</orderNo></result>"
        number = f"GD{len(self.orders) + 1:06d}"
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.orders[external_id] = {"orderNo": number, **order, "status": "待受理", "updatedAt": now}
        return f"<result><code>0</code><message>保存成功</message><orderNo>{number}</orderNo></result>"

    def queryOrder(self, query: dict[str, str]) -> str:
        order = self.orders.get(query["externalId"])
        return "<result><code>404</code></result>" if order is None else f"<result><code>0</code>{_xml(order)}</result>"

    def listOrders(self, query: dict[str, str]) -> str:
        since, until = (datetime.fromisoformat(query[name]) for name in ("updatedFrom", "updatedTo"))
        page, size = int(query["page"]), int(query["size"])
        found = [
            order for order in self.orders.values() if since <= datetime.fromisoformat(order["updatedAt"]) <= until
        ]
        found.sort(key=lambda order: (datetime.fromisoformat(order["updatedAt"]), order["orderNo"]))
        shown = "".join(_xml(order) for order in found[(page - 1) * size : page * size])
        return f"<result><code>0</code><total>{len(found)}</total><orders>{shown}</orders></result>"

    def updateOrder(self, update: dict[str, str]) -> str:
        self.updates.append(update)
        return "<result><code>0</code></result>"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Double
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        call = etree.fromstring(body)[0][0]
        operation = etree.QName(call).localname
        params = {child.tag: child.text or "" for child in call}
        assert etree.QName(call).namespace == NAMESPACE
        with self.server.lock:
            self.server.calls.append(operation)
            if _faulty(self.server.before, self, operation):
                return
            if params.get("token") != TOKEN:
                self.answer(401, b"")
                return
            payload = {child.tag: child.text or "" for child in etree.fromstring(params["xml"])}
            said = getattr(self.server, operation)(payload)
            if _faulty(self.server.after, self, operation):
                return
        self.answer(200, returned(said.replace("&", "&amp;").replace("<", "&lt;"), f"{operation}Response").encode())

    def answer(self, status: int, body: bytes, content_type: str = "text/xml; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


def html_502(handler: Handler, _operation: str) -> bool:
    handler.answer(502, b"<html>bad gateway</html>", "text/html")
    return True


def cut(handler: Handler, _operation: str) -> bool:
    handler.close_connection = True
    handler.connection.close()
    return True


def _faulty(planned: dict[str, list[Fault]], handler: Handler, operation: str) -> bool:
    faults = planned.get(operation)
    return bool(faults) and faults.pop(0)(handler, operation)


def _xml(order: dict[str, str]) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in order.items())
    return f"<order>{inner}</order>"
