"""Synthetic ledgers for the integrity bench: what honest departments look like.

Honest here means: levels mostly 5 and 4 with departments that differ, two ratings in five without any detail, the first
indicators of a list ticked most and by some all at once, varied texts with some common phrases, log-normal lags, people
who come back another day and some of them at the same hour, queues when the doors open, halls that are open at night,
four sources, eighty departments of very different size, agents who rate often, marked corrections, overlapping and
repeated pulls, defaults, published figures that are right. All of it is invented.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from gateway.domain.integrity import SourceFigure

START = date(2026, 11, 2)  # a Monday
DAYS = 30
DEPARTMENTS = 80
SOURCES = {"portal_x": 0.30, "app_x": 0.28, "kiosk_x": 0.30, "hotline_x": 0.12}
CHANNELS = {"portal_x": ("1",), "app_x": ("2", "2", "3"), "kiosk_x": ("4", "4", "5"), "hotline_x": ("6",)}
LAGS = {"portal_x": (1200, 1.5), "app_x": (600, 1.6), "kiosk_x": (45, 0.6), "hotline_x": (100_000, 0.7)}
NEXT_DAYS = {"portal_x": 0.25, "app_x": 0.2, "kiosk_x": 0.0, "hotline_x": 0.0}
PAGE = 500
CODES = (10, 11, 12, 13, 14, 15, 16, 17)  # of indicators, behind the level
POPULAR = (4, 3, 2, 1, 1, 1, 1, 1)
COMMON = [
    f"{what}{how}"
    for what in ("态度", "等候", "材料", "网站", "窗口")
    for how in ("差", "太久", "不清", "不行", "有问题", "难办", "推诿", "没人管")
]
WORDS = (
    "办事大厅窗口人员排队叫号系统材料要求跑了几趟电话无人接听网上申请"
    "退回说明不一致时间长业务熟练耐心解释清楚环境整洁停车方便"
)


@dataclass(slots=True)
class Record:
    """One evaluation with its service; moments local wall time."""

    source: str
    dept: str
    key: str
    satisfaction: int
    channel: str
    origin: str
    indicators: list[str]
    text: str
    assess: datetime
    service: datetime
    accept: datetime
    result: datetime | None
    create: datetime
    mark: str
    login: bool
    version_of: Record | None = None  # a marked correction of that record


@dataclass
class Set:
    """One synthetic ledger. ``planted``: detector to the (source, department) groups that show its pattern."""

    records: list[Record] = field(default_factory=list)
    unrated: list[tuple[str, str]] = field(default_factory=list)  # services without a rating
    again: set[tuple[str, int]] = field(default_factory=set)  # (source, page) that a later pull brought again
    overlap: set[tuple[str, int]] = field(default_factory=set)  # only its last fifth came again
    lost: set[tuple[str, int]] = field(default_factory=set)  # of `again`: without its negatives
    figures: list[SourceFigure] = field(default_factory=list)
    planted: dict[str, set[tuple[str, str | None]]] = field(default_factory=dict)
    implied: dict[str, set[tuple[str, str | None]]] = field(default_factory=dict)  # true too, but not asked for


class Program:
    """What the program that makes ratings up keeps to; one seed, one program."""

    def __init__(self, draw: random.Random) -> None:
        self.lag = draw.choice((60, 180, 300, 600, 1200))
        self.days = draw.randint(3, 10)
        self.second = draw.randrange(8 * 3600, 21 * 3600)
        self.indicators = [f"5{code}" for code in sorted(draw.sample(CODES, draw.randint(1, 3)))]
        self.per_day = draw.randint(25, 40)


@dataclass(frozen=True)
class Habits:
    """How one department is rated at one source."""

    negative: float
    very: float  # of the positive ones, level 5
    silent: float  # without indicators or text


class Town:
    """Draws records; one seed, one town."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.number = 0
        weights = [self.draw.lognormvariate(0, 1) for _ in range(DEPARTMENTS)]
        self.departments = [f"11{seed % 100:02}{index:014}" for index in range(DEPARTMENTS)]
        self.weights = dict(zip(self.departments, weights, strict=True))
        self.habits: dict[tuple[str, str], Habits] = {}
        self.agents = [f"AG{index:016}" for index in range(40)]
        self.program = Program(random.Random(seed * 7919))

    def habit(self, source: str, dept: str) -> Habits:
        if (source, dept) not in self.habits:
            draw = self.draw
            silent = draw.betavariate(5, 5) if source == "kiosk_x" else draw.betavariate(4, 6)
            negative = min(0.12, draw.lognormvariate(-3.9, 0.5))
            self.habits[source, dept] = Habits(negative, draw.betavariate(12, 6), silent)
        return self.habits[source, dept]

    def record(self, source: str, dept: str, **fixed: Any) -> Record:
        """One honest record; ``fixed`` attributes are as given."""
        draw, habits = self.draw, self.habit(source, dept)
        self.number += 1
        level = fixed.get("satisfaction") or self._level(habits)
        origin = "agent_recorded" if source == "hotline_x" else "active"
        service = self.moment(source)
        median, sigma = LAGS[source]
        assess = service + timedelta(seconds=round(median * draw.lognormvariate(0, sigma)))
        if draw.random() < NEXT_DAYS[source]:
            again = service + timedelta(days=draw.choice((1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 9)))
            same_hour = draw.random() < 0.15
            assess = again + timedelta(minutes=round(draw.gauss(0, 80))) if same_hour else self._awake(again)
        elif source == "hotline_x":
            assess = self._awake(max(assess, service + timedelta(days=1)))
        if source == "portal_x" and draw.random() < 0.06:
            origin, level, assess = "default", 5, service + timedelta(days=7)
        indicators, text = self._detail(level, habits)
        create = service - timedelta(seconds=round(draw.lognormvariate(11, 1)))
        made = Record(
            *(source, dept, f"B{self.number:09}#1#1", level, draw.choice(CHANNELS[source]), origin, indicators, text),
            *(assess, service, create + (service - create) / 3, service if draw.random() < 0.6 else None, create),
            *(self._mark(), source in ("portal_x", "app_x") and draw.random() < 0.995),
        )
        for name, value in fixed.items():
            setattr(made, name, value)
        return made

    def moment(self, source: str) -> datetime:
        """A service's time: offices on workdays, the web also otherwise."""
        draw = self.draw
        while True:
            day = START + timedelta(days=draw.randrange(DAYS))
            if day.weekday() < 5 or draw.random() < (0.4 if source in ("portal_x", "app_x") else 0.08):
                break
        hour = draw.triangular(7.5, 21.9, 12.5) if source == "app_x" else draw.choice((9.2, 10.3, 14.8, 15.9))
        seconds = round((hour + draw.uniform(-0.9, 0.9)) * 3600)
        if source == "kiosk_x" and draw.random() < 0.06:  # who waited for the doors to open
            seconds = 32_400 + round(draw.expovariate(1 / 900))
        elif source == "kiosk_x" and draw.random() < 0.012:  # a hall that is open at night
            seconds = 72_000 + round(draw.expovariate(1 / 7_200))
        return datetime.combine(day, datetime.min.time()) + timedelta(seconds=seconds)

    def _awake(self, moment: datetime) -> datetime:
        hour = self.draw.gauss(15, 4)
        while not 7 <= hour <= 22.5:
            hour = self.draw.gauss(15, 4)
        return datetime.combine(moment.date(), datetime.min.time()) + timedelta(seconds=round(hour * 3600))

    def _level(self, habits: Habits) -> int:
        draw = self.draw
        if draw.random() < habits.negative:
            return draw.choice((1, 2, 2))
        if draw.random() < habits.very:
            return 5
        return 4 if draw.random() < 0.85 else 3

    def _detail(self, level: int, habits: Habits) -> tuple[list[str], str]:
        draw = self.draw
        if level > 2 and draw.random() < habits.silent:
            return [], ""
        codes = self._ticked(level)
        if draw.random() > (0.7 if level <= 2 else 0.25):
            return codes, ""
        if draw.random() < 0.25:
            return codes, draw.choice(COMMON)
        return codes, "".join(draw.choice(WORDS) for _ in range(draw.randint(6, 40)))

    def _ticked(self, level: int) -> list[str]:
        """Some tick only the first, some the first three; the others here and there, those that stand first most."""
        draw, haste = self.draw, self.draw.random()
        if haste < 0.08:
            return [f"{level}{code}" for code in CODES[: 1 if haste < 0.05 else 3]]
        return sorted({f"{level}{code}" for code in draw.choices(CODES, POPULAR, k=draw.randint(1, 3))})

    def _mark(self) -> str:
        if self.draw.random() < 0.02:
            return self.draw.choices(self.agents, [1 / (1 + index) for index in range(40)])[0]
        return f"P{self.draw.randrange(60_000):017}"


def clean(seed: int, size: int) -> tuple[Town, Set]:
    """An honest ledger of ``size`` evaluations."""
    town, made = Town(seed), Set()
    draw = town.draw
    for source, share in SOURCES.items():
        wanted = draw.choices(town.departments, [*town.weights.values()], k=round(size * share))
        made.records += [town.record(source, dept) for dept in wanted]
    made.unrated = [("kiosk_x", draw.choice(town.departments)) for _ in range(size // 50)]
    for record in draw.sample(made.records, size // 300):
        made.records.append(corrected(town, record))
    for source, share in SOURCES.items():
        pages = range(round(size * share) // PAGE)
        made.again |= {(source, page) for page in pages if draw.random() < 0.05}
        made.overlap |= {(source, page) for page in pages if draw.random() < 0.1}
    return town, made


def corrected(town: Town, record: Record) -> Record:
    """An honest correction: its text or its level, which never rises from a negative one."""
    draw = town.draw
    level = record.satisfaction if record.satisfaction <= 2 else draw.choice((3, 4, 5, 5))
    shift = timedelta(seconds=draw.choice((0, 0, 0, draw.randint(1, 5000))))
    values = {name: getattr(record, name) for name in Record.__slots__}
    return Record(
        **values | {"satisfaction": level, "text": "更正说明", "assess": record.assess + shift, "version_of": record}
    )


def version(record: Record, **changed: Any) -> Record:
    return Record(**{name: getattr(record, name) for name in Record.__slots__} | changed | {"version_of": record})


def honest_figures(made: Set) -> None:
    """Each source's own figure for the month, right to the record."""
    newest = {record.key: record for record in made.records}
    last = START + timedelta(days=DAYS - 1)
    for source in SOURCES:
        own = [
            one
            for one in newest.values()
            if one.source == source and one.origin != "default" and START <= one.assess.date() <= last
        ]
        good = sum(one.satisfaction >= 3 for one in own)
        made.figures.append(SourceFigure(source, None, START, last, good, len(own), None))
