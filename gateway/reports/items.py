"""What published item codes look like (事项编码形态): shapes, lengths, check digits, and how many the master resolves.

Published codes are dirty (records.md section 4), so none is refused here: every row is counted once as a code, a
repeat or empty, and every code stands in exactly one shape, kept as it was published.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.domain.check_digit import credit_code_valid, organisation_code_valid
from gateway.errors import Misconfigured
from schemas.masters import Item

CODE_COLUMNS = ("source_code", "item_code")  # of a master, of a published list
DEPARTMENT = "dept_code"
_CREDIT = re.compile(r"(?<![0-9A-Z])[0-9A-Z]{18}(?![0-9A-Z])")
_TASK = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{18}[1-7]\d{12}(\d{2})?")


@dataclass(frozen=True, slots=True)
class Shape:
    """Codes of one shape: parts between separators, ``9`` digits, ``A`` letters, ``X`` both, ``?`` anything else."""

    shape: str
    count: int
    shortest: int
    longest: int
    example: str


@dataclass(frozen=True, slots=True)
class Check:
    """Values of ``field`` that are of ``kind``: a credit or organisation code, valid or not, or something else."""

    field: str
    kind: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class ItemsReport:
    """``rows`` = codes + repeated + empty; codes = the sum of all shapes = resolved + unresolved."""

    rows: int
    codes: int
    repeated: int
    empty: int
    resolved: int
    unresolved: list[str] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    lengths: dict[int, int] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)


def items_report(file: Path, master: Mapping[str, Item]) -> ItemsReport:
    """The report on a CSV with ``source_code`` or ``item_code`` and, if it has one, ``dept_code``.

    ``master``: items by published code. Raises ``Misconfigured('items.unreadable')``.
    """
    rows = list(_rows(file))
    published = Counter(code for code, _ in rows)
    empty = published.pop("", 0)
    unresolved = [code for code in published if code not in master]
    return ItemsReport(
        rows=len(rows),
        codes=len(published),
        repeated=len(rows) - empty - len(published),
        empty=empty,
        resolved=len(published) - len(unresolved),
        unresolved=unresolved,
        shapes=_shapes(published),
        lengths=dict(sorted(Counter(map(len, published)).items())),
        checks=[
            *_checks(
                "item_code", {code: inside_kind(code) for code in published}, Counter(dict.fromkeys(published, 1))
            ),
            *_department_checks(rows),
            *_task_checks(published, master),
        ],
    )


def shape(code: str) -> str:
    """``511A0090800010-511602000000-1`` is ``X-9-9``."""
    return "".join(part if part in "-_/. " else _part(part) for part in re.split(r"([-_/. ])", code) if part)


def code_kind(code: str) -> str:
    """What a department's code is: ``credit_valid``, ``organisation_wrong``, ``empty``, ``other`` …"""
    plain = code.strip().replace("-", "").upper()
    if not plain:
        return "empty"
    if re.fullmatch(r"[0-9A-Z]{18}", plain):
        return "credit_valid" if credit_code_valid(plain) else "credit_wrong"
    if re.fullmatch(r"[0-9A-Z]{8}[0-9X]", plain):
        return "organisation_valid" if organisation_code_valid(plain) else "organisation_wrong"
    return "other"


def inside_kind(code: str) -> str:
    """Does an item code carry a credit code, and is that one valid?"""
    inside = [code_kind(found) for found in _CREDIT.findall(code.upper())]
    if not inside:
        return "credit_none"
    return "credit_valid" if "credit_valid" in inside else "credit_wrong"


def _part(part: str) -> str:
    if not part.isascii() or not part.isalnum():
        return "?"
    return "9" if part.isdigit() else "A" if part.isalpha() else "X"


def _shapes(published: Counter[str]) -> list[Shape]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for code in published:
        groups[shape(code)].append(code)
    shapes = [
        Shape(name, len(codes), min(map(len, codes)), max(map(len, codes)), codes[0]) for name, codes in groups.items()
    ]
    return sorted(shapes, key=lambda line: (-line.count, line.shape))


def _checks(name: str, kinds: Mapping[str, str], counts: Counter[str]) -> list[Check]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for value, kind in kinds.items():
        groups[kind].append(value)
    checks = [Check(name, kind, sum(counts[value] for value in values), values[0]) for kind, values in groups.items()]
    return sorted(checks, key=lambda check: (-check.count, check.kind))


def _department_checks(rows: list[tuple[str, str | None]]) -> list[Check]:
    counts = Counter(department for _, department in rows if department is not None)
    return _checks(DEPARTMENT, {department: code_kind(department) for department in counts}, counts)


def _task_checks(published: Counter[str], master: Mapping[str, Item]) -> list[Check]:
    counts = Counter(master[code].task_code for code in published if code in master)
    kinds = {code: "task_valid" if _TASK.fullmatch(code) else "task_wrong" for code in counts}
    return _checks("task_code", kinds, counts)


def _rows(file: Path) -> Iterator[tuple[str, str | None]]:
    """Published code and department's code of every row, as they are."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            column = next((name for name in CODE_COLUMNS if name in (reader.fieldnames or ())), None)
            if column is None:
                raise Misconfigured("items.unreadable", file=file.name, cause="/".join(CODE_COLUMNS))
            for row in reader:
                yield row[column] or "", row.get(DEPARTMENT)
    except (OSError, UnicodeDecodeError, csv.Error) as broken:
        raise Misconfigured("items.unreadable", file=file.name, cause=type(broken).__name__) from broken
