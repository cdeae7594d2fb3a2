"""Which attributes the records fill, and which codes they use: one pass, one counter an attribute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from gateway.domain.wire import attributes
from gateway.mapping.spec import FieldSpec, MappingSpec
from gateway.reports.conformance.document import CodeCount, CodeUse, FieldCoverage, Kind, ValueCount
from gateway.reports.conformance.lateness import share
from gateway.store.conformance import LedgerRow
from schemas import code_lists
from schemas.attributes import ATTRIBUTES, Attribute

KINDS: tuple[Kind, ...] = ("service", "evaluation")
INDICATORS = "indicators"
INHERITED = ("project_no", "service_number")  # an evaluation takes them from its service
LACKING = frozenset({"field.required", "identity.missing", "status.date_missing"})
FEWEST = 30  # services, fewer prove nothing
MOST_VALUES = 500  # different unmapped values kept for one field; an endless variety would not be read anyway
OTHERS = "…"
OpenPersonal = Callable[[LedgerRow], bytes]
Unmapped = Mapping[str, Counter[str]]


class Coverage:
    """Counts of filled attributes and used codes; values that are no codes are never kept."""

    def __init__(self, open_personal: OpenPersonal) -> None:
        self._open_personal = open_personal
        self._records = Counter[Kind]()
        self._copied = Counter[str]()  # services whose status equals their number, by that number
        self._filled: dict[Kind, Counter[str]] = {kind: Counter() for kind in KINDS}
        self._codes: dict[Kind, dict[str, Counter[str]]] = {
            kind: {name: Counter() for name in _coded(kind)} for kind in KINDS
        }

    def add(self, row: LedgerRow) -> None:
        kind: Kind = "service" if row.kind == "service" else "evaluation"
        personal = None if row.personal is None else self._open_personal(row)
        said = attributes(kind, row.content, personal, origin=row.origin, service_stage=row.service_stage)
        self._records[kind] += 1
        self._filled[kind].update(said.keys())
        number = said.get("service_number", "")
        if kind == "service" and said.get("project_status") == number:
            self._copied[number] += 1
        for name, used in self._codes[kind].items():
            value = said.get(name)
            if isinstance(value, str):
                used[value] += 1
            elif value is not None:
                used.update(value)

    def copied_statuses(self) -> int:
        """Services, when the status of every one is its service number (trap status-sd-backend): the mapping reads the
        wrong field. A few, or all of the same number, may be so by chance.
        """
        every = self._copied.total() == self._records["service"] >= FEWEST and len(self._copied) > 1
        return self._copied.total() if every else 0

    def fields(self, spec: MappingSpec, missing: Mapping[str, int]) -> Iterator[FieldCoverage]:
        """Every attribute of both kinds; ``missing``: quarantined records that lack it, by attribute."""
        for kind in KINDS:
            specs = (spec.service if kind == "service" else spec.evaluation) or {}
            for name, attribute in ATTRIBUTES[kind].items():
                records, filled = self._records[kind], self._filled[kind][name]
                lacking = missing.get(name, 0) if _reported_under(name) == kind else 0
                yield FieldCoverage(
                    kind=kind,
                    name=name,
                    wire=attribute.wire,
                    title=attribute.title,
                    need=attribute.need,
                    path=_path(kind, name, specs.get(name)),
                    personal=attribute.personal,
                    filled=filled,
                    records=records,
                    missing=lacking,
                    share=share(filled, records + lacking),
                )

    def code_uses(self, spec: MappingSpec, unmapped: Unmapped) -> Iterator[CodeUse]:
        """Every coded attribute that the source supplies."""
        for kind in KINDS:
            specs = (spec.service if kind == "service" else spec.evaluation) or {}
            for name, used in self._codes[kind].items():
                values = unmapped.get(name, Counter[str]()) if _reported_under(name) == kind else Counter[str]()
                if name in specs or used or values:
                    yield _code_use(kind, ATTRIBUTES[kind][name], used, values)


def _coded(kind: Kind) -> Iterator[str]:
    return (name for name, it in ATTRIBUTES[kind].items() if it.code_list is not None or name == INDICATORS)


def _reported_under(name: str) -> Kind:
    """Reasons name the attribute alone; one that both kinds have is checked with the service."""
    return "service" if name in ATTRIBUTES["service"] else "evaluation"


def _path(kind: Kind, name: str, spec: FieldSpec | None) -> str | None:
    if spec is None:
        return name if kind == "evaluation" and name in INHERITED else None
    if spec.path is not None:
        return spec.path
    return f"={spec.value}" if spec.value is not None else f"@{spec.item or spec.same or spec.order}"


def _code_use(kind: Kind, attribute: Attribute, used: Counter[str], values: Counter[str]) -> CodeUse:
    known = code_lists.items(attribute.code_list) if attribute.code_list else _indicator_names()
    return CodeUse(
        kind=kind,
        field=attribute.name,
        title=attribute.title,
        code_list=attribute.code_list or INDICATORS,
        used=[_count(code, known, records) for code, records in sorted(used.items())],
        unused=[_count(code, known, 0) for code in _expected(attribute) if code not in used],
        unmapped=[ValueCount(value=value, records=records) for value, records in _frequent(values)],
        unmapped_records=values.total(),
    )


def _frequent(values: Counter[str]) -> Iterable[tuple[str, int]]:
    return sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))


def _count(code: str, known: Mapping[str, tuple[str, str]], records: int) -> CodeCount:
    name, name_en = known.get(code, ("", ""))
    return CodeCount(code=code, name=name, name_en=name_en, records=records)


def _indicator_names() -> dict[str, tuple[str, str]]:
    return {code: (indicator.name, indicator.name) for code, indicator in code_lists.indicators().items()}


def _expected(attribute: Attribute) -> list[str]:
    """The codes that could be used; a list ruled by a pattern has only examples."""
    if attribute.code_list is None:
        return [code for code, indicator in code_lists.indicators().items() if indicator.enabled]
    return [] if code_lists.pattern(attribute.code_list) else list(code_lists.items(attribute.code_list))
