"""The work of a process that is killed: a fixed set of pages, pulled and normalised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.bootstrap import open_context
from gateway.connector import Page
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from tests.integration.store.portal_data import SOURCE, Clock, Served, page, record, serve, settings_of

PAGES = 40
RECORDS = 12  # a page: ten good ones, one wrong, one that repeats a record of the page before


class Resuming(Served):
    """Serves what lies beyond the cursor."""

    def pages(self, cursor: str | None, known: Callable[[str], bool]) -> Iterator[Page]:
        yield from self.all[int(cursor or 0) :]


def all_pages() -> list[Page]:
    return [page(_records(number), f"page={number}", str(number + 1)) for number in range(PAGES)]


def _records(number: int) -> list[object]:
    first = number * 10
    good = [record(first + index, str(1 + index % 5)) for index in range(10)]
    return [*good, record(first, "九"), record(max(first - 1, 0), str(1 + (first - 1) % 5 if first else 1))]


def work(url: str, folder: Path, ready: Callable[[], object]) -> None:
    """Pull and normalise all pages in small transactions; ``ready`` is called when the work begins."""
    context = open_context(settings_of(url, folder, chunk=30), Clock())
    serve(context, Resuming(all_pages()))
    ready()
    pull(context, SOURCE)
    normalise(context)
    context.store.close()
