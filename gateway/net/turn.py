"""Waiting for one's turn (轮到再问): what every transport does before it asks the other side for anything.

Whoever pulls says how one waits; transports only say that they are about to ask. Nothing is waited for by default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Wait = Callable[[], None]


def _at_once() -> None:
    """Nobody limits anything."""


_wait: ContextVar[Wait] = ContextVar("gateway_turn", default=_at_once)


def take_turn() -> None:
    """Return once the other side may be asked."""
    _wait.get()()


@contextmanager
def waiting_by(wait: Wait) -> Iterator[None]:
    """Calls within the block, and in threads that copy its context, wait by ``wait``."""
    token = _wait.set(wait)
    try:
        yield
    finally:
        _wait.reset(token)
