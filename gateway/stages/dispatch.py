"""派发: negative evaluations become orders at 12345, exactly one each (closed-loop.md section 12).

An order's external id is stored before the first call, the start of every call before the call. After that only three
things can be true: 12345 has it (adopted, 15), certainly has not (back to 10, later again), or nobody knows (it stays
11 and is asked for by its external id). A create is repeated only after two "not found" answers, some time apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from gateway.crash import reach
from gateway.domain.order import Event, State
from gateway.errors import Rejected, Transient
from gateway.hotline.calls import Created, Hotline, OrderContent
from gateway.net.soap import Conclusion, Outcome
from gateway.stages.context import Context
from gateway.stages.hotline_target import now, open_hotline
from gateway.stages.order_content import order_content
from gateway.store import orders
from gateway.store.order_subject import subjects
from gateway.store.orders import WorkOrder

log = structlog.get_logger(__name__)

RUN_LIMIT = 20_000
LONGEST_DELAY = 6 * 3600.0
LEASE_SHARE = 1.5  # of the longest call: a lease outlives it, and its settling, so that no heartbeat is needed
SILENCE = frozenset({"soap.not_sent", "soap.no_answer", "soap.status", "soap.not_an_envelope", "soap.unparseable"})


@dataclass(frozen=True, slots=True)
class DispatchReport:
    """Counts of one run. ``stopped``: the code for which it ended early, if it did."""

    due: int = 0
    dispatched: int = 0  # adopted with their number, of which:
    duplicates: int = 0  # 12345 had them already
    refused: int = 0  # certainly not created; will be tried again
    corrections: int = 0  # refused because the unit is unknown there; a person must correct them
    unknown: int = 0  # nobody knows yet; will be asked for
    not_found: int = 0  # asked for and not held (yet)
    skipped: int = 0  # taken by another dispatcher meanwhile
    stopped: str | None = None
    stopped_detail: str | None = None
    for_a_person: bool = False  # whether it was an alert that ended it: time alone won't heal it


def dispatch(context: Context) -> DispatchReport:
    """Call for every order that is due, once each. Raises ``Misconfigured`` when 12345 can't be set up at all."""
    return _Dispatcher(context, open_hotline(context)).run()


class _Dispatcher:
    def __init__(self, context: Context, hotline: Hotline) -> None:
        self._context = context
        self._hotline = hotline
        self._lease = max(context.settings.lease_seconds, hotline.profile.timeouts.wall * LEASE_SHARE)
        self._counts: dict[str, int] = {}
        self._silent = 0
        self._stopped: str | None = None
        self._stopped_detail: str | None = None
        self._alert = False

    def run(self) -> DispatchReport:
        with self._context.store.read() as transaction:
            due = orders.due_for_dispatch(transaction, self._now(), RUN_LIMIT)
        for order_id in due:
            try:
                self._handle(order_id)
            except Transient as lost:
                if lost.code != "order.moved":
                    raise
                self._count("skipped")
            if self._stopped:
                log.warning("dispatch.stopped", code=self._stopped)
                break
        return DispatchReport(
            len(due),
            **self._counts,
            stopped=self._stopped,
            stopped_detail=self._stopped_detail,
            for_a_person=self._alert,
        )

    def _handle(self, order_id: str) -> None:
        """Claim and start in one transaction, then call, then settle in another."""
        with self._context.store.begin() as transaction:
            order = orders.claim(transaction, order_id, self._now(), self._lease)
            if order is None:
                self._count("skipped")
                return
            content = None
            if order.state is State.PENDING_DISPATCH:
                content = self._content(transaction, order)
                if content is None:
                    return
                order = self._start(transaction, order, {})
        if content is None:
            self._ask(order)
        else:
            reach("dispatch.started")
            self._create(order, content)
        reach("dispatch.settled")

    def _content(self, transaction: Any, order: WorkOrder) -> OrderContent | None:
        """What the order says; if the ledger can't tell, the order goes to a person."""
        try:
            return order_content(order, subjects(transaction, order.evaluation_key), self._context.vault)
        except Rejected as unfit:
            self._needs_correction(transaction, order, {"error_code": unfit.code, "error_detail": None})
            return None

    def _create(self, order: WorkOrder, content: OrderContent) -> None:
        created = self._hotline.create(content)
        reach("dispatch.called")
        self._heard(created.conclusion, order)
        match created.conclusion.outcome:
            case Outcome.SUCCESS:
                self._adopt(order, created.order_no or "", created.duplicate)
            case Outcome.REFUSED:
                self._refused(order, created)
            case Outcome.UNKNOWN:
                self._still_unknown(order, created.conclusion)

    def _ask(self, order: WorkOrder) -> None:
        """What became of an earlier call: a create that nobody answered, or a dispatcher that died."""
        found = self._hotline.query(order.external_id)
        reach("dispatch.asked")
        self._heard(found.conclusion, order)
        if found.conclusion.outcome is not Outcome.SUCCESS:
            self._still_unknown(order, found.conclusion)
        elif found.order is not None:
            self._adopt(order, found.order.order_no, duplicate=False)
        elif order.not_found == 0:
            self._not_found(order)
        else:
            self._create_again(order)

    def _create_again(self, order: WorkOrder) -> None:
        """Second "not found", at least ``order_requery_seconds`` after the first: the same id once more."""
        with self._context.store.begin() as transaction:
            content = self._content(transaction, order)
            if content is None:
                return
            order = self._start(transaction, order, {"step": "create_again"})
        self._create(order, content)

    def _start(self, transaction: Any, order: WorkOrder, payload: dict[str, str]) -> WorkOrder:
        event = Event.DISPATCH_START if order.state is State.PENDING_DISPATCH else Event.DISPATCH_UNKNOWN
        counted = {"not_found": 0, "attempts": order.attempts + 1}
        return orders.move(transaction, order, event, self._now(), counted, payload=payload or None)

    def _adopt(self, order: WorkOrder, order_no: str, duplicate: bool) -> None:
        self._settle(
            order,
            Event.DISPATCH_CONFIRMED,
            {"order_no": order_no},
            remote_no=order_no,
            next_attempt_at=None,
            not_found=0,
            error_code=None,
            error_detail=None,
        )
        self._count("dispatched")
        if duplicate:
            self._count("duplicates")

    def _refused(self, order: WorkOrder, created: Created) -> None:
        said = created.conclusion
        told = {"error_code": said.code, "error_detail": said.detail or None}
        if created.correctable:
            with self._context.store.begin() as transaction:
                self._needs_correction(transaction, order, told)
            return
        self._settle(order, Event.DISPATCH_REFUSED, told, next_attempt_at=self._later(order, said), **told)
        self._count("refused")

    def _still_unknown(self, order: WorkOrder, said: Conclusion) -> None:
        told = {"error_code": said.code, "error_detail": said.detail or None}
        pause = max(self._context.settings.order_requery_seconds, said.retry_after or 0.0)
        wait = min(pause * 2 ** min(max(order.attempts - 1, 0), 8), LONGEST_DELAY)
        self._settle(
            order,
            Event.DISPATCH_UNKNOWN,
            told,
            next_attempt_at=self._after(wait),
            attempts=order.attempts + 1,
            **told,
        )
        self._count("unknown")

    def _not_found(self, order: WorkOrder) -> None:
        pause = self._context.settings.order_requery_seconds
        self._settle(
            order, Event.DISPATCH_UNKNOWN, {"step": "not_found"}, not_found=1, next_attempt_at=self._after(pause)
        )
        self._count("not_found")

    def _needs_correction(self, transaction: Any, order: WorkOrder, told: dict[str, str | None]) -> None:
        if order.state is State.DISPATCHING_UNKNOWN:
            order = orders.move(transaction, order, Event.DISPATCH_REFUSED, self._now(), payload=told)
        changes = {"next_attempt_at": None, **told}
        orders.move(transaction, order, Event.CORRECTION_NEEDED, self._now(), changes, payload=told, release=True)
        self._count("corrections")

    def _settle(self, order: WorkOrder, event: Event, payload: dict[str, Any], **changes: Any) -> None:
        with self._context.store.begin() as transaction:
            orders.move(transaction, order, event, self._now(), changes, payload=payload, release=True)

    def _heard(self, said: Conclusion, order: WorkOrder) -> None:
        """Log every call; after several unanswered ones in a row, or an alert, leave 12345 alone until the next run."""
        log.info(
            "dispatch.called",
            external_id=order.external_id,
            outcome=said.outcome.value,
            code=said.code,
            detail=said.detail,
        )
        silent = said.code in SILENCE and said.outcome is not Outcome.SUCCESS
        self._silent = self._silent + 1 if silent else 0
        if said.alert or self._silent >= self._hotline.profile.max_unreachable:
            self._stopped, self._stopped_detail, self._alert = said.code, said.detail or None, said.alert

    def _later(self, order: WorkOrder, said: Conclusion) -> datetime:
        backoff = self._context.settings.retry_base_seconds * 2 ** min(max(order.attempts - 1, 0), 10)
        return self._after(max(min(backoff, LONGEST_DELAY), said.retry_after or 0.0))

    def _after(self, seconds: float) -> datetime:
        return self._now() + timedelta(seconds=seconds)

    def _now(self) -> datetime:
        return now(self._context)

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1
