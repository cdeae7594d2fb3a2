"""Verifying the archive (验档): a folder and public keys suffice.

Found is every change: a byte, a line, a day that is missing, swapped or made anew, a chain that was cut. Only a cut at
its very end needs to be told what the end was (``head``): the database knows it, and every seal that was handed out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from gateway.crypto.canonical import parse_canonical
from gateway.crypto.digest import Sm3
from gateway.errors import Rejected
from gateway.evidence import dossier
from gateway.evidence.folder import content_path, days_in, seal_path
from gateway.evidence.seal import FIRST_PREVIOUS, DaySeal, PublicKeys, digest_of, open_seal

MOST_FINDINGS = 1000
LONGEST_LINE = 64 * 1024 * 1024
Seen = Callable[[str, str, int], None]  # batch id, day, events of its history


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``place``: the line's number or the batch's id, where there is one."""

    day: str
    code: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was read. ``head``: digest of the last seal, to be compared with what was handed out or stored."""

    first: str
    last: str
    days: int
    batches: int
    lines: int
    head: str
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        return not self.findings


def verify_folder(
    folder: Path, keys: PublicKeys, *, head: str = "", part: bool = False, seen: Seen | None = None
) -> Verified:
    """Verify every day in ``folder``. ``part``: it may begin later than with number 1 (an export); ``seen`` is told
    every batch of a sound line. At most :data:`MOST_FINDINGS` findings are kept.

    Raises ``Rejected('evidence.empty')`` for a folder without any day.
    """
    walk = _Walk(folder, keys, seen)
    days = days_in(folder)
    if not days:
        raise Rejected("evidence.empty", folder=str(folder))
    for day in days:
        walk.take(day, part=part)
    if head and walk.head != head:
        walk.find(days[-1], "head_differs")
    return Verified(
        days[0], days[-1], len(days), walk.batches, walk.lines, walk.head, tuple(walk.findings[:MOST_FINDINGS])
    )


class _Walk:
    """From one day to the next."""

    def __init__(self, folder: Path, keys: PublicKeys, seen: Seen | None) -> None:
        self._folder, self._keys, self._seen = folder, keys, seen
        self.findings: list[Finding] = []
        self.batches = self.lines = 0
        self.head = ""
        self._before: DaySeal | None = None

    def find(self, day: str, code: str, place: str = "") -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(day, code, place))

    def take(self, day: str, *, part: bool) -> None:
        path = seal_path(self._folder, day)
        if not path.exists():
            self.find(day, "seal_missing")
            return
        raw = path.read_bytes()
        try:
            seal = open_seal(raw, self._keys)
        except Rejected as wrong:
            self.find(day, wrong.code.removeprefix("evidence."))
            self.head = digest_of(raw)
            return
        self._links(day, seal, part=part)
        self._content(day, seal)
        self.head, self._before = digest_of(raw), seal

    def _links(self, day: str, seal: DaySeal, *, part: bool) -> None:
        if seal.day != day:
            self.find(day, "day_swapped")
        before = self._before
        if before is None:
            if not self.head and not part and (seal.number != 1 or seal.previous != FIRST_PREVIOUS):
                self.find(day, "start_missing")
            return
        if seal.number != before.number + 1 or date.fromisoformat(seal.day) != _next(before.day):
            self.find(day, "day_missing")
        if seal.previous != self.head:
            self.find(day, "chain_broken")
        if seal.sender != before.sender:
            self.find(day, "other_sender")

    def _content(self, day: str, seal: DaySeal) -> None:
        path = content_path(self._folder, day)
        if not path.exists():
            self.find(day, "content_missing")
            return
        digest, number = Sm3(), 0
        with path.open("rb") as file:
            while raw := file.readline(LONGEST_LINE):
                number += 1
                digest.update(raw)
                self._line(day, number, raw)
        self.lines += number
        if (
            number != seal.lines
            or path.stat().st_size != seal.content_bytes
            or digest.hexdigest() != seal.content_digest
        ):
            self.find(day, "content_differs")

    def _line(self, day: str, number: int, raw: bytes) -> None:
        try:
            line = parse_canonical(raw.rstrip(b"\n"))
            wrong = list(dossier.faults(line, self._keys)) if _is_batch(line) else []
        except (Rejected, KeyError, TypeError, ValueError):
            self.find(day, "line_unreadable", str(number))
            return
        if not _is_batch(line):
            return
        self.batches += 1
        for code in wrong:
            self.find(day, code, line["batchId"])
        if not wrong and self._seen is not None:
            self._seen(line["batchId"], day, len(line["events"]))


def _is_batch(line: Any) -> bool:
    return line["type"] in (dossier.BATCH, dossier.PURGED)


def _next(day: str) -> date:
    return date.fromisoformat(day) + timedelta(days=1)
