"""The ledger (台账): canonical records, append-only, each version once.

A chunk of source records is judged and written in one go under the lock of the counter's row. The lock orders the
writers, so positions become visible in ascending order, and what was looked up can't change before it is written.
Rules: canonical records, section 5 (late, duplicate, corrected).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import Connection, update

from gateway.crypto.canonical import OPTIONS as CANONICAL
from gateway.crypto.canonical import canonical_json
from gateway.crypto.digest import sm3
from gateway.errors import Bug
from gateway.mapping.outcome import CanonicalRecord, TextRecord
from gateway.store import bulk
from gateway.store.database import utc_naive
from gateway.store.tables import counter

PERSONAL = "personal"  # the vault's purpose of a record's blob; its row id is `personal_row`
SATISFACTION_CHANGED = "evaluation.satisfaction_changed"
COLUMNS = (
    *("position", "kind", "record_key", "version", "parent_key", "source_id", "page_id", "page_index", "area_code"),
    *("dept_code", "task_code", "satisfaction", "channel", "origin", "event_at", "received_at", "digest", "content"),
    *("personal", "warnings"),
)
HELD = ("record_key", "version", "digest", "position", "source_id", "satisfaction")
KEY_WIDTH = 120
WIDTHS = {"area_code": 12, "dept_code": 18, "task_code": 31, "channel": 1, "origin": 16}
Seal = Callable[[str, str, bytes], bytes]  # (purpose, row id, plain) -> sealed: Vault.seal
Place = tuple[str | None, int | None]  # page id and index of a source record
Refused = Callable[[Collection[int]], Mapping[int, Place]]  # positions -> those that a platform refused, with place
NOTHING: Mapping[int, Place] = {}


class Entry(NamedTuple):
    """One canonical record, serialised and digested before any lock is taken."""

    record: CanonicalRecord
    content: bytes  # canonical JSON of the attributes that are not personal
    personal: bytes | None  # canonical JSON of the personal ones, still plain; none when there are none
    digest: bytes  # SM3 of both: decides "unchanged"


class SourceRecord(NamedTuple):
    """What one source record says: all of it is stored, or none."""

    source_id: str
    page_id: str | None  # none for records that the gateway writes itself
    page_index: int | None
    received_at: datetime  # UTC without zone, or aware
    entries: Sequence[Entry]
    corrects: bool = False
    warnings: Sequence[str] = ()
    unrated: bool = False  # a service without a rating (不评价)


class Row(NamedTuple):
    """One ledger row that was written."""

    position: int
    version: int
    entry: Entry


class Verdict(NamedTuple):
    """What became of one source record."""

    state: Literal["stored", "duplicate", "conflict"]
    record_key: str
    position: int  # of its first new row; or of the held record that it repeats or contradicts
    rows: Sequence[Row] = ()


class _Version(NamedTuple):
    version: int
    digest: bytes
    position: int
    source_id: str
    satisfaction: int | None


_Held = dict[tuple[str, str], list[_Version]]


def prepare(record: CanonicalRecord) -> Entry:
    """Serialise and digest ``record``.

    Raises ``Rejected('canonical.unrepresentable')`` or ``Bug('ledger.unstorable')``: the mapping let something through
    that the ledger can't hold. Better known here, where it costs one record, than in the middle of a chunk.
    """
    _, key, _, attributes, hidden, _, area, dept, task, _, channel, origin = record
    _check_width("record_key", key, KEY_WIDTH)
    _check_columns(area, dept, task, channel, origin)
    write = _text_json if record.__class__ is TextRecord else canonical_json
    content, personal = write(attributes), write(hidden) if hidden else None
    return Entry(record, content, personal, sm3(b'{"content":%b,"personal":%b}' % (content, personal or b"{}")))


def _text_json(attributes: Mapping[str, Any]) -> bytes:
    """:func:`canonical_json` of what is text throughout, without its walk through the value."""
    try:
        return orjson.dumps(attributes, option=CANONICAL)
    except orjson.JSONEncodeError:
        return canonical_json(attributes)


@lru_cache(maxsize=10_000)
def _check_columns(*columns: str | None) -> None:
    for name, width, value in zip(WIDTHS, WIDTHS.values(), columns, strict=True):
        if value is not None:
            _check_width(name, value, width)


def _check_width(column: str, value: str, width: int) -> None:
    if len(value) > width or "\0" in value:
        raise Bug("ledger.unstorable", column=column, limit=width)


def personal_row(kind: str, record_key: str, version: int) -> str:
    """The vault's row id of a record's personal blob."""
    return f"{kind}:{record_key}:{version}"


def lock(transaction: Connection) -> int:
    """Wait for the other writers of the ledger and keep them out until the transaction ends; the last position."""
    transaction.execute(update(counter).where(counter.c.name == "ledger").values(value=counter.c.value))
    return int(transaction.execute(counter.select().where(counter.c.name == "ledger")).one().value)


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
    again = refused([versions[-1].position for versions in held.values()]) if refused else NOTHING
    rows: list[bulk.Row] = []
    verdicts: list[Verdict] = []
    for item in chunk:
        verdict = _judge(item, held, position, again)
        verdicts.append(verdict)
        if verdict.rows:
            position += len(verdict.rows)
            rows.extend(_ledger_rows(item, verdict.rows, held, seal))
    bulk.insert(transaction, "ledger_record", COLUMNS, rows)
    moved = update(counter).where(counter.c.name == "ledger").values(value=counter.c.value + (position - first))
    if position > first:
        transaction.execute(moved)
    return verdicts


def _look_up(transaction: Connection, chunk: Sequence[SourceRecord]) -> _Held:
    wanted: dict[str, set[str]] = defaultdict(set)
    for item in chunk:
        for entry in item.entries:
            wanted[entry.record.kind].add(entry.record.key)
    held: _Held = {}
    for kind, keys in wanted.items():
        found = bulk.select_in(transaction, "ledger_record", HELD, {"kind": kind}, "record_key", sorted(keys))
        for key, *version in found:
            held.setdefault((kind, key), []).append(_Version(*version))
    for versions in held.values():
        versions.sort()
    return held


def _judge(item: SourceRecord, held: _Held, position: int, again: Mapping[int, Place]) -> Verdict:
    new: list[Row] = []
    repeated: tuple[str, int] = ("", 0)
    for entry in item.entries:
        key = entry.record.key
        versions = held.get((entry.record.kind, key))
        if versions is None:
            new.append(Row(position + len(new) + 1, 1, entry))
            continue
        latest = versions[-1]
        same = [latest] if item.corrects else versions  # corrected back to an older wording is news
        known = next((version for version in reversed(same) if version.digest == entry.digest), None)
        if known is not None and known.position in again:
            new.append(Row(position + len(new) + 1, latest.version + 1, entry))
        elif known is not None:
            repeated = (key, known.position)
        elif (item.corrects and latest.source_id == item.source_id) or (
            again.get(latest.position) == (item.page_id, item.page_index)
        ):
            new.append(Row(position + len(new) + 1, latest.version + 1, entry))
        else:
            return Verdict("conflict", key, latest.position)
    if not new:
        return Verdict("duplicate", *repeated)
    return Verdict("stored", new[-1].entry.record.key, new[0].position, new)


def _ledger_rows(item: SourceRecord, new: Sequence[Row], held: _Held, seal: Seal) -> list[bulk.Row]:
    """The new rows' columns; ``held`` learns of them, for repeats further down the chunk."""
    source_id, page_id, page_index = item.source_id, item.page_id, item.page_index
    received_at = _naive(item.received_at)
    written: list[bulk.Row] = []
    last = new[-1]
    for row in new:
        position, version, (record, content, personal, digest) = row
        kind, key, parent_key, _, _, event_at, area, dept, task, satisfaction, channel, origin = record
        warnings = list(item.warnings) if row is last else []
        versions = held.setdefault((kind, key), [])
        if versions and versions[-1].satisfaction != satisfaction:
            warnings.append(SATISFACTION_CHANGED)
        versions.append(_Version(version, digest, position, source_id, satisfaction))
        written.append(
            (
                *(position, kind, key, version, parent_key, source_id, page_id, page_index, area, dept, task),
                *(satisfaction, channel, origin, _naive(event_at), received_at, digest, content.decode()),
                personal and seal(PERSONAL, personal_row(kind, key, version), personal),
                _json(warnings),
            )
        )
    return written


def _naive(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else utc_naive(moment)


def _json(warnings: list[str]) -> str | None:
    return orjson.dumps(warnings).decode() if warnings else None
