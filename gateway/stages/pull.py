"""Pull and land (采集, 落地): every page byte for byte into the store, with its cursor, before anything reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import zstandard

from gateway.connector import Connector, Page
from gateway.crash import reach
from gateway.crypto.digest import page_digest
from gateway.net.ahead import Ahead
from gateway.stages.context import Context
from gateway.stages.source_line import Halted, go_on, line, note_success
from gateway.store import Transaction, audit, budgets, files, pages, sources

RAW_PAGE = "raw_page"  # the vault's purpose of a page's body; its row id is the page's id
GATHER_PAGES, GATHER_BYTES, GATHER_SECONDS = 8, 4 << 20, 0.1  # landed in one transaction: the first that is reached
ZSTD_LEVEL = 1  # 320 MB per CPU second, against 75 of the cipher behind it


@dataclass(frozen=True, slots=True)
class PullReport:
    """What one pull brought."""

    source_id: str
    pages: int = 0  # landed now
    repeated: int = 0  # landed before, byte for byte
    bytes: int = 0  # of the pages landed now, as received
    unfinished: int = 0  # files that stand there incomplete; they are taken once they are whole
    stopped: str | None = None  # code of why the source wasn't read to its end, though nobody has to act
    stopped_detail: dict[str, str] = field(default_factory=dict)

    @property
    def for_a_person(self) -> bool:
        return False


@dataclass(slots=True)
class Tally:
    """What was landed so far."""

    landed: int = 0
    repeated: int = 0
    size: int = 0

    def add(self, made: Sequence[pages.Landing], new: Sequence[pages.Landing]) -> None:
        self.landed += len(new)
        self.repeated += len(made) - len(new)
        self.size += sum(page.body_bytes for page in new)


def pull(context: Context, source_id: str) -> PullReport:
    """Pull every page that ``source_id`` offers beyond its cursor. May be repeated and killed at any instruction.

    Raises what the connector raises, after noting it: ``Transient``; ``Misconfigured``, which also suspends the source
    until :func:`resume_source`; ``Misconfigured('source.suspended')`` while it is, and
    ``Misconfigured('source.not_pulled')`` while it is a draft or paused.
    """
    source, tally = context.source(source_id), Tally()
    try:
        with line(context, source) as (connector, state):
            reach("pull.begun")
            for _ in _landed(context, connector, state, tally):
                go_on(context, source)
            unfinished = connector.unfinished()
    except Halted as halted:
        halt = halted.halt
        return PullReport(source_id, tally.landed, tally.repeated, tally.size, 0, halt.code, halt.detail)
    reach("pull.ended")
    note_success(context, source_id, unfinished)
    return PullReport(source_id, tally.landed, tally.repeated, tally.size, len(unfinished))


def resume_source(context: Context, source_id: str, actor: str, reason: str) -> bool:
    """Let a suspended source be pulled again; audited. False: it was not suspended."""
    context.source(source_id)
    with context.store.begin() as transaction:
        resumed = sources.resume(transaction, source_id)
        budgets.renew(transaction, source_id)
        outcome = "resumed" if resumed else "not_suspended"
        audit.record(transaction, audit.Act(context.clock(), actor, "source.resume", source_id, reason, outcome))
    return resumed


def _landed(context: Context, connector: Connector, state: sources.SourceState, tally: Tally) -> Iterator[None]:
    """Land all pages beyond the cursor, a group at each step."""

    def known(origin: str) -> bool:
        with context.store.read() as transaction:
            source_id = state.source_id
            return pages.known(transaction, source_id, origin) or files.known(transaction, source_id, origin)

    version, last_page_id = state.cursor_version, state.last_page_id
    for group in groups(connector.pages(state.cursor, known)):
        move = partial(_move, group[-1].cursor, version)
        last_page_id = land(context, connector, state.source_id, group, last_page_id, move, tally)
        version += len(group)
        yield


def _move(cursor: str, version: int, transaction: Transaction, made: list[pages.Landing]) -> list[pages.Landing]:
    return pages.land(transaction, made, cursor, version)


def land(
    context: Context,
    connector: Connector,
    source_id: str,
    group: Sequence[Page],
    last_page_id: str | None,
    move: Callable[[Transaction, list[pages.Landing]], list[pages.Landing]],
    tally: Tally,
) -> str:
    """Commit ``group`` with its files' lines, and the cursor that ``move`` moves with it; the id of its last page.

    ``move`` stores the pages that are new and gives them back.
    """
    made: list[pages.Landing] = []
    for page in group:
        made.append(landing(context, source_id, page, made[-1].page_id if made else last_page_id))
    with context.store.begin() as transaction:
        new = move(transaction, made)
        for page in group:
            files.note(transaction, source_id, page.file, made[-1].received_at)
    reach("pull.landed")
    for page in group:
        connector.landed(page)
    tally.add(made, new)
    return made[-1].page_id


def groups(found: Iterator[Page]) -> Iterator[list[Page]]:
    """Pages that are landed together: those that a connector has read ahead, or one by one.

    A page whose source must hear of it before the next one is read (files, flags) comes from a connector that doesn't
    read ahead, and is alone.
    """
    if not isinstance(found, Ahead):
        yield from ([page] for page in found)
        return
    for first in found:
        group: list[Page] = []
        for page in found.gathered(first, GATHER_SECONDS):
            group.append(page)
            if len(group) >= GATHER_PAGES or sum(len(page.body) for page in group) >= GATHER_BYTES:
                break
        yield group


def landing(context: Context, source_id: str, page: Page, last_page_id: str | None) -> pages.Landing:
    """``page`` packed and sealed, with an id above ``last_page_id``."""
    now = context.clock()
    page_id = pages.new_page_id(now, last_page_id)
    packed = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(page.body)
    return pages.Landing(
        page_id=page_id,
        source_id=source_id,
        origin=page.origin,
        media_type=page.media_type,
        received_at=now,
        body=context.vault.seal(RAW_PAGE, page_id, packed),
        body_digest=page_digest(page.body),
        body_bytes=len(page.body),
        declared=page.declared,
    )
