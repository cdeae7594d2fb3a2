"""What a scaffold left for a person to decide (待定): the mark, and where it still stands in a source file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.errors import Misconfigured
from schemas.source import SourceFile

UNDECIDED = "待定"


class Place(NamedTuple):
    """Where a decision is missing."""

    file: str
    line: int
    key: str


def undecided(source: SourceFile) -> list[Place]:
    """Every mark of the file, in the order of its lines."""
    document = source.model_dump(include={"source", "name", "connection", "owner", "options", "mapping"})
    found = {(*source.where(*keys), ".".join(keys)) for keys in _marked(document, ())}
    return sorted((Place(*one) for one in found), key=lambda place: (place.line, place.key))


def refuse_undecided(source: SourceFile) -> None:
    """Raises ``Misconfigured('source.undecided')`` at the first mark."""
    places = undecided(source)
    if places:
        first = places[0]
        count = len(places)
        raise Misconfigured("source.undecided", file=first.file, line=first.line, key=first.key, count=count)


def _marked(node: Any, keys: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(key, str) and UNDECIDED in key:
                yield (*keys, key)
            yield from _marked(value, (*keys, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _marked(value, (*keys, str(index)))
    elif isinstance(node, str) and UNDECIDED in node:
        yield keys
