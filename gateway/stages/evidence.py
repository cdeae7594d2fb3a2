"""Building the archive of evidence (存证), a day a seal, and purging (清除) what is archived and old enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.crash import reach
from gateway.crypto.canonical import canonical_json, parse_canonical
from gateway.crypto.digest import Sm3
from gateway.domain.moments import day_bounds, shanghai
from gateway.errors import Misconfigured, Rejected
from gateway.evidence import dossier
from gateway.evidence.folder import (
    PublicKeyFolder,
    content_path,
    one_writer,
    seal_path,
    sealed_days,
    whole_file,
)
from gateway.evidence.seal import FIRST_PREVIOUS, DaySeal, created, digest_of, open_seal, seal_day
from gateway.evidence.verify import verify_folder
from gateway.stages.context import Context
from gateway.store import audit, batches
from gateway.store import evidence as books
from gateway.store.audit import Act
from gateway.store.evidence import SealedDay

FOLDER = "evidence"
LEAST_RETENTION_DAYS = 90  # I8: as long as the other side remembers a batch
ACTOR = "evidence"


@dataclass(frozen=True, slots=True)
class BuildReport:
    """``adopted``: days whose seal an earlier, killed run left; ``damaged``: ids of batches whose stored bytes are not
    those that were sealed, which are told and not archived."""

    days: int
    batches: int
    adopted: int
    last: str | None
    head: str
    damaged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """Batches whose retention is over. ``not_archived``: left alone, since no sound archive holds them as they are."""

    dry_run: bool
    retention_days: int
    purged: int
    freed_bytes: int
    not_archived: int


def folder_of(context: Context) -> Path:
    """Where the archive of this deployment is."""
    return context.settings.var_dir / FOLDER


def build(context: Context, folder: Path | None = None) -> BuildReport:
    """Archive and seal every day up to yesterday that is not yet. May be repeated, and killed anywhere.

    Raises ``Misconfigured``: ``evidence.days_missing`` when the folder lost days that the database knows,
    ``evidence.chain_broken`` when it holds other ones, ``crypto.key_missing``.
    """
    place = folder or folder_of(context)
    with one_writer(place):
        adopted = _agree(context, place)
        built, count, damaged = 0, 0, list[str]()
        for day in _days_to_build(context):
            count += _build_day(context, place, day, damaged)
            built += 1
        with context.store.read() as transaction:
            chain = books.days(transaction)
    last = chain[-1] if chain else None
    return BuildReport(
        built, count, adopted, last.day if last else None, last.seal_digest if last else "", tuple(sorted(set(damaged)))
    )


def _agree(context: Context, folder: Path) -> int:
    """Folder and database know the same days; a seal that the database doesn't know yet is taken over."""
    with context.store.read() as transaction:
        known = {one.day: one for one in books.days(transaction)}
    sealed = sealed_days(folder)
    for day, one in known.items():
        if day not in sealed:
            raise Misconfigured("evidence.days_missing", day=day, folder=str(folder))
        if digest_of(seal_path(folder, day).read_bytes()) != one.seal_digest:
            raise Misconfigured("evidence.chain_broken", day=day, folder=str(folder))
    unknown = [day for day in sealed if day not in known]
    if unknown:
        keys = PublicKeyFolder(context.keys.path)
        found = verify_folder(folder, keys).findings
        if found:
            raise Misconfigured("evidence.chain_broken", day=found[0].day, folder=str(folder))
        for day in unknown:
            raw = seal_path(folder, day).read_bytes()
            _note(context, folder, open_seal(raw, keys), digest_of(raw))
    return len(unknown)


def _days_to_build(context: Context) -> list[str]:
    """Calendar days after the last sealed one, up to yesterday; the first one is that of the first settled batch."""
    yesterday = shanghai(context.clock()).date() - timedelta(days=1)
    with context.store.read() as transaction:
        chain = books.days(transaction)
        first_settled = books.first_settled(transaction)
    if chain:
        first = date.fromisoformat(chain[-1].day) + timedelta(days=1)
    elif first_settled is not None:
        first = shanghai(first_settled).date()
    else:
        return []
    return [(first + timedelta(days=number)).isoformat() for number in range((yesterday - first).days + 1)]


def _build_day(context: Context, folder: Path, day: str, damaged: list[str]) -> int:
    """Content, then its seal, then the books: only the seal makes it evidence."""
    since, until = day_bounds(date.fromisoformat(day))
    digest, lines, size, count = Sm3(), 0, 0, 0
    with whole_file(content_path(folder, day)) as file:
        for line in _lines(context, since, until, damaged):
            raw = canonical_json(line) + b"\n"
            digest.update(raw)
            file.write(raw)
            lines, size = lines + 1, size + len(raw)
            count += line["type"] == dossier.BATCH
    reach("evidence.written")
    with context.store.read() as transaction:
        chain = books.days(transaction)
    unsigned = DaySeal(
        sender=context.settings.sender,
        day=day,
        number=len(chain) + 1,
        previous=chain[-1].seal_digest if chain else FIRST_PREVIOUS,
        lines=lines,
        content_bytes=size,
        content_digest=digest.hexdigest(),
        created=created(context.clock()),
        key_id=context.keys.signer.key_id,
    )
    raw = seal_day(unsigned, context.keys.signer)
    with whole_file(seal_path(folder, day)) as file:
        file.write(raw)
    reach("evidence.sealed")
    _note(context, folder, unsigned, digest_of(raw))
    return count


def _lines(context: Context, since: datetime, until: datetime, damaged: list[str]) -> Iterator[dict[str, Any]]:
    """Every batch that was settled before ``until`` and is not archived as it stands, then the day's results."""
    after: tuple[str, int, str] | None = None
    while True:
        with context.store.read() as transaction:
            page = books.due(transaction, until, after)
        for _, _, batch_id in page:
            with context.store.read() as transaction:
                held = books.dossier(transaction, batch_id)
            try:
                yield dossier.written(*held)
            except (Rejected, ValueError):
                damaged.append(batch_id)
        if not page:
            break
        after = page[-1]
    with context.store.read() as transaction:
        compared = books.compared_between(transaction, since, until)
        signed = books.signed_between(transaction, since, until)
    for row in compared:
        yield {"type": "reconciliation"} | dossier.plain_row(row)
    for row in signed:
        yield {"type": "signature"} | dossier.plain_row(row)


def _note(context: Context, folder: Path, seal: DaySeal, seal_digest: str) -> None:
    """Write into the books what the sealed content holds."""
    with context.store.begin() as transaction:
        chunk: list[tuple[str, int]] = []
        with content_path(folder, seal.day).open("rb") as file:
            for raw in file:
                line = parse_canonical(raw.rstrip(b"\n"))
                if line["type"] in (dossier.BATCH, dossier.PURGED):
                    chunk.append((line["batchId"], len(line["events"])))
                if len(chunk) == books.CHUNK:
                    books.note_batches(transaction, seal.day, chunk)
                    chunk = []
        if chunk:
            books.note_batches(transaction, seal.day, chunk)
        sealed = SealedDay(seal.day, seal.number, seal_digest, seal.content_digest, seal.lines, seal.content_bytes)
        books.note_day(transaction, sealed, context.clock())
        reach("evidence.noted")


def purge(
    context: Context,
    actor: str,
    reason: str,
    *,
    retention_days: int = LEAST_RETENTION_DAYS,
    folder: Path | None = None,
    dry_run: bool = True,
) -> PurgeReport:
    """Row 31: let the sealed bytes of settled batches go whose retention is over and whose archive is sound (I9).

    Raises ``Rejected``: ``act.reason_missing``, ``evidence.retention_short``, ``evidence.empty``; ``Misconfigured``
    ``evidence.chain_broken``: then nothing is purged at all.
    """
    if not dry_run and not (actor.strip() and reason.strip()):
        raise Rejected("act.reason_missing")
    if retention_days < LEAST_RETENTION_DAYS:
        raise Rejected("evidence.retention_short", least=LEAST_RETENTION_DAYS)
    place = folder or folder_of(context)
    archived = _verified(context, place)
    before = context.clock() - timedelta(days=retention_days)
    purged = freed = left = 0
    after = ""
    while True:
        with context.store.read() as transaction:
            page = books.candidates(transaction, before, after)
        if not page:
            break
        after = page[-1].batch_id
        ready = [one for one in page if archived.get(one.batch_id) == (one.archived_day, one.events)]
        left += len(page) - len(ready)
        if ready and not dry_run:
            ready = [one for one in ready if _purge_one(context, one, actor)]
        purged += len(ready)
        freed += sum(one.body_bytes for one in ready)
    if not dry_run:
        with context.store.begin() as transaction:
            outcome = f"batches={purged} bytes={freed} not_archived={left}"
            audit.record(transaction, Act(context.clock(), actor, "evidence.purge", str(place), reason, outcome))
    return PurgeReport(dry_run, retention_days, purged, freed, left)


def _purge_one(context: Context, one: books.Candidate, actor: str) -> bool:
    """A batch a transaction; one that moved meanwhile stays."""
    with context.store.begin() as transaction:
        row = batches.lock_batch(transaction, one.batch_id)
        if row is None or row.state not in books.PURGEABLE:
            return False
        books.purge(transaction, row, context.clock(), actor)
        reach("purge.gone")
    reach("purge.purged")
    return True


def _verified(context: Context, folder: Path) -> dict[str, tuple[str, int]]:
    """Batches of a sound archive as it last holds them: id → day and number of events."""
    held: dict[str, tuple[str, int]] = {}

    def seen(batch_id: str, day: str, events: int) -> None:
        held[batch_id] = (day, events)

    with context.store.read() as transaction:
        chain = books.days(transaction)
    head = chain[-1].seal_digest if chain else ""
    found = verify_folder(folder, PublicKeyFolder(context.keys.path), head=head, seen=seen).findings
    if found:
        raise Misconfigured("evidence.chain_broken", day=found[0].day, folder=str(folder))
    return held
