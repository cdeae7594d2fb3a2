"""跟踪: what became of the orders at 12345, read by update window (closed-loop.md section 12).

Windows overlap, pages may repeat: one idempotent handler takes them all. Remote wins only for what 12345 owns: status,
number, reply. A status that the profile doesn't map is kept and reported, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from gateway.crash import reach
from gateway.domain.order import HELD_BY_HOTLINE, Event, State
from gateway.hotline.calls import Hotline, Listed, RemoteOrder
from gateway.stages.context import Context
from gateway.stages.hotline_target import now, open_hotline
from gateway.stages.rectify import close, seal_reply
from gateway.store import order_cursor, orders
from gateway.store.orders import WorkOrder

log = structlog.get_logger(__name__)

ADOPTABLE = frozenset({State.PENDING_DISPATCH, State.DISPATCHING_UNKNOWN})


@dataclass(frozen=True, slots=True)
class TrackReport:
    """Counts of one run over the orders that 12345 listed."""

    listed: int = 0
    applied: int = 0  # moved to another state
    unchanged: int = 0  # nothing new
    noted: int = 0  # news that moves no state
    adopted: int = 0  # orders whose number was not known here
    stale: int = 0  # older than what was applied
    unmapped: int = 0  # a status that the profile doesn't know
    conflicts: int = 0  # 12345 says what can't follow from where the order stands here
    foreign: int = 0  # not raised by us
    unreadable: int = 0  # listed without number, status or time
    rectifications: int = 0  # written to the ledger
    incomplete: int = 0  # closed without what a rectification must say


def track(context: Context) -> TrackReport:
    """Read all changes since the last run. Raises ``Transient`` or ``Misconfigured``; what was read is kept."""
    return _Tracker(context, open_hotline(context)).run()


class _Tracker:
    def __init__(self, context: Context, hotline: Hotline) -> None:
        self._context = context
        self._hotline = hotline
        self._cursor_id = f"track:{hotline.profile.target}"
        self._counts: dict[str, int] = {}

    def run(self) -> TrackReport:
        profile = self._hotline.profile
        began = now(self._context)
        with self._context.store.read() as transaction:
            text, version = order_cursor.read_cursor(transaction, self._cursor_id)
            start = datetime.fromisoformat(text) if text else order_cursor.oldest_order(transaction)
        if start is None:
            return TrackReport()
        since = start - timedelta(seconds=profile.overlap)
        pages = self._hotline.list_updated(since, began + timedelta(seconds=profile.clock_skew))
        for listed, is_last in _with_last(pages):
            with self._context.store.begin() as transaction:
                self._take(transaction, listed)
                if is_last:
                    order_cursor.move_cursor(transaction, self._cursor_id, began.isoformat(), version, began)
            reach("track.taken")
        log.info("track.read", **self._counts)
        return TrackReport(**self._counts)

    def _take(self, transaction: Any, listed: Listed) -> None:
        self._count("listed", len(listed.orders) + listed.unreadable)
        self._count("unreadable", listed.unreadable)
        ours = orders.by_external_ids(transaction, {order.external_id for order in listed.orders}, lock=True)
        for remote in sorted(listed.orders, key=lambda order: order.updated_at):
            order = ours.get(remote.external_id)
            if order is None:
                self._count("foreign")
            else:
                ours[remote.external_id] = self._apply(transaction, order, remote)

    def _apply(self, transaction: Any, order: WorkOrder, remote: RemoteOrder) -> WorkOrder:
        if order.remote_updated_at is not None and remote.updated_at < order.remote_updated_at:
            self._count("stale")
            return order
        if (order.remote_updated_at, order.remote_status) == (remote.updated_at, remote.status):
            self._count("unchanged")
            return order
        if order.state in ADOPTABLE:
            order = self._adopt(transaction, order, remote)
        news: dict[str, Any] = {
            "remote_no": remote.order_no,
            "remote_status": remote.status,
            "remote_updated_at": remote.updated_at,
            "error_code": None,
            "error_detail": None,
        }
        if remote.reply:
            news["reply"] = seal_reply(order, remote, self._context.vault)
        moment = now(self._context)
        if remote.state is None:
            self._count("unmapped")
            told = {"error_code": "hotline.status_unmapped", "error_detail": remote.status}
            return orders.note(transaction, order, moment, {**news, **told})
        if remote.state is order.state:
            self._count("noted")
            order = orders.note(transaction, order, moment, news)
        elif order.state not in HELD_BY_HOTLINE:
            self._count("conflicts")
            told = {"error_code": "hotline.status_conflict", "error_detail": remote.status}
            return orders.note(transaction, order, moment, {**news, **told})
        else:
            self._count("applied")
            payload = {"status": remote.status, "updated_at": remote.updated_at.isoformat()}
            order = orders.move(
                transaction,
                order,
                Event.REMOTE_STATUS,
                moment,
                news,
                to=remote.state,
                actor="hotline",
                payload=payload,
            )
        reach("track.moved")
        return self._close(transaction, order, remote) if order.state is State.ARCHIVED else order

    def _adopt(self, transaction: Any, order: WorkOrder, remote: RemoteOrder) -> WorkOrder:
        """12345 holds it, though we never learned: an unanswered create, or a restored backup."""
        moment = now(self._context)
        if order.state is State.PENDING_DISPATCH:
            order = orders.move(transaction, order, Event.DISPATCH_START, moment, payload={"step": "found_by_track"})
        self._count("adopted")
        settled = {"remote_no": remote.order_no, "next_attempt_at": None, "not_found": 0}
        payload = {"order_no": remote.order_no, "step": "found_by_track"}
        return orders.move(transaction, order, Event.DISPATCH_CONFIRMED, moment, settled, payload=payload, release=True)

    def _close(self, transaction: Any, order: WorkOrder, remote: RemoteOrder) -> WorkOrder:
        closed = close(transaction, order, remote, self._hotline.profile, self._context.vault, now(self._context))
        if closed.wrong:
            self._count("incomplete")
            told = {"error_code": "rectification.close_incomplete", "error_detail": ", ".join(closed.wrong)}
            return orders.note(transaction, order, now(self._context), told)
        self._count("rectifications", int(closed.stored))
        return order

    def _count(self, name: str, more: int = 1) -> None:
        self._counts[name] = self._counts.get(name, 0) + more


def _with_last(pages: Iterable[Listed]) -> Iterator[tuple[Listed, bool]]:
    """Each page and whether it is the last: the cursor moves with that one. No page counts as an empty last one."""
    held: Listed | None = None
    for page in pages:
        if held is not None:
            yield held, False
        held = page
    yield held or Listed([]), True
