"""Calls to a 12345 platform and what they tell, typed. Nothing here is repeated; the stages decide that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.domain.order import State
from gateway.errors import GatewayError, Transient
from gateway.hotline.codec import Node, decode, encode, many, one
from gateway.hotline.profile import HotlineProfile
from gateway.net.answer import shown_code
from gateway.net.http import Tls
from gateway.net.soap import Conclusion, Outcome, SoapAnswer, SoapService, SoapTimeouts, outcome
from gateway.settings import Connection

LONGEST_NUMBER = 64
SHANGHAI = ZoneInfo("Asia/Shanghai")
REVISITED = {"dissatisfied": State.REWORK_REQUIRED, "not_reached": State.UNREACHABLE, "refused": State.UNREACHABLE}


@dataclass(frozen=True, slots=True)
class OrderContent:
    """What a new order says. Times in wire form with zone, ``2026-11-22T08:00:00+08:00``."""

    external_id: str
    area_code: str
    dept_code: str
    dept_name: str
    satisfaction: str
    indicators: str
    content: str = field(repr=False)
    project_no: str
    task_name: str
    contact_name: str = field(repr=False)
    contact_mobile: str = field(repr=False)
    rating_time: str
    due_time: str


@dataclass(frozen=True, slots=True)
class RemoteOrder:
    """An order as 12345 shows it. ``state`` is none if the profile doesn't map ``status``: then nothing is guessed."""

    order_no: str
    external_id: str
    status: str
    updated_at: datetime  # UTC without zone
    state: State | None
    handler: str | None = field(repr=False)
    verify_result: str | None  # slug of list verify_result
    reply: str | None = field(repr=False)
    reply_time: datetime | None
    revisit: str | None  # slug of list revisit_outcome
    revisit_time: datetime | None


@dataclass(frozen=True, slots=True)
class Created:
    """``order_no`` is set exactly when the conclusion is success."""

    conclusion: Conclusion
    order_no: str | None = None
    duplicate: bool = False
    correctable: bool = False  # refused because the unit is unknown there


@dataclass(frozen=True, slots=True)
class Found:
    """``order`` none with success: they certainly don't hold it (yet). Anything but success: nobody knows."""

    conclusion: Conclusion
    order: RemoteOrder | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of changed orders; ``unreadable`` had no number, status or time."""

    orders: list[RemoteOrder]
    unreadable: int = 0


class Hotline:
    """One 12345 platform. Make it once per process; calls may run in threads.

    ``folder`` holds the vendored WSDL that the profile names. Raises ``Misconfigured`` like
    :class:`gateway.net.soap.SoapService`.
    """

    def __init__(self, profile: HotlineProfile, connection: Connection, allowed_hosts: str, folder: Path) -> None:
        self.profile = profile
        limits = profile.timeouts
        self._token = connection.password.get_secret_value()
        self._service = SoapService(
            folder / profile.wsdl_file,
            profile.wsdl_sha256,
            connection.url + str(connection.extra.get("path", profile.path)),
            profile.binding_qname,
            allowed_hosts,
            SoapTimeouts(limits.connect, limits.read, limits.wall),
            imports=profile.wsdl_imports,
            tls=Tls.of(connection),
        )

    def create(self, content: OrderContent) -> Created:
        """Ask for a new order, once. Never raises for the other side's or the network's faults."""
        fields = {theirs: str(getattr(content, ours)) for theirs, ours in self.profile.order_fields.items()}
        judge = _Judge(self.profile, needs_number=True)
        answer = self._try(self.profile.operations.create, "order", fields)
        conclusion = outcome(answer, judge)
        if conclusion.outcome is not Outcome.SUCCESS:
            return Created(conclusion, correctable=judge.correctable)
        return Created(conclusion, judge.order_no, judge.duplicate)

    def query(self, external_id: str) -> Found:
        """Ask what they hold under ``external_id``. Never raises for the other side's or the network's faults."""
        fields = {theirs: external_id for theirs, ours in self.profile.query_fields.items() if ours == "external_id"}
        answer = self._try(self.profile.operations.query, "query", fields)
        try:
            root = self._read(answer)
        except GatewayError as failed:
            said = outcome(failed, _Judge(self.profile))
            return Found(Conclusion(_not_success(said.outcome), said.code, said.detail, said.retry_after, said.alert))
        paths = self.profile.result_paths
        code, message = one(root, paths.code), one(root, paths.message)
        if self.profile.not_found.holds(code, message):
            return Found(Conclusion(Outcome.SUCCESS, "hotline.not_found"))
        held = [self._order(node) for node in many(root, paths.order)]
        if self.profile.success.holds(code, message) and len(held) == 1 and held[0] is not None:
            if held[0].external_id == external_id:
                return Found(Conclusion(Outcome.SUCCESS, "hotline.found"), held[0])
            return Found(Conclusion(Outcome.UNKNOWN, "hotline.other_order", alert=True))
        return Found(Conclusion(Outcome.UNKNOWN, "hotline.not_understood", shown_code(code)))

    def list_updated(self, since: datetime, until: datetime) -> Iterator[Listed]:
        """Pages of orders changed within [since, until], both UTC without zone.

        An order that changes meanwhile leaves the window and pulls its followers one place forward; so pages are read
        from the last to the first, where that can show an order twice but never skip one. Raises ``Transient`` or
        ``Misconfigured``.
        """
        size = self.profile.page_size
        first, total = self._page(since, until, 1)
        if total is None:
            page, listed = 1, first
            while listed.orders or listed.unreadable:
                yield listed
                page += 1
                listed, _ = self._page(since, until, page)
            return
        for page in range(-(-total // size), 1, -1):
            yield self._page(since, until, page)[0]
        yield self._page(since, until, 1)[0] if total > size else first

    def _page(self, since: datetime, until: datetime, page: int) -> tuple[Listed, int | None]:
        values = {
            "since": wire_time(since),
            "until": wire_time(until),
            "page": str(page),
            "size": str(self.profile.page_size),
        }
        fields = {theirs: values[ours] for theirs, ours in self.profile.list_fields.items()}
        root = self._read(self._try(self.profile.operations.list, "query", fields))
        paths = self.profile.result_paths
        code, total = one(root, paths.code), one(root, paths.total)
        if not self.profile.success.holds(code, one(root, paths.message)):
            raise Transient("hotline.not_understood", reason=shown_code(code))
        read = [self._order(node) for node in many(root, paths.orders)]
        orders = [order for order in read if order is not None]
        return Listed(orders, len(read) - len(orders)), int(total) if total and total.isdecimal() else None

    def update(self, order_no: str, action: str, note: str) -> Conclusion:
        """催办, 督办 or 补充 on one order."""
        values = {"order_no": order_no, "action": action, "note": note}
        fields = {theirs: values[ours] for theirs, ours in self.profile.update_fields.items()}
        return outcome(self._try(self.profile.operations.update, "order", fields), _Judge(self.profile))

    def _try(self, operation: str, root: str, fields: Mapping[str, str]) -> SoapAnswer | GatewayError:
        params = {
            self.profile.auth.param: self._token,
            self.profile.payload_param: encode(self.profile.codec, root, fields),
        }
        try:
            return self._service.call(operation, **params)
        except GatewayError as failed:
            return failed

    def _read(self, answer: SoapAnswer | GatewayError) -> Node:
        if isinstance(answer, GatewayError):
            raise answer
        root = decode(self.profile.codec, answer.payload())
        if root is None:
            raise Transient("hotline.not_understood", reason="payload")
        return root

    def _order(self, node: Node) -> RemoteOrder | None:
        paths, profile = self.profile.order_paths, self.profile
        order_no, status = _number(node, paths.order_no), one(node, paths.status)
        updated_at = _moment(one(node, paths.updated_at))
        if order_no is None or status is None or updated_at is None:
            return None
        revisit = profile.revisit_map.get(one(node, paths.revisit) or "")
        state = profile.status_map.get(status)
        if state is State.SATISFIED:
            state = REVISITED.get(revisit or "", state)
        return RemoteOrder(
            order_no=order_no,
            external_id=one(node, paths.external_id) or "",
            status=status[:32],
            updated_at=updated_at,
            state=state,
            handler=one(node, paths.handler),
            verify_result=profile.verify_map.get(one(node, paths.verify_result) or ""),
            reply=one(node, paths.reply),
            reply_time=_moment(one(node, paths.reply_time)),
            revisit=revisit,
            revisit_time=_moment(one(node, paths.revisit_time)),
        )


class _Judge:
    """The profile's word on a payload, for :func:`gateway.net.soap.outcome`; remembers what it saw."""

    def __init__(self, profile: HotlineProfile, needs_number: bool = False) -> None:
        self._profile = profile
        self._needs_number = needs_number
        self.refusal_faults = profile.refusal_faults
        self.codec: str = profile.codec
        self.order_no: str | None = None
        self.duplicate = False
        self.correctable = False

    def conclude(self, payload: str) -> Conclusion:
        root = decode(self._profile.codec, payload)
        if root is None:
            return Conclusion(Outcome.UNKNOWN, "hotline.not_understood", "payload")
        paths = self._profile.result_paths
        code, message = one(root, paths.code), one(root, paths.message)
        self.order_no = _number(root, paths.order_no)
        self.duplicate = self._profile.duplicate.holds(code, message)
        if self.duplicate or self._profile.success.holds(code, message):
            if self._needs_number and self.order_no is None:
                return Conclusion(Outcome.UNKNOWN, "hotline.number_missing", code or "")
            return Conclusion(Outcome.SUCCESS, "hotline.duplicate" if self.duplicate else "hotline.created")
        if code in self._profile.refusal_codes:
            self.correctable = self._profile.correction.holds(None, message)
            return Conclusion(
                Outcome.REFUSED, "hotline.unit_unknown" if self.correctable else "hotline.refused", code or ""
            )
        return Conclusion(Outcome.UNKNOWN, "hotline.not_understood", shown_code(code))


def wire_time(moment: datetime) -> str:
    """A column's moment (UTC without zone) as 12345 writes it."""
    return moment.replace(tzinfo=UTC).astimezone(SHANGHAI).isoformat(timespec="seconds")


def _number(node: Node, path: str) -> str | None:
    """An order's number at 12345; one longer than we can keep is none, since cut it would name another order."""
    number = one(node, path)
    return number if number is not None and len(number) <= LONGEST_NUMBER and number.isprintable() else None


def _moment(text: str | None) -> datetime | None:
    """UTC without zone; a time without zone is Beijing time."""
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
        aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=SHANGHAI)
        return aware.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _not_success(said: Outcome) -> Outcome:
    return Outcome.UNKNOWN if said is Outcome.SUCCESS else said
