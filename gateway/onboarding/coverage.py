"""Coverage (覆盖): which attributes of the national records a mapping supplies, and which codes it can say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from gateway.mapping import Masters
from gateway.mapping.spec import FieldSpec, MappingSpec
from gateway.mapping.written import complaint, invalid
from gateway.onboarding.undecided import UNDECIDED
from schemas import code_lists
from schemas.attributes import ATTRIBUTES, Attribute, Kind
from schemas.source import SourceFile

State = Literal["mapped", "constant", "derived", "inherited", "waived", "undecided", "absent"]
INHERITED = ("project_no", "service_number")  # an evaluation takes them from its service
IDENTITY = ("cert_key", "cert_key_gov")  # one of the two


@dataclass(frozen=True, slots=True)
class Covered:
    """One attribute. ``unsaid``: national codes that no source value leads to; none where codes pass as they are."""

    kind: Kind
    name: str
    title: str
    need: str
    state: State
    origin: str | None
    codes: int | None
    unsaid: list[str]

    @property
    def lacking(self) -> bool:
        """Must it be supplied, and isn't?"""
        return self.state == "undecided" or (self.need == "R" and self.state == "absent")


def coverage(source: SourceFile, masters: Masters) -> list[Covered]:
    """Every attribute of the records that the mapping makes. Raises ``Misconfigured('mapping.invalid')``."""
    try:
        spec = MappingSpec.model_validate(source.mapping)
    except ValidationError as broken:
        keys, expected = complaint(MappingSpec, broken)
        file, line = source.where("mapping", *keys)
        raise invalid(file, line, ("mapping", *keys), expected) from broken
    kinds: dict[Kind, dict[str, FieldSpec] | None] = {"service": spec.service, "evaluation": spec.evaluation}
    lines = []
    for kind, written in kinds.items():
        if written is None:
            continue
        for name, attribute in ATTRIBUTES[kind].items():
            state = _state(kind, name, written, spec)
            field = written.get(name)
            codes, unsaid = _codes(attribute, field, masters)
            need = _need(kind, name, attribute, written)
            lines.append(Covered(kind, name, attribute.title, need, state, _origin(field), codes, unsaid))
    return lines


def _need(kind: Kind, name: str, attribute: Attribute, written: dict[str, FieldSpec]) -> str:
    """One of the two identities must be there."""
    if kind == "service" and name == IDENTITY[0] and not written.keys() & set(IDENTITY):
        return "R"
    return attribute.need


def _state(kind: Kind, name: str, written: dict[str, FieldSpec], spec: MappingSpec) -> State:
    field = written.get(name)
    if field is not None:
        if _undecided(field):
            return "undecided"
        return "constant" if field.value is not None else "mapped" if field.path is not None else "derived"
    if kind == "evaluation" and spec.service is not None and name in INHERITED:
        return "inherited"
    return "waived" if kind == "service" and name in spec.profile.optional else "absent"


def _undecided(field: FieldSpec) -> bool:
    texts = [field.path, field.value, field.table, *(field.map or {}), *(field.map or {}).values()]
    return any(UNDECIDED in text for text in texts if text)


def _origin(field: FieldSpec | None) -> str | None:
    if field is None:
        return None
    if field.value is not None:
        return f"= {field.value}"
    if field.order is not None:
        return f"order of {field.order}"
    return field.path or (f"item.{field.item}" if field.item else f"same {field.same}")


def _codes(attribute: Attribute, field: FieldSpec | None, masters: Masters) -> tuple[int | None, list[str]]:
    """How many national codes the attribute's list has, and which of them the mapping's table never says."""
    if attribute.code_list is None or field is None:
        return None, []
    codes = list(code_lists.items(attribute.code_list))
    shared = masters.tables.get(field.table) if field.table else None
    table = {**(shared.map if shared else {}), **(field.map or {})}
    if not table:
        return len(codes), []
    return len(codes), sorted(set(codes) - {code for code in table.values() if code})
