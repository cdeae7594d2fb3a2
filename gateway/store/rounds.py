"""Rounds (评价次数) that the ledger holds of a service: which evaluation is its first, its second, and when it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from gateway.store import bulk

WAVES = (range(1, 3), range(3, 10), range(10, 100))  # hardly a service has a third


class HeldRound(NamedTuple):
    """A version of an evaluation."""

    number: int
    at: datetime  # assess_time, UTC without zone
    position: int


def held(transaction: Connection, services: Iterable[str]) -> dict[str, list[HeldRound]]:
    """Every version of every evaluation of each service key, in the order of the ledger; asked for by keys alone."""
    found: defaultdict[str, list[HeldRound]] = defaultdict(list)
    asked = set(services)
    columns = ("record_key", "event_at", "position")
    for wave in WAVES:
        wanted = [f"{service}#{number}" for service in sorted(asked) for number in wave]
        asked = set()
        for key, at, position in bulk.select_in(
            transaction, "ledger_record", columns, {"kind": "evaluation"}, "record_key", wanted
        ):
            service, _, number = key.rpartition("#")
            found[service].append(HeldRound(int(number), _moment(at), position))
            asked.add(service)
    return {service: sorted(rounds, key=lambda one: one.position) for service, rounds in found.items()}


def _moment(at: datetime | str) -> datetime:
    """SQLite gives a moment back as the text that it keeps."""
    return datetime.fromisoformat(at) if isinstance(at, str) else at
