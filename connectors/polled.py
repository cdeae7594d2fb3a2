"""What all sources that are asked page by page share: reading ahead, a look at the first page, nothing to clean up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from gateway.connector import Finding, Page
from gateway.errors import GatewayError, Rejected
from gateway.net.ahead import Ahead


class Polled:
    """A :class:`gateway.connector.Connector` but for ``walk``. A site's own kind may start here too."""

    ahead = 4  # pages fetched before they are asked for
    _reading: Ahead[Page] | None = None

    def walk(self, cursor: str | None) -> Iterator[Page]:
        """Pages after ``cursor``, oldest first."""
        raise NotImplementedError

    def walk_within(self, since: datetime, until: datetime, cursor: str | None, running: str | None) -> Iterator[Page]:
        """Pages of a span, see :class:`gateway.connector.Windowed`."""
        raise Rejected("pull.window_unsupported")

    def greet(self) -> Iterator[Finding]:
        """Findings of what comes before the first page: a login, say. May raise ``GatewayError``."""
        return iter(())

    def check(self) -> list[Finding]:
        findings: list[Finding] = []
        step = "login"
        try:
            findings += self.greet()
            step = "list"
            page = next(self.walk(None), None)
        except GatewayError as failure:
            return [*findings, Finding(False, step, str(failure))]
        return [*findings, Finding(True, step, f"records: {page.declared if page else 0}")]

    def pages(self, cursor: str | None, known: Callable[[str], bool]) -> Iterator[Page]:
        self._reading = Ahead(self.walk(cursor), self.ahead)
        return self._reading

    def within(self, since: datetime, until: datetime, cursor: str | None, running: str | None) -> Iterator[Page]:
        if self._reading is not None:
            self._reading.close()
        self._reading = Ahead(self.walk_within(since, until, cursor, running), self.ahead)
        return self._reading

    def landed(self, page: Page) -> None:
        """Nothing to do: the source keeps no account of what we took."""

    def unfinished(self) -> list[str]:
        """An answer is whole, or it is an error."""
        return []

    def close(self) -> None:
        if self._reading is not None:
            self._reading.close()
