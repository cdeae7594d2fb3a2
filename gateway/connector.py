"""What a connector (连接器) is: the protocol that every kind of source fulfils, and what it hands over.

A connector knows one transport. It knows nothing of records, codes, tables or cursors other than its own: it yields
pages, byte for byte as received, and the stage lands each page and its cursor in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A source's file, once all of it is landed or it is refused: a line of the ledger of files (文件台账)."""

    mark: str  # name and what tells this version of it without reading it; asked of ``known`` in later pulls
    name: str
    size: int
    digest: str  # SM3 of its content, hex; empty when it was refused unread
    refused: str | None = None  # the code of what is wrong with it


@dataclass(frozen=True, slots=True)
class Page:
    """One answer or file (or a slice of a file) as received."""

    body: bytes
    media_type: str  # 'application/json', 'text/csv; charset=gb18030', 'application/xml', an xlsx type
    origin: str  # names it at the source: 'page=3', 'kiosk_20261120_1.csv'; never personal data
    cursor: str  # JSON; where the next pull starts once this page is landed
    declared: int | None = None  # records that it claims to hold, where that is cheap to know
    file: TakenFile | None = None  # with the last page of a file


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a connection test (试连)."""

    ok: bool
    step: str  # 'connect', 'login', 'list', …
    detail: str  # plain, masked


class Connector(Protocol):
    """One configured source. Raises ``Transient`` or ``Misconfigured``: foreign errors are translated at this edge."""

    def check(self) -> list[Finding]:
        """Connect, log in, look once; change nothing."""
        ...

    def pages(self, cursor: str | None, known: Callable[[str], bool]) -> Iterator[Page]:
        """Pages after ``cursor``, oldest first. ``known(origin)``: has a page of that origin, or a file of that
        mark, been landed?"""
        ...

    def landed(self, page: Page) -> None:
        """Called after ``page`` is committed; may be called again after a crash (archive a file, set a flag)."""
        ...

    def unfinished(self) -> list[str]:
        """Once ``pages`` has ended: names of what stands at the source half written; never personal data."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Windowed(Connector, Protocol):
    """One that can be asked for a span of the past, beside its running cursor."""

    def within(self, since: datetime, until: datetime, cursor: str | None, running: str | None) -> Iterator[Page]:
        """Pages that hold what changed from ``since`` to before ``until`` (aware); records around it may come too.

        ``cursor``: of the last page of this span that was landed; ``running``: the source's own, which shows the form
        of its moments. Raises ``Rejected('pull.window_unsupported')``.
        """
        ...
