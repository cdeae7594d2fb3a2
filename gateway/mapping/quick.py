"""The quick way for records without a fault: Python generated once per source (measured by bench/mapping.py).

Four ideas carry it. Attributes from small vocabularies are converted together and remembered by their raw values, as
the text that they make on the wire. The others are accepted when they already have canonical form. The record's text
is put together from both as it will rest and be sent, and nobody writes JSON. Whatever looks unusual in any way returns
None, and the general way decides; so this module can be slower than it should, but never of another opinion. A
property test holds both ways to the same entries.

Only names that the mapping's own schema admits reach the generated text, paths as string literals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import groupby
from json.encoder import encode_basestring
from typing import Any

from gateway.domain import mask
from gateway.domain.check_digit import credit_code_valid, identity_number_valid
from gateway.domain.memory import Memory
from gateway.mapping.entry import Entries, Entry
from gateway.mapping.groups import (
    Group,
    Grouping,
    NoAnchorError,
    fill_area,
    fill_codes,
    fill_flags,
    fill_rating,
    fill_task,
    fill_terms,
)
from gateway.mapping.layout import SINGLE, Piece
from gateway.mapping.plan import Field, Plan, holds
from gateway.mapping.spec import Condition
from gateway.mapping.text import tidy
from gateway.mapping.times import SHANGHAI, USUAL_FORMS, reader
from schemas.attributes import Kind
from schemas.conditions import AGENT
from schemas.masters import Region

Quick = Callable[[Any, str], Entries | None]

_EVENTS = frozenset({"service_time", "assess_time"})
_AGENT = frozenset(AGENT)
_PLAIN = _EVENTS | {"project_no", "service_number", "mobile", "apply_date", "accept_date", "result_date"}  # no escapes
_EXPECTED = (LookupError, TypeError, AttributeError, ValueError)


def compile_quick(plan: Plan, paths: Mapping[Kind, Mapping[str, str]], regions: Mapping[str, Region]) -> Quick | None:
    """A function of (source record, latest time) giving the entries of a clean record, else None."""
    inherited = {"project_no", "service_number"}
    if not plan.service:
        return None
    if any(field.attribute.name in inherited for field in plan.evaluation):
        return None
    if any(field.spec.path is None for field in (*plan.service, *plan.evaluation) if not field.attribute.closed):
        return None
    if any(field.spec.by == "pair" for field in plan.evaluation):
        return None  # free text stands beside the codes, and nothing personal may be remembered
    try:
        return _Writer(plan, paths, regions).compile()
    except NoAnchorError:
        return None


def _single(pieces: list[Piece]) -> dict[str, Piece]:
    """The attributes that stand alone, by name."""
    return {piece.names[0][1]: piece for piece in pieces if piece.owner == SINGLE}


class _Writer:
    """Writes the function, line by line."""

    def __init__(self, plan: Plan, paths: Mapping[Kind, Mapping[str, str]], regions: Mapping[str, Region]) -> None:
        from gateway.crypto.digest import sm3  # late: a parse of the DAG files loads mappings, and no cryptography

        self._plan = plan
        self._grouping = Grouping(plan, paths, regions)
        self._pieces: dict[str, Piece] = {}  # of the record that is being written
        self._certificate = "codes[3]"  # its certificate type
        self._lines: list[str] = []
        self._nodes: dict[tuple[str, ...], str] = {(): "item"}
        self._names: dict[str, Any] = {
            "SHANGHAI": SHANGHAI,
            "instant": datetime.fromisoformat,
            "MAYBE_PERSONAL": mask.MAYBE_PERSONAL.search,
            "PROJECT_NO": re.compile(r"[A-Za-z0-9_-]{1,50}").fullmatch,
            "EXPECTED": _EXPECTED,
            "Entries": Entries,
            "Entry": Entry,
            "quoted": encode_basestring,
            "sm3": sm3,
            "credit_code_valid": credit_code_valid,
            "identity_number_valid": identity_number_valid,
            "normal": unicodedata.is_normalized,
            "tidy": tidy,
            "make": tuple.__new__,
        }

    def compile(self) -> Quick:
        spec = self._plan.spec
        self._group("area", fill_area, self._grouping.area)
        self._group("task", fill_task, self._grouping.task)
        self._group("terms", fill_terms, self._grouping.terms)
        self._group("codes", fill_codes, self._grouping.codes)
        self._pieces = _single(self._grouping.service)
        for field in self._plan.service:
            if not field.attribute.closed:
                self._open(field)
        self._service_rules()
        self._write(2, "service_number = codes[4]; parent = f'{project_no}#{service_number}'")
        self._text("service", "parent", self._grouping.service, self._plan.service)
        self._write(2, "service = make(Entry, ('service', parent, None, moment, area[2], task[2], task[3],")
        self._write(2, "    None, None, None, codes[5], content, personal, digest))")
        self._write(2, "problems = area[1] + task[1] + terms[1] + codes[1]")
        if spec.correction is None:
            self._write(2, "corrects = False")
        else:
            self._correction(spec.correction)
        if self._plan.evaluation:
            self._evaluation()
        else:
            self._write(2, "return make(Entries, ((service,), problems, corrects, False))")
        body = "\n".join(
            ["def quick(item, latest):", "    try:", *self._lines, "    except EXPECTED:", "        return None"]
        )
        exec(compile(body, "<mapping>", "exec"), self._names)  # noqa: S102 - generated from validated names only
        quick: Quick = self._names["quick"]
        return quick

    def _correction(self, condition: Condition) -> None:
        """The mark of a correction has two or three values: remember what each says."""
        if "." in condition.path:
            self._names["corrects_when"] = holds(condition)
            self._write(2, "corrects = corrects_when(item)")
            return
        met = holds(condition)
        self._names["marks"] = Memory[Any, bool](lambda raw: met({condition.path: raw}), 64)
        self._write(2, f"corrects = marks[item.get({condition.path!r})]")

    def _write(self, depth: int, line: str) -> None:
        self._lines.append("    " * depth + line)

    def _access(self, field: Field) -> str:
        assert field.spec.path is not None  # noqa: S101 - callers choose fields with a path
        return self._expression(field.spec.path, field.attribute.need == "R")

    def _expression(self, path: str, always: bool = False) -> str:
        *above, leaf = path.split(".")
        node = self._node(tuple(above))
        return f"{node}[{leaf!r}]" if always else f"{node}.get({leaf!r})"

    def _node(self, above: tuple[str, ...]) -> str:
        if above not in self._nodes:
            parent = self._node(above[:-1])
            name = f"node{len(self._nodes)}"
            self._nodes[above] = name
            self._write(2, f"{name} = {parent}[{above[-1]!r}]")
        return self._nodes[above]

    def _group(self, name: str, fill: Callable[[Group], Callable[[Any], Any]], group: Group) -> None:
        """Look the group's raw values up; convert them once when they are new."""
        parts = []
        for field in group.fields:
            if field.spec.path is not None:
                raw = self._access(field)
                if field.attribute.repeated:
                    self._write(2, f"raw = {raw}")
                    self._write(2, f"{field.attribute.name} = tuple(raw) if raw.__class__ is list else raw")
                    raw = field.attribute.name
                if raw not in parts:
                    parts.append(raw)
            if field.spec.when is not None:
                parts.append(self._expression(field.spec.when.path))
        self._names[f"remember_{name}"] = memory = group.memory
        self._names[f"fill_{name}"] = fill(group)
        self._names[f"{name}_limit"] = memory.limit
        self._write(2, f"key = ({', '.join(parts)}{',' if parts else ''})")
        self._write(2, f"{name} = remember_{name}.get(key)")
        self._write(2, f"if {name} is None:")
        self._write(3, f"{name} = fill_{name}(item)")
        self._write(3, f"if {name} is None: return None")
        self._write(3, f"remember_{name}.keep(key, {name})")

    def _open(self, field: Field) -> None:
        """Accept one attribute that is different in every record; its text is empty where it has no value."""
        attribute, name = field.attribute, field.attribute.name
        required = attribute.need == "R" and name not in self._plan.optional
        if field.spec.when is not None:
            self._names[f"when_{name}"] = holds(field.spec.when)
            self._write(2, f"{name} = {self._access(field)} if when_{name}(item) else None")
        else:
            self._write(2, f"{name} = {self._access(field)}")
        if name in _AGENT:
            self._write(2, f"if {name} is not None and {name} != '': return None")
            return
        if required:
            self._accept(2, field)
            return
        self._write(2, f"if {name} is not None and {name} != '':")
        self._accept(3, field)
        self._write(3, f"text_{name} = f'{self._member(self._pieces[name], name)}'")
        self._write(2, f"else: {name} = None; text_{name} = ''")

    def _member(self, piece: Piece, name: str) -> str:
        """The inside of an f-string: the attribute's text on the wire."""
        ((wire, _),) = piece.names
        value = f'"{{{name}}}"' if name in _PLAIN else f"{{quoted({name})}}"
        return f'{piece.before}"{wire}":{value}{piece.behind}'

    def _text(self, kind: str, key: str, pieces: list[Piece], fields: list[Field]) -> None:
        """Put the record's texts together: content, personal data, and the whole of which the digest is taken."""
        optional = {field.attribute.name for field in fields if field.attribute.need != "R"} | self._plan.optional
        numbers: dict[str, int] = {}
        content, personal, whole = "", "", ""
        sure = False  # of something personal
        for number, (is_personal, run) in enumerate(groupby(pieces, lambda piece: piece.personal)):
            written, always = [], False
            for piece in run:
                if piece.owner != SINGLE:
                    at = numbers[piece.owner] = numbers.get(piece.owner, -1) + 1
                    written.append(f"{{{piece.owner}[0][{at}]}}")
                    continue
                ((_, name),) = piece.names
                if name in _AGENT:
                    continue
                written.append(f"{{text_{name}}}" if name in optional else self._member(piece, name))
                always |= name not in optional
            self._write(2, f"part{number} = f'{''.join(written)}'")
            whole += f"{{part{number}}}"
            if not is_personal:
                content += f"{{part{number}}}"
                continue
            line = "\\n" if always else f"{{line{number}}}"
            if not always:
                self._write(2, f"line{number} = '\\n' if part{number} else ''")
            content, personal, sure = content + line, f"{personal}{{part{number}}}{line}", sure or always
        self._write(2, f"content = f'{{{{{content}}}}}'")
        self._write(2, f"personal = f'{personal}'.encode(){'' if sure else ' or None'}")
        tail = f'"key":"{{{key}}}","kind":"{kind}","version":1}}}}'
        self._write(2, f"digest = sm3(f'{{{{\"data\":{{{{{whole}}}}},{tail}'.encode())")

    def _accept(self, depth: int, field: Field) -> None:
        attribute, name = field.attribute, field.attribute.name
        if field.spec.transform or field.spec.default or field.spec.map or field.spec.table:
            self._write(depth, "return None")
        elif attribute.form == "dt":
            self._time(depth, field)
        elif name == "project_no":
            self._write(depth, f"if not PROJECT_NO({name}): return None")
        elif name == "mobile":
            self._write(depth, f"if len({name}) != 11 or {name}[0] != '1' or {name}[1] < '3': return None")
            self._write(depth, f"if not ({name}.isdigit() and {name}.isascii()): return None")
        elif name == "cert_key":
            self._write(depth, f"if not ({name}.isascii() and {name}.isprintable() and {name}.strip() == {name}")
            self._write(
                depth, f"        and len({name}) <= {attribute.longest} and len({name}) not in (15, 18)): return None"
            )
        elif name == "cert_key_gov":
            self._write(depth, f"{name} = {name}.upper()")
            self._write(depth, f"if {self._certificate} == '111':")
            self._write(depth + 1, f"if not identity_number_valid({name}): return None")
            self._write(depth, f"elif {self._certificate} == '001':")
            self._write(depth + 1, f"if not credit_code_valid({name}): return None")
            self._write(depth, "else: return None")
        elif attribute.form == "ul":
            self._write(depth, f"{name} = {name}.strip()")
            self._write(
                depth, f"if not {name} or len({name}) > {attribute.longest} or MAYBE_PERSONAL({name}): return None"
            )
        elif attribute.form in {"an", "a"} and attribute.code_list is None:
            self._write(
                depth, f"if not ({name}.isprintable() and normal('NFKC', {name}) and {name}.strip() == {name}):"
            )
            self._write(depth + 1, f"{name} = tidy({name})")
            self._write(depth, f"if not 0 < len({name}) <= {attribute.longest}: return None")
        else:
            self._write(depth, "return None")

    def _time(self, depth: int, field: Field) -> None:
        name = field.attribute.name
        forms = tuple(field.spec.times or USUAL_FORMS)
        if forms[0] != "yyyy-MM-dd HH:mm:ss":
            self._names[f"read_{name}"] = reader(forms)
            self._write(depth, f"{name} = read_{name}({name})")
        else:
            self._write(depth, f"if {name}[4::3] != '-- ::' or {name}[11:13] > '23': return None")
        if name in _EVENTS:
            self._write(depth, f"moment = instant({name}) - SHANGHAI")
        elif forms[0] == "yyyy-MM-dd HH:mm:ss":
            self._write(depth, f"instant({name})")

    def _service_rules(self) -> None:
        mapped = {field.attribute.name for field in self._plan.service}
        for name in ("apply_date", "accept_date", "result_date"):
            if name not in mapped:
                self._write(2, f"{name} = None")
        marks = [name for name in ("cert_key", "cert_key_gov") if name in mapped]
        self._write(2, f"if {' and '.join(f'{name} is None' for name in marks)}: return None")
        self._write(2, "if service_time > latest: return None")
        self._write(2, "if accept_date is None:")
        self._write(3, "if codes[2] > 1: return None")
        self._write(
            3, "if apply_date is not None and result_date is not None and apply_date > result_date: return None"
        )
        self._write(
            2, "elif accept_date > service_time or (apply_date is not None and apply_date > accept_date): return None"
        )
        self._write(2, "if result_date is None:")
        self._write(3, "if codes[2] > 2: return None")
        self._write(2, "elif accept_date is not None and accept_date > result_date: return None")

    def _evaluation(self) -> None:
        """From here on the service stands; what follows is the evaluation."""
        group = self._grouping.rating
        satisfaction = next(field for field in group.fields if field.attribute.name == "satisfaction")
        path = satisfaction.spec.path or ""
        above = tuple(path.split(".")[:-1])
        if above and above not in self._nodes:
            node = self._node(above)
            self._names["unrated_problem"] = self._grouping.unrated_problem()
            self._write(2, f"if {node} is None:")
            self._write(3, "return make(Entries, ((service,), (*problems, unrated_problem), corrects, True))")
        self._group("rating", fill_rating, group)
        self._write(2, "problems += rating[1]")
        self._write(2, "if rating[0] is None: return make(Entries, ((service,), problems, corrects, True))")
        self._group("flags", fill_flags, self._grouping.flags)
        self._write(2, "problems += flags[1]")
        self._certificate = "flags[2]"
        self._pieces = _single(self._grouping.evaluation)
        mapped = [field for field in self._plan.evaluation if not field.attribute.closed]
        for field in mapped:
            self._open(field)
        if not any(field.attribute.name == "writing_evaluation" for field in mapped):
            self._write(2, "writing_evaluation = None")
        self._write(2, "if assess_time > latest or assess_time < service_time: return None")
        self._write(2, "if rating[2] and writing_evaluation is None: return None")
        self._write(2, "_, _, _, assess_number, satisfaction, channel, origin = rating")
        self._write(2, "key = f'{parent}#{assess_number}'")
        self._text("evaluation", "key", self._grouping.evaluation, self._plan.evaluation)
        self._write(2, "evaluation = make(Entry, ('evaluation', key, parent, moment, area[2], task[2], task[3],")
        self._write(2, "    satisfaction, channel, origin, None, content, personal, digest))")
        self._write(2, "return make(Entries, ((service, evaluation), problems, corrects, False))")
