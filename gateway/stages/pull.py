"""Pull and land (采集, 落地): every page byte for byte into the store, with its cursor, before anything reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import zstandard

from gateway.connector import Connector, Page
from gateway.crash import reach
from gateway.crypto.digest import sm3_hex
from gateway.errors import Bug, GatewayError, Misconfigured
from gateway.messages import keep
from gateway.net.ahead import Ahead
from gateway.stages.context import Context
from gateway.store import audit, budgets, files, pages, sources

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


def pull(context: Context, source_id: str) -> PullReport:
    """Pull every page that ``source_id`` offers beyond its cursor. May be repeated and killed at any instruction.

    Raises what the connector raises, after noting it: ``Transient``; ``Misconfigured``, which also suspends the source
    until :func:`resume_source`; and ``Misconfigured('source.suspended')`` while it is.
    """
    source = context.source(source_id)
    with context.store.begin() as transaction:
        state = sources.start(transaction, source_id, context.clock())
    if state.suspended_code is not None:
        raise Misconfigured("source.suspended", source=source_id, cause=state.suspended_code)
    reach("pull.begun")
    try:
        with closing(context.build_connector(source)) as connector:
            report = _pull_pages(context, connector, state)
            unfinished = connector.unfinished()
    except GatewayError as failure:
        _note(context, source_id, failure)
        raise
    except Exception as failure:
        _note(context, source_id, Bug("bug.connector", source=source_id, failure=type(failure).__name__))
        raise
    reach("pull.ended")
    with context.store.begin() as transaction:
        sources.succeeded(transaction, source_id, context.clock(), unfinished)
    return replace(report, unfinished=len(unfinished))


def resume_source(context: Context, source_id: str, actor: str, reason: str) -> bool:
    """Let a suspended source be pulled again; audited. False: it was not suspended."""
    context.source(source_id)
    with context.store.begin() as transaction:
        resumed = sources.resume(transaction, source_id)
        budgets.renew(transaction, source_id)
        outcome = "resumed" if resumed else "not_suspended"
        audit.record(transaction, audit.Act(context.clock(), actor, "source.resume", source_id, reason, outcome))
    return resumed


def _pull_pages(context: Context, connector: Connector, state: sources.SourceState) -> PullReport:
    def known(origin: str) -> bool:
        with context.store.read() as transaction:
            source_id = state.source_id
            return pages.known(transaction, source_id, origin) or files.known(transaction, source_id, origin)

    landed = repeated = size = 0
    version, last_page_id = state.cursor_version, state.last_page_id
    for group in groups(connector.pages(state.cursor, known)):
        made: list[pages.Landing] = []
        for page in group:
            made.append(landing(context, state.source_id, page, made[-1].page_id if made else last_page_id))
        with context.store.begin() as transaction:
            new = pages.land(transaction, made, group[-1].cursor, version)
            for page in group:
                files.note(transaction, state.source_id, page.file, made[-1].received_at)
        version, last_page_id = version + 1, made[-1].page_id
        reach("pull.landed")
        for page in group:
            connector.landed(page)
        landed, repeated = landed + len(new), repeated + len(made) - len(new)
        size += sum(page.body_bytes for page in new)
    return PullReport(state.source_id, landed, repeated, size)


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
        body_digest=sm3_hex(page.body),
        body_bytes=len(page.body),
        declared=page.declared,
    )


def _note(context: Context, source_id: str, failure: GatewayError) -> None:
    """Keep what went wrong where status and console show it; one source's failure touches no other's."""
    detail = keep(failure)
    with context.store.begin() as transaction:
        sources.failed(transaction, source_id, failure.code, detail, context.clock())
        if isinstance(failure, Misconfigured):
            sources.suspend(transaction, source_id, failure.code, detail)
