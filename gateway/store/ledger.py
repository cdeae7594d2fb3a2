"""The ledger (台账): canonical records, append-only, each version once.

A chunk of source records is judged and written in one go under the lock of the counter's row. The lock orders the
writers, so positions become visible in ascending order, and what was looked up can't change before it is written.
Rules: canonical records, section 5 (late, duplicate, corrected).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Literal

import msgspec
import orjson
from sqlalchemy import Connection, update

from gateway.domain.wire import FIRST_VERSION, KIND_ORDER, PARENT_KIND
from gateway.mapping.entry import Entry
from gateway.store import bulk
from gateway.store.database import utc_naive
from gateway.store.tables import counter

AS_BYTES = "content"  # a column of text that is read and written in UTF-8
PERSONAL = "personal"  # the vault's purpose of a record's blob; its row id is `personal_row`
SATISFACTION_CHANGED = "evaluation.satisfaction_changed"
COLUMNS = (
    *("position", "kind", "record_key", "version", "parent_key", "source_id", "page_id", "page_index", "area_code"),
    *("dept_code", "task_code", "satisfaction", "channel", "origin", "service_stage", "event_at", "received_at"),
    *("digest", "content", "personal", "warnings"),
)
HELD = ("record_key", "version", "digest", "origin", "service_stage", "position", "source_id", "satisfaction")
Seal = Callable[[str, str, bytes], bytes]  # (purpose, row id, plain) -> sealed: Vault.seal
Place = tuple[str | None, int | None]  # page id and index of a source record
Refused = Callable[[Collection[int]], Mapping[int, Place]]  # positions -> those that a platform refused, with place
NOTHING: Mapping[int, Place] = {}
_COUNTER = update(counter).where(counter.c.name == "ledger")
_LOCK = _COUNTER.values(value=counter.c.value).returning(counter.c.value)


class SourceRecord(msgspec.Struct, frozen=True, gc=False):
    """What one source record says: all of it is stored, or none."""

    source_id: str
    page_id: str | None  # none for records that the gateway writes itself
    page_index: int | None
    received_at: datetime  # UTC without zone, or aware
    entries: Sequence[Entry]
    corrects: bool = False
    warnings: Sequence[str] = ()
    unrated: bool = False  # a service without a rating (不评价)


class Row(msgspec.Struct, frozen=True, gc=False):
    """One ledger row that was written."""

    position: int
    version: int
    entry: Entry


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What became of one source record."""

    state: Literal["stored", "duplicate", "conflict"]
    record_key: str
    position: int  # of its first new row; or of the held record that it repeats or contradicts
    rows: Sequence[Row] = ()


class _Version(msgspec.Struct, frozen=True, gc=False):
    version: int
    digest: bytes
    origin: str | None
    service_stage: str | None
    position: int
    source_id: str
    satisfaction: int | None

    def says(self, entry: Entry) -> bool:
        """Is ``entry`` what this version holds already?"""
        same = self.digest == entry.digest
        return same and self.origin == entry.origin and self.service_stage == entry.service_stage


_Held = dict[str, dict[str, list[_Version]]]  # by kind and key, oldest first


def personal_row(kind: str, record_key: str, version: int) -> str:
    """The vault's row id of a record's personal blob."""
    return f"{kind}:{record_key}:{version}"


def lock(transaction: Connection) -> int:
    """Wait for the other writers of the ledger and keep them out until the transaction ends; the last position."""
    return int(transaction.execute(_LOCK).scalar_one())


def store(
    transaction: Connection, chunk: Sequence[SourceRecord], seal: Seal, refused: Refused | None = None
) -> list[Verdict]:
    """Judge every source record of ``chunk`` in order, write what is new; one verdict each.

    Held already, in this chunk or before: duplicate. Same key with other content: a new version when marked as a
    correction by the source of the latest version, else a conflict, of which nothing is written. ``refused`` tells
    which positions a platform refused: what repeats one of these is a new version, so that it is delivered again,
    and so is what the same source record says otherwise since its mapping was repaired.
    """
    first = position = lock(transaction)
    held = _look_up(transaction, chunk)
    latest = [versions[-1].position for by_key in held.values() for versions in by_key.values()]
    again = refused(latest) if refused else NOTHING
    rows: list[bulk.Row] = []
    verdicts: list[Verdict] = []
    for item in chunk:
        verdict = _judge(item, held, position, again)
        verdicts.append(verdict)
        if verdict.rows:
            position += len(verdict.rows)
            rows.extend(_ledger_rows(item, verdict.rows, held, seal))
    bulk.insert(transaction, "ledger_record", COLUMNS, rows, AS_BYTES)
    if position > first:
        transaction.execute(_COUNTER.values(value=position))
    return verdicts


def _look_up(transaction: Connection, chunk: Sequence[SourceRecord]) -> _Held:
    """What the ledger holds of the chunk's keys.

    A record is never there without its parent (it came with it, or was joined to it); so where the parent comes along
    and is not held, nobody need ask for the record.
    """
    entries = [entry for item in chunk for entry in item.entries]
    held: _Held = {}
    along: dict[str, set[str]] = {}
    for kind in KIND_ORDER:
        above = PARENT_KIND.get(kind, "")
        new = along[above] - held[above].keys() if above else set()
        along[kind] = {entry.key for entry in entries if entry.kind == kind}
        keys = {entry.key for entry in entries if entry.kind == kind and entry.parent_key not in new}
        held[kind] = _versions(transaction, kind, keys) if keys else {}
    return held


def _versions(transaction: Connection, kind: str, keys: set[str]) -> dict[str, list[_Version]]:
    by_key: dict[str, list[_Version]] = {}
    for key, *version in bulk.select_in(transaction, "ledger_record", HELD, {"kind": kind}, "record_key", sorted(keys)):
        by_key.setdefault(key, []).append(_Version(*version))
    for versions in by_key.values():
        versions.sort(key=attrgetter("version"))
    return by_key


def _judge(item: SourceRecord, held: _Held, position: int, again: Mapping[int, Place]) -> Verdict:
    new: list[Row] = []
    repeated: tuple[str, int] = ("", 0)
    for entry in item.entries:
        versions = held[entry.kind].get(entry.key)
        if versions is None:
            new.append(Row(position + len(new) + 1, FIRST_VERSION, entry))
            continue
        latest = versions[-1]
        same = [latest] if item.corrects else versions  # corrected back to an older wording is news
        known = next((version for version in reversed(same) if version.says(entry)), None)
        if known is not None and known.position in again:
            new.append(Row(position + len(new) + 1, latest.version + 1, entry))
        elif known is not None:
            repeated = (entry.key, known.position)
        elif (item.corrects and latest.source_id == item.source_id) or (
            again.get(latest.position) == (item.page_id, item.page_index)
        ):
            new.append(Row(position + len(new) + 1, latest.version + 1, entry))
        else:
            return Verdict("conflict", entry.key, latest.position)
    if not new:
        return Verdict("duplicate", *repeated)
    return Verdict("stored", new[-1].entry.key, new[0].position, new)


def _ledger_rows(item: SourceRecord, new: Sequence[Row], held: _Held, seal: Seal) -> list[bulk.Row]:
    """The new rows' columns; ``held`` learns of them, for repeats further down the chunk."""
    source_id, page_id, page_index = item.source_id, item.page_id, item.page_index
    received_at, last = _naive(item.received_at), new[-1].position
    written: list[bulk.Row] = []
    for row in new:
        entry, position, version = row.entry, row.position, row.version
        kind, key, event_at, personal = entry.kind, entry.key, entry.event_at, entry.personal
        digest, origin, stage, level = entry.digest, entry.origin, entry.service_stage, entry.satisfaction
        warnings = list(item.warnings) if position == last else []
        this = _Version(version, digest, origin, stage, position, source_id, level)
        versions = held[kind].get(key)
        if versions is None:
            held[kind][key] = [this]
        else:
            if versions[-1].satisfaction != level:
                warnings.append(SATISFACTION_CHANGED)
            versions.append(this)
        if personal is not None:
            personal = seal(PERSONAL, personal_row(kind, key, version), personal)
        if event_at.tzinfo is not None:
            event_at = utc_naive(event_at)
        told = orjson.dumps(warnings).decode() if warnings else None
        written.append(
            (
                *(position, kind, key, version, entry.parent_key, source_id, page_id, page_index, entry.area_code),
                *(entry.dept_code, entry.task_code, level, entry.channel, origin, stage, event_at, received_at),
                *(digest, entry.content, personal, told),
            )
        )
    return written


def _naive(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else utc_naive(moment)
