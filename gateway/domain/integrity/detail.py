"""Ratings that repeat each other word for word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway.domain.integrity.observation import DAY, Observation, Result, Signal
from gateway.domain.integrity.thresholds import DetectorRule


def constant_detail(group: Sequence[Observation], rule: DetectorRule) -> Result:
    """One identical combination of level, indicators and channel, without text, makes up most of the group."""
    if len(group) < rule.minimum:
        return None
    blank = Counter((one.satisfaction, one.indicators, one.channel) for one in group if one.blank)
    if not blank:
        return []
    combination, count = blank.most_common(1)[0]
    if count < rule["share"] * len(group):
        return []
    affected = [one for one in group if one.blank and (one.satisfaction, one.indicators, one.channel) == combination]
    satisfaction, indicators, channel = combination
    observed = {
        "satisfaction": satisfaction,
        "indicators": list(indicators),
        "channel": channel,
        "count": count,
        "days": len({one.assess // DAY for one in affected}),
    }
    return [Signal(observed, len(group), affected)]


def stock_text(group: Sequence[Observation], rule: DetectorRule) -> Result:
    """The same text stands in many negative evaluations. Texts are compared, and named, by keyed digest alone."""
    negative = [one for one in group if one.satisfaction <= 2]
    if len(negative) < rule.minimum:
        return None
    signals = []
    for text, count in Counter(one.text for one in negative if one.text).most_common():
        if count < rule["share"] * len(negative):
            break
        same = [one for one in negative if one.text == text]
        signals.append(Signal({"text": text.hex()[:16], "count": count}, len(negative), same))
    return signals
