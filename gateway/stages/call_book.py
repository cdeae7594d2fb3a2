"""The book of calls over the store: every step of a record's call in a transaction of its own, fenced by the lease."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import cast

import orjson

from gateway.crypto.digest import sm3_hex
from gateway.domain.wire import PARENT_KIND, members
from gateway.errors import Bug
from gateway.profiles.book import Item, Request, State
from gateway.profiles.fields import merged
from gateway.profiles.verdict import Verdict
from gateway.stages.context import Context
from gateway.store import Transaction, target_calls
from gateway.store.ledger import PERSONAL, personal_row
from gateway.store.target_calls import BEGUN, DONE, READY, CallRow, RecordRow, call_row
from schemas.attributes import Kind


class StoredBook:
    """All batches of one target."""

    def __init__(self, context: Context, target_id: str, lease: timedelta) -> None:
        self._context, self._target_id, self._lease = context, target_id, lease

    def open(self, batch_id: str, token: int | None) -> StoredCalls:
        return StoredCalls(self._context, self._target_id, self._lease, batch_id, token)


class StoredCalls:
    """One batch's page. Its items are read once and kept in step with what is written."""

    def __init__(self, context: Context, target_id: str, lease: timedelta, batch_id: str, token: int | None) -> None:
        self._context, self._target_id, self._lease = context, target_id, lease
        self._batch_id, self._token = batch_id, token
        with context.store.read() as transaction:
            self._rows = target_calls.rows(transaction, batch_id)
        self._items = [self._item(row) for row in self._rows]

    def items(self) -> list[Item]:
        return list(self._items)

    def data(self, item: Item) -> Mapping[str, str]:
        with self._context.store.read() as transaction:
            record = target_calls.record_at(transaction, self._rows[item.index].position)
            line = [self._wire(record)]
            given: dict[str, str] = {}
            while record.parent_key is not None:
                kind = PARENT_KIND[record.kind]
                named = target_calls.reference(transaction, self._target_id, kind, record.parent_key)
                given = {**(orjson.loads(named) if named else {}), **given}
                parent = target_calls.newest(transaction, kind, record.parent_key)
                if parent is None:
                    break
                record = parent
                line.append(self._wire(record))
        return merged(*reversed(line), given)

    def request(self, item: Item) -> Request | None:
        row = self._rows[item.index]
        if row.request is None:
            return None
        body = self._context.vault.open(target_calls.REQUEST, call_row(self._batch_id, item.index), bytes(row.request))
        return Request(body, row.content_digest or "")

    def begin(self, item: Item, request: Request) -> None:
        sealed = self._context.vault.seal(target_calls.REQUEST, call_row(self._batch_id, item.index), request.body)
        kept = (sealed, sm3_hex(request.body), request.content_digest)
        with self._context.store.begin() as transaction:
            self._fence(transaction)
            target_calls.begin(transaction, self._batch_id, item.index, kept, self._context.clock())
        row = self._rows[item.index]
        if row.request is None:
            self._rows[item.index] = row._replace(request=sealed, content_digest=request.content_digest)
        self._items[item.index] = replace(item, state=BEGUN, tries=item.tries + 1)

    def not_sent(self, item: Item) -> None:
        state: State = BEGUN if item.state == BEGUN else READY
        with self._context.store.begin() as transaction:
            self._fence(transaction)
            target_calls.put_back(transaction, self._batch_id, item.index, state, item.tries)
        self._items[item.index] = replace(item, state=state)

    def note(self, item: Item, verdict: Verdict, evidence: bytes) -> None:
        place = call_row(self._batch_id, item.index)
        kept = orjson.dumps({"words": verdict.words, "answer": base64.b64encode(evidence).decode()})
        state: State = DONE if verdict.final else READY if verdict.outcome == "hold" else BEGUN
        named = orjson.dumps(dict(verdict.references)).decode() if verdict.references else None
        with self._context.store.begin() as transaction:
            self._fence(transaction)
            target_calls.note(
                transaction,
                self._batch_id,
                item.index,
                self._context.clock(),
                state=state,
                outcome=verdict.outcome,
                code=verdict.code,
                answer=self._context.vault.seal(target_calls.ANSWER, place, kept),
                reference=named,
            )
        current = self._items[item.index]
        self._items[item.index] = replace(
            current, state=state, outcome=verdict.outcome, code=verdict.code, words=verdict.words
        )

    def _fence(self, transaction: Transaction) -> None:
        if self._token is None:
            raise Bug("profile.lease_missing", batch=self._batch_id)
        now = self._context.clock()
        target_calls.fence(transaction, self._batch_id, self._token, now, now + self._lease)

    def _item(self, row: CallRow) -> Item:
        words = ""
        if row.state == DONE and row.code is not None and row.answer is not None:
            place = call_row(self._batch_id, row.item)
            words = orjson.loads(self._context.vault.open(target_calls.ANSWER, place, bytes(row.answer)))["words"]
        return Item(
            index=row.item,
            kind=cast("Kind", row.kind),
            key=row.record_key,
            version=row.version,
            parent_key=row.parent_key,
            state=cast("State", row.state or "new"),
            outcome=row.outcome,
            code=row.code,
            words=words,
            tries=row.tries or 0,
        )

    def _wire(self, record: RecordRow) -> dict[str, str]:
        if record.personal is None:
            return members(record.content)
        place = personal_row(record.kind, record.record_key, record.version)
        return members(record.content, self._context.vault.open(PERSONAL, place, bytes(record.personal)))
