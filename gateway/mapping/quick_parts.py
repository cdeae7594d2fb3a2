"""Parts of the quick way's function: a group that is looked up, a single attribute, a record's texts."""

from __future__ import annotations

from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any, Final

from gateway.mapping.acceptance import LEAVE, NAMES, acceptance
from gateway.mapping.conversion import UNREAD
from gateway.mapping.entry import Entries, Entry
from gateway.mapping.groups import Group, key_parts, looks_otherwise
from gateway.mapping.layout import SINGLE, Piece
from gateway.mapping.paths import holds
from gateway.mapping.plan import Field, Plan
from gateway.mapping.quick_lines import Lines
from gateway.mapping.quick_text import member, values, writing
from schemas.attributes import Kind
from schemas.conditions import AGENT

INHERITED = frozenset({"project_no", "service_number"})  # by an evaluation from its service record
_AGENT = frozenset(AGENT)
_NAMES: Final[dict[str, Any]] = {
    **NAMES,
    "UNREAD": UNREAD,
    "looks_otherwise": looks_otherwise,
    "Entries": Entries,
    "Entry": Entry,
    "quoted": encode_basestring,
    "join": b"".join,
}


class Parts(Lines):
    """Of one record after the other: first the service, then the evaluation."""

    def __init__(self, plan: Plan, writes: bool) -> None:
        super().__init__(_NAMES)
        self._plan = plan
        self._writes = writes

    def _begin(self, kind: Kind, fields: list[Field], pieces: list[Piece]) -> None:
        """The record that is written from here on."""
        self._kind, self._layout = kind, pieces
        self._alone = {piece.names[0][1]: piece for piece in pieces if piece.owner == SINGLE}
        required = {field.name for field in fields if field.attribute.need == "R"}
        self._always = (required | INHERITED) - self._plan.optional

    def _group(self, name: str, fill: Callable[[Group], Callable[[Any], Any]], group: Group, *found: str) -> None:
        """Look the group's raw values up; convert them once when they are new. Its texts, its problems and what else
        it has ``found`` get names.
        """
        always = {field.spec.path for field in group.fields if field.attribute.need == "R"}
        key = key_parts(group.fields)
        parts = []
        for path in key.paths:
            raw = self._expression(path, path in always)
            parts.append(f"tuple(raw) if (raw := {raw}).__class__ is list else raw" if path in key.lists else raw)
        for attribute, read in key.conditional.items():
            self._names[f"read_{self._kind}_{attribute}"] = read
            parts.append(f"read_{self._kind}_{attribute}(item)")
        self._names |= {f"known_{name}": group.memory.known, f"keep_{name}": group.memory.keep}
        self._names[f"fill_{name}"] = fill(group)
        self._write(2, f"{name}_key = ({', '.join(parts)}{',' if parts else ''})")
        self._write(2, f"try: {name} = known_{name}[{name}_key]")
        self._write(2, "except KeyError:")
        self._write(3, f"{name} = fill_{name}(item)")
        odd = f"{name} and {name}[0] and looks_otherwise({name}_key)"
        self._write(3, f"if not ({odd}): keep_{name}({name}_key, {name})")
        if self._kind == "evaluation":
            self._write(2, f"if {name} is None: {LEAVE}")
            self._found(2, name, group, found)
            return
        self._write(2, f"if {name} is None: wrong = True{''.join(f'; {one} = None' for one in found)}")
        self._write(2, "else:")
        self._found(3, name, group, found)

    def _found(self, depth: int, name: str, group: Group, found: tuple[str, ...]) -> None:
        texts = (f"{name}_{at}" for at in range(len(group.pieces)))
        self._write(depth, f"{', '.join((f'{name}_problems', *found, *texts))}, = {name}")
        self._write(
            depth, f"if {name}_problems and looks_otherwise({name}_key): {name}_problems = fill_{name}(item)[0]"
        )

    def _single(self, field: Field) -> None:
        """Look at one attribute of the service that is different in every record. What is not accepted is UNREAD."""
        access = self._access(field)  # which may write a line of its own
        self._write(2, "try:")
        self._accepted(field, 3, access)
        self._write(2, f"except EXPECTED: {field.name} = UNREAD; wrong = True")

    def _accepted(self, field: Field, depth: int, access: str) -> None:
        """Its text is empty where it has no value."""
        name = field.name
        if field.spec.when is not None:
            when = f"when_{self._kind}_{name}"
            self._names[when] = holds(field.spec.when)
            access = f"{access} if {when}(item) else None"
        self._write(depth, f"{name} = {access}")
        if field.spec.default is not None or field.spec.table is not None or "" in (field.spec.map or {}):
            self._write(depth, LEAVE)  # even nothing may stand for something
            return
        if name in _AGENT:
            self._write(depth, f"if {name} is not None and {name} != '': {LEAVE}")
            return
        if name in self._always:
            self._lines += acceptance(field, depth, f"{self._kind}_certificate")
            return
        self._write(depth, f"if {name}:")
        self._lines += acceptance(field, depth + 1, f"{self._kind}_certificate")
        if self._writes:
            self._write(depth + 1, f"text_{name} = f'{member(self._alone[name])}'")
        self._write(depth, f"elif {name} is None or {name} == '': {name} = None; text_{name} = ''")
        self._write(depth, f"else: {LEAVE}")

    def _text(self, depth: int, key: str) -> None:
        """Put the record's texts together: content, personal data, and the whole of which the digest is taken."""
        if self._writes:
            for line in writing(self._kind, key, self._layout, self._always):
                self._write(depth, line)
        else:
            self._write(depth, f"content = {values(self._layout, self._always)}; personal = None; digest = b''")
