"""The conformance report against the generator's truth, and against pages made for one question each."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html
from python_calamine import CalamineWorkbook

from gateway.bootstrap import initialise, open_context
from gateway.connector import Page
from gateway.domain.moments import day_bounds
from gateway.errors import Rejected
from gateway.reports.conformance import Document, conformance, digest
from gateway.reports.conformance.render_html import html
from gateway.reports.conformance.render_xlsx import xlsx
from gateway.reports.conformance.schema import schema_text
from gateway.stages.context import Context
from gateway.stages.integrity import check
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from sandbox.generator.files import generate, read_truth
from sandbox.generator.model import SHANGHAI
from tests.integration.sandbox_sources.test_sources_meet_mappings import pages as sent_pages
from tests.integration.store.portal_data import SOURCE, Clock, Served, context_of, page, record, serve, settings_of

RECORDS = 800
BASE = datetime(2026, 11, 20, 12, tzinfo=SHANGHAI)
SOURCES = ("portal_guangan", "app_guangan", "kiosk_guangan", "hotline_guangan")
ROOT = Path(__file__).resolve().parents[2]


def report_of(context: Context, source: str = SOURCE, first: str = "2026-11-01", last: str = "2026-11-30") -> Document:
    days = date.fromisoformat(first), date.fromisoformat(last)
    mapping, masters = context.mapping(source), context.masters
    return conformance(context.store, context.vault, context.source(source), mapping, masters, *days, context.clock())


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Context, list[dict[str, Any]]]]:
    """All four sources of the generator, landed and normalised; and its truth."""
    folder = tmp_path_factory.mktemp("report")
    generate(folder, RECORDS, 5, BASE)
    settings = settings_of(f"sqlite:///{folder / 'gateway.db'}", folder / "var")
    initialise(settings)
    context = open_context(settings, Clock(BASE))
    for source in SOURCES:
        bodies = sent_pages(folder / "data", source.removesuffix("_guangan"))
        serve(context, Served([Page(body, kind, f"page={n}", f'"{n}"') for n, (body, kind) in enumerate(bodies)]))
        pull(context, source)
    normalise(context)
    yield context, read_truth(folder)
    context.store.close()


@pytest.fixture
def context(store_url: str, tmp_path: Path) -> Iterator[Context]:
    made = context_of(store_url, tmp_path / "var")
    yield made
    made.store.close()


def land(context: Context, *served: Page) -> None:
    serve(context, Served(served))
    pull(context, SOURCE)
    normalise(context)


def distinct(lines: list[dict[str, Any]], kind: str, *key: str) -> list[dict[str, Any]]:
    """Wire records of one kind, each key once."""
    records = [line[kind] for line in lines if line[kind]]
    return list({tuple(record[name] for name in key): record for record in records}.values())


@pytest.mark.parametrize("source", SOURCES)
def test_every_figure_equals_a_count_of_the_truth(town: tuple[Context, list[dict[str, Any]]], source: str) -> None:
    context, truth = town
    lines = [line for line in truth if line["source"] == source]
    verdicts = Counter(line["verdict"] for line in lines)
    report = report_of(context, source)
    intake = report.facts.intake
    assert (intake.landed, intake.stored) == (len(lines), verdicts["good"] + verdicts["unrated"])
    assert (intake.quarantined, intake.duplicate) == (verdicts["wrong"], verdicts["duplicate"])
    assert intake.unrated == verdicts["unrated"]
    assert (intake.stored_rows, intake.quarantined_rows, intake.duplicate_rows) == (
        intake.stored,
        intake.quarantined,
        intake.duplicate,
    )
    assert {cause.code: cause.records for cause in report.facts.problems} == Counter(
        code for line in lines for code in set(line["codes"])
    )

    arrived = [line for line in lines if line["verdict"] in ("good", "unrated")]
    services = distinct(arrived, "service", "projectNo", "serviceNumber")
    evaluations = distinct(arrived, "evaluation", "projectNo", "serviceNumber", "assessNumber")
    assert (intake.services, intake.evaluations) == (len(services), len(evaluations))
    for line in report.facts.coverage:
        if line.wire is not None:
            records = services if line.kind == "service" else evaluations
            assert (line.name, line.filled) == (line.name, sum(bool(record.get(line.wire)) for record in records))

    counted = Counter((record["pf"], record["satisfaction"]) for record in evaluations if record["isdefault"] == "0")
    found = {
        (line.channel, level): records
        for line in report.facts.channels
        for level, records in line.rated.items()
        if records
    }
    assert found == counted
    assert report.facts.ratings.default == sum(record["isdefault"] == "1" for record in evaluations)
    assert report.facts.ratings.negative == sum(
        records for (_, level), records in counted.items() if level in ("1", "2")
    )
    indicators = next(use for use in report.facts.codes if use.field == "indicators")
    assert {code.code: code.records for code in indicators.used} == Counter(
        code for record in evaluations if record.get("evalDetail") for code in record["evalDetail"].split(",")
    )


def test_lateness_equals_a_sorted_list(town: tuple[Context, list[dict[str, Any]]]) -> None:
    context, truth = town
    lines = [line for line in truth if line["source"] == SOURCE and line["verdict"] in ("good", "unrated")]
    evaluations = distinct(lines, "evaluation", "projectNo", "serviceNumber", "assessNumber")
    found = report_of(context).facts.timeliness[1]
    at = [
        datetime.strptime(record["assessTime"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI) for record in evaluations
    ]
    lags = sorted((BASE - moment).total_seconds() for moment in at)
    assert found.records == len(lags)
    assert found.median is not None
    assert abs(found.median - lags[(len(lags) + 1) // 2 - 1]) < 120  # the clock moves on, minutes are cut
    assert found.late == sum(lag > 86_400 for lag in lags)
    assert sum(bar.records for bar in found.bars) == len(lags)
    assert found.late == sum(bar.records for bar in found.bars if bar.upto is None or bar.upto > 86_400)


def test_the_page_is_well_formed_and_carries_the_figures(town: tuple[Context, list[dict[str, Any]]]) -> None:
    report = report_of(town[0])
    for lang in ("zh", "en"):
        page_text = html(report, "en" if lang == "en" else "zh").decode()
        tree = lxml_html.document_fromstring(page_text)
        assert tree.xpath("string(//meta[@name='report-id']/@content)") == report.report_id
        assert tree.xpath("string(//div[@class='tile'][1]/b)") == str(report.facts.intake.landed)
        assert len(tree.xpath("//div[@class='cause']")) == len(report.facts.problems)
        assert not tree.xpath("//script | //link | //img | //@src | //a[@href]")
        assert "conformance." not in tree.text_content()
        assert not re.search(r"url\(|https?://|@import", page_text)


def test_the_workbook_reads_back(town: tuple[Context, list[dict[str, Any]]]) -> None:
    report = report_of(town[0])
    book = CalamineWorkbook.from_filelike(BytesIO(xlsx(report, "en")))
    assert book.sheet_names[-1] == "Definitions"
    problems = book.get_sheet_by_name("Problems").to_python()
    found = {row[1]: row[2] for row in problems[1:]}
    assert found == {cause.code: cause.records for cause in (*report.facts.problems, *report.facts.warnings)}
    summary = dict(row[:2] for row in book.get_sheet_by_name("Summary").to_python())
    assert summary["Landed"] == report.facts.intake.landed
    coverage = book.get_sheet_by_name("Coverage").to_python()
    assert coverage[0][:3] == ["Record", "Attribute", "Name"]
    constants = [row[4] for row in coverage[1:] if row[2] in ("is_service", "operation")]
    assert constants == ["'=1", "'=I"]


def test_json_comes_back_as_the_same_report_and_its_schema_is_written_down(
    town: tuple[Context, list[dict[str, Any]]],
) -> None:
    report = report_of(town[0])
    assert Document.model_validate_json(report.model_dump_json()) == report
    assert digest(report) == report.report_id == report_of(town[0]).report_id
    written = (ROOT / "schemas" / "conformance.schema.json").read_text(encoding="utf-8")
    assert written == schema_text(), (
        "run: python -m gateway.reports.conformance.schema > schemas/conformance.schema.json"
    )


PLANTED = {
    "name": "欧阳小明",
    "mobile": "13912345678",
    "identity": "110105194912310021",
    "mail": "someone@example.com",
    "text": "我叫诸葛亮住在和平路七号",
}


def planted() -> list[dict[str, Any]]:
    """Records with persons' data where they belong and where they don't."""
    records = [record(number) for number in range(1, 9)]
    for item in records:
        item["applicant"] |= {"name": PLANTED["name"], "mobile": PLANTED["mobile"], "certNo": PLANTED["identity"]}
    records[1]["applicant"]["certNo"] = "11010519491231002X"
    records[1]["case"]["status"] = PLANTED["mobile"]
    records[2]["case"]["caseType"] = PLANTED["name"]
    records[3]["evaluation"]["satisfaction"] = PLANTED["identity"]
    records[4]["case"]["projectNo"] = f"编号{PLANTED['mobile']}"
    records[5]["service"]["name"] = PLANTED["text"] * 20
    records[6]["evaluation"]["text"] = PLANTED["text"] * 60
    records[7]["case"]["taskCode"] = PLANTED["identity"]
    records[7]["case"]["channel"] = PLANTED["mail"]
    return records


def test_no_personal_data_in_any_form(context: Context) -> None:
    land(context, page(planted(), origin=f"since={PLANTED['mobile']};page=1"))
    report = report_of(context)
    assert report.facts.intake.quarantined >= 7
    shown = [report.model_dump_json(), html(report).decode(), html(report, "en").decode()]
    for sheet in (book := CalamineWorkbook.from_filelike(BytesIO(xlsx(report)))).sheet_names:
        shown.append(json.dumps(book.get_sheet_by_name(sheet).to_python(), ensure_ascii=False, default=str))
    for text in shown:
        for value in PLANTED.values():
            assert value not in text
    assert "139****5678" in shown[0]


def test_rules_follow_what_was_sent(context: Context) -> None:
    land(context, page([record(number) for number in range(1, 40)]))
    before = {rule.rule: rule.outcome for rule in report_of(context).rules}
    assert before["unknown_codes"] == before["negative_detail"] == before["required"] == before["identity"] == "pass"
    assert before["integrity"] == before["platform"] == before["reconciled"] == "unknown"
    wrong = record(50)
    wrong["applicant"]["mobile"] = ""
    land(context, page([wrong, record(51, "6"), record(52, "1", text="")], "page=2", '"2"'))
    after = {rule.rule: (rule.outcome, rule.detail) for rule in report_of(context).rules}
    assert after["required"] == ("fail", ["mobile"])
    assert after["unknown_codes"] == ("fail", ["satisfaction.unknown"])
    assert after["negative_detail"] == ("fail", ["evaluation.negative_without_detail"])
    assert after["identity"][0] == "pass"
    assert report_of(context).verdict == "fails"


def test_a_correction_counts_in_its_latest_version(context: Context) -> None:
    land(context, page([record(1, "5"), record(2, "5")]))
    land(context, page([record(1, "1", correction=True)], "page=2", '"2"'))
    facts = report_of(context).facts
    assert (facts.intake.evaluations, facts.intake.superseded) == (2, 1)
    assert (facts.ratings.positive, facts.ratings.negative) == (1, 1)
    assert {cause.code: cause.records for cause in facts.warnings}["evaluation.satisfaction_changed"] == 1


def test_the_period_before_stands_beside_and_few_records_are_not_compared(context: Context) -> None:
    object.__setattr__(context, "clock", Clock(datetime(2026, 11, 19, 4, tzinfo=UTC)))
    land(context, page([record(number) for number in range(1, 41)]))
    object.__setattr__(context, "clock", Clock(datetime(2026, 11, 20, 4, tzinfo=UTC)))
    land(context, page([record(number, "1") for number in range(41, 51)], "page=2", '"2"'))
    report = report_of(context, first="2026-11-20", last="2026-11-20")
    changes = {change.figure: change for change in report.comparison}
    landed, rate = changes["landed"], changes["positive_rate"]
    assert (landed.now, landed.before, landed.delta) == (10, 40, -30)
    assert (rate.now, rate.before, rate.delta, rate.too_few) == (0, 1, None, True)
    assert report.before.period.last == date(2026, 11, 19)


def test_nothing_received_is_no_data_and_no_rate(context: Context) -> None:
    report = report_of(context)
    assert report.verdict == "no_data"
    assert report.facts.ratings.positive_rate is None
    assert html(report).count(b"<main>") == 1
    assert CalamineWorkbook.from_filelike(BytesIO(xlsx(report))).sheet_names


def checked(context: Context) -> Document:
    """Forty evaluations of one second, two of them of persons who number their cases by their phone, and a check."""
    records = [record(number) for number in range(1, 41)]
    for number, item in enumerate(records[:2]):
        item["case"]["projectNo"] = f"{PLANTED['mobile']}" if number else f"A-{PLANTED['identity']}"
    land(context, page(records))
    check(context, *days("2026-11-01", "2026-11-30"))
    return report_of(context)


def days(first: str, last: str) -> tuple[datetime, datetime]:
    return day_bounds(date.fromisoformat(first))[0], day_bounds(date.fromisoformat(last))[1]


def test_findings_stand_in_all_three_forms_with_their_evidence(context: Context) -> None:
    report = checked(context)
    assert report.findings is not None
    burst = next(one for one in report.findings if one.detector == "scheduled_burst")
    assert (burst.records, burst.group_size, burst.share) == (40, 40, 1.0)
    assert (burst.dept_name, burst.area_name, burst.rate.share) == ("区行政审批局", "广安区", 1.0)
    assert (burst.rate_without.rated, burst.rate_without.share) == (0, None)
    assert "10:00:00" in burst.summary
    assert report.rules[-1].outcome == "fail"
    assert "scheduled_burst" in report.rules[-1].detail
    page_text = html(report).decode()
    tree = lxml_html.document_fromstring(page_text)
    assert len(tree.xpath("//div[@class='finding']")) == len(report.findings)
    assert burst.summary in page_text
    assert burst.summary_en.replace("'", "&#39;") in html(report, "en").decode()
    book = CalamineWorkbook.from_filelike(BytesIO(xlsx(report)))
    rows = book.get_sheet_by_name("数据真实性").to_python()
    assert [row[1] for row in rows[1 : len(report.findings) + 1]] == [one.detector for one in report.findings]
    assert Document.model_validate_json(report.model_dump_json()).findings == report.findings


def test_record_keys_of_findings_are_masked(context: Context) -> None:
    report = checked(context)
    told = report.model_dump_json() + html(report).decode()
    assert PLANTED["mobile"] not in told
    assert PLANTED["identity"] not in told
    assert "139****5678#1#1" in told


def test_days_that_nobody_checked_and_days_without_findings_are_told_apart(context: Context) -> None:
    land(context, page([record(1)]))
    unchecked = report_of(context)
    assert (unchecked.findings, unchecked.checks, unchecked.rules[-1].outcome) == (None, [], "unknown")
    check(context, *days("2026-11-01", "2026-11-30"), source_id=SOURCE)
    report = report_of(context)
    assert (report.findings, report.rules[-1].outcome) == ([], "pass")
    (run,) = report.checks
    assert (run.evaluations, "fixed_lag" in run.not_assessed) == (1, True)
    assert report_of(context, "app_guangan").checks == [], "a check of one source says nothing of another"


@pytest.mark.parametrize("last", [date(2026, 10, 31), date(2026, 11, 1) + timedelta(days=4000)])
def test_a_period_that_makes_no_sense_is_refused(context: Context, last: date) -> None:
    with pytest.raises(Rejected, match=r"conformance\.period_invalid"):
        report_of(context, first="2026-11-01", last=last.isoformat())
