"""What really happened: one service event and its evaluation, in national terms, as records.md has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from sandbox.checkdigit import person_number
from sandbox.generator.indicators import BY_LEVEL

DEPARTMENTS = {"115113016823646795": "区行政审批局", "11440232MB2D06811W": "区人社局"}
COUNTY, CITY, TOWN = "511602000000", "511600000000", "511602001000"
RETIRED = "330103000000"  # 下城区, ended 2021
BASE = datetime(2026, 11, 1, 8, 0, 0)  # noqa: DTZ001 - Shanghai, as the wire writes it
NAMES = ("张三", "李小四", "欧阳修", "Smith John", "阿依古丽·买买提")


class TrapItem(NamedTuple):
    """An item as published, and what it is in national terms."""

    published: str
    task_code: str
    name: str
    type: str
    department: str
    local_only: bool = False


def _item(number: int, published: str, kind: str, department: str, *, local_only: bool = False) -> TrapItem:
    code = f"{department}451{kind}{number:08}"
    return TrapItem(published or code, code, f"事项{number}", kind, department, local_only)


FIRST, SECOND = DEPARTMENTS
ITEMS = (
    _item(1, "", "01", FIRST),
    _item(2, "511A0000002-511602000000-000-115113016823646795-1-00", "05", FIRST),
    _item(3, "0123456789ABCDEF0123456789ABCDEF", "07", SECOND),
    _item(4, "LOCAL-4", "20", SECOND, local_only=True),
    _item(5, "ITEM-5", "99", FIRST),
    _item(6, "", "10", SECOND),
)


@dataclass
class Truth:
    """``service`` and ``evaluation`` in canonical names; ``warnings`` that its dialect earns; ``errors`` planted."""

    service: dict[str, Any]
    evaluation: dict[str, Any] | None
    item: TrapItem
    warnings: list[str] = field(default_factory=list)
    errors: set[tuple[str, str]] = field(default_factory=set)
    state: str = "stored"  # stored | quarantined | duplicate
    corrects: bool = False

    @property
    def opinion(self) -> dict[str, Any]:
        """The evaluation of a record that has one."""
        if self.evaluation is None:
            raise ValueError("not evaluated")
        return self.evaluation

    @property
    def key(self) -> str:
        return f"{self.service['project_no']}#{self.service['service_number']}"


def moment(at: datetime) -> str:
    """In wire form; a second later where it would be midnight, which a spreadsheet can't tell from the day."""
    if (at.hour, at.minute, at.second) == (0, 0, 0):
        at += timedelta(seconds=1)
    return at.strftime("%Y-%m-%d %H:%M:%S")


def person(draw: Random) -> str:
    """The number of a test person, born before 1910."""
    return person_number(
        f"511602{draw.randint(1880, 1909)}{draw.randint(1, 12):02}{draw.randint(1, 28):02}{draw.randint(0, 999):03}"
    )


def draw_truth(draw: Random, prefix: str, number: int) -> Truth:
    """The truth number ``number`` of a source: a case of some status, an evaluation of some level, or none."""
    item = draw.choice(ITEMS)
    applied = BASE + timedelta(minutes=draw.randint(0, 20_000), seconds=draw.randint(0, 59))
    accepted = applied + timedelta(minutes=draw.randint(1, 60))
    finished = accepted + timedelta(minutes=draw.randint(1, 600))
    served = finished + timedelta(minutes=draw.randint(0, 30))
    status = draw.choice("123")
    prop = draw.choice("1112349")
    mature = prop != "1"
    service: dict[str, Any] = {
        "area_code": draw.choice((COUNTY, COUNTY, CITY, TOWN)),
        "dept_code": item.department,
        "org_code": item.department,
        "org_name": DEPARTMENTS[item.department],
        "task_code": item.task_code,
        "task_name": item.name,
        "task_type": item.type,
        "project_no": f"{prefix}-{number:06}",
        "project_name": draw.choice((None, f"关于{item.name}的申请")),
        "project_status": status,
        "project_type": draw.choice("12"),
        "project_channel": draw.choice("12"),
        "user_prop": prop,
        "user_name": draw.choice(NAMES),
        "user_page_type": "001" if mature else draw.choice(("111", "414")),
        "mobile": f"13{draw.randint(0, 10**9 - 1):09}",
        "service_name": draw.choice(("咨询", "申报", "补正", "缴费", "签收", "办结", "窗口答疑")),
        "service_number": str(draw.randint(1, 12)),
        "service_time": moment(served),
        "apply_date": moment(applied),
        "accept_date": moment(accepted) if status in "23" else None,
        "result_date": moment(finished) if status == "3" else None,
    }
    service["cert_key_gov"] = _certificate(draw, service["user_page_type"])
    service["data_source"] = "151"
    evaluation = _opinion(draw, served + timedelta(seconds=draw.randint(0, 90_000))) if draw.random() < 0.9 else None
    truth = Truth({name: value for name, value in service.items() if value is not None}, evaluation, item)
    if evaluation is not None:
        evaluation |= {"project_no": service["project_no"], "service_number": service["service_number"]}
    return truth


def _certificate(draw: Random, kind: str) -> str:
    if kind == "111":
        return person(draw)
    return draw.choice(tuple(DEPARTMENTS)) if kind == "001" else f"G{draw.randint(0, 10**8 - 1):08}"


def _opinion(draw: Random, at: datetime) -> dict[str, Any]:
    level = draw.randint(1, 5)
    ticked = sorted(draw.sample(BY_LEVEL[level], draw.randint(0, 3)))
    said = draw.choice((None, "办得\u3000快，好", "一般", "等候时间太长；窗口没人"))
    if level < 3 and not ticked:
        said = said or "差"
    opinion: dict[str, Any] = {
        "assess_number": draw.choice("112"),
        "satisfaction": str(level),
        "channel": draw.choice("37"),
        "indicators": ticked or None,
        "writing_evaluation": said,
        "assess_time": moment(at),
        "is_default": "0",
        "origin": "active",
        "operation": "I",
    }
    return {name: value for name, value in opinion.items() if value is not None}
