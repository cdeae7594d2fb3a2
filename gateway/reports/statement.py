"""The monthly statement (对账月报): every day's figures on both sides, what differed, who put their name to it.

Keys are masked; the statement may leave the house.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any, NamedTuple, Protocol

import xlsxwriter
from jinja2 import Environment, StrictUndefined

from gateway.domain import mask
from gateway.domain.moments import shanghai
from gateway.domain.wire import KIND_ORDER
from gateway.messages import Lang, text
from gateway.reports.conformance.workbook import width_of, write_cell
from gateway.store import Store, reconciliations, repairs, utc_aware
from gateway.store.reconciliations import DIFFERING, MISSING_HERE, MISSING_THERE

CLASSES = (MISSING_THERE, MISSING_HERE, DIFFERING)
SHOWN = 50  # open differences of a day; the figures count all
COUNTED = ("our_count", "their_count", *CLASSES)
HEADS = ("day", "kind", "ours", "theirs", "result", "missing_there", "missing_here", "differing", "checked", "signers")
TOTAL_HEADS = ("kind", "ours", "theirs", "missing_there", "missing_here", "differing")


class HasStore(Protocol):
    """All that a statement needs of the context."""

    @property
    def store(self) -> Store: ...


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One kind of one day. ``result``: equal, explained (all differences are expected or repaired), open."""

    business_date: str
    kind: str
    our_count: int
    their_count: int
    result: str
    missing_there: int
    missing_here: int
    differing: int
    checked_at: datetime
    signers: tuple[str, ...]


class Total(NamedTuple):
    """One kind over the whole month, or all kinds (``kind`` is ``all``)."""

    kind: str
    ours: int
    theirs: int
    missing_there: int
    missing_here: int
    differing: int


@dataclass(frozen=True, slots=True)
class OpenDifference:
    """A difference that nobody has explained; ``record_key`` is masked."""

    business_date: str
    kind: str
    record_key: str
    difference: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One month (``yyyy-MM``) with one target. ``days_missing``: days of it, up to yesterday, never compared."""

    target_id: str
    sender: str
    month: str
    made_at: datetime
    lines: tuple[StatementLine, ...]
    totals: tuple[Total, ...]
    open: tuple[OpenDifference, ...]
    repaired: dict[str, int]
    days_missing: tuple[str, ...]


def statement(context: HasStore, sender: str, target_id: str, month: str, now: datetime) -> Statement:
    """The statement of ``month``; ``now`` aware. Raises ``ValueError`` for what is no month."""
    first = date.fromisoformat(f"{month}-01")
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    with context.store.read() as transaction:
        span = first.isoformat(), last.isoformat()
        compared = reconciliations.compared(transaction, target_id, *span)
        counted = reconciliations.count_items(transaction, target_id, *span)
        days = sorted({one.business_date for one in compared})
        signers, opened, repaired = {}, list[OpenDifference](), dict[str, int]()
        for day in days:
            digest = repairs.result_digest(transaction, target_id, day)
            signers[day] = tuple(one.signer for one in repairs.signatures(transaction, target_id, day, digest))
            for act, number in repairs.count_repairs(transaction, target_id, day).items():
                repaired[act] = repaired.get(act, 0) + number
            for kind in KIND_ORDER:
                for one in reconciliations.items(transaction, target_id, day, kind, limit=SHOWN):
                    opened.append(OpenDifference(day, kind, mask.text(one.record_key), one.difference))
    lines = []
    for it in compared:
        figures = it.comparison
        there, here, other = (counted.get((it.business_date, figures.kind, name), 0) for name in CLASSES)
        result = "open" if there + here + other else "equal" if figures.equal else "explained"
        about = (it.business_date, figures.kind, figures.our_count, figures.their_count, result)
        checked_at = utc_aware(it.checked_at)
        lines.append(StatementLine(*about, there, here, other, checked_at, signers[it.business_date]))
    until = min(last, shanghai(now).date() - timedelta(days=1))
    every = ((first + timedelta(days=number)).isoformat() for number in range((until - first).days + 1))
    missing = tuple(day for day in every if day not in signers)
    return Statement(target_id, sender, month, now, tuple(lines), _totals(lines), tuple(opened), repaired, missing)


def _totals(lines: Sequence[StatementLine]) -> tuple[Total, ...]:
    """The month's sums, parents first and all kinds last; nothing where no day was compared."""
    import pandas  # a third of a second, which only statements spend

    if not lines:
        return ()
    figures = pandas.DataFrame(map(asdict, lines))
    by_kind = figures.groupby("kind")[list(COUNTED)].sum()
    by_kind.loc["all"] = by_kind.sum()
    kinds = [kind for kind in (*KIND_ORDER, "all") if kind in by_kind.index]
    return tuple(Total(kind, *map(int, by_kind.loc[kind])) for kind in kinds)


def as_json(made: Statement) -> bytes:
    """UTF-8, moments at +08:00."""
    return json.dumps(asdict(made), default=_plain, ensure_ascii=False, indent=2).encode() + b"\n"


def as_html(made: Statement, lang: Lang = "zh") -> bytes:
    """One file without script or outside asset; for the screen and for A4."""
    shown = {"rows": list(_rows(made, lang)), "totals": list(_sums(made, lang))}
    return _PAGE.render(s=made, w=lambda key: text(f"statement.{key}", lang), **shown).encode()


def as_xlsx(made: Statement, lang: Lang = "zh") -> bytes:
    """Figures, and open differences on a sheet of their own. Text is never taken for a formula."""
    file = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    workbook = xlsxwriter.Workbook(file, options)
    formats = {
        "head": workbook.add_format({"bold": True, "bottom": 1}),
        "text": workbook.add_format({"text_wrap": True}),
        "count": workbook.add_format({"num_format": "#,##0"}),
        "share": workbook.add_format({"num_format": "0.00%"}),
    }
    opened = [
        (one.business_date, _word(f"kind.{one.kind}", lang), one.record_key, _word(one.difference, lang))
        for one in made.open
    ]
    sheets: list[tuple[str, Sequence[str], list[tuple[Any, ...]]]] = [
        ("days", HEADS, list(_rows(made, lang))),
        ("totals", TOTAL_HEADS, list(_sums(made, lang))),
        ("open", ("day", "kind", "record", "difference"), list(opened)),
        ("never", ("day",), [(day,) for day in made.days_missing]),
    ]
    for name, heads, rows in sheets:
        page = workbook.add_worksheet(_word(f"sheet.{name}", lang))
        page.freeze_panes(1, 0)
        for column, head in enumerate(heads):
            title = _word(head, lang)
            page.set_column(column, column, width_of([title, *(row[column] for row in rows)]))
            page.write_string(0, column, title, formats["head"])
        for number, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                write_cell(page, number, column, cell, formats)
    workbook.close()
    return file.getvalue()


def _rows(made: Statement, lang: Lang) -> Iterator[tuple[Any, ...]]:
    for one in made.lines:
        yield (
            *(one.business_date, _word(f"kind.{one.kind}", lang), one.our_count, one.their_count),
            *(_word(f"result.{one.result}", lang), one.missing_there, one.missing_here, one.differing),
            *(f"{shanghai(one.checked_at):%Y-%m-%d %H:%M}", "、".join(one.signers)),
        )


def _sums(made: Statement, lang: Lang) -> Iterator[tuple[Any, ...]]:
    for total in made.totals:
        yield (_word(f"kind.{total.kind}", lang), *total[1:])


def _word(key: str, lang: Lang) -> str:
    return text(f"statement.{key}", lang)


def _plain(value: Any) -> Any:
    return shanghai(value).isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)


_PAGE = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
    """<!doctype html>
<html><head><meta charset="utf-8"><title>{{ w('title') }} {{ s.month }}</title><style>
:root { color-scheme: light dark } body { font: 14px/1.6 system-ui, sans-serif; margin: 2em auto; max-width: 72em }
table { border-collapse: collapse; width: 100%; margin: 1em 0 } th, td { padding: .3em .6em; text-align: left }
thead tr, tbody tr { border-bottom: 1px solid #8886 } td.n { text-align: right; font-variant-numeric: tabular-nums }
tr.open td { font-weight: 600 } @page { size: A4 landscape; margin: 15mm }
</style></head><body>
<h1>{{ w('title') }} {{ s.month }}</h1>
<p>{{ w('sender') }} {{ s.sender }} · {{ w('target') }} {{ s.target_id }}</p>
{% if s.days_missing %}<p>{{ w('never') }}: {{ s.days_missing | join(', ') }}</p>{% endif %}
{% if s.repaired %}<p>{{ w('repaired') }}: {% for act, number in s.repaired | dictsort %}
{{ w('act.' ~ act) }} {{ number }} {% endfor %}</p>{% endif %}
<table><thead><tr>{% for head in heads %}<th>{{ w(head) }}</th>{% endfor %}</tr></thead><tbody>
{% for row in rows %}<tr{% if s.lines[loop.index0].result == 'open' %} class="open"{% endif %}>
{% for cell in row %}<td{% if cell is number %} class="n"{% endif %}>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table>
{% if totals %}<h2>{{ w('sheet.totals') }}</h2>
<table><thead><tr>{% for head in total_heads %}<th>{{ w(head) }}</th>{% endfor %}</tr></thead><tbody>
{% for total in totals %}<tr>{% for cell in total %}
<td{% if cell is number %} class="n"{% endif %}>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table>{% endif %}
{% if s.open %}<h2>{{ w('sheet.open') }}</h2><table><tbody>
{% for one in s.open %}<tr><td>{{ one.business_date }}</td><td>{{ w('kind.' ~ one.kind) }}</td>
<td>{{ one.record_key }}</td><td>{{ w(one.difference) }}</td></tr>
{% endfor %}</tbody></table>{% endif %}
<p>{{ w('masked') }}</p></body></html>
""",
    globals={"heads": HEADS, "total_heads": TOTAL_HEADS},
)
