"""What the gateway's state at one moment is made of (总览): plain figures, ready to be shown or written as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from gateway.domain.batch import BatchState
from gateway.store.reconciliation_lines import ReconciliationLine

Tone = Literal["good", "warn", "bad", "calm"]
Words = dict[str, str]  # by language

GIVEN_UP = (BatchState.FAILED, BatchState.SUSPENDED, BatchState.INTERRUPTED, BatchState.DISPUTED)
TONES: dict[str, Tone] = {
    "ok": "good",
    "failing": "warn",
    "suspended": "bad",
    "open": "warn",
    "waiting": "warn",
    "maintenance": "calm",
    "never": "calm",
}


@dataclass(frozen=True, slots=True)
class Tile:
    name: str
    value: int
    tone: Tone


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source today; landed = stored + quarantined + duplicate."""

    source_id: str
    name: str
    state: str
    landed: int
    stored: int
    quarantined: int
    duplicate: int
    unrated: int
    pending_pages: int
    last_success_at: datetime | None
    error_code: str | None
    error_text: Words
    life: str = "live"  # what isn't live is not pushed: its pages wait for a person's word
    lost_since: datetime | None = None  # no pull has succeeded since then (失联)
    back_at: datetime | None = None  # it came back then, the last time
    paused_until: datetime | None = None  # its breaker is open, or it is in maintenance, until then
    windows_open: int = 0  # of backfills that are not read to their end

    @property
    def tone(self) -> Tone:
        return TONES[self.state]


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """A receiving platform, or 12345. ``waiting``: records or orders that have not gone there yet.

    ``unreceipted``: records that it accepted without any receipt; ``in_doubt``: records whose call brought no answer;
    ``unsealed``: records that wait to be sealed for it; ``unheard``: days whose batches nobody has compared with it,
    since its interface has no such call, and ``unheard_day`` the first of them.
    """

    target_id: str
    name: str
    title: Words
    state: str
    waiting: int
    last_success_at: datetime | None
    error_code: str | None
    error_text: Words
    unreceipted: int = 0
    in_doubt: int = 0
    unsealed: int = 0
    unheard: int = 0
    unheard_day: str = ""

    @property
    def tone(self) -> Tone:
        return TONES[self.state]


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """A batch that has not plainly arrived."""

    batch_id: str
    target_id: str
    seq: int
    state: str
    state_text: Words
    failure_code: str | None
    failure_text: Words
    record_count: int
    attempts: int
    next_attempt_at: datetime | None
    may_retry: bool

    @property
    def tone(self) -> Tone:
        return "bad" if self.state in GIVEN_UP else "warn"


@dataclass(frozen=True, slots=True)
class ReasonStatus:
    """Open quarantined records of one source with one reason; ``text`` is the reason's short title."""

    code: str
    text: Words
    source_id: str
    source_name: str
    count: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class CauseStatus:
    """One reason over all sources; a record with two reasons counts under both."""

    code: str
    text: Words
    count: int
    oldest_at: datetime
    by_source: list[tuple[str, str, int]]  # id, name, count


@dataclass(frozen=True, slots=True)
class CaseStatus:
    """Evaluations of one source that wait for their case; the oldest goes to quarantine after ``until``."""

    source_id: str
    count: int
    oldest_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class OrderStatus:
    state: str
    text: Words
    count: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Status:
    """See the module."""

    as_of: datetime
    day: str
    sources: list[SourceStatus]
    targets: list[TargetStatus]
    batches: list[BatchStatus]
    quarantine: list[ReasonStatus]
    orders: list[OrderStatus]
    reconciliations: list[ReconciliationLine]
    totals: dict[str, int]
    cases: list[CaseStatus] = field(default_factory=list)

    @property
    def tiles(self) -> list[Tile]:
        """The headline figures; a tone is never the only sign, the figure is there as well."""
        total = self.totals
        return [
            Tile("landed", total["landed"], "calm"),
            Tile("stored", total["stored"], "calm"),
            Tile("quarantine", total["quarantine_open"], "warn" if total["quarantine_open"] else "good"),
            Tile("unsent", total["unsent"], "warn" if total["unsent"] else "good"),
            Tile("delivered", total["delivered"], "calm"),
            Tile("batches_failed", total["batches_failed"], "bad" if total["batches_failed"] else "good"),
            Tile("orders_open", total["orders_open"], "calm"),
            Tile("overdue", total["overdue"], "bad" if total["overdue"] else "good"),
        ]

    @property
    def causes(self) -> list[CauseStatus]:
        """The quarantine by reason alone, the most frequent first."""
        lines: dict[str, list[ReasonStatus]] = {}
        for line in self.quarantine:
            lines.setdefault(line.code, []).append(line)
        causes = [
            CauseStatus(
                code=code,
                text=group[0].text,
                count=sum(line.count for line in group),
                oldest_at=min(line.oldest_at for line in group),
                by_source=[(line.source_id, line.source_name, line.count) for line in group],
            )
            for code, group in lines.items()
        ]
        return sorted(causes, key=lambda cause: (-cause.count, cause.code))

    @property
    def trouble(self) -> bool:
        """Does anything wait for a person, or fail right now?"""
        states = {source.state for source in self.sources} | {target.state for target in self.targets}
        return bool(states - {"ok", "never", "maintenance"}) or self.totals["batches_failed"] > 0

    @property
    def waiting_for_a_person(self) -> bool:
        """Does anything stand still until somebody acts?"""
        states = {source.state for source in self.sources} | {target.state for target in self.targets}
        doubtful = any(target.in_doubt for target in self.targets)
        return doubtful or "suspended" in states or self.totals["batches_failed"] > 0


def document(status: Status) -> dict[str, Any]:
    """The status as one JSON-ready object."""
    return asdict(status)
