"""YAML documents (配置文件) as data, by the fastest safe loader at hand: every command reads a dozen of them."""

from __future__ import annotations

from typing import Any, Final

import yaml

FASTEST: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_document(text: str) -> Any:
    """What ``text`` says. Raises ``yaml.YAMLError``."""
    return yaml.load(text, FASTEST)  # noqa: S506 - a safe loader
