"""Deadlines (整改期限): when a negative evaluation must be put right. Pure; the start is passed in."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import NamedTuple

from gateway.domain.moments import SHANGHAI


class NaturalDays(NamedTuple):
    """A rule that counts natural days (自然日); rest days count and the end doesn't roll."""

    rule_id: str
    days: int


DEFAULT_RULE = NaturalDays("default-15nd-2019", 15)  # 江西: 15个自然日内进行整改; the strictest common reading


def due_at(received_at: datetime, rule: NaturalDays = DEFAULT_RULE) -> datetime:
    """The instant by which an order for an evaluation received at ``received_at`` must be handled, aware.

    The start day isn't counted and the last day ends at 24:00 local time, so this is 00:00 of the day after it,
    exclusive (calendar rules, section 3). Raises ``ValueError`` for a naive start.
    """
    if received_at.tzinfo is None:
        raise ValueError("a deadline needs an aware start")
    first_day_after = received_at.astimezone(SHANGHAI).date() + timedelta(days=rule.days + 1)
    return datetime.combine(first_day_after, time(), SHANGHAI)
