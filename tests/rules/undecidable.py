"""Mutants that no check can tell from the original, each with the reason."""

from __future__ import annotations

TIMES = "gateway/mapping/times.py"
RULES = "gateway/mapping/rules.py"
CONVERT = "gateway/mapping/convert.py"
PROBLEM = "gateway/domain/problem.py"
REMEMBERED = "a memory only: what it holds is what would be found again"
UNDECIDABLE: dict[str, str] = {
    **{f"{PROBLEM}: without {one!r}: ('E', 'H', 'W')": "a type, for mypy" for one in "EHW"},
    f"{CONVERT}: always: if raw.__class__ is not str and raw.__class__ is not int:": REMEMBERED,
    f"{CONVERT}: never: if raw in faultless:": REMEMBERED,
    f"{TIMES}: without 'yyyy-MM-dd HH:mm:ss': ('yyyy-MM-dd HH:mm:ss', 'yyyyMMddHHmmss', 'rfc3339')": "rfc3339 reads the"
    " wire form as well; it stands first for speed",
    f"{TIMES}: without '+08:00': {{None, '+08:00'}}": "a short way: adding and taking away eight hours is the same",
    f"{RULES}: always: regions.get(area) if area else None": "no region has the code None",
}
