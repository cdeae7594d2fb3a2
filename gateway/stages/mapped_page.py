"""One landed page, opened and mapped: what its records are to become, before any lock is taken."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import zstandard

from gateway.crypto.digest import sm3
from gateway.errors import Bug, GatewayError, Rejected
from gateway.mapping import MAPPING_BUG, Problem
from gateway.stages.context import Context
from gateway.stages.pull import RAW_PAGE
from gateway.store import ledger, pages, utc_naive
from gateway.store.quarantine import WHOLE_PAGE, Refused

NOT_THERE = "record.not_there"  # the mapping finds fewer records in the page now, or in another list
_ABSENT = object()


@dataclass(slots=True)
class MappedPage:
    """A page's records, each either ready for the ledger or refused with all its problems."""

    head: pages.PageHead
    rule_version: str
    landed: int = 0
    records: list[ledger.SourceRecord] = field(default_factory=list)
    refused: dict[int, list[Problem]] = field(default_factory=dict)
    items: dict[int, Any] = field(default_factory=dict)  # as decoded: those that may be refused
    revisions: dict[int, str | None] = field(default_factory=dict)  # of a source that has them
    waiting: dict[int, str] = field(default_factory=dict)  # of the refused: the case that each waits for
    older: dict[int, tuple[str, int | None]] = field(default_factory=dict)  # key and position of the newer one held
    key_of: Callable[[Any], str | None] = lambda _item: None
    decoded: Callable[[], Sequence[Any]] = list  # all of the page's records, read once more

    @property
    def undecodable(self) -> bool:
        return WHOLE_PAGE in self.refused

    def refusals(self, refused: Mapping[int, Sequence[Problem]]) -> list[Refused]:
        """Records of this page, by index, as quarantine takes them; each knows the digest of what was sent."""
        return [self._refusal(index, problems) for index, problems in refused.items()]

    def _refusal(self, index: int, problems: Sequence[Problem]) -> Refused:
        head, item = self.head, self._item(index)
        place = (head.page_id, index, head.source_id, self.received_at)
        if item is _ABSENT:
            return Refused(*place, problems, None, record_key=None, waits_for=self.waiting.get(index))
        digest, key = sm3(_written(item)), self.key_of(item)
        return Refused(*place, problems, digest, record_key=key, waits_for=self.waiting.get(index))

    @property
    def received_at(self) -> datetime:
        """UTC without zone, as columns hold it."""
        return utc_naive(self.head.received_at)

    def _item(self, index: int) -> Any:
        """A record as decoded. Hardly any is refused once it was mapped, so that those are not kept all the while."""
        if index == WHOLE_PAGE:
            return _ABSENT
        if index not in self.items:
            self.items = dict(enumerate(self.decoded()))
        return self.items.get(index, _ABSENT)


def _written(item: Any) -> bytes:
    """The record in one form, so that the same one can be known again."""
    try:
        return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # raw values may hold anything, also what no strict writer takes (lone surrogates)
        return json.dumps(item, sort_keys=True, default=str).encode()


def map_page(
    context: Context,
    head: pages.PageHead,
    only: Collection[int] | None = None,
    body: bytes | None = None,
    sealed: bytes | None = None,
) -> MappedPage:
    """Open and map the page, or ``only`` some of its records. Raises ``Misconfigured`` for the mapping or the keys.

    ``body``: the page as received, where it is at hand and need not be read back; ``sealed``: as stored, likewise.

    A page that can't be read counts as one record, refused.
    """
    mapping = context.mapping(head.source_id)
    mapped = MappedPage(head, mapping.version, landed=1, key_of=mapping.key_of)
    mapped.decoded = lambda: mapping.decode(opened(context, head), head.media_type)
    try:
        items = mapping.decode(opened(context, head, sealed) if body is None else body, head.media_type)
    except Rejected as refusal:
        mapped.refused[WHOLE_PAGE] = [_problem(refusal.code)]
        return mapped
    except GatewayError:
        raise
    except Exception as crash:
        mapped.refused[WHOLE_PAGE] = [_problem(MAPPING_BUG, type(crash).__name__)]
        return mapped
    mapped.landed = len(items)
    received_at = utc_naive(head.received_at)
    indexes = range(len(items)) if only is None else [index for index in only if index < len(items)]
    page = mapping.page(items if only is None else [items[index] for index in indexes], head.received_at)
    for index, found in zip(indexes, page, strict=True):
        if not found.entries:
            mapped.refused[index] = list(found.problems) or [_problem(MAPPING_BUG, "Outcome")]
            continue
        if mapping.revision is not None:
            mapped.revisions[index] = mapping.revision(items[index])
        warnings = [problem.code for problem in found.problems] if found.problems else ()
        place = (head.source_id, head.page_id, index, received_at)
        mapped.records.append(ledger.SourceRecord(*place, found.entries, found.corrects, warnings, found.unrated))
    mapped.items = dict(enumerate(items)) if mapping.joins else {index: items[index] for index in mapped.refused}
    mapped.refused |= {index: [_problem(NOT_THERE)] for index in set(only or ()).difference(indexes)}
    return mapped


def opened(context: Context, head: pages.PageHead, sealed: bytes | None = None) -> bytes:
    """The page as received; ``sealed``: as stored, where that was read already.

    Raises ``Rejected``: ``crypto.field_damaged``, ``page.damaged``; ``Bug('store.page_missing')``.
    """
    if sealed is None:
        with context.store.read() as transaction:
            sealed = pages.bodies(transaction, [head.page_id]).get(head.page_id)
    if sealed is None:
        raise Bug("store.page_missing", page=head.page_id)
    packed = context.vault.open(RAW_PAGE, head.page_id, sealed)
    try:
        return zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError as damaged:
        raise Rejected("page.damaged", page=head.page_id) from damaged


def _problem(code: str, remedy: str = "") -> Problem:
    """A reason that lies with the page or with us; a crash is told by its type, since its text may hold values."""
    return Problem(code, "E", "", "", None, remedy)
