"""Small charts as SVG, drawn here so that a saved or printed report needs nothing else. Colours come from the CSS."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from gateway.reports.conformance.document import ChannelLevels, Intake, Timeliness
from gateway.reports.conformance.words import Words, percent

WIDTH = 720
BAR, ROW = 20, 34
LABEL = 168
LEVELS = ("5", "4", "3", "2", "1")


def fates(intake: Intake, words: Words) -> Markup:
    """One bar: what became of the landed records."""
    parts = [(name, getattr(intake, name)) for name in ("stored", "quarantined", "duplicate") if getattr(intake, name)]
    if not parts:
        return Markup("")
    label = words.t(
        "identity",
        landed=intake.landed,
        stored=intake.stored,
        quarantined=intake.quarantined,
        duplicate=intake.duplicate,
    )
    return _svg(14, label, _stack([(f"fate-{name}", count) for name, count in parts], 0, 0, WIDTH, 14))


def levels(channels: Sequence[ChannelLevels], words: Words) -> Markup:
    """A full-width bar a channel: the levels' shares of its rated evaluations, best first."""
    shapes: list[Markup] = []
    for number, line in enumerate(channels):
        top = number * ROW
        rated = sum(line.rated.values())
        shapes.append(_text(0, top + 15, "start", words.named(line)))
        parts = [(f"level-{level}", line.rated[level]) for level in LEVELS if line.rated[level]]
        width = WIDTH - LABEL - 64
        shapes += _stack(parts, LABEL, top, width, BAR) if rated else [_rect("empty", LABEL, top, width, BAR)]
        at = float(LABEL)
        for name, count in parts:
            size = width * count / rated
            if size > 44:
                shapes.append(_text(at + size / 2, top + 14, "middle", percent(round(count / rated, 3)), f"on {name}"))
            at += size
        shapes.append(_text(WIDTH, top + 15, "end", f"{rated:,}", "count"))
    return _svg(len(channels) * ROW - (ROW - BAR), words.t("channels"), shapes)


def lags(line: Timeliness, timely_seconds: int, words: Words) -> Markup:
    """Columns: evaluations by delay; those beyond ``timely_seconds`` in the colour of lateness."""
    height, base, step = 150, 118, WIDTH / len(line.bars)
    most = max((bar.records for bar in line.bars), default=0)
    shapes = [Markup('<line class="axis" x1="0" y1="{0}" x2="{1}" y2="{0}"/>').format(base + 0.5, WIDTH)]
    for number, bar in enumerate(line.bars):
        size = (base - 22) * bar.records / most if most else 0
        middle = step * number + step / 2
        tone = "lag" if bar.upto is not None and bar.upto <= timely_seconds else "lag late"
        shapes.append(_rect(tone, step * number + step * 0.14, base - size, step * 0.72, size))
        shapes.append(_text(middle, base - size - 6, "middle", f"{bar.records:,}", "count"))
        name = words.t(f"bar.{bar.upto or 'beyond'}")
        shapes.append(_text(middle, base + 20, "middle", f"≤ {name}" if bar.upto else name))
    return _svg(height, words.t("timeliness"), shapes)


def meter(share: float | None, tone: str) -> Markup:
    """A share as a thin bar, to stand in a table's cell."""
    size = round(100 * (share or 0), 2)
    filled = _rect(tone, 0, 0, size, 6) if size else Markup("")
    return Markup(
        '<svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">{}{}</svg>'
    ).format(_rect("empty", 0, 0, 100, 6), filled)


def _stack(parts: Sequence[tuple[str, int]], left: float, top: float, width: float, height: float) -> list[Markup]:
    """Parts side by side, none thinner than can be seen."""
    total = sum(count for _, count in parts)
    sizes = [max(width * count / total, 2) for _, count in parts]
    scale = width / sum(sizes)
    shapes, at = [], left
    for (name, _), size in zip(parts, sizes, strict=True):
        shapes.append(_rect(name, at, top, max(size * scale - 1, 0.5), height))
        at += size * scale
    return shapes


def _svg(height: float, label: str, shapes: Sequence[Markup]) -> Markup:
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, label, Markup("").join(shapes)
    )


def _rect(name: str, left: float, top: float, width: float, height: float) -> Markup:
    return Markup('<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" rx="1.5"/>').format(
        name, left, top, width, height
    )


def _text(left: float, top: float, anchor: str, shown: str, name: str = "") -> Markup:
    return Markup('<text class="{}" x="{:.2f}" y="{:.2f}" text-anchor="{}">{}</text>').format(
        name, left, top, anchor, escape(shown)
    )
