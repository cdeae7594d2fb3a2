"""Plants mistakes (错误数据) whose problem codes are known exactly: section 3 of docs/sandbox-formats.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sandbox.checkdigit import CREDIT_ALPHABET
from sandbox.generator.fields import put
from sandbox.generator.indicators import BY_LEVEL, NAMES
from sandbox.generator.model import Event, Json
from sandbox.generator.render import RENDERERS, milliseconds, offset_time
from sandbox.generator.wire import HANDLE_ITEM, wire_time

PORTAL, APP, KIOSK, HOTLINE = "portal", "app", "kiosk", "hotline"
EVERYWHERE = (PORTAL, APP, KIOSK, HOTLINE)
UNKNOWN_REGION = "511699000000"
TEN_YEARS = timedelta(days=3653)
TOO_LONG = "广安区政务服务中心综合窗口" * 9
Spoil = Callable[[Json, Event, Random], None]
Fits = Callable[[Event], bool]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One way of being wrong: ``codes`` follow for an event that ``fits``, once ``spoil`` has changed its record."""

    codes: tuple[str, ...]
    sources: tuple[str, ...]
    spoil: Spoil
    fits: Fits

    def plant(self, event: Event, random: Random) -> Json:
        """The raw record of ``event``, spoilt."""
        record = RENDERERS[event.source](event)
        self.spoil(record, event, random)
        return record


def time_value(source: str, moment: datetime) -> Any:
    """``moment`` as ``source`` sends it (kiosk rows keep date-times until the file is written)."""
    forms: dict[str, Callable[[datetime], Any]] = {
        PORTAL: wire_time,
        APP: milliseconds,
        KIOSK: lambda value: value,
        HOTLINE: offset_time,
    }
    return forms[source](moment)


def always(event: Event) -> bool:
    return True


def active(event: Event) -> bool:
    return event.opinion is not None and not event.opinion.is_default


def negative(event: Event) -> bool:
    return event.opinion is not None and event.opinion.satisfaction < 3


def by_person(event: Event) -> bool:
    return event.applicant.certificate_type == "111"


def accepted(event: Event) -> bool:
    return event.accept_time is not None


def finished(event: Event) -> bool:
    return event.result_time is not None


def value(field: str, **by_source: Any) -> Spoil:
    """Put a fixed value, or ``any``, into ``field``."""

    def spoil(record: Json, event: Event, random: Random) -> None:
        put(record, event.source, field, by_source.get(event.source, by_source.get("any")))

    return spoil


def empty(field: str) -> Spoil:
    """Leave ``field`` without a value, in the way of its source."""
    return value(field, portal=None, app=None, kiosk="", hotline="")


def moment(field: str, choose: Callable[[Event], datetime | None]) -> Spoil:
    def spoil(record: Json, event: Event, random: Random) -> None:
        chosen = choose(event)
        if chosen is None:
            raise ValueError("the mistake fits only events that have this time")
        put(record, event.source, field, time_value(event.source, chosen))

    return spoil


def wrong_check(field: str, number: Callable[[Event], str]) -> Spoil:
    """The last character of a number replaced by the next one that could stand there."""

    def spoil(record: Json, event: Event, random: Random) -> None:
        right = number(event)
        person = field == "certificate" and by_person(event)
        alphabet = "0123456789X" if person else CREDIT_ALPHABET
        put(record, event.source, field, right[:-1] + alphabet[(alphabet.index(right[-1]) + 1) % len(alphabet)])

    return spoil


def unknown_region(record: Json, event: Event, random: Random) -> None:
    length = {APP: 6, KIOSK: 9}.get(event.source, 12)
    put(record, event.source, "area", UNKNOWN_REGION[:length])


def unknown_item(record: Json, event: Event, random: Random) -> None:
    if event.source in (PORTAL, APP):
        code = f"511Z{random.randint(0, 99_999_999):08}-511602000000-000-{event.item.dept_code}-1-99"
    else:
        # type 11 is not in the list, so that no made-up code can meet a real one
        code = f"{event.item.dept_code}45111{random.randint(0, 99_999_999):08}"
    put(record, event.source, "item", code + HANDLE_ITEM if event.source == HOTLINE else code)


def bad_project_no(record: Json, event: Event, random: Random) -> None:
    number = random.randint(0, 99_999_999)
    put(record, event.source, "project_no", random.choice((f"GA2026第{number:08}号", f"GA2026 {number:08}")))


def foreign_indicator(record: Json, event: Event, random: Random) -> None:
    if event.opinion is None:
        raise ValueError("the mistake fits only events with an opinion")
    level = random.choice([other for other in BY_LEVEL if other != event.opinion.satisfaction])
    codes = [*event.opinion.indicators, random.choice(BY_LEVEL[level])]
    forms: dict[str, Any] = {
        PORTAL: codes,
        APP: "|".join(codes),
        KIOSK: ";".join(NAMES[code] for code in codes),
        HOTLINE: ",".join(codes),
    }
    put(record, event.source, "indicators", forms[event.source])


def without_detail(record: Json, event: Event, random: Random) -> None:
    put(record, event.source, "indicators", [] if event.source == PORTAL else None if event.source == APP else "")
    put(record, event.source, "text", None if event.source in (PORTAL, APP) else "")


def unreadable_time(record: Json, event: Event, random: Random) -> None:
    put(record, event.source, "service_time", random.choice(("不详", "2026-13-40 25:61:00")))


def date_only(record: Json, event: Event, random: Random) -> None:
    put(record, event.source, "service_time", f"{event.service_time:%Y-%m-%d}")


def both(first: Spoil, second: Spoil) -> Spoil:
    def spoil(record: Json, event: Event, random: Random) -> None:
        first(record, event, random)
        second(record, event, random)

    return spoil


def pair(first: Mistake, second: Mistake) -> Mistake:
    """Two mistakes at once, where both can be made."""
    return Mistake(
        codes=tuple(sorted((*first.codes, *second.codes))),
        sources=tuple(source for source in first.sources if source in second.sources),
        spoil=both(first.spoil, second.spoil),
        fits=lambda event: first.fits(event) and second.fits(event),
    )


def _one(code: str, sources: tuple[str, ...], spoil: Spoil, fits: Fits = always) -> Mistake:
    return Mistake((code,), sources, spoil, fits)


SCALE = _one(
    "satisfaction.unknown",
    EVERYWHERE,
    value("satisfaction", portal="6", app=9, kiosk="很好", hotline="非常好"),
    active,
)
MOBILE = _one("field.required", EVERYWHERE, empty("mobile"))
REGION = _one("region.unknown", EVERYWHERE, unknown_region)
ITEM = _one("item.unknown", EVERYWHERE, unknown_item)
CHARSET = _one("project_no.charset", EVERYWHERE, bad_project_no)
NO_IDENTITY = _one("identity.missing", EVERYWHERE, empty("certificate"))
PERSON_CHECK = _one(
    "identity.check_digit",
    (PORTAL, KIOSK, HOTLINE),
    wrong_check("certificate", lambda event: event.applicant.certificate),
    by_person,
)
DEPARTMENT = _one("org.check_digit", EVERYWHERE, wrong_check("department", lambda event: event.item.dept_code))
LEVEL = _one("indicator.level_mismatch", EVERYWHERE, foreign_indicator, active)
EARLY = _one(
    "time.before_service",
    EVERYWHERE,
    moment("assess_time", lambda event: event.service_time - timedelta(hours=1)),
    active,
)
ORDER = _one(
    "time.order",
    (PORTAL, APP, KIOSK),
    moment("apply_time", lambda event: event.accept_time and event.accept_time + timedelta(hours=2)),
    accepted,
)

MISTAKES: tuple[Mistake, ...] = (
    SCALE,
    MOBILE,
    REGION,
    ITEM,
    CHARSET,
    NO_IDENTITY,
    PERSON_CHECK,
    DEPARTMENT,
    LEVEL,
    EARLY,
    ORDER,
    _one("evaluation.negative_without_detail", EVERYWHERE, without_detail, negative),
    _one("time.unparsable", EVERYWHERE, unreadable_time),
    _one("time.date_only", (PORTAL, HOTLINE), date_only),
    _one("time.future", EVERYWHERE, moment("assess_time", lambda event: event.service_time + TEN_YEARS), active),
    _one(
        "time.order",
        (HOTLINE,),
        moment("accept_time", lambda event: event.result_time and event.result_time + timedelta(hours=2)),
        finished,
    ),
    _one("status.date_missing", EVERYWHERE, empty("result_time"), finished),
    _one(
        "status.date_missing",
        EVERYWHERE,
        empty("accept_time"),
        lambda event: accepted(event) and not finished(event),
    ),
    _one("field.required", EVERYWHERE, empty("applicant")),
    _one("field.required", EVERYWHERE, empty("service_name")),
    _one("field.required", EVERYWHERE, empty("department_name")),
    _one("field.length", EVERYWHERE, value("service_name", any=TOO_LONG)),
    _one("field.length", EVERYWHERE, value("applicant", any=TOO_LONG)),
    _one("field.type", EVERYWHERE, value("service_number", any="首次")),
    _one("source.unmapped", (KIOSK, HOTLINE), value("status", any="办理中")),
    _one("source.unmapped", (KIOSK,), value("device", any="评价器"), active),
    _one("source.unmapped", (KIOSK, APP), value("applicant_kind", kiosk="其他", app="7")),
    _one("code.unknown", (PORTAL,), value("status", any="7")),
    _one("code.unknown", (PORTAL, APP, HOTLINE), value("case_type", any="5")),
    _one(
        "identity.check_digit",
        (PORTAL,),
        wrong_check("certificate", lambda event: event.applicant.certificate),
        lambda event: not by_person(event),
    ),
    pair(SCALE, PERSON_CHECK),
    pair(REGION, MOBILE),
    pair(ITEM, ORDER),
    pair(CHARSET, EARLY),
    pair(DEPARTMENT, LEVEL),
    pair(NO_IDENTITY, SCALE),
)


def mistakes_of(source: str) -> list[Mistake]:
    """The mistakes that ``source`` can make."""
    return [mistake for mistake in MISTAKES if source in mistake.sources]
