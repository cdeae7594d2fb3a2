"""Which rule of the manifests (质量等级) is proved for which kinds. Tests say so themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T", bound=Callable[..., Any])
PROVED: dict[str, set[str]] = {}


def proved(kinds: set[str], *rules: str) -> None:
    for rule in rules:
        PROVED.setdefault(rule, set()).update(kinds)


def proves(kind: str, *rules: str) -> Callable[[T], T]:
    """The test below proves these ``rules`` for ``kind``."""
    proved({kind}, *rules)
    return lambda test: test
