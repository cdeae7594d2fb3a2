"""What keys and published documents wait for (尚待): told by ``gw status`` beside what records and batches wait for."""

from __future__ import annotations

from gateway.bootstrap import NATIONAL
from gateway.domain.moments import day_text
from gateway.reports.waiting import Waiting
from gateway.stages.context import Context
from gateway.stages.own_keys import KeyWarning, key_warnings
from gateway.store import published


def keys_waiting(context: Context) -> list[Waiting]:
    """Keys that end, that were made and not used, that have sealed for long; documents fetched and not applied."""
    with context.store.read() as transaction:
        documents = published.unapplied(transaction, NATIONAL)
    ending = [key_waiting(warning) for warning in key_warnings(context)]
    return [
        *ending,
        *(Waiting(f"published_{document.kind}", {"target": document.target_id}, noted=True) for document in documents),
    ]


def key_waiting(warning: KeyWarning) -> Waiting:
    """A key's warning, with the act that it wants."""
    params = {
        "what": warning.what,
        "key_id": warning.key_id,
        "until": day_text(warning.until),
        "days": warning.days,
    }
    return Waiting(warning.code, params, noted=True)
