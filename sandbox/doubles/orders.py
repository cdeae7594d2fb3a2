"""The hotline's orders (工单): kept in SQLite, so that a killed server keeps them; they progress by ticks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from sandbox.doubles.clock import CLOCK
from sandbox.generator.model import SHANGHAI

STATUSES = ("待受理", "待派遣", "已派遣", "待处置", "已处置", "待回访", "待结案", "已结案")
HANDLED, REVISITED, CLOSED = STATUSES.index("已处置"), STATUSES.index("待结案"), STATUSES.index("已结案")
REOPENED = STATUSES.index("已派遣")
ACTIONS = ("催办", "督办", "补充")
VERDICTS = ("属实", "属实", "部分属实", "不属实", "无法核实")
REPLIES = (
    "已联系来电人，窗口已增派人员，承诺三个工作日内办结。",
    "经核实，材料清单表述不清，现已修订并向来电人解释，来电人表示理解。",
    "已责成承办科室当面致歉，并完成办理。",
    "系统故障已修复，来电人的申请已重新提交并办结。",
)
REWORKED = "首次回访不满意，已重新办理：当面说明情况并补办完毕。"
REWORK_ONE_IN = 5

_TABLES = """
CREATE TABLE IF NOT EXISTS orders (
    serial INTEGER PRIMARY KEY AUTOINCREMENT,
    order_no TEXT NOT NULL UNIQUE, external_id TEXT NOT NULL UNIQUE, step INTEGER NOT NULL, cycle INTEGER NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, handler TEXT NOT NULL,
    verify_result TEXT NOT NULL, reply TEXT NOT NULL, reply_time TEXT NOT NULL,
    revisit TEXT NOT NULL, revisit_time TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS orders_updated ON orders (updated_at, order_no);
CREATE VIEW IF NOT EXISTS shown AS SELECT
    order_no, external_id, step, cycle, updated_at, handler, verify_result, reply, reply_time, revisit, revisit_time
    FROM orders ORDER BY serial;
CREATE TABLE IF NOT EXISTS creates (external_id TEXT NOT NULL, outcome TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS updates (order_no TEXT NOT NULL, action TEXT NOT NULL, at TEXT NOT NULL);
"""
_INSERT = """
INSERT INTO orders (created_at, order_no, external_id, step, cycle, updated_at, handler, verify_result, reply,
    reply_time, revisit, revisit_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


class Order(NamedTuple):
    """One order as stored; times are RFC 3339 with +08:00."""

    order_no: str
    external_id: str
    step: int
    cycle: int
    updated_at: str
    handler: str
    verify_result: str
    reply: str
    reply_time: str
    revisit: str
    revisit_time: str

    @property
    def status(self) -> str:
        return STATUSES[self.step]


class OrderBook:
    """All orders of one hotline. What becomes of an order depends on its external id alone."""

    def __init__(self, path: Path, now: Callable[[], datetime] = CLOCK.now) -> None:
        self._now = now
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(_TABLES)

    def create(self, external_id: str) -> tuple[Order, bool]:
        """The order of ``external_id`` and whether this call made it. Every call is counted."""
        at = self._time()
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            held = self.find(external_id)
            outcome = "duplicate" if held else "created"
            self._database.execute("INSERT INTO creates VALUES (?, ?, ?)", (external_id, outcome, at))
            if held:
                return held, False
            (last,) = self._database.execute("SELECT coalesce(max(serial), 0) FROM orders").fetchone()
            order = Order(f"GA{at[:10].replace('-', '')}{last + 1:06}", external_id, 0, 1, at, *[""] * 6)
            self._database.execute(_INSERT, (at, *order))
        return order, True

    def find(self, external_id: str) -> Order | None:
        row = self._database.execute("SELECT * FROM shown WHERE external_id = ?", (external_id,)).fetchone()
        return Order(*row) if row else None

    def changed(self, since: str, until: str, page: int, size: int) -> tuple[int, list[Order]]:
        """How many orders changed from ``since`` to ``until`` (both included), and one page of them, oldest first."""
        span = (since, until)
        count = "SELECT count(*) FROM orders WHERE updated_at BETWEEN ? AND ?"
        (total,) = self._database.execute(count, span).fetchone()
        rows = self._database.execute(
            "SELECT * FROM shown WHERE updated_at BETWEEN ? AND ? ORDER BY updated_at, order_no LIMIT ? OFFSET ?",
            (*span, size, (page - 1) * size),
        )
        return total, [Order(*row) for row in rows]

    def update(self, order_no: str, action: str) -> bool:
        """Note 催办, 督办 or 补充; False when there is no such order. It changes no status."""
        if not self._database.execute("SELECT 1 FROM orders WHERE order_no = ?", (order_no,)).fetchone():
            return False
        self._database.execute("INSERT INTO updates VALUES (?, ?, ?)", (order_no, action, self._time()))
        return True

    def tick(self) -> int:
        """Every open order moves one status on; how many moved."""
        rows = self._database.execute("SELECT * FROM shown WHERE step < ?", (CLOSED,)).fetchall()
        moved = [_moved(Order(*row), self._time()) for row in rows]
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(
                "UPDATE orders SET step = ?, cycle = ?, updated_at = ?, handler = ?, verify_result = ?, reply = ?,"
                " reply_time = ?, revisit = ?, revisit_time = ? WHERE order_no = ?",
                [(*order[2:], order.order_no) for order in moved],
            )
        return len(moved)

    def facts(self) -> dict[str, Any]:
        """For the oracle: orders by status, and for each external id its number, status, and calls of create."""
        orders = self._database.execute("SELECT * FROM shown").fetchall()
        calls = dict(self._database.execute("SELECT external_id, count(*) FROM creates GROUP BY external_id"))
        made = dict(
            self._database.execute(
                "SELECT external_id, count(*) FROM creates WHERE outcome = 'created' GROUP BY external_id"
            )
        )
        updates = self._database.execute("SELECT order_no, action, count(*) FROM updates GROUP BY order_no, action")
        return {
            "orders": {
                order.external_id: {
                    "orderNo": order.order_no,
                    "status": order.status,
                    "cycle": order.cycle,
                    "create_calls": calls.get(order.external_id, 0),
                    "created": made.get(order.external_id, 0),
                }
                for order in (Order(*row) for row in orders)
            },
            "updates": [{"orderNo": number, "action": action, "count": count} for number, action, count in updates],
        }

    def close(self) -> None:
        with closing(self._database):
            pass

    def _time(self) -> str:
        return self._now().astimezone(SHANGHAI).isoformat(timespec="seconds")


def _moved(order: Order, at: str) -> Order:
    """``order`` one status on. At its revisit one order in five is found wanting and goes back to its unit, once."""
    lot = int.from_bytes(sha256(order.external_id.encode()).digest()[:4], "big")
    step = order.step + 1
    order = order._replace(step=step, updated_at=at, handler=order.handler or f"热线{lot % 40 + 1:02}号话务员")
    if step == HANDLED:
        reply = REWORKED if order.cycle > 1 else REPLIES[lot % len(REPLIES)]
        return order._replace(verify_result=VERDICTS[lot % len(VERDICTS)], reply=reply, reply_time=at)
    if step == REVISITED:
        if order.cycle == 1 and lot % REWORK_ONE_IN == 0:
            return order._replace(step=REOPENED, cycle=2, revisit="不满意", revisit_time=at)
        return order._replace(revisit="未联系上" if lot % 11 == 1 else "满意", revisit_time=at)
    return order
