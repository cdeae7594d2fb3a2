"""How a source record is read: by a dotted path, by many of them at once, and whether a condition holds for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import groupby
from typing import Any

from gateway.mapping.spec import Condition
from gateway.mapping.text import NotAScalarError, tidy

Read = Callable[[Any], Any]


def path_reader(path: str) -> Read:
    """A function that reads a dotted path; None where anything on the way is missing."""
    *above, leaf = path.split(".")
    if len(above) > 1:
        return _deep_reader([*above, leaf])
    return _reader_below(above[0], leaf) if above else _top_reader(leaf)


def node_of(path: str) -> str:
    """The path of what ``path`` stands in; empty for the record itself."""
    return path.rpartition(".")[0]


def reader_of_all(
    paths: Sequence[str], lists: Collection[str], others: Sequence[Read]
) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """A function that reads ``paths`` at once, of which those that stand in the same node are neighbours, and what
    ``others`` read. A list that stands at one of ``lists`` becomes a tuple, so that it may be remembered.
    """
    levels = []
    for node, within in groupby(paths, node_of):
        leaves = [path.rpartition(".")[2] for path in within]
        levels.append((path_reader(node) if node else None, leaves, [None] * len(leaves)))
    places = [place for place, path in enumerate(paths) if path in lists]

    def read(item: dict[str, Any]) -> tuple[Any, ...]:
        found: list[Any] = []
        for read_node, leaves, nothing in levels:
            node = item if read_node is None else read_node(item)
            found += map(node.get, leaves) if node.__class__ is dict else nothing
        for place in places:
            if found[place].__class__ is list:
                found[place] = tuple(found[place])
        return (*found, *(other(item) for other in others))

    return read


def _top_reader(leaf: str) -> Read:
    return lambda item: item.get(leaf) if isinstance(item, dict) else None


def _reader_below(node: str, leaf: str) -> Read:
    def read(item: Any) -> Any:
        try:
            return item[node][leaf]
        except (KeyError, TypeError):
            return None

    return read


def _deep_reader(parts: list[str]) -> Read:
    def read(item: Any) -> Any:
        for part in parts:
            if not isinstance(item, dict):
                return None
            item = item.get(part)
        return item

    return read


def holds(condition: Condition) -> Callable[[Any], bool]:
    """A function that says whether ``condition`` holds for a source record."""
    read, among = path_reader(condition.path), condition.among

    def met(item: Any) -> bool:
        try:
            value = tidy(read(item))
        except NotAScalarError:
            return condition.present is True
        return (value is not None) == condition.present if among is None else (value or "") in among

    return met
