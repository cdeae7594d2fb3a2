"""Mutants that no check can tell from the original, each with the reason."""

from __future__ import annotations

TIMES = "gateway/mapping/times.py"
RULES = "gateway/mapping/rules.py"
UNDECIDABLE: dict[str, str] = {
    f"{TIMES}: without 'yyyy-MM-dd HH:mm:ss': ('yyyy-MM-dd HH:mm:ss', 'yyyyMMddHHmmss', 'rfc3339')": "rfc3339 reads the"
    " wire form as well; it stands first for speed",
    f"{TIMES}: without '+08:00': {{None, '+08:00'}}": "a short way: adding and taking away eight hours is the same",
    f"{RULES}: always: regions.get(area) if area else None": "no region has the code None",
}
