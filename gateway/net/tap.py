"""Listening in (抓包) on our own calls, while a person tries a source: what was sent, what came back, as bytes.

Whoever listens masks what it shows. Nothing is kept when nobody listens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer; ``status`` is none where there was none."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    answer_headers: Mapping[str, str]
    answer: bytes


_listeners: list[Callable[[Exchange], None]] = []


@contextmanager
def listening(listener: Callable[[Exchange], None]) -> Iterator[None]:
    """``listener`` hears every exchange of this process while the block lasts, from whatever thread."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | str | None,
    status: int | None = None,
    answer_headers: Mapping[str, str] | None = None,
    answer: bytes = b"",
) -> None:
    """Called by the clients after each exchange."""
    for listener in tuple(_listeners):
        sent = body.encode() if isinstance(body, str) else body or b""
        listener(Exchange(method, url, dict(headers), sent, status, dict(answer_headers or {}), answer))
