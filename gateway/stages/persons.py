"""Finding a person's records (查阅) without reading anybody else's: by blind index, never by opening the ledger.

A person may ask what is held about them. The index is brought up to date when somebody looks, not when records are
stored, so that it costs the way of the records nothing. Whoever asks is audited before anything is shown, and how
often is limited: who may ask without end could try all phones that there are.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from gateway.crash import reach
from gateway.domain.wire import attributes
from gateway.errors import Rejected
from gateway.stages.context import Context
from gateway.store import audit, ledger, persons
from gateway.store.ledger import PERSONAL, personal_row
from gateway.store.persons import About, Cell, Mark

ACT = "person.find"
AN_HOUR = timedelta(hours=1)
MOST_AN_HOUR = 30
SPAN = 2_000  # positions a transaction
UNREADABLE = ("unreadable", bytes(16))  # what stands in the index for a cell that does not open
FIELDS = {  # attribute: the field under whose key its values compare
    "cert_key_gov": "id_no",
    "handle_user_page_code": "id_no",
    "mobile": "phone",
    "cert_key": "cert_key",
}


class Found(NamedTuple):
    """``unreadable``: rows whose personal data does not open; whether they are about the person, nobody can tell."""

    records: list[About]
    unreadable: int


def find(context: Context, field: str, value: str, actor: str, reason: str) -> Found:
    """Every version of every record that bears this number, phone or mark; audited without the value.

    Raises ``Rejected``: ``act.reason_missing``, ``person.value_missing``, ``person.too_often``.
    """
    if not (actor.strip() and reason.strip()):
        raise Rejected("act.reason_missing")
    if not value.strip():
        raise Rejected("person.value_missing")
    bring_up_to_date(context)
    sought = context.vault.blind_index(field, value)
    now = context.clock()
    with context.store.begin() as transaction:
        if persons.asked_since(transaction, actor, ACT, now - AN_HOUR) >= MOST_AN_HOUR:
            raise Rejected("person.too_often", most=MOST_AN_HOUR)
        found = persons.find(transaction, field, sought)
        audit.record(transaction, audit.Act(now, actor, ACT, field, reason, f"records={len(found)}"))
        unreadable = len(persons.find(transaction, *UNREADABLE))
    return Found(found, unreadable)


def bring_up_to_date(context: Context) -> None:
    """Index what the ledger has got since; all of it anew when the key of blind indexes is another one."""
    key_id = context.vault.blind_key
    with context.store.begin() as transaction:
        ledger.lock(transaction)
        after = persons.indexed_to(transaction, key_id)
        if after is None:
            persons.begin_anew(transaction, key_id)
            after = 0
        last = persons.last_position(transaction)
    while after < last:
        upto = min(after + SPAN, last)
        with context.store.read() as transaction:
            marks = {mark for cell in persons.cells(transaction, after, upto) for mark in _marks(context, cell)}
        with context.store.begin() as transaction:
            if not persons.add(transaction, marks, key_id, after, upto):
                return bring_up_to_date(context)  # somebody else looks as well
            reach("person.indexed")
        after = upto
    return None


def _marks(context: Context, cell: Cell) -> list[Mark]:
    try:
        opened = context.vault.open(PERSONAL, personal_row(cell.kind, cell.record_key, cell.version), cell.personal)
    except Rejected:  # its neighbours are found all the same
        return [Mark(*UNREADABLE, cell.position)]
    held = attributes(cell.kind, "{}", opened)
    return [
        Mark(field, context.vault.blind_index(field, held[name]), cell.position)
        for name, field in FIELDS.items()
        if held.get(name)
    ]
