"""Devices whose clock is wrong (设备时钟): ratings in the middle of the night, or in the future."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.integrity.observation import DAY, Observation, Result, Signal
from gateway.domain.integrity.thresholds import DetectorRule


def device_clock(group: Sequence[Observation], rule: DetectorRule) -> Result:
    """Ratings from counter devices at hours when no hall is open: a clock in another zone, or never set."""
    devices = [one for one in group if one.channel in rule["channels"]]
    if len(devices) < rule.minimum:
        return None
    affected = [one for one in devices if not rule["opens"] <= one.assess % DAY < rule["closes"]]
    if len(affected) < rule["share"] * len(devices):
        return []
    hours = sorted({one.assess % DAY // 3600 for one in affected})
    return [Signal({"hours": hours, "count": len(affected)}, len(devices), affected)]


def future_refusals(refused: int, landed: int, rule: DetectorRule) -> bool | None:
    """Are too many of a source's ``landed`` records refused as ``time.future``? None: too few to judge."""
    if landed < rule.minimum:
        return None
    return bool(refused >= max(rule["future_count"], rule["future_share"] * landed))
