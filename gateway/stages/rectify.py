"""整改: what a closed order says goes into the ledger as a RectificationRecord, so that push sends it on.

Records section 3; key = evaluation key + ``#`` + cycle. Nothing is invented: what 12345 didn't say is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.crypto.canonical import canonical_json
from gateway.crypto.vault import Vault
from gateway.domain.moments import shanghai
from gateway.domain.order import State
from gateway.domain.wire import attributes
from gateway.hotline.calls import RemoteOrder
from gateway.hotline.profile import HotlineProfile
from gateway.mapping.entry import prepare
from gateway.mapping.outcome import CanonicalRecord
from gateway.mapping.rectification import check_rectification
from gateway.store import ledger, orders
from gateway.store.order_subject import subjects
from gateway.store.orders import WorkOrder

REPLY_PURPOSE = "work_order_reply"
NO_REVIEW_NEEDED = "1"
INSERT = "I"


@dataclass(frozen=True, slots=True)
class Closed:
    """``stored``: a new ledger row; ``wrong``: attributes that are missing or wrong, so that none can be written."""

    stored: bool
    wrong: tuple[str, ...] = ()


def seal_reply(order: WorkOrder, remote: RemoteOrder, vault: Vault) -> bytes:
    """The unit's answer and who gave it, sealed for the order's row."""
    said = {"reply": remote.reply or "", "handler": remote.handler or ""}
    return vault.seal(REPLY_PURPOSE, order.order_id, canonical_json(said))


def close(
    transaction: Any, order: WorkOrder, remote: RemoteOrder, profile: HotlineProfile, vault: Vault, now: datetime
) -> Closed:
    """Write the rectification of ``order`` in the caller's transaction; said before: nothing is written."""
    content, personal = _attributes(transaction, order, remote, profile)
    wrong = dict.fromkeys(problem.field for problem in check_rectification({**content, **personal}))
    if wrong:
        return Closed(stored=False, wrong=tuple(wrong))
    record = CanonicalRecord(
        kind="rectification",
        key=f"{order.evaluation_key}#{order.cycle}",
        parent_key=order.evaluation_key,
        content=content,
        personal=personal,
        event_at=remote.reply_time or remote.updated_at,
        area_code=order.area_code,
        dept_code=order.dept_code,
        task_code=None,
        satisfaction=None,
        channel=None,
        origin=None,
    )
    said = ledger.SourceRecord(profile.target, None, None, now, [prepare(record)], corrects=True)
    return Closed(stored=ledger.store(transaction, [said], vault.seal)[0].state == "stored")


def _attributes(
    transaction: Any, order: WorkOrder, remote: RemoteOrder, profile: HotlineProfile
) -> tuple[dict[str, Any], dict[str, str]]:
    """Attributes by their canonical names, personal ones apart; what is not known is left out."""
    about = [attributes(one.kind, one.content) for one in subjects(transaction, order.evaluation_key)]
    evaluation, service = [*about, {}, {}][:2]
    entered = orders.event_moments(transaction, order.order_id)
    content = {
        "project_no": evaluation.get("project_no"),
        "service_number": evaluation.get("service_number"),
        "assess_number": evaluation.get("assess_number"),
        "cycle": str(order.cycle),
        "work_order_no": remote.order_no,
        "dept_code": order.dept_code,
        "dept_name": service.get("org_name"),
        "status": State.ARCHIVED.value,
        "dispatch_time": _wire(entered.get(State.PENDING_SIGN_FOR)),
        "sign_for_time": _wire(entered.get(State.HANDLING)),
        "due_time": _wire(order.due_at),
        "due_rule": order.due_rule,
        "verify_result": remote.verify_result,
        "feedback_time": _wire(remote.reply_time),
        "feedback_channel": profile.feedback_channel if remote.reply_time else None,
        "revisit_time": _wire(remote.revisit_time),
        "revisit_outcome": remote.revisit,
        "review_status": NO_REVIEW_NEEDED,
        "operation": INSERT,
    }
    personal = {"rectification": remote.reply, "handler_name": remote.handler}
    return (
        {name: value for name, value in content.items() if value is not None},
        {name: value for name, value in personal.items() if value},
    )


def _wire(moment: datetime | None) -> str | None:
    """``yyyy-MM-dd HH:mm:ss``, Asia/Shanghai."""
    return None if moment is None else shanghai(moment).strftime("%Y-%m-%d %H:%M:%S")
