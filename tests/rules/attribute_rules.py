"""Each attribute's name on the wire, requirement, length, form, code list and protection (records.md 1 to 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from schemas import attributes
from schemas.records import Fault, faults
from schemas.wire import from_wire, to_wire
from tests.rules.ground import AGENT, GOOD, KEY, PERSON, TASK, Rule, alone, of, plain
from tests.rules.written.attributes import ATTRIBUTES, PERSONAL, Written
from tests.rules.written.codes import LISTS

FORM = re.compile(r"(dt|slug|list|n|an|a|ul)(\.\.)?(\d+)?")
LONGEST = {  # where a rule of its own says what a long value looks like
    "org_code": "511602000000_115113016823646795",
    "task_code": TASK,
    "task_handle_item": TASK + "01",
    "project_no": "A" * 50,
    "cert_key": "m" * 128,
    "cert_key_gov": "C" * 50,
    "handle_user_page_code": "C" * 50,
    "mobile": "0" * 18,
}
BESIDE = {  # what must be so for the attribute alone to be in question
    "task_code": {"task_handle_item": None},
    "cert_key_gov": {"user_page_type": "999"},
    "handle_user_name": AGENT,
    "handle_user_page_type": {**AGENT, "handle_user_page_code": "C"},
    "handle_user_page_code": {**AGENT, "handle_user_page_type": "999"},
    "user_page_type": {"cert_key_gov": "C"},
    "satisfaction": {"indicators": None},
}
WITH_CODE = {  # rules of certain codes, kept as well
    ("is_default", "1"): {"origin": "default"},
    ("origin", "default"): {"is_default": "1"},
    ("user_page_type", "111"): {"cert_key_gov": PERSON},
    ("user_page_type", "001"): {"cert_key_gov": "11440232MB2D06811W"},
    ("handle_user_page_type", "111"): {"handle_user_page_code": PERSON},
    ("handle_user_page_type", "001"): {"handle_user_page_code": "11440232MB2D06811W"},
}
OUTSIDE = {"1": ("9", "8", "7"), "2": ("77",), "3": ("888", "101"), "slug": ("nonsense",), "a1": ("X",)}
DATA_SOURCES = ("111", "133", "165", "151")  # open list, by its pattern


def rules() -> Iterator[Rule]:
    for row in ATTRIBUTES:
        name = f"{row.kind}.{row.name}"
        yield Rule(f"{name} wire", partial(_wire, row))
        yield Rule(f"{name} need {row.need}", partial(_need, row))
        yield Rule(f"{name} form {row.form}", partial(_form, row))
        yield Rule(f"{name} personal", partial(_personal, row))
        if row.code_list is not None:
            yield Rule(f"{name} list {row.code_list}", partial(_outside, row))
            for code in DATA_SOURCES if row.code_list == "data_source" else LISTS[row.code_list]:
                yield Rule(f"{name} list {row.code_list} {code}", partial(_code, row, code))
    yield Rule("attributes: these and no others", _no_others)


def _no_others() -> None:
    written = {(row.kind, row.name) for row in ATTRIBUTES}
    assert written == {(kind, name) for kind, known in attributes.ATTRIBUTES.items() for name in known}


def _whole(row: Written, **changes: Any) -> dict[str, Any]:
    agent = AGENT if row.name in AGENT else {}
    record = {**GOOD[row.kind], **(KEY if row.kind == "evaluation" else {}), **agent, **changes}
    return {name: value for name, value in record.items() if value is not None}


def _schema(row: Written, value: Any) -> list[Fault]:
    """The faults of the whole record with this one value."""
    return faults(row.kind, _whole(row, **{row.name: value}))  # type: ignore[arg-type]


def _mapped(row: Written, value: Any, **more: Any) -> tuple[set[tuple[str, str]], Any]:
    """Errors, and the value that is kept, when a source sends ``value``."""
    using = alone if row.kind == "evaluation" and row.name in KEY else plain
    found = of(row.kind, {**BESIDE.get(row.name, {}), **more, row.name: value}, using)
    return found.errors, (found.service if row.kind == "service" else found.evaluation).get(row.name)


def _wire(row: Written) -> None:
    value: Any = ["510"] if row.form == "list" else "x"
    assert to_wire(row.kind, {row.name: value}) == (
        {row.wire: "510" if row.form == "list" else "x"} if row.wire else {}
    )
    if row.wire:
        assert from_wire(row.kind, {row.wire: "510" if row.form == "list" else "x"}) == {row.name: value}


def _need(row: Written) -> None:
    assert _schema(row, None) == ([Fault(row.name, "missing")] if row.need == "R" else [])
    if row.kind == "rectification":
        return
    for blank in (None, "", " \u3000"):
        if row.name == "satisfaction":
            found = of("evaluation", {"satisfaction": blank})
            assert (found.errors, found.outcome.unrated, found.evaluation) == (set(), True, {})
        elif row.need == "R":
            assert _mapped(row, blank) == ({("field.required", row.name)}, None)
        elif row.need == "O" and not row.name.startswith(("promise_", "anticipate_", "handle_")):
            assert _mapped(row, blank) == (set(), None)


def _form(row: Written) -> None:
    matched = FORM.fullmatch(row.form)
    assert matched is not None
    form, upto, length = matched.groups()
    if form == "dt":
        _time(row)
    elif form == "list":
        assert _mapped(row, ["51"])[0] == _mapped(row, ["51x"])[0] == {("field.type", row.name)}
        assert _schema(row, ["51"]) != []
        assert _schema(row, []) != []
        assert _schema(row, "510") != []
    elif row.code_list is None:
        assert attributes.ATTRIBUTES[row.kind][row.name].form == form  # as its JSON Schema tells it
        _length(row, int(length), exact=not upto)
        if form == "n":
            _digits(row)


def _length(row: Written, most: int, *, exact: bool) -> None:
    longest = LONGEST.get(row.name, ("1" if row.form.startswith("n") else "长") * most)
    if row.name in {"area_code", "dept_code", "is_service"}:
        longest = GOOD[row.kind][row.name]
    assert len(longest) == most
    assert _schema(row, longest) == []
    assert _schema(row, longest + longest[-1]) == [Fault(row.name, "string_too_long")]
    assert _schema(row, "") != []
    if exact and most > 1:
        assert _schema(row, longest[:-1]) == [Fault(row.name, "string_too_short")]
    if row.kind == "rectification":
        return
    wrong = {("region.unknown" if row.name == "area_code" else "field.length", row.name)}
    assert _mapped(row, longest) == (set(), longest)
    assert _mapped(row, longest + longest[-1]) == (wrong, None)
    if exact and most > 1:
        assert _mapped(row, longest[:-1]) == (wrong, None)


def _digits(row: Written) -> None:
    width = len(GOOD[row.kind].get(row.name, "1"))
    for wrong in ("x" * width, "\u0661" * width, "-" * width):
        assert _schema(row, wrong) == [Fault(row.name, "string_pattern_mismatch")]
    if row.kind == "rectification":
        return
    code = "region.unknown" if row.name == "area_code" else "field.type"
    for wrong in ("x" * width, "\u0661" * width, "-" * width):
        assert _mapped(row, wrong) == ({(code, row.name)}, None)
    assert _mapped(row, ["1"]) == ({("field.type", row.name)}, None)
    if row.form == "n..2":
        assert _mapped(row, "0") == ({("field.type", row.name)}, None)
        assert _mapped(row, "01") == (set(), "1")


def _time(row: Written) -> None:
    good = GOOD[row.kind][row.name]
    for wrong in ("2026-13-01 10:00:00", "2026-11-31 10:00:00", "2026-11-20 24:00:00", "2026-11-20T10:00:00"):
        if wrong != "2026-11-31 10:00:00":  # the schema knows forms, the mapping knows the calendar
            assert _schema(row, wrong) == [Fault(row.name, "string_pattern_mismatch")]
    assert _schema(row, good) == []
    if row.kind == "rectification":
        return
    for wrong in ("2026-13-01 10:00:00", "2026-11-31 10:00:00", "2026-11-20 24:00:00", "昨天", "2026-11-20 10:00"):
        assert _mapped(row, wrong) == ({("time.unparsable", row.name)}, None)
    for day in ("2026-11-20", "20261120", "2026/11/20", "2026年11月20日"):
        assert _mapped(row, day) == ({("time.date_only", row.name)}, None)
    assert _mapped(row, good) == (set(), good)
    compact = re.sub(r"\D", "", good)
    others = (compact, f"{compact[:8]}T{compact[8:]}", f"{good[:10]}T{good[11:]}+08:00", f"{good[:10]}T{good[11:]}.5")
    for other in others:
        assert _mapped(row, other) == (set(), good)


def _personal(row: Written) -> None:
    assert (row.name in attributes.PERSONAL[row.kind]) == (row.name in PERSONAL[row.kind])  # type: ignore[index]
    if row.kind == "rectification":
        return
    changes = AGENT if row.name in AGENT else {}
    using = alone if row.kind == "evaluation" and row.name in KEY else plain
    made = next(one for one in of(row.kind, changes, using).outcome.records if one.kind == row.kind)
    assert row.name in (made.personal if row.name in PERSONAL[row.kind] else made.content)


def _outside(row: Written) -> None:
    assert row.code_list is not None
    shape = row.form if row.form in {"slug", "a1"} else row.form[-1]
    outsider = next(code for code in OUTSIDE[shape] if code not in LISTS[row.code_list])
    assert len(_schema(row, outsider)) == 1
    if row.kind != "rectification":
        code = "satisfaction.unknown" if row.name == "satisfaction" else "code.unknown"
        assert _mapped(row, outsider) == ({(code, row.name)}, None)


def _code(row: Written, code: str) -> None:
    assert _schema(row, code) == []
    if row.kind == "rectification":
        return
    beside = WITH_CODE.get((row.name, code), {})
    errors, kept = _mapped(row, code, **beside)
    assert (errors, kept) == (set(), code)
