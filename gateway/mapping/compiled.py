"""A compiled mapping (字段映射): bytes to source records, a source record to canonical records or all of its problems.

Two ways lead to the same outcome. The general one, here, converts attribute by attribute and applies every rule. The
quick one (:mod:`gateway.mapping.quick`) knows records without a fault, and leaves everything else to the general one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import orjson

from gateway.mapping import rules
from gateway.mapping.conversion import UNKNOWN, Conversion, Keys
from gateway.mapping.decode import decode
from gateway.mapping.entry import Entries, Entry, prepare
from gateway.mapping.masters import Masters
from gateway.mapping.outcome import CanonicalRecord, Case, Outcome, Problem
from gateway.mapping.paths import holds
from gateway.mapping.plan import Field, compile_plan, key_fields
from gateway.mapping.quick import GoOn, Quick, compile_quick
from gateway.mapping.revision import Revise, revision_reader
from gateway.mapping.round import moment_key
from gateway.mapping.scope import Scope
from gateway.mapping.times import at, to_wire
from gateway.mapping.trace import Step, trace
from schemas.attributes import PERSONAL, Kind
from schemas.resource import data_version
from schemas.source import SourceFile

CLOCK_SKEW = timedelta(minutes=5)
LONGEST_KEY = 120
MAPPING_BUG = "bug.mapping"


def compile_mapping(source: SourceFile, masters: Masters, writes: bool = True) -> Mapping:
    """The mapping of ``source``, compiled once; Misconfigured('mapping.…', file, line, key, expected).

    Without ``writes`` the quick way's entries hold their values instead of texts, and no digest: it maps and checks,
    and leaves out what belongs to storing (for benchmarks).
    """
    return Mapping(source, masters, writes)


class Mapping:
    """One source's mapping. ``version`` changes with its YAML, the masters, the code tables and the national lists."""

    def __init__(self, source: SourceFile, masters: Masters, writes: bool = True) -> None:
        plan = compile_plan(source, masters)
        written = orjson.dumps(source.mapping, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
        seed = b"|".join((written, masters.version.encode(), data_version().encode()))
        self.version = hashlib.sha256(seed).hexdigest()[:32]
        self._read = plan.spec.read
        self._plan = plan
        self._masters = masters
        self._regions = masters.regions
        self.joins = not plan.service  # its evaluations come alone, and are joined to their cases in the ledger
        self.revision: Revise | None = revision_reader(plan.spec.revision) if plan.spec.revision is not None else None
        self.orders = any(field.spec.order is not None for field in plan.evaluation)  # its rounds follow from others
        self._corrects = holds(plan.spec.correction) if plan.spec.correction is not None else None
        self._paths: dict[Kind, dict[str, str]] = {
            "service": {field.attribute.name: field.path for field in plan.service},
            "evaluation": {field.attribute.name: field.path for field in plan.evaluation},
        }
        kinds: dict[Kind, list[Field]] = {"service": plan.service, "evaluation": plan.evaluation}
        self._whole = {kind: Conversion(kind, fields, plan.severities) for kind, fields in kinds.items()}
        self._key = {kind: Conversion(kind, key_fields(fields), plan.severities) for kind, fields in kinds.items()}
        self._required: dict[Kind, frozenset[str]] = {
            "service": frozenset(field.name for field in plan.service if field.attribute.need == "R"),
            "evaluation": frozenset(field.name for field in plan.evaluation if field.attribute.need == "R"),
        }
        go_on = GoOn(self._anew, self._from_service, self._from_evaluation)
        self._quick: Quick | None = compile_quick(plan, self._paths, masters.regions, go_on, writes)
        self._received: datetime | None = None
        self._latest = ""

    @property
    def is_quick(self) -> bool:
        """Does the mapping's form allow the quick way? If not, it works all the same, at a fifth of the speed."""
        return self._quick is not None

    def decode(self, body: bytes, media_type: str) -> list[Any]:
        """The source records of a page; Rejected('page.undecodable', reason) when it can't be read."""
        return decode(body, media_type, self._read)

    def apply(self, item: Any, received_at: datetime) -> Outcome:
        """What ``item``, received at ``received_at`` (aware, or UTC without zone), says. Never raises for data."""
        return self.examine(item, self._latest if received_at is self._received else self._latest_at(received_at))

    def page(self, items: list[Any], received_at: datetime) -> list[Entries]:
        """What :meth:`apply` says of each of ``items``, ready for the ledger. Never raises for data: a crash on one
        record is that record's problem (``bug.mapping``) and stops no other.

        In the place of a record that became entries there may be None afterwards: a page of records is large.
        """
        latest = self._latest_at(received_at)
        return [self._anew(item, latest) for item in items] if self._quick is None else self._quick(items, latest)

    def _latest_at(self, received_at: datetime) -> str:
        self._received, self._latest = received_at, to_wire(received_at + CLOCK_SKEW)
        return self._latest

    def examine(self, item: Any, latest: str) -> Outcome:
        """The general way. ``latest``: no event may lie after it (receipt and five minutes), in wire form."""
        if not isinstance(item, dict):
            return Outcome([], [Problem("field.type", "E", "record", "", None, "an object")])
        if self.joins:
            return self._examine_alone(item, latest)
        service = self._whole["service"].of(item)
        self._judge(service, latest)
        return self._outcome(item, service, latest)

    def _anew(self, item: Any, latest: str) -> Entries:
        """By the general way. Also what the ledger can't hold is a crash (see :func:`gateway.mapping.entry.prepare`),
        told by its type, since its text may hold values.
        """
        try:
            return _entries(self.examine(item, latest))
        except Exception as crash:
            return Entries((), [Problem(MAPPING_BUG, "E", "", "", None, type(crash).__name__)], False, False)

    def _judge(self, service: Scope, latest: str) -> None:
        self._complete(service, "service", self._plan.optional)
        rules.check_task(service, self._paths["service"])
        rules.check_area(service, self._paths["service"])
        rules.check_terms(service, self._paths["service"])
        rules.check_codes(service, self._paths["service"])
        rules.check_service(service, self._paths["service"], self._regions, latest)

    def _outcome(self, item: dict[str, Any], service: Scope, latest: str) -> Outcome:
        """What ``item`` becomes, whose ``service`` has been judged."""
        evaluation = self._evaluation(item, service, latest) if self._plan.evaluation else None
        problems = service.problems + (evaluation.problems if evaluation is not None else [])
        corrects = self._corrects is not None and self._corrects(item)
        unrated = evaluation is not None and "satisfaction" not in evaluation.values
        if any(problem.severity == "E" for problem in problems):
            return Outcome([], problems, corrects, False)
        records = [_service_record(service.values)]
        if evaluation is not None and not unrated:
            records.append(_evaluation_record(evaluation.values, service.values))
        return Outcome(records, problems, corrects, unrated)

    def _from_service(
        self, item: dict[str, Any], latest: str, accepted: ReadOnly[str, Any], keys: Keys
    ) -> Entries | tuple[Sequence[Problem], str]:
        """Of a service that the quick way leaves, with the attributes that it has ``accepted`` and its ``keys``: what
        is wrong and the service's time, empty for none; or all that the record becomes, where nothing is.
        """
        service = self._whole["service"].of(item, accepted, keys)
        self._judge(service, latest)
        if service.refused:
            return tuple(service.problems), service.values.get("service_time", "")
        return _entries(self._outcome(item, service, latest))

    def _from_evaluation(
        self, item: dict[str, Any], latest: str, problems: Sequence[Problem], service_time: str, keys: Keys
    ) -> Entries:
        """What the quick way leaves while it looks at an evaluation, with its ``keys``; ``problems`` and time are its
        service's.
        """
        service = Scope(self._plan.severities)
        if service_time:
            service.values["service_time"] = service_time
        found = [*problems, *self._evaluation(item, service, latest, keys).problems]
        if not any(problem.severity == "E" for problem in found):
            return _entries(self.examine(item, latest))
        return Entries((), found, self._corrects is not None and self._corrects(item), False)

    def join(self, evaluation: Entry, case: Case) -> tuple[Entry, list[Problem]]:
        """An evaluation that came alone, with its case; and what only both together can show (rule 3)."""
        scope = Scope(self._plan.severities).of("assess_time", self._paths["evaluation"].get("assess_time", ""))
        assessed = to_wire(evaluation.event_at)
        if assessed < case.service_time:
            scope.report("time.before_service", assessed, case.service_time)
        place = {"area_code": case.area_code, "dept_code": case.dept_code, "task_code": case.task_code}
        joined = msgspec.structs.replace(evaluation, **place)
        return joined, scope.problems

    def key_of(self, item: Any) -> str | None:
        """The key of the record that a refused ``item`` would have become; none where it can't be read. Never raises.

        With a rating, readable or not, it is the evaluation's key; without one the service's. An evaluation that has no
        round yet is named by its time.
        """
        try:
            service = self._key["service"].of(item)
            evaluation = self._key["evaluation"].of(item)
            values = {**service.values, **evaluation.values}
            key = f"{values['project_no']}#{values['service_number']}"
            if "satisfaction" in evaluation.values or "satisfaction" in evaluation.failed:
                key = moment_key(key, values["assess_time"]) if self.orders else f"{key}#{values['assess_number']}"
        except Exception:
            return None
        return key if len(key) <= LONGEST_KEY else None

    def trace(self, item: Any) -> list[Step]:
        """Which rule of the mapping gave which value: every attribute of ``item``, personal data included."""
        return trace(self._plan, self._masters, item)

    def _examine_alone(self, item: dict[str, Any], latest: str) -> Outcome:
        """An evaluation without its service record; what concerns both is judged when it is joined to its case."""
        evaluation = self._whole["evaluation"].of(item)
        if "satisfaction" not in evaluation.values and "satisfaction" not in evaluation.failed:
            # There is no service that could be kept: the record says nothing, and its owner should know.
            return Outcome([], [problem._replace(severity="E") for problem in evaluation.problems])
        self._complete(evaluation, "evaluation", frozenset())
        rules.check_evaluation(evaluation, self._paths["evaluation"], None, latest)
        corrects = self._corrects is not None and self._corrects(item)
        if evaluation.refused:
            return Outcome([], evaluation.problems, corrects, False)
        return Outcome([_evaluation_record(evaluation.values, {})], evaluation.problems, corrects, False)

    def _evaluation(self, item: dict[str, Any], service: Scope, latest: str, keys: Keys = UNKNOWN) -> Scope:
        """The evaluation; without ``satisfaction`` among its values when there is none (rule 6)."""
        evaluation = self._whole["evaluation"].of(item, keys=keys)
        if "satisfaction" not in evaluation.values and "satisfaction" not in evaluation.failed:
            return evaluation
        for name in ("project_no", "service_number"):
            if name in service.values:
                evaluation.values.setdefault(name, service.values[name])
            elif name not in evaluation.values:
                evaluation.failed.add(name)
        self._complete(evaluation, "evaluation", frozenset())
        service_time = service.values.get("service_time")
        rules.check_evaluation(evaluation, self._paths["evaluation"], service_time, latest)
        return evaluation

    def _complete(self, scope: Scope, kind: Kind, optional: frozenset[str]) -> None:
        required = self._required[kind]
        if scope.values.keys() >= required:
            return
        missing = required - scope.values.keys() - scope.failed - optional
        for field in self._plan.service if kind == "service" else self._plan.evaluation:
            if field.name in missing:
                scope.of(field.name, field.path).report("field.required")


def _entries(outcome: Outcome) -> Entries:
    return Entries(list(map(prepare, outcome.records)), outcome.problems, outcome.corrects, outcome.unrated)


def split(kind: Kind, values: ReadOnly[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Content and personal data of a record."""
    hidden = PERSONAL[kind]
    content = {name: value for name, value in values.items() if name not in hidden}
    return content, {name: value for name, value in values.items() if name in hidden}


def _service_record(values: dict[str, Any]) -> CanonicalRecord:
    content, personal = split("service", values)
    return CanonicalRecord(
        "service",
        f"{values['project_no']}#{values['service_number']}",
        None,
        content,
        personal,
        at(values["service_time"]),
        values.get("area_code"),
        values.get("dept_code"),
        values.get("task_code"),
        None,
        None,
        None,
    )


def _evaluation_record(values: dict[str, Any], service: dict[str, Any]) -> CanonicalRecord:
    content, personal = split("evaluation", values)
    parent = f"{values['project_no']}#{values['service_number']}"
    return CanonicalRecord(
        "evaluation",
        f"{parent}#{values['assess_number']}",
        parent,
        content,
        personal,
        at(values["assess_time"]),
        service.get("area_code"),
        service.get("dept_code"),
        service.get("task_code"),
        int(values["satisfaction"]),
        values["channel"],
        values["origin"],
    )
