"""Mutants that no check can tell from the original, each with the reason."""

from __future__ import annotations

TIMES = "gateway/mapping/times.py"
RULES = "gateway/mapping/rules.py"
CONVERT = "gateway/mapping/convert.py"
PROBLEM = "gateway/domain/problem.py"
PARTS = "gateway/mapping/quick_parts.py"
COMPILED = "gateway/mapping/compiled.py"
CLOSED = "_remembered(_plain(attribute, spec), known) if attribute.closed else _plain(attribute, spe"
FAULTLESS = "if len(scope.problems) == before and (raw.__class__ is int or (raw.__class__ is str and le"
NOTHING_MISSING = "a short way: where nothing is missing, none of the fields is"
QUICK = "the general way says the same, slower"
KEY = "no part of a key that was read is longer than 50 characters"
REMEMBERED = "a memory only: what it holds is what would be found again"
UNDECIDABLE: dict[str, str] = {
    **{f"{PROBLEM}: without {one!r}: ('E', 'H', 'W')": "a type, for mypy" for one in "EHW"},
    "mappings/tables/tasktype-sd.yaml: 99 taken out": "any other value is 99 as well",
    f"{CONVERT}: never: if value is None: (2)": "of a region: the site's own table has no None, and the next line asks",
    f"{CONVERT}: never: [int(satisfaction)] if satisfaction is not None else []": "no label belongs to"
    " two levels; should one come to, its own level is looked at first",
    f"{CONVERT}: never: raw if isinstance(raw, int) and (not isinstance(raw, bool)) else tidy(raw)": "a whole number"
    " reads the same as its text",
    f"{CONVERT}: never: {FAULTLESS}": REMEMBERED,
    f"{CONVERT}: always: if len(known) >= _REMEMBERED:": REMEMBERED,
    f"{CONVERT}: never: if len(known) >= _REMEMBERED:": REMEMBERED,
    f"{CONVERT}: limit: len(known) >= _REMEMBERED": REMEMBERED,
    f"{CONVERT}: never: {CLOSED}": REMEMBERED,
    f"{CONVERT}: limit: len(raw) <= SHORT": REMEMBERED,
    f"{CONVERT}: never: _remembered(convert, known) if attribute.closed else convert": REMEMBERED,
    f"{COMPILED}: always: [self._anew(item, latest) for item in items] if self._quick is None else "
    "self._quick(items": QUICK,
    f"{COMPILED}: never: if service.refused:": "a short way: the whole outcome says the same",
    f"{COMPILED}: always: if service_time:": "no time is before an empty one",
    f"{COMPILED}: always: if not any((problem.severity == 'E' for problem in found)):": QUICK,
    f"{COMPILED}: never: self._latest if received_at is self._received else self._latest_at(received_at)": REMEMBERED,
    f"{COMPILED}: always: key if len(key) <= LONGEST_KEY else None": KEY,
    f"{COMPILED}: limit: len(key) <= LONGEST_KEY": KEY,
    f"{COMPILED}: never: if scope.values.keys() >= required:": NOTHING_MISSING,
    f"{COMPILED}: limit: scope.values.keys() >= required": NOTHING_MISSING,
    f"{COMPILED}: always: if name not in evaluation.values:": "an evaluation's own key counts, whether or not the"
    " service's failed",
    f"{PARTS}: not left to the general way: self._write(2, f'if {{name}} is None: {{LEAVE}}')": "the next line fails on"
    " None, which also leaves the evaluation to the general way",
    f"{PARTS}: not left to the general way: self._write(depth, LEAVE)": "no other line is written of the attribute, and"
    " one that needs its text fails",
    f"{TIMES}: without 'yyyy-MM-dd HH:mm:ss': ('yyyy-MM-dd HH:mm:ss', 'yyyyMMddHHmmss', 'rfc3339')": "rfc3339 reads the"
    " wire form as well; it stands first for speed",
    f"{TIMES}: without '+08:00': {{None, '+08:00'}}": "a short way: adding and taking away eight hours is the same",
    f"{RULES}: always: regions.get(area) if area else None": "no region has the code None",
}
