"""Draws cases and their service events for one source, repeatably."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from sandbox.generator.comments import comment
from sandbox.generator.indicators import BY_LEVEL
from sandbox.generator.model import Event, Opinion
from sandbox.generator.people import COARSE_KINDS, UNITS, crowd
from sandbox.items import Item

PAST_DAYS = 5
HOME = "511602000000"
NEIGHBOURS = ("511603000000", "511621000000", "511622000000", "511623000000", "511681000000")
SERVICE_NAMES = {
    "1": ("事项咨询", "网上申报", "材料预审"),
    "2": ("窗口受理", "材料补正", "收件登记", "缴费服务"),
    "3": ("办结取件", "结果送达", "窗口办结", "当场办结"),
}
PREFIXES = {"portal": "GAWT", "app": "GAAP", "kiosk": "GAZZ", "hotline": "GARX"}
# satisfaction: weight; about 8 in 100 are negative
LEVELS: dict[str, dict[int, float]] = {
    "portal": {5: 70, 4: 16, 3: 6, 2: 4.5, 1: 3.5},
    "app": {5: 72, 4: 14, 3: 6, 2: 4, 1: 4},
    "kiosk": {4: 82, 3: 10, 2: 8},
    "hotline": {5: 60, 4: 22, 3: 9, 2: 5, 1: 4},
}
CHANNELS = {"portal": ("1", "1", "1", "2"), "app": ("2",), "kiosk": ("4", "4", "5"), "hotline": ("6",)}
UNRATED_SHARE = {"portal": 0.04, "app": 0.045, "kiosk": 0.05, "hotline": 0.0}
DEFAULT_SHARE = {"portal": 0.03, "app": 0.03, "kiosk": 0.0, "hotline": 0.0}


class Draw:
    """Invents events of ``source`` sent within the five days before ``base``; the same seed gives the same ones."""

    def __init__(self, source: str, random: Random, items: list[Item], base: datetime, size: int) -> None:
        self.source, self.random, self.items, self.base = source, random, items, base
        kinds = ("1", *UNITS) if source in ("portal", "app") else COARSE_KINDS
        self.crowd = crowd(random, max(40, size // 3), kinds if source != "hotline" else ("1",))
        self._cases = 0
        self._records = 0

    def case(self, services: int | None = None) -> Iterator[Event]:
        """The service events of one new case; mostly one."""
        random = self.random
        self._cases += 1
        count = services or random.choices((1, 2, 3), (88, 9, 3))[0]
        times = sorted(self._sent_at() for _ in range(count))
        first = self._first_event(times[0])
        for number, sent_at in enumerate(times, start=1):
            assessed = sent_at - timedelta(seconds=random.randint(1, 40))
            served = assessed - self._thinking_time()
            later = max(served, first.service_time)
            yield replace(
                first,
                upstream_id=self.next_id(),
                sent_at=max(sent_at, later + timedelta(seconds=2)),
                service_number=number,
                service_time=later,
                opinion=self._opinion(first.item, max(assessed, later + timedelta(seconds=1))),
            )

    def next_id(self) -> str:
        """The next upstream id; ids ascend as records are made."""
        self._records += 1
        return f"{PREFIXES[self.source][2:]}{self._records:09}"

    def follow_up(self, event: Event) -> Event | None:
        """A second evaluation (追评) of the same service, unless there is no time left for it."""
        opinion = event.opinion
        if opinion is None or opinion.is_default:
            return None
        at = opinion.at + timedelta(minutes=self.random.randint(30, 600))
        second = self._opinion(event.item, at, unrated=0, default=0)
        if second is None or at > self.base:
            return None
        return replace(event, upstream_id=self.next_id(), sent_at=at, opinion=replace(second, round=2))

    def _first_event(self, sent_at: datetime) -> Event:
        random, source = self.random, self.source
        item = random.choice(self.items)
        status = random.choices(("1", "2", "3"), (5, 20, 75))[0]
        served = sent_at - timedelta(seconds=41) - self._thinking_time()
        applied = served - timedelta(seconds=random.randint(600, 400_000))
        accepted = applied + (served - applied) * random.uniform(0.1, 0.6)
        finished = accepted + (served - accepted) * random.uniform(0.2, 0.95)
        case_type = random.choice("1122")
        promised = source == "portal" and case_type == "2"
        return Event(
            source=source,
            upstream_id="",
            sent_at=sent_at,
            item=item,
            area_code=HOME if random.random() < 0.92 else random.choice(NEIGHBOURS),
            project_no=f"{PREFIXES[source]}{sent_at:%Y%m%d}{self._cases:08}",
            project_name=f"关于{item.task_name[:60]}的申请",
            status=status,
            case_type=case_type,
            case_channel=random.choice("1112") if source == "portal" else ("1" if source == "app" else "2"),
            promise_day=random.randint(1, 20) if promised else None,
            promise_unit=random.choice("11110") if promised else None,
            applicant=random.choice(self.crowd),
            service_name=random.choice(SERVICE_NAMES[status]),
            service_number=1,
            service_time=served,
            apply_time=applied,
            accept_time=_whole(accepted) if status != "1" else None,
            result_time=_whole(finished) if status == "3" else None,
            opinion=None,
        )

    def _opinion(
        self, item: Item, at: datetime, *, unrated: float | None = None, default: float | None = None
    ) -> Opinion | None:
        random, source = self.random, self.source
        if random.random() < (UNRATED_SHARE[source] if unrated is None else unrated):
            return None
        is_default = random.random() < (DEFAULT_SHARE[source] if default is None else default)
        weights = LEVELS[source]
        satisfaction = 5 if is_default else random.choices(list(weights), list(weights.values()))[0]
        negative = satisfaction < 3
        ticked = 0 if is_default else random.choices((0, 1, 2, 3), (1, 5, 3, 1) if negative else (5, 4, 2, 1))[0]
        writes = not is_default and (random.random() < (0.8 if negative else 0.4) or (negative and not ticked))
        asks_flags = source in ("portal", "app")
        return Opinion(
            satisfaction=satisfaction,
            channel=random.choice(CHANNELS[source]),
            indicators=tuple(sorted(random.sample(BY_LEVEL[satisfaction], ticked))),
            text=comment(random, satisfaction, item.task_name, item.dept_name) if writes else "",
            at=at,
            anonymous=random.random() < 0.3 if asks_flags else None,
            public=random.random() < 0.85 if asks_flags else None,
            is_default=is_default,
            round=1,
        )

    def _sent_at(self) -> datetime:
        return self.base - timedelta(seconds=self.random.randint(90, PAST_DAYS * 86_400))

    def _thinking_time(self) -> timedelta:
        at_the_counter = self.source == "kiosk"
        return timedelta(seconds=self.random.randint(5, 600) if at_the_counter else self.random.randint(60, 90_000))


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
