"""What a record's attributes demand of each other (records.md 1-3 and 5): conditional requirements as data, and rules.

Mapping judges the same while it converts, where it knows raw values and paths; here stands what holds of any canonical
record, whoever wrote it. Values are in wire form, so that times compare as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final, NamedTuple

from schemas.attributes import Kind

Record = Mapping[str, Any]


class Condition(NamedTuple):
    """``need``: all of them, or at least one (``either``), where ``field`` has one of ``values``; no field: always."""

    code: str  # problem code of records.md 7
    need: tuple[str, ...]
    either: bool = False
    field: str = ""
    values: tuple[str, ...] = ()


class Conflict(NamedTuple):
    """An attribute that doesn't go with the others, without its value."""

    code: str
    field: str


AGENT: Final = ("handle_user_name", "handle_user_page_type", "handle_user_page_code")
TERMS: Final = (("promise_day", "promise_type"), ("anticipate_day", "anticipate_type"))
CASE_TIMES: Final = ("apply_date", "accept_date", "result_date")
CLOSED: Final = "90"  # work_order_status
NEGATIVE: Final = ("1", "2")
DATED: Final = (  # project_status: 2 accepted, 3 finished
    Condition("status.date_missing", ("accept_date",), field="project_status", values=("2", "3")),
    Condition("status.date_missing", ("result_date",), field="project_status", values=("3",)),
)
CONDITIONS: Final[dict[Kind, tuple[Condition, ...]]] = {
    "service": (*DATED, Condition("identity.missing", ("cert_key_gov", "cert_key"), either=True)),
    "evaluation": (
        Condition(
            "evaluation.negative_without_detail",
            ("indicators", "writing_evaluation"),
            either=True,
            field="satisfaction",
            values=NEGATIVE,
        ),
    ),
    "rectification": (
        Condition(
            "rectification.close_incomplete",
            ("rectification", "feedback_time", "feedback_channel", "verify_result"),
            field="status",
            values=(CLOSED,),
        ),
    ),
}
TOGETHER: Final[dict[Kind, tuple[tuple[str, tuple[str, ...]], ...]]] = {  # all of a group, or none
    "service": (("agent.incomplete", AGENT), *(("field.required", pair) for pair in TERMS)),
    "evaluation": (("agent.incomplete", AGENT),),
    "rectification": (),
}


def conflicts(kind: Kind, record: Record) -> list[Conflict]:
    """Every way in which the attributes of ``record`` contradict each other; each by itself is another matter."""
    return [*_unmet(kind, record), *_partly(kind, record), *_of_service(record), *_of_evaluation(record)]


def _unmet(kind: Kind, record: Record) -> Iterator[Conflict]:
    for condition in CONDITIONS[kind]:
        if condition.field and record.get(condition.field) not in condition.values:
            continue
        lacking = [name for name in condition.need if not record.get(name)]
        if condition.either:
            lacking = lacking[:1] if len(lacking) == len(condition.need) else []
        yield from (Conflict(condition.code, name) for name in lacking)


def _partly(kind: Kind, record: Record) -> Iterator[Conflict]:
    for code, group in TOGETHER[kind]:
        lacking = [name for name in group if not record.get(name)]
        if len(lacking) < len(group):
            yield from (Conflict(code, name) for name in lacking)


def _of_service(record: Record) -> Iterator[Conflict]:
    """What only a service has: of the others nothing is found."""
    task, item = record.get("task_code"), record.get("task_handle_item")
    if task and item and not item.startswith(task):
        yield Conflict("item.handle_prefix", "task_handle_item")
    known = [(name, record[name]) for name in CASE_TIMES if record.get(name)]
    for (_, earlier), (name, later) in pairwise(known):
        if later < earlier:
            yield Conflict("time.order", name)


def _of_evaluation(record: Record) -> Iterator[Conflict]:
    """What only an evaluation has."""
    flag, origin = record.get("is_default"), record.get("origin")
    if flag and origin and (flag == "1") != (origin == "default"):
        yield Conflict("evaluation.default_origin_conflict", "is_default")
    ticked = record.get("indicators") or []
    if any(code[:1] != record.get("satisfaction") for code in ticked):
        yield Conflict("indicator.level_mismatch", "indicators")
    if list(ticked) != sorted(set(ticked)):
        yield Conflict("indicator.repeated", "indicators")
