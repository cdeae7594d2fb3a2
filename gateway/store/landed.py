"""Raw pages as they were landed, for whoever reads them again without changing anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from gateway.store.database import Store, utc_aware, utc_naive
from gateway.store.pages import LANDED, PageHead
from gateway.store.tables import raw_page

AT_ONCE = 200


class LandedPage(NamedTuple):
    """A page without its body; ``received_at`` aware."""

    head: PageHead
    origin: str
    declared: int | None


def landed_pages(
    store: Store, source_id: str, since: datetime | None = None, until: datetime | None = None, *, waiting: bool
) -> Iterator[LandedPage]:
    """A source's pages, oldest first, received in ``[since, until)``; ``waiting``: only those not normalised yet."""
    page, after = raw_page.c, ""
    asked = select(page.page_id, page.media_type, page.received_at, page.body_bytes, page.origin, page.declared)
    asked = asked.where(page.source_id == source_id).order_by(page.page_id).limit(AT_ONCE)
    if waiting:
        asked = asked.where(page.state == LANDED)
    if since is not None:
        asked = asked.where(page.received_at >= utc_naive(since))
    if until is not None:
        asked = asked.where(page.received_at < utc_naive(until))
    while True:
        with store.read() as transaction:
            rows = transaction.execute(asked.where(page.page_id > after)).all()
        for page_id, media_type, received_at, size, origin, declared in rows:
            yield LandedPage(PageHead(page_id, source_id, media_type, utc_aware(received_at), size), origin, declared)
        if len(rows) < AT_ONCE:
            return
        after = rows[-1][0]
