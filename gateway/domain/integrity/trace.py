"""Ratings that leave no trace of a person, the wrong trace, or the same trace again and again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from fnmatch import fnmatchcase

from gateway.domain.integrity.observation import Observation, Result, Signal
from gateway.domain.integrity.thresholds import DetectorRule


def channel_implausible(group: Sequence[Observation], rule: DetectorRule) -> Result:
    """Any rating over a channel that its source can't have, e.g. the web from a counter device."""
    impossible = {
        channel
        for entry in rule["impossible"]
        if fnmatchcase(rule.source_id, entry["source"]) and fnmatchcase(rule.connector, entry["connector"])
        for channel in entry["channels"]
    }
    if not impossible:
        return None
    affected = [one for one in group if one.channel in impossible]
    if len(affected) < rule["count"]:
        return []
    pairs = Counter(one.channel for one in affected)
    observed = {"connector": rule.connector, "channels": dict(sorted(pairs.items())), "count": len(affected)}
    return [Signal(observed, len(group), affected)]


def unmarked_default(group: Sequence[Observation], rule: DetectorRule) -> Result:
    """Ratings said to be active, without any trace of who gave them.

    Scan, device, call and message are traces by their channel; over the web and the app the trace is the login.
    Whether the source hands over logins at all is the caller's to know: where it never does, this is not assessed.
    """
    active = [one for one in group if one.origin == "active"]
    if len(active) < rule.minimum:
        return None
    affected = [one for one in active if one.channel in rule["login_channels"] and not one.login]
    if len(affected) < max(rule["count"], rule["share"] * len(active)):
        return []
    channels = dict(sorted(Counter(one.channel for one in affected).items()))
    return [Signal({"channels": channels, "count": len(affected)}, len(active), affected)]


def repeat_evaluator(group: Sequence[Observation], rule: DetectorRule) -> Result:
    """One evaluator's mark on very many ratings of a department in a day. The mark itself is not told."""
    marked: defaultdict[bytes, list[Observation]] = defaultdict(list)
    for one in group:
        if one.mark is not None:
            marked[one.mark].append(one)
    if not marked:
        return None
    many = [same for same in marked.values() if len(same) > rule["count"]]
    return [Signal({"count": len(same)}, len(group), same) for same in sorted(many, key=len, reverse=True)]
