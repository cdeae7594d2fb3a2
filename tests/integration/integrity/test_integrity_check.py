"""The check over a real ledger: what it finds, what it keeps, and what it leaves alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.domain.integrity import Finding, SourceFigure
from gateway.domain.rate import Rate
from gateway.errors import Rejected
from gateway.mapping.entry import prepare
from gateway.mapping.outcome import CanonicalRecord
from gateway.reports.integrity import document, findings_for, integrity_report
from gateway.reports.rates import source_rates
from gateway.stages import integrity as stage
from gateway.stages.context import Context
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.store import integrity, settlement
from gateway.store.ledger import SourceRecord
from gateway.store.tables import metadata
from tests.integration.store.portal_data import SOURCE, Served, context_of, page, record, serve

SINCE = datetime(2026, 11, 1, 16, tzinfo=UTC)  # 2 November, local
UNTIL = SINCE + timedelta(days=30)
RECEIVED = datetime(2026, 12, 5)  # noqa: DTZ001 - columns hold UTC without zone
AREA = "511602000000"


@pytest.fixture
def context(store_url: str, tmp_path: Path) -> Any:
    made = context_of(store_url, tmp_path)
    yield made
    made.store.close()


def case(
    number: int,
    satisfaction: int | None = 5,
    *,
    dept: str = "D1",
    words: str = "",
    mark: str = "",
    lag: int | None = None,
    origin: str = "active",
    channel: str = "1",
) -> list[CanonicalRecord]:
    """A service and its evaluation, each different from its neighbours."""
    at = SINCE.replace(tzinfo=None) + timedelta(hours=10 + 20 * (number % 30), seconds=71 * number)
    key = f"P{number}#1"
    applicant = {"cert_key_gov": mark or f"110105{number:012}"}
    service = CanonicalRecord(
        "service", key, None, {"number": number}, applicant, at, AREA, dept, None, None, None, None
    )
    if satisfaction is None:
        return [service]
    assess = at + timedelta(seconds=60 + 13 * number if lag is None else lag)
    content = {"indicators": [f"{satisfaction}1{number % 7}", f"{satisfaction}2{number % 5}"], "operation": "I"}
    personal = {"writing_evaluation": words} if words else {}
    judged = (AREA, dept, None, satisfaction, channel, origin)
    return [service, CanonicalRecord("evaluation", f"{key}#1", key, content, personal, assess, *judged)]


def put(context: Context, *cases: list[CanonicalRecord], page_id: str = "p1", corrects: bool = False) -> None:
    said = [
        SourceRecord(
            SOURCE, page_id, index, RECEIVED, [prepare(one) for one in records], corrects,
            unrated=len(records) == 1, warnings=["satisfaction.unrated"] if len(records) == 1 else [],
        )
        for index, records in enumerate(cases)
    ]  # fmt: skip
    with context.store.begin() as transaction:
        settlement.settle(transaction, said, context.vault.seal, RECEIVED.replace(tzinfo=UTC), AREA)


def found(context: Context, detector: str) -> list[Finding]:
    stage.check(context, SINCE, UNTIL)
    return [one for one in findings_for(context, SOURCE, SINCE, UNTIL) if one.detector == detector]


def test_an_honest_ledger_has_no_findings(context: Context) -> None:
    put(context, *(case(number, 4 + number % 2) for number in range(100)))
    report = stage.check(context, SINCE, UNTIL)
    assert (report.evaluations, report.findings) == (100, 0)
    assert report.coverage["fixed_lag"][0] == 1, "the month, but neither the days nor the source as a whole"
    assert report.coverage["fixed_lag"][1] > 1


def test_a_finding_carries_its_evidence_and_both_rates(context: Context) -> None:
    put(context, *(case(number, 1 if number < 30 else 5, lag=300 if number < 30 else None) for number in range(60)))
    (finding,) = found(context, "fixed_lag")
    assert (finding.source_id, finding.dept_code, finding.area_code, finding.period) == (SOURCE, "D1", AREA, "month")
    assert (finding.since, finding.until) == (SINCE, UNTIL)
    assert finding.observed == {"base": "service", "lag_seconds": 300, "count": 30}
    assert finding.threshold == {"minimum": 30, "share": 0.2}
    assert (finding.group_size, finding.affected, finding.share) == (60, 30, 0.5)
    assert len(finding.record_keys) == 20
    assert set(finding.record_keys) <= {f"P{number}#1#1" for number in range(30)}
    assert (finding.rate, finding.rate_without) == (Rate(30, 60), Rate(30, 30))


def test_a_finding_changes_nothing_and_names_no_one(context: Context) -> None:
    words = "张三丰，手机13812345678"
    put(context, *(case(number, 2, words=words, mark="11010519491231002X", lag=300) for number in range(40)))

    def held() -> list[Any]:
        with context.store.read() as transaction:
            return list(transaction.execute(text("SELECT * FROM ledger_record ORDER BY position")))

    before = held()
    assert {one.affected for one in found(context, "stock_text")} == {40}
    assert held() == before
    with context.store.read() as transaction:
        kept = str(
            [
                list(transaction.execute(metadata.tables[name].select()))
                for name in ("integrity_run", "integrity_finding")
            ]
        )
    for personal in ("张三丰", "13812345678", "11010519491231002X"):
        assert personal not in kept


def test_the_same_evaluator_all_day(context: Context) -> None:
    same = [case(number * 30, 5, mark="11010519491231002X", lag=60) for number in range(21)]
    put(context, *same, *(case(number * 30 + 1, 5) for number in range(10)))
    (finding,) = found(context, "repeat_evaluator")
    assert finding.observed == {"count": 21}
    assert finding.until - finding.since == timedelta(days=1)


def test_defaults_are_counted_apart_before_any_detector(context: Context) -> None:
    put(context, *(case(number, 5, lag=300, origin="default") for number in range(50)))
    assert found(context, "fixed_lag") == []
    with context.store.read() as transaction:
        rates = source_rates(transaction, SOURCE, SINCE, UNTIL)
    assert (rates.rate, rates.default, rates.rate.percent) == (Rate(0, 0), Rate(50, 50), None)


def test_a_login_is_missed_only_where_the_source_has_logins(context: Context) -> None:
    put(context, *(case(number) for number in range(40)))
    assert found(context, "unmarked_default") == []
    logged_in = case(90, dept="D2")
    put(context, [logged_in[0], logged_in[1]._replace(personal={"cert_key": "U1"})], page_id="p2")
    (finding,) = found(context, "unmarked_default")
    assert (finding.dept_code, finding.affected) == ("D1", 40)


def test_a_negative_that_rose_is_told_with_its_versions(context: Context) -> None:
    put(context, *(case(number, 1) for number in range(5)))
    raised = [[one for one in case(number, 5) if one.kind == "evaluation"] for number in range(2)]
    put(context, *raised, page_id="p2", corrects=True)
    (finding,) = found(context, "missing_negative")
    assert finding.record_keys == ("P0#1#1", "P1#1#1")
    assert finding.observed["records"][0] == {
        "key": "P0#1#1",
        "how": "rose",
        "versions": [1, 2],
        "satisfaction": [1, 5],
    }
    assert (finding.rate, finding.rate_without) == (Rate(2, 5), Rate(0, 3))


def test_a_negative_absent_between_its_neighbours_in_a_later_pull(context: Context) -> None:
    whole = [case(number, 1 if number == 15 else 5) for number in range(30)]
    put(context, *whole)
    put(context, *(one for number, one in enumerate(whole) if number != 15), page_id="p2")
    (finding,) = found(context, "missing_negative")
    assert finding.observed == {"count": 1, "records": [{"key": "P15#1#1", "how": "absent"}]}


def test_an_overlapping_pull_loses_nothing(context: Context) -> None:
    whole = [case(number, 1 if number in (0, 29) else 5) for number in range(30)]
    put(context, *whole)
    put(context, *whole[1:29], page_id="p2")
    assert found(context, "missing_negative") == []


def test_copies_refused_as_conflicts_show_a_shifted_clock(context: Context) -> None:
    times = [f"2026-11-19 1{number % 10}:00:0{number % 7}" for number in range(12)]
    first = page([record(number, time=times[number]) for number in range(12)])
    shifted = [
        record(number, time=times[number].replace(" 1", " 2", 1) if number % 10 < 4 else times[number])
        for number in range(12)
    ]
    late = [
        dict(one, evaluation=one["evaluation"] | {"time": f"2026-11-2{times[n][9:]}".replace("-29 ", "-20 ")})
        for n, one in enumerate(shifted)
    ]
    serve(context, Served([first, page(late, "page=2", '{"n":2}')]))
    context_clock_later(context)
    pull(context, SOURCE)
    normalise(context)
    with context.store.read() as transaction:
        conflicts = transaction.execute(
            text("SELECT COUNT(*) FROM quarantine_problem WHERE code = 'record.conflict'")
        ).scalar()
    assert conflicts == 12
    (finding,) = found(context, "time_shift")
    assert finding.observed["upstream"] == SOURCE
    assert finding.observed["difference_seconds"] != 0


def context_clock_later(context: Context) -> None:
    object.__setattr__(context, "clock", lambda: datetime(2026, 11, 25, tzinfo=UTC))


def figure(positive: int | None, rated: int | None, rate: str | None = None) -> SourceFigure:
    days = date(2026, 11, 2), date(2026, 12, 1)
    return SourceFigure(SOURCE, None, *days, positive, rated, None if rate is None else Decimal(rate))


def published(context: Context, one: SourceFigure) -> None:
    with context.store.begin() as transaction:
        integrity.add_figures(transaction, [one], context.clock())


def test_published_figures_against_raw_events(context: Context) -> None:
    put(context, *(case(number, 1 if number < 10 else 5) for number in range(50)), case(60, None), case(61, None))
    published(context, figure(40, 50))
    assert found(context, "figure_mismatch") == []
    published(context, figure(42, 52))
    (finding,) = found(context, "unrated_as_good")
    assert finding.observed == {"source": 42, "set": "counted", "recomputed": 40, "unrated": 2}
    (mismatch,) = found(context, "figure_mismatch")
    assert (mismatch.rate, mismatch.observed["source"]["positive"]) == (Rate(40, 50), 42)


def test_a_later_check_takes_the_earlier_ones_place_and_both_stay(context: Context) -> None:
    put(context, *(case(number, 5, lag=300) for number in range(40)))
    stage.check(context, SINCE, UNTIL)
    stage.check(context, SINCE + timedelta(days=1), UNTIL + timedelta(days=1))
    told = [one for one in findings_for(context, SOURCE, SINCE, UNTIL) if one.detector == "fixed_lag"]
    assert [one.since for one in told] == [SINCE + timedelta(days=1)]
    with context.store.read() as transaction:
        assert len(integrity.runs(transaction, SOURCE, SINCE, UNTIL)) == 2


def test_the_report_shows_rates_with_and_without_flagged_groups(context: Context) -> None:
    put(context, *(case(number, 5, lag=300) for number in range(40)))
    put(context, *(case(number, 1 + 4 * (number % 2), dept="D2") for number in range(50, 60)), page_id="p2")
    stage.check(context, SINCE, UNTIL)
    made = document(integrity_report(context, SINCE, UNTIL, [SOURCE], AREA))
    (source,) = made["sources"]
    assert source["rate"] == {"positive": 45, "rated": 50, "percent": 90.0}
    assert source["rate_without_flagged"] == {"positive": 5, "rated": 10, "percent": 50.0}
    assert source["flagged_groups"] == 1
    elsewhere = document(integrity_report(context, SINCE, UNTIL, [SOURCE], "510100000000"))
    assert elsewhere["sources"][0]["findings"] == []


def test_an_empty_period_is_refused(context: Context) -> None:
    with pytest.raises(Rejected) as refused:
        stage.check(context, UNTIL, SINCE)
    assert refused.value.code == "integrity.period_empty"
