"""Findings in words: what was seen, in one sentence, for people who don't know the detectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.domain.integrity import Finding
from gateway.domain.rate import Rate
from gateway.messages import Lang, text
from schemas import code_lists

# The fact by which a detector's second form is known.
VARIANTS = ("refused", "minute", "time_of_day", "peak_hour", "most_in_a_day", "expected_count", "sets")


def title(finding: Finding, lang: Lang) -> str:
    """The detector's name."""
    return text(f"integrity.detector.{finding.detector}", lang)


def sentence(finding: Finding, lang: Lang) -> str:
    """What was seen; free of personal data, as the finding is."""
    told = finding.observed
    variant = next((f".{name}" for name in VARIANTS if name in told), "")
    facts = {name: _shown(name, value, lang) for name, value in told.items()}
    counts = {"affected": f"{finding.affected:,}", "size": f"{finding.group_size:,}"}
    return text(f"integrity.told.{finding.detector}{variant}", lang, **(facts | counts))


def percent(rate: Rate, lang: Lang) -> str:
    """The rate with two decimals, or that there is none."""
    return text("integrity.no_data", lang) if rate.percent is None else f"{rate.percent:.2f}%"


def _shown(name: str, value: Any, lang: Lang) -> str:
    if name == "satisfaction":
        return _coded("satisfaction", str(value), lang)
    if name == "channel":
        return _coded("channel", str(value), lang)
    if name == "channels":
        return _listed((f"{_coded('channel', code, lang)} {count:,}" for code, count in value.items()), lang)
    if name in ("indicators", "hours"):
        return _listed(map(str, value), lang) or text("integrity.no_indicator", lang)
    if name == "base":
        return text(f"integrity.base.{value}", lang)
    if name == "sets" and isinstance(value, dict):
        return f"{value['numerator']} / {value['denominator']}"
    if isinstance(value, dict):
        return f"{value.get('positive')}/{value.get('rated')}" + (
            f" = {value['percent']:.2f}%" if value.get("percent") is not None else ""
        )
    return f"{value:,}" if isinstance(value, int) else str(value)


def _coded(code_list: str, code: str, lang: Lang) -> str:
    names = code_lists.items(code_list).get(code)
    return code if names is None else names[0 if lang == "zh" else 1]


def _listed(parts: Iterable[str], lang: Lang) -> str:
    return ("、" if lang == "zh" else ", ").join(parts)
