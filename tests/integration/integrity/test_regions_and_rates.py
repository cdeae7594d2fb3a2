"""Towns and villages in records and reports; defaults and unknown origins stay out of every rate that is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from gateway.domain.moments import day_bounds
from gateway.mapping import load_masters
from gateway.mapping.outcome import CanonicalRecord
from gateway.reports.conformance import Document, conformance
from gateway.reports.conformance.render_html import html
from gateway.reports.conformance.render_xlsx import xlsx
from gateway.reports.integrity import document, integrity_report
from gateway.stages.causes import causes
from gateway.stages.context import Context
from gateway.stages.integrity import check
from gateway.stages.normalise import normalise
from tests.integration.integrity.test_integrity_check import case, put
from tests.integration.store.portal_data import SOURCE, Clock, context_of, page, record
from tests.integration.trail.lone import land, with_source

TOWNS = """code,name,parent,level,valid_from,valid_to,replaced_by
511602103000,悦来镇,511602000000,4,,,
511602103005,某村,511602103000,5,,,
511602104000,旧镇,511602000000,4,,2025-01-01,511602103000
"""
PERIOD = date(2026, 11, 1), date(2026, 11, 30)
BOUNDS = day_bounds(PERIOD[0])[0], day_bounds(PERIOD[1])[1]


@pytest.fixture
def context(store_url: str, tmp_path: Path) -> Iterator[Context]:
    """The project's own master data, and three towns and villages as a deployment adds them."""
    (tmp_path / "511602").mkdir()
    (tmp_path / "511602" / "regions.csv").write_text(TOWNS, encoding="utf-8")
    made = context_of(store_url, tmp_path / "var")
    towns = load_masters(tmp_path).regions
    object.__setattr__(made, "masters", replace(made.masters, regions={**made.masters.regions, **towns}))
    yield with_source(made, made.source(SOURCE))
    made.store.close()


def of(number: int, area: str, level: str = "5", **evaluation: Any) -> dict[str, Any]:
    made = record(number, level, **evaluation)
    made["case"]["areaCode"] = area
    return made


def report_of(context: Context) -> Document:
    source, mapping = context.source(SOURCE), context.mapping(SOURCE)
    now = datetime(2026, 11, 30, tzinfo=UTC)
    return conformance(context.store, context.vault, source, mapping, context.masters, *PERIOD, now)


def test_codes_of_towns_and_villages_are_resolved_padded_and_judged_in_their_time(context: Context) -> None:
    codes = ["511602103", "511602103005", "511602103000", "511602", "511602104", "511602777", "511602103999"]
    land(context, page([of(number, area) for number, area in enumerate(codes)]))
    report = normalise(context)
    assert (report.stored, report.quarantined) == (5, 2)
    with context.store.read() as transaction:
        held = transaction.execute(
            text(
                "SELECT page_index, MIN(area_code) AS area, MAX(warnings) AS warnings"
                " FROM ledger_record GROUP BY page_index ORDER BY page_index"
            )
        )
        told = [(row.area, row.warnings or "") for row in held]
    areas = [(area, "region.short" in warnings, "region.retired" in warnings) for area, warnings in told]
    assert areas == [
        ("511602103000", True, False),
        ("511602103005", False, False),
        ("511602103000", False, False),
        ("511602000000", True, False),
        ("511602104000", True, True),
    ]
    (unknown,) = causes(context)
    assert (unknown.code, sorted(value.value for value in unknown.values)) == (
        "region.unknown",
        ["511602103999", "511602777"],
    )


def test_reports_go_down_to_the_village(context: Context) -> None:
    towns = [of(n, "511602103005", "1") for n in range(3)] + [of(10 + n, "511602103") for n in range(2)]
    land(context, page([*towns, *(of(20 + n, "511602") for n in range(5))]))
    normalise(context)
    report = report_of(context)
    assert [
        (line.area_code, line.name, line.active, line.positive, line.positive_rate) for line in report.facts.regions
    ] == [
        ("511602000000", "广安区", 5, 5, 1.0),
        ("511602103000", "悦来镇", 2, 2, 1.0),
        ("511602103005", "某村", 3, 0, 0.0),
    ]
    assert "某村" in html(report).decode()
    sheet = CalamineWorkbook.from_filelike(BytesIO(xlsx(report))).get_sheet_by_name("分区划").to_python()
    assert [row[:4] for row in sheet[1:]] == [
        ["广安区", "511602000000", 5, 5],
        ["悦来镇", "511602103000", 2, 2],
        ["某村", "511602103005", 3, 0],
    ]
    assert rates(context, None) == {"511602000000": (7, 10)}
    assert rates(context, "511602000000") == {"511602000000": (5, 5), "511602103000": (2, 5)}
    assert rates(context, "511602103000") == {"511602103000": (2, 2), "511602103005": (0, 3)}
    assert rates(context, "510100000000") == {}


def rates(context: Context, region: str | None) -> dict[str | None, tuple[int, int]]:
    made = document(integrity_report(context, *BOUNDS, [SOURCE], region))["sources"][0]
    places = {place["area_code"]: (place["rate"]["positive"], place["rate"]["rated"]) for place in made["regions"]}
    positive, rated = map(sum, zip(*places.values(), strict=True)) if places else (0, 0)
    assert made["rate"] == {
        "positive": positive,
        "rated": rated,
        "percent": round(100 * positive / rated, 2) if rated else None,
    }, "the region's own rate is that of its places"
    return places


def test_a_department_that_serves_two_towns_is_told_for_both_and_for_no_other_county(context: Context) -> None:
    land(context, page([of(n, "511602103005" if n % 2 else "511602") for n in range(40)]))
    normalise(context)
    check(context, *BOUNDS)

    def found(region: str) -> set[str]:
        made = document(integrity_report(context, *BOUNDS, [SOURCE], region))["sources"][0]
        return {one["detector"] for one in made["findings"]}

    assert "scheduled_burst" in found("511602000000") & found("511602103000")
    assert found("511603000000") == set()


def test_defaults_and_unknown_origins_are_in_no_rate(context: Context) -> None:
    """Three counted evaluations, one of them negative; nine that are none of a person's."""
    counted = [case(0, 5), case(1, 1), case(2, 4, origin="agent_recorded")]
    others = [case(10 + n, 5, origin="default") for n in range(6)] + [
        case(20 + n, 5, origin="unknown") for n in range(3)
    ]
    put(context, *counted, *others)
    check(context, *BOUNDS)
    told = document(integrity_report(context, *BOUNDS, [SOURCE]))["sources"][0]
    rate = {"positive": 2, "rated": 3, "percent": 66.67}
    assert (told["rate"], told["rate_without_flagged"], told["regions"][0]["rate"]) == (rate, rate, rate)
    assert (told["default"]["rated"], told["unknown"]["rated"]) == (6, 3)
    assert told["regions"][0]["default"]["rated"] == 6

    object.__setattr__(context, "clock", Clock(datetime(2026, 12, 5, tzinfo=UTC)))
    december = conformance(
        *(context.store, context.vault, context.source(SOURCE), context.mapping(SOURCE), context.masters),
        *(date(2026, 12, 1), date(2026, 12, 31), context.clock()),
    )
    ratings = december.facts.ratings
    assert (ratings.active, ratings.positive, ratings.negative) == (3, 2, 1)
    assert (ratings.default, ratings.unknown_origin) == (6, 3)
    (place,) = december.facts.regions
    assert (place.positive, place.active, place.default, place.unknown_origin) == (2, 3, 6, 3)
    figures = {line.figure: line.now for line in december.comparison}
    assert figures["positive_rate"] == pytest.approx(2 / 3)
    assert sum(sum(line.rated.values()) for line in december.facts.channels) == 3
    assert "66.67 %" in html(december).decode()


def test_only_defaults_are_no_data_and_no_hundred_per_cent(context: Context) -> None:
    put(context, *(case(n, 5, origin="default") for n in range(6)))
    told = document(integrity_report(context, *BOUNDS, [SOURCE]))["sources"][0]
    assert told["rate"] == {"positive": 0, "rated": 0, "percent": None}
    assert told["regions"][0]["rate"]["percent"] is None


def test_a_default_carries_its_origin_into_the_ledger(context: Context) -> None:
    land(context, page([record(1, "5", isDefault="1"), record(2, "5")]))
    normalise(context)
    with context.store.read() as transaction:
        held = transaction.execute(
            text("SELECT record_key, origin FROM ledger_record WHERE kind = 'evaluation' ORDER BY record_key")
        )
        assert [row.origin for row in held] == ["default", "active"]
    assert report_of(context).facts.ratings.default == 1


def test_what_was_taken_back_is_in_no_rate(context: Context) -> None:
    good, bad = case(0, 5), case(1, 1)
    put(context, good, bad)
    put(context, [bad[1]._replace(content=bad[1].content | {"operation": "D"})], page_id="p2", corrects=True)
    told = document(integrity_report(context, *BOUNDS, [SOURCE]))["sources"][0]
    assert (told["rate"]["positive"], told["rate"]["rated"]) == (1, 1)
    object.__setattr__(context, "clock", Clock(datetime(2026, 12, 5, tzinfo=UTC)))
    facts = conformance(
        *(context.store, context.vault, context.source(SOURCE), context.mapping(SOURCE), context.masters),
        *(date(2026, 12, 1), date(2026, 12, 31), context.clock()),
    ).facts
    assert (facts.ratings.positive, facts.ratings.active, facts.regions[0].active) == (1, 1, 1)
    assert facts.intake.evaluations == 2, "the record stays, with both its versions"


def rectified(of: CanonicalRecord, cycle: int, **content: str) -> list[CanonicalRecord]:
    """What a closed order says of the evaluation ``of``."""
    said = {"cycle": str(cycle), "work_order_no": "W-1", **content}
    return [
        of._replace(
            kind="rectification",
            key=f"{of.key}#{cycle}",
            parent_key=of.key,
            content=said,
            personal={},
            satisfaction=None,
        )
    ]


def test_what_an_upheld_appeal_marks_still_counts_and_both_figures_are_shown(context: Context) -> None:
    """Of five negatives two were mistaken, one malicious, and one is marked by its source; a founded one is not."""
    good, negatives = [case(n, 5) for n in range(5)], [case(10 + n, 1) for n in range(5)]
    marked = negatives[3][1]
    negatives[3][1] = marked._replace(content=marked.content | {"effective": "0"})
    put(context, *good, *negatives)
    said = [
        rectified(negatives[0][1], 1, verify_result="mistaken"),
        rectified(negatives[1][1], 1, verify_result="malicious"),
        rectified(negatives[2][1], 1, effective="0"),
        rectified(negatives[4][1], 1, verify_result="true", effective="1"),
    ]
    put(context, *said, page_id="p2")
    told = document(integrity_report(context, *BOUNDS, [SOURCE]))["sources"][0]
    assert told["rate"] == {"positive": 5, "rated": 10, "percent": 50.0}, "the rating stays"
    assert told["ineffective"]["rated"] == 4
    assert told["rate_effective"] == {"positive": 5, "rated": 6, "percent": 83.33}

    object.__setattr__(context, "clock", Clock(datetime(2026, 12, 5, tzinfo=UTC)))
    december = conformance(
        *(context.store, context.vault, context.source(SOURCE), context.mapping(SOURCE), context.masters),
        *(date(2026, 12, 1), date(2026, 12, 31), context.clock()),
    )
    ratings = december.facts.ratings
    assert (ratings.active, ratings.positive_rate, ratings.not_effective) == (10, 0.5, 4)
    assert ratings.effective_rate == pytest.approx(5 / 6, abs=1e-6)
    assert "83.33 %" in html(december).decode()

    put(context, rectified(negatives[0][1], 1, verify_result="true"), page_id="p3", corrects=True)
    told = document(integrity_report(context, *BOUNDS, [SOURCE]))["sources"][0]
    assert told["ineffective"]["rated"] == 3, "the latest word of the order counts"
