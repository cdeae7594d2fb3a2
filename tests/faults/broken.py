"""Deliberately broken variants of the gateway (变异): what each does wrong, and the crash point that shows it.

Only the process that dies runs broken code; the one that puts things right is ours. So what is found afterwards was
broken by that one death, and the same death of our own code must leave nothing broken.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gateway import crash
from gateway.domain.order import Event, State
from gateway.stages import seal
from gateway.store import Store, Transaction, batches, deliveries, orders


@dataclass(frozen=True)
class Variant:
    """``dies_at``: a crash point; ``turn``: which pass of it, 0 for the usual one."""

    dies_at: str
    break_it: Callable[[], None]
    turn: int = 0


_open: list[Transaction] = []


def _commit_early() -> None:
    """What the open transaction has written so far is committed apart from all that should follow."""
    _open[-1].connection.dbapi_connection.commit()  # type: ignore[union-attr]


def _watch_transactions() -> None:
    begin = Store.begin

    @contextmanager
    def watched(self: Store) -> Iterator[Transaction]:
        with begin(self) as transaction:
            _open.append(transaction)
            try:
                yield transaction
            finally:
                _open.pop()

    Store.begin = watched  # type: ignore[method-assign]


def tear() -> None:
    """Two transactions instead of one, torn apart at the armed crash point."""
    _watch_transactions()
    passed = crash._pass

    def torn() -> None:
        _commit_early()
        passed()

    crash._pass = torn


def apply_receipts_before_their_state() -> None:
    """The history of a receipt is committed in a transaction of its own: the receipt will be applied a second time."""
    _watch_transactions()
    step = batches.step

    def history_first(connection: Any, row: Any, event: Any, at: Any, actor: str, **more: Any) -> Any:
        if event.startswith("receipt."):
            after = batches.next_state(row.state, event)
            batches.write_event(connection, row.batch_id, event, row.state, after, at, actor, None)
            _commit_early()
            crash.reach("receipt.stored")
        return step(connection, row, event, at, actor, **more)

    batches.step = history_first


def store_receipts_after_their_state() -> None:
    """A batch is acknowledged; the receipt that proves it is to be stored in another transaction."""
    deliveries.keep_receipt = lambda *_given, **_named: None


def send_before_storing() -> None:
    """A batch goes out as soon as it is sealed, and is stored when its receipt is there."""
    columns = seal._columns

    def sent_first(delivery: Any, sealed: Any) -> dict[str, Any]:
        made = columns(delivery, sealed)
        header = sealed.header
        expires = datetime.fromisoformat(header.expires)
        delivery.client.send_batch(header.batch_id, sealed.body, sealed.body_digest, expires=expires, token=0)
        crash.reach("s3")
        return made

    seal._columns = sent_first


def note_leaving_afterwards() -> None:
    """That the first byte leaves is written down once the reply is there."""
    batches.start_sending = lambda *_given: None


def note_the_call_afterwards() -> None:
    """That 12345 is called is written down once it has answered."""
    move = orders.move

    def moved(transaction: Any, order: Any, event: Event, *given: Any, **named: Any) -> Any:
        if event is Event.DISPATCH_START:
            return replace(order, state=State.DISPATCHING_UNKNOWN)
        return move(transaction, order, event, *given, **named)

    orders.move = moved


def make_the_external_id_at_the_call() -> None:
    """The id that an order bears at 12345 is made for the call, and stored with the answer."""
    claim = orders.claim

    def with_new_id(*given: Any) -> Any:
        order = claim(*given)
        return order and replace(order, external_id=secrets.token_hex(16))

    orders.claim = with_new_id


VARIANTS = {
    "the cursor moves in its own transaction, before its page": Variant("pull.cursor", tear),
    "ledger rows have their own transaction, before orders and page": Variant("settle.stored", tear),
    "the watermark has its own transaction, before the batch": Variant("seal.marked", tear),
    "a batch's state has its own transaction, before its history": Variant("batch.moved", tear),
    "an order's state has its own transaction, before its history": Variant("order.moved", tear),
    "what follows from a closed order has its own transaction": Variant("track.moved", tear, turn=1),
    "a receipt is applied twice": Variant("receipt.stored", apply_receipts_before_their_state, turn=2),
    "a receipt is stored after the state that it proves": Variant("s4", store_receipts_after_their_state),
    "a batch is stored after it was sent": Variant("s3", send_before_storing),
    "the first byte leaves before that is written down": Variant("s3", note_leaving_afterwards),
    "12345 is called before that is written down": Variant("dispatch.called", note_the_call_afterwards),
    "the external id is stored after the call": Variant("dispatch.called", make_the_external_id_at_the_call),
}
