"""Mutants that no check can tell from the original, each with the reason."""

from __future__ import annotations

UNDECIDABLE: dict[str, str] = {}
