"""How a mapping came to each value of one source record: for people who ask why a value is what it is.

The same conversions run as in normalising, one attribute after the other, and what went in and came out is noted.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gateway.domain import mask
from gateway.mapping.masters import Masters
from gateway.mapping.outcome import Problem
from gateway.mapping.plan import Field, Plan, convert_field
from gateway.mapping.scope import Scope
from gateway.mapping.spec import FieldSpec
from gateway.mapping.text import NotAScalarError, tidy, whole
from schemas.attributes import ATTRIBUTES, Kind

INHERITED = ("project_no", "service_number")


class Step(NamedTuple):
    """One attribute's way. ``raw`` and ``value`` may be personal data: :func:`masked` before showing them."""

    kind: Kind
    field: str
    title: str  # the attribute's Chinese name
    source_path: str
    raw: Any
    rules: tuple[str, ...]  # as the source file writes them, with the entry that was taken
    value: str | list[str] | None
    problems: tuple[Problem, ...] = ()


def trace(plan: Plan, masters: Masters, item: Any) -> list[Step]:
    """Every mapped attribute of ``item``, service first; what is not an object has none."""
    if not isinstance(item, dict):
        return []
    service = _steps("service", plan.service, plan, masters, item)
    rated = next((step for step in _steps("evaluation", plan.evaluation[:1], plan, masters, item)), None)
    if rated is None or rated.value is None:
        return [*service, *([rated] if rated else [])]
    return [*service, *_inherited(service, plan), *_steps("evaluation", plan.evaluation, plan, masters, item)]


def masked(step: Step) -> Step:
    """The step as it may be shown: personal data in raw value, result and problems masked."""
    value = step.value
    shown: str | list[str] | None
    shown = [mask.field(step.field, each) for each in value] if isinstance(value, list) else _masked(step.field, value)
    problems = tuple(problem._replace(value=_masked(step.field, problem.value)) for problem in step.problems)
    return step._replace(raw=_masked_raw(step.field, step.raw), value=shown, problems=problems)


def _steps(kind: Kind, fields: list[Field], plan: Plan, masters: Masters, item: dict[str, Any]) -> list[Step]:
    scope = Scope(plan.severities)
    steps = []
    for field in fields:
        known = len(scope.problems)
        raw = _raw(field, item, scope)
        convert_field(field, item, scope)
        name = field.attribute.name
        value = scope.values.get(name)
        told = tuple(scope.problems[known:])
        rules = _rules(field.spec, masters, raw)
        came = whole(raw) if isinstance(raw, str) else raw
        steps.append(Step(kind, name, field.attribute.title, field.path, came, rules, value, told))
    return steps


def _inherited(service: list[Step], plan: Plan) -> list[Step]:
    """The case's number and the service's, which an evaluation takes from its service record."""
    own = {field.attribute.name for field in plan.evaluation}
    return [
        step._replace(kind="evaluation", rules=(f"service.{step.field}",), problems=())
        for step in service
        if step.field in INHERITED and step.field not in own
    ]


def _raw(field: Field, item: dict[str, Any], scope: Scope) -> Any:
    spec = field.spec
    if spec.item == "handle_item":
        return scope.handle_item
    if spec.item is not None:
        return getattr(scope.item, spec.item, None)
    return scope.values.get(spec.same) if spec.same is not None else field.read(item)


def _rules(spec: FieldSpec, masters: Masters, raw: Any) -> tuple[str, ...]:
    """The keys of the source file that had a say, in the order in which they act."""
    try:
        written = tidy(raw)
    except NotAScalarError:
        written = None
    rules = []
    if spec.value is not None:
        rules.append(f"value: {spec.value}")
    if spec.same is not None:
        rules.append(f"same: {spec.same}")
    if spec.order is not None:
        rules.append(f"order: {spec.order}")
    if spec.item is not None:
        rules.append(f"item: {spec.item}")
    if spec.when is not None:
        rules.append(f"when: {spec.when.path}")
    if spec.default is not None and written is None:
        rules.append(f"default: {spec.default}")
        written = spec.default
    if spec.as_ is not None:
        rules.append(f"as: {spec.as_}")
    rules += [f"transform: {name}" for name in spec.transform]
    if spec.times is not None:
        rules.append("times: " + ", ".join(spec.times))
    if spec.scale is not None:
        rules.append(f"scale: {spec.scale}")
    if written is not None and written in spec.unrated:
        rules.append(f"unrated: {written}")
    shared = {} if spec.table is None else masters.tables[spec.table].map
    for name, table in (("map", spec.map or {}), (f"table {spec.table}", shared)):
        key = written if written in table else "*"
        if key in table:
            rules.append(f"{name}: {key} → {table[key] or '–'}")
            break
    else:
        rules += [f"table {spec.table}"] * (spec.table is not None) + ["map"] * (spec.map is not None)
    if spec.separator is not None:
        rules.append(f"separator: {spec.separator}")
    if spec.by == "name":
        rules.append("by: name")
    return tuple(rules)


def _masked(field: str, value: str | None) -> str | None:
    return None if value is None else mask.field(field, value)


def _masked_raw(field: str, raw: Any) -> Any:
    """A list of plain values each by itself; of anything deeper only that it is there."""
    if isinstance(raw, list | tuple) and not any(isinstance(each, list | tuple | dict) for each in raw):
        return [_masked_raw(field, each) for each in raw]
    if isinstance(raw, list | tuple | dict):
        return f"<{type(raw).__name__}>"
    return raw if raw is None or isinstance(raw, bool) else mask.field(field, str(raw))


def title(kind: Kind, field: str) -> str:
    """The attribute's Chinese name; the identifier of one that is not in the data file."""
    attribute = ATTRIBUTES[kind].get(field)
    return field if attribute is None else attribute.title
