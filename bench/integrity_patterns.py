"""Patterns for the integrity bench, each at a known share of a ledger: in one department, or thinly everywhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bench.integrity_set import DAYS, START, Habits, Record, Set, Town, version
from gateway.domain.integrity import SourceFigure


def plant(town: Town, made: Set, size: int) -> None:
    """Every pattern once at 1 % of ``size``, in a department of its own that has a tenth of honest records too."""
    count = size // 100
    for detector, (source, change) in PATTERNS.items():
        dept = f"99{detector[:16]:_<16}"
        town.habits[source, dept] = Habits(0.022, 0.67, 0.4)
        made.records += [town.record(source, dept) for _ in range(count // 10)]
        for index in range(count):
            record = town.record(source, dept)
            change(town, record, index)
            made.records.append(record)
        made.planted[detector] = {(source, dept)}
    _plant_no_negative(town, made, count)
    _plant_versions(town, made, count)
    _plant_figures(town, made, count)
    for detector in (*PATTERNS, "time_shift"):
        made.implied[detector] = {(source, None) for source, _ in made.planted[detector]}
    positive_only = ("missing_negative", "delayed_default", "constant_detail")
    made.implied["no_negative"] = set[tuple[str, str | None]]().union(*(made.planted[name] for name in positive_only))


def spread(town: Town, made: Set, size: int) -> None:
    """Every pattern at 1 % of ``size``, thinly over all departments of its source: the harder case."""
    for detector, (source, change) in PATTERNS.items():
        for index in range(size // 100):
            record = town.record(source, _somewhere(town))
            change(town, record, index)
            made.records.append(record)
        made.planted[detector] = {(source, dept) for dept in town.departments} | {(source, None)}
    for _ in range(size // 100):
        made.records += _shifted(town, _somewhere(town))
        made.records += _risen(town, _somewhere(town))
    for detector in ("time_shift", "missing_negative"):
        made.planted[detector] = {("portal_x", dept) for dept in (*town.departments, None)}


def _somewhere(town: Town) -> str:
    return town.draw.choices(town.departments, [*town.weights.values()])[0]


def _constant_detail(town: Town, record: Record, index: int) -> None:
    record.satisfaction, record.indicators, record.text, record.channel = 5, [*town.program.indicators], "", "4"


def _fixed_lag(town: Town, record: Record, index: int) -> None:
    record.assess = record.service + timedelta(seconds=town.program.lag)


def _delayed_default(town: Town, record: Record, index: int) -> None:
    if record.satisfaction != 5:
        record.satisfaction, record.indicators = 5, [town.draw.choice(("510", "511", "512", "513"))]
    delay = timedelta(days=town.program.days, seconds=town.draw.randint(-1800, 1800))
    record.assess = (record.result or record.service) + delay


def _scheduled_burst(town: Town, record: Record, index: int) -> None:
    day = START + timedelta(days=index // 25 % DAYS)
    record.assess = datetime.combine(day, datetime.min.time()) + timedelta(seconds=town.program.second)
    record.service = record.assess - timedelta(seconds=town.draw.randint(60, 30_000))
    record.result = None


def _stock_text(town: Town, record: Record, index: int) -> None:
    record.satisfaction, record.indicators, record.text = 2, ["210"], "经核实为误点，本人实际满意"


def _before_service(town: Town, record: Record, index: int) -> None:
    record.assess = record.service - timedelta(seconds=town.draw.randint(5, 5000))


def _channel_implausible(town: Town, record: Record, index: int) -> None:
    record.channel = "1"


def _unmarked_default(town: Town, record: Record, index: int) -> None:
    record.login, record.channel = False, "2"


def _repeat_evaluator(town: Town, record: Record, index: int) -> None:
    record.mark = "R00000000000000001"
    day = START + timedelta(days=index // town.program.per_day % DAYS)
    record.assess = datetime.combine(day, record.assess.time())
    record.service = record.assess - timedelta(seconds=town.draw.randint(60, 30_000))
    record.result = None


def _device_clock(town: Town, record: Record, index: int) -> None:
    """A device that takes its local clock for UTC: eight hours behind."""
    hours = timedelta(hours=8)
    record.assess, record.service, record.result = record.assess - hours, record.service - hours, None


Pattern = Callable[[Town, Record, int], None]
PATTERNS: dict[str, tuple[str, Pattern]] = {
    "constant_detail": ("kiosk_x", _constant_detail),
    "fixed_lag": ("app_x", _fixed_lag),
    "delayed_default": ("portal_x", _delayed_default),
    "scheduled_burst": ("kiosk_x", _scheduled_burst),
    "stock_text": ("portal_x", _stock_text),
    "before_service": ("kiosk_x", _before_service),
    "channel_implausible": ("kiosk_x", _channel_implausible),
    "unmarked_default": ("app_x", _unmarked_default),
    "repeat_evaluator": ("portal_x", _repeat_evaluator),
    "device_clock": ("kiosk_x", _device_clock),
}


def _plant_no_negative(town: Town, made: Set, count: int) -> None:
    source, dept = "app_x", "99no_negative_____"
    town.habits[source, dept] = Habits(0, 0.67, 0.4)
    made.records += [town.record(source, dept) for _ in range(count)]
    made.planted["no_negative"] = {(source, dept)}


def _plant_versions(town: Town, made: Set, count: int) -> None:
    shifted, risen = "99time_shift______", "99missing_negative"
    for dept in (shifted, risen):
        town.habits["portal_x", dept] = Habits(0.022, 0.67, 0.4)
    for _ in range(count):
        made.records += _shifted(town, shifted)
        made.records += _risen(town, risen)
    made.planted["time_shift"] = {("portal_x", shifted)}
    made.planted["missing_negative"] = {("portal_x", risen)}
    made.lost = {place for place in made.again if place[0] == "hotline_x"} | {("hotline_x", 1)}
    made.again |= made.lost


def _shifted(town: Town, dept: str) -> list[Record]:
    record = town.record("portal_x", dept)
    return [record, version(record, assess=record.assess + timedelta(hours=8))]


def _risen(town: Town, dept: str) -> list[Record]:
    record = town.record("portal_x", dept, satisfaction=1)
    return [record, version(record, satisfaction=4)]


def _plant_figures(town: Town, made: Set, count: int) -> None:
    """Published figures of three departments, each wrong in its own way; weeks of five days for the constant rate."""
    for detector in ("unrated_as_good", "figure_mismatch", "constant_rate"):
        dept = f"99{detector[:16]:_<16}"
        town.habits["kiosk_x", dept] = Habits(0.03, 0.67, 0.4)
        own = [town.record("kiosk_x", dept) for _ in range(count)]
        made.records += own
        made.planted[detector] = {("kiosk_x", dept)}
        last = START + timedelta(days=DAYS - 1)
        inside = [one for one in own if START <= one.assess.date() <= last]
        good = sum(one.satisfaction >= 3 for one in inside)
        if detector == "unrated_as_good":
            made.unrated += [("kiosk_x", dept)] * (count // 10)
            extra = count // 10
            made.figures.append(SourceFigure("kiosk_x", dept, START, last, good + extra, len(inside) + extra, None))
        elif detector == "figure_mismatch":
            made.figures.append(SourceFigure("kiosk_x", dept, START, last, good + count // 100, len(inside), None))
        else:
            for week in range(6):
                first = START + timedelta(days=5 * week)
                told = [one for one in own if first <= one.assess.date() < first + timedelta(days=5)]
                if all(one.satisfaction > 2 for one in told):
                    told[0].satisfaction, told[0].indicators = 2, ["210"]
                made.figures.append(
                    SourceFigure("kiosk_x", dept, first, first + timedelta(days=4), len(told), len(told), None)
                )
    made.planted["figure_mismatch"] |= made.planted["unrated_as_good"] | made.planted["constant_rate"]
