"""A rehearsal (预演): a source through the real stages, into a store of its own that is thrown away.

The store is an SQLite file in a private folder; its keys live in this process's memory alone, so that what a killed
rehearsal leaves behind can't be read by anyone. The deployment's own store, and the source itself, are never changed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from gateway.connector import Connector, Finding, Page
from gateway.crypto.data_keys import PURPOSES, DataKeys, new_data_key
from gateway.crypto.kek import new_kek
from gateway.crypto.vault import Vault
from gateway.domain.moments import shanghai
from gateway.reports.conformance import Document, Limits, conformance
from gateway.stages.context import Context
from gateway.stages.normalise import NormaliseReport, normalise
from gateway.stages.pull import PullReport, pull
from gateway.store import migrate, open_store, utc_naive
from schemas.source import SourceFile


@dataclass(frozen=True)
class Rehearsal:
    """A context like the deployment's own, with one source and a store that nobody else sees."""

    context: Context
    source: SourceFile

    def pull(self) -> PullReport:
        return pull(self.context, self.source.source)

    def normalise(self) -> NormaliseReport:
        return normalise(self.context, self.source.source)

    def report(self, limits: Limits, first: date | None = None) -> Document:
        """The conformance report of what was rehearsed; ``first``: day of receipt, by default today."""
        now = self.context.clock()
        today = shanghai(now).date()
        context, source_id = self.context, self.source.source
        return conformance(
            context.store,
            context.vault,
            self.source,
            context.mapping(source_id),
            context.masters,
            first or today,
            today,
            now,
            limits,
        )


@contextmanager
def rehearsal(context: Context, source: SourceFile, connector: Callable[[], Connector]) -> Iterator[Rehearsal]:
    """A rehearsal of ``source``, which may differ from the deployment's file; ``connector`` is what it is pulled by."""
    freed = source.model_copy(update={"error_budget": None, "gated": False})
    with tempfile.TemporaryDirectory(prefix="gw-rehearsal-") as folder:
        url = f"sqlite:///{Path(folder) / 'rehearsal.db'}"
        migrate(url)
        store = open_store(url)
        try:
            yield Rehearsal(
                replace(
                    context,
                    store=store,
                    vault=_vault(context),
                    sources={source.source: freed},
                    build_connector=lambda _: connector(),
                    load_masters=lambda: context.masters,
                    broken_sources=(),
                    _mappings={},
                ),
                freed,
            )
        finally:
            store.close()


class LookOnly:
    """A connector that takes pages and changes nothing at the source: what is landed is never told to it."""

    def __init__(self, connector: Connector, pages: Callable[[Iterable[Page]], Iterator[Page]]) -> None:
        self._connector, self._chosen = connector, pages

    def check(self) -> list[Finding]:
        return self._connector.check()

    def pages(self, cursor: str | None, known: Callable[[str], bool]) -> Iterator[Page]:
        return self._chosen(self._connector.pages(cursor, known))

    def landed(self, page: Page) -> None:
        """No file is moved and no flag is set."""

    def unfinished(self) -> list[str]:
        return []

    def close(self) -> None:
        self._connector.close()


class Given:
    """A connector of pages that are at hand: saved bodies, or what was landed before."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self._pages = pages

    def check(self) -> list[Finding]:
        return []

    def pages(self, cursor: str | None, known: Callable[[str], bool]) -> Iterator[Page]:
        return iter(self._pages)

    def landed(self, page: Page) -> None:
        """Nothing stands behind it."""

    def unfinished(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing is open."""


def _vault(context: Context) -> Vault:
    kek, now = new_kek(), utc_naive(context.clock())
    return Vault(DataKeys(kek, [new_data_key(kek, purpose, now) for purpose in PURPOSES]))
