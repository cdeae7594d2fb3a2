"""Which records a target does not take (收报范围): they are held, with the reason, until a person decides."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.errors import Rejected
from gateway.stages.delivery import Delivery
from gateway.store.ledger import PERSONAL, personal_row
from gateway.store.outbox import Candidate


def not_taken(delivery: Delivery, fresh: Iterable[Candidate]) -> dict[int, str]:
    """Position → reason. Only what was never held is asked about: who lets a record go has decided."""
    accepts = delivery.target.accepts
    if accepts.everything:
        return {}
    local = delivery.context.masters.local_items
    found: dict[int, str] = {}
    for each in fresh:
        personal = None
        if accepts.may_hide(each.kind, each.personal):
            personal = _opened(delivery, each)
        reason = accepts.refusal(each.kind, each.content, personal, local)
        if reason is not None:
            found[each.position] = reason
    return found


def _opened(delivery: Delivery, each: Candidate) -> bytes | None:
    """None where it can't be opened: sealing says so by itself."""
    try:
        row = personal_row(each.kind, each.record_key, each.version)
        return delivery.context.vault.open(PERSONAL, row, each.personal or b"")
    except Rejected:
        return None
