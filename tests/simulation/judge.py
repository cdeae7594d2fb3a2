"""The verdict on a world: our books against the platform's own, and every invariant; all counts must be nought."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from gateway.domain.batch import STAGES, BatchState
from gateway.evidence.folder import PublicKeyFolder
from gateway.evidence.verify import verify_folder
from gateway.reports.stuck import Stuck
from gateway.stages.evidence import folder_of
from tests.faults.invariants import delivery_violations
from tests.simulation.acts import FIRST, SECOND
from tests.simulation.world import World

DELIVERED: Final = ("ACKNOWLEDGED", "PARTIALLY_ACCEPTED", "DISPUTED", "RECONCILED", "PURGED")
GIVEN_UP: Final = ("FAILED", "REJECTED", "EXPIRED", "CANCELLED")
SETTLED: Final = ("RECONCILED", "ACKNOWLEDGED", "PARTIALLY_ACCEPTED", "REJECTED", "EXPIRED", "CANCELLED", "PURGED")
OWNED_BY_A_MACHINE: Final = {
    state: stage.sla for state, stage in STAGES.items() if stage.rank < 3 and not stage.person and stage.sla
}
LEDGER = """
    SELECT l.kind, l.record_key, l.version, l.position, l.parent_key, b.batch_id, b.state, r.code FROM ledger_record l
    LEFT JOIN batch_record r ON r.position = l.position LEFT JOIN batch b ON b.number = r.batch_number
"""
ASIDE = """
    SELECT l.position FROM ledger_record l JOIN quarantine q ON q.page_id = l.page_id AND q.page_index = l.page_index
    WHERE q.state = 'open' UNION SELECT position FROM delivery_hold WHERE reason NOT IN ('parent.missing', 'released')
"""
FIRST_VERSIONS = "SELECT kind, record_key, digest FROM ledger_record WHERE version = 1"
UNCLOSABLE = """
    SELECT seq FROM void_notice WHERE state = 'waiting' AND reason = 'sequence.lost' AND code = 'batch.sequence'
"""
RECEIPTS = """
    SELECT b.batch_id, b.header_digest, b.merkle_root, b.record_count, r.raw FROM batch b
    JOIN receipt r ON r.batch_id = b.batch_id WHERE r.valid = 1
"""


@dataclass
class Verdict:
    """What is wrong, in words, by measure; ``broken``: an invariant, at whatever moment."""

    lost: list[str] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    falsely_failed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not any(vars(self).values())

    def __str__(self) -> str:
        return "; ".join(f"{name}: {words[:3]}" for name, words in vars(self).items() if words)


def judge(world: World) -> Verdict:
    """Once all faults have ended and nothing moves any more."""
    verdict = Verdict(broken=[*broken(world), *_numbers(world)])
    verdict.stuck += world.late
    _records(world, verdict)
    _batches(world, verdict)
    return verdict


def broken(world: World) -> list[str]:
    """What may never be, at whatever moment: also in the middle of the worst."""
    return [
        *world.broken,
        *(f"{name}: {what}" for name, what in delivery_violations(world).items()),
        *(f"a replayed request was let in: {one}" for one in world.wire.admitted_replays),
        *_receipts(world),
        *_persons(world),
        *_altered(world),
        *_purged(world),
    ]


def _records(world: World, verdict: Verdict) -> None:
    """Each record of the ledger against the effects that the platform's oracle counts."""
    effects = world.receiver.effects()
    aside = {row[0] for row in world.rows(ASIDE)}
    homes: dict[tuple[str, str, int, int, str], list[tuple[str, str, str | None]]] = defaultdict(list)
    for *record, batch_id, state, code in world.rows(LEDGER):
        homes[tuple(record)] += [] if batch_id is None else [(batch_id, state, code)]  # type: ignore[index]
    refused = {key for _, key, _, position, _ in homes if position in aside}
    for (kind, key, version, position, parent), found in homes.items():
        name = f"{kind} {key} v{version}"
        times, _ = effects.get((kind, key, version), (0, set()))
        codes = [code for _, state, code in found if state in DELIVERED]
        superseded = any(code == "version.stale" for _, _, code in found)
        if None in codes or "duplicate" in codes:
            verdict.lost += [name] * (times == 0)
        elif times and found and not superseded:
            verdict.falsely_failed.append(f"{name}: {found}")
        elif not superseded and position not in aside and parent not in refused:
            verdict.stuck.append(f"{name} is nowhere: {found}")
    verdict.duplicate += [f"{name} x{times}" for name, (times, _) in effects.items() if times > 1]


def _altered(world: World) -> Iterator[str]:
    """A record's bytes there are those that were stored here: first versions have their digest in the ledger."""
    ours = {(kind, key): bytes(digest) for kind, key, digest in world.rows(FIRST_VERSIONS)}
    for kind, key, digest in world.receiver.digests():
        if ours.get((kind, key), digest) != digest:
            yield f"altered: {kind} {key}"


def _batches(world: World, verdict: Verdict) -> None:
    held = {batch for _, batches in world.receiver.effects().values() for batch in batches}
    disputed = {row[0] for row in world.rows("SELECT batch_id FROM batch_event WHERE to_state = 'DISPUTED'")}
    for batch_id, state in world.rows("SELECT batch_id, state FROM batch"):
        if state in GIVEN_UP and batch_id in held:
            verdict.falsely_failed.append(f"batch {batch_id[:8]} is {state}")
        elif state not in SETTLED:
            verdict.stuck.append(f"batch {batch_id[:8]} is {state}")
    if disputed and not world.restored:
        verdict.falsely_failed += [f"batch {batch_id[:8]} was disputed" for batch_id in disputed]


def _receipts(world: World) -> Iterator[str]:
    """I3, from the raw bytes: every receipt that counts as valid is of its batch."""
    for batch_id, header, root, count, raw in world.rows(RECEIPTS):
        said = json.loads(raw)
        numbers = said["accepted"] + said["duplicates"] + said["rejected"]
        if (said["batchId"], said["headerDigest"], said["merkleRoot"], numbers) != (batch_id, header, root, count):
            yield f"I3 a receipt of something else: {batch_id}"


def _persons(world: World) -> Iterator[str]:
    """I4: who lets a failed or interrupted batch go on has a name."""
    query = "SELECT batch_id, event, actor FROM batch_event WHERE from_state IN ('FAILED', 'INTERRUPTED')"
    for batch_id, what, actor in world.rows(query):
        if what.startswith(("retried", "restored")) and not actor.startswith((FIRST, SECOND)):
            yield f"I4 {batch_id} was {what} by {actor}"


def _purged(world: World) -> Iterator[str]:
    """I9: what is purged stands in an archive whose chain holds, and keeps its id, digest, receipt and history."""
    purged = {row[0] for row in world.rows("SELECT batch_id FROM batch WHERE state = 'PURGED'")}
    if not purged:
        return
    archived: set[str] = set()
    keys = PublicKeyFolder(world.context.keys.path)
    found = verify_folder(folder_of(world.context), keys, seen=lambda batch, _day, _events: archived.add(batch))
    if not found.sound or not purged <= archived:
        yield f"I9 purged without proof: {sorted(purged - archived) or found.findings}"


def _numbers(world: World) -> Iterator[str]:
    """Every number of the sequence is held at the platform, by a batch or by a notice.

    But for one: a batch that never arrived, and of which a restored database knows nothing any more, while the platform
    holds its successor, which names its digest. No notice of ours fits then, and a person is told.
    """
    told = {number for (number,) in world.rows(UNCLOSABLE)} if world.restored else set()
    if missing := [number for number in world.receiver.holes() if number not in told]:
        yield f"holes in the sequence: {missing}"


def overdue(world: World, since: timedelta) -> list[str]:
    """I6: what a machine owns for longer than it may since faults ended; ``since``: from one run to the next."""
    now, late = world.clock(), []
    query = "SELECT batch_id, state, updated_at, next_attempt_at FROM batch"
    for batch_id, state, entered, due in world.rows(query):
        allowed = OWNED_BY_A_MACHINE.get(BatchState(state))
        if allowed is None:
            continue
        begun = max(moment(entered), world.mended_at)
        if due and state == "RETRY_WAIT":
            begun = max(begun, moment(due))
        if now - begun > allowed + since:
            late.append(f"{batch_id[:8]} is {state} since {begun:%d %H:%M:%S}, due {due}")
    return late


def unowned(world: World, told: Sequence[Stuck]) -> list[str]:
    """I6: of each batch that a person must move somebody has been told."""
    known = {one for line in told for one in line.ids}
    query = "SELECT batch_id, state FROM batch WHERE state IN ('SUSPENDED', 'INTERRUPTED', 'FAILED', 'DISPUTED')"
    untold = [row for row in world.rows(query) if row[0] not in known]
    return [f"I6 nobody was told of {batch_id} ({state})" for batch_id, state in untold]


def moment(column: Any) -> datetime:
    """A column's moment, aware."""
    return datetime.fromisoformat(str(column)).replace(tzinfo=UTC)
