"""Each record's verdict (逐条判定): accepted, duplicate, or refused with an item code (interface sections 3 and 5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.crypto.digest import sm3
from sandbox.platform.ledger import Effect, Ledger
from sandbox.platform.record_rules import (
    KINDS,
    Record,
    RecordRules,
    UnacceptableError,
    latest_moment,
    loose_field,
    read_record,
)

Refuse = Callable[[Record], str | None]
"""A fault on demand: the item code to refuse this record with, or None."""

Reading = tuple[bytes, Record | UnacceptableError]
"""A record's bytes, and what they say or why they say nothing."""

_Held = dict[tuple[str, str], dict[int, bytes]]


@dataclass(slots=True)
class Judgement:
    """``items`` as the receipt lists them; ``effects`` what is to be applied."""

    items: list[dict[str, object]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    duplicates: int = 0


def read_all(records: list[bytes]) -> list[Reading]:
    """Every record of a content, readable or not."""
    return [(raw, _try_read(raw)) for raw in records]


def in_order(readings: list[Reading]) -> bool:
    """Kinds stand in the order service, evaluation, rectification; a record of no known kind stands anywhere."""
    kinds = [record.kind if isinstance(record, Record) else loose_field(raw, "kind") for raw, record in readings]
    ranks = [KINDS.index(kind) for kind in kinds if kind in KINDS]
    return ranks == sorted(ranks)


class Judge:
    """Judges a batch's records in their order, against what is held and what the same batch has brought before."""

    def __init__(self, ledger: Ledger, rules: RecordRules) -> None:
        self._ledger = ledger
        self._rules = rules

    def judge(self, sender: str, readings: list[Reading], now: datetime, refuse: Refuse) -> Judgement:
        held = self._held(sender, [record for _, record in readings if isinstance(record, Record)])
        judgement = Judgement()
        latest = latest_moment(now)
        for place, (raw, record) in enumerate(readings):
            if isinstance(record, UnacceptableError):
                judgement.items.append(_item(place, loose_field(raw, "key"), record))
                continue
            digest = sm3(raw)
            try:
                self._judge_one(record, digest, held, latest, refuse)
            except UnacceptableError as refusal:
                judgement.items.append(_item(place, record.key, refusal))
                judgement.duplicates += refusal.code == "duplicate"
                continue
            held[record.kind, record.key][record.version] = digest
            judgement.effects.append(Effect(record.kind, record.key, record.version, digest, place))
        return judgement

    def _held(self, sender: str, records: list[Record]) -> _Held:
        wanted: dict[str, set[str]] = defaultdict(set)
        for record in records:
            wanted[record.kind].add(record.key)
            parent = record.parent
            if parent is not None:
                wanted[parent[0]].add(parent[1])
        held: _Held = defaultdict(dict)
        for kind, keys in wanted.items():
            for key, version, digest in self._ledger.held_versions(sender, kind, keys):
                held[kind, key][version] = digest
        return held

    def _judge_one(self, record: Record, digest: bytes, held: _Held, latest: str, refuse: Refuse) -> None:
        versions = held[record.kind, record.key]
        if versions.get(record.version) == digest:
            raise UnacceptableError("duplicate", "this version is held with the same digest")
        self._rules.check(record, latest)
        if versions and max(versions) >= record.version:
            raise UnacceptableError("version.stale", "that version or a higher one is held with another digest")
        parent = record.parent
        if parent is not None and not held[parent]:
            raise UnacceptableError("parent.missing", "the parent has not been accepted")
        code = refuse(record)
        if code is not None:
            raise UnacceptableError(code, "refused on demand")


def _try_read(raw: bytes) -> Record | UnacceptableError:
    try:
        return read_record(raw)
    except UnacceptableError as refusal:
        return refusal


def _item(place: int, key: str, refusal: UnacceptableError) -> dict[str, object]:
    return {"index": place, "key": key, "code": refusal.code, "message": refusal.message}
