"""Late, early, repeated, corrected, out of order: in whatever order it came, what is held in the end is the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.errors import Misconfigured
from gateway.reports.status import gateway_status
from gateway.reports.waiting import waiting
from gateway.stages.causes import causes
from gateway.stages.context import Context
from gateway.stages.explain import explain
from gateway.stages.normalise import normalise
from gateway.stages.pull import resume_source
from gateway.stages.replay import replay
from gateway.store import audit
from schemas.source import ErrorBudget
from tests.integration.store.portal_data import SOURCE, Clock, context_of, page, record, settings_of
from tests.integration.trail.killing import kill_often
from tests.integration.trail.lone import LONE, land, lone, lone_source, with_source

UNBALANCED = """SELECT COUNT(*) FROM raw_page WHERE state <> 'landed' AND (landed <> stored + quarantined + duplicate
    OR stored <> (SELECT COUNT(DISTINCT l.page_index) FROM ledger_record l WHERE l.page_id = raw_page.page_id)
    OR duplicate <> (SELECT COUNT(*) FROM duplicate d WHERE d.page_id = raw_page.page_id)
    OR quarantined <> (SELECT COUNT(*) FROM quarantine q WHERE q.page_id = raw_page.page_id
        AND q.state IN ('open', 'held', 'superseded')))"""
LEDGER = (
    "SELECT kind, record_key, version, satisfaction, area_code FROM ledger_record ORDER BY kind, record_key, version"
)
PLACES = "SELECT state, COUNT(*) FROM quarantine GROUP BY state ORDER BY state"


@pytest.fixture
def context(store_url: str, tmp_path: Path) -> Any:
    made = with_source(context_of(store_url, tmp_path / "var", chunk=7), lone_source())
    yield made
    assert query(made, UNBALANCED) == [(0,)]
    made.store.close()


def query(context: Context, statement: str) -> list[tuple[Any, ...]]:
    with context.store.read() as transaction:
        return [tuple(row) for row in transaction.execute(text(statement))]


def evaluations(context: Context) -> list[tuple[Any, ...]]:
    return [row[1:] for row in query(context, LEDGER) if row[0] == "evaluation"]


def test_an_evaluation_waits_for_its_case_visibly_and_goes_on_with_it(context: Context) -> None:
    land(context, page([lone(1, "1"), lone(2)], "e"), source=LONE)
    report = normalise(context)
    assert (report.landed, report.stored, report.quarantined, report.orders) == (2, 0, 2, 0)
    status = gateway_status(context.store, context.sources, context.clock(), hold_hours=100)
    (case,) = status.cases
    assert (case.source_id, case.count, case.until - case.oldest_at) == (LONE, 2, timedelta(hours=100))
    assert status.totals["quarantine_open"] == 0
    assert any(LONE in wait.sentence("zh") for wait in waiting(status) if wait.code == "cases")
    assert causes(context) == []

    land(context, page([record(1, None)], "c"))
    report = normalise(context)
    assert (report.joined, report.orders) == (1, 1)
    assert evaluations(context) == [("GA20261119000001#1#1", 1, 1, "511602000000")]
    assert query(context, PLACES) == [("held", 1), ("released", 1)]
    assert explain(context, "GA20261119000001#1").orders
    assert normalise(context).joined == 0


def test_an_evaluation_whose_case_is_there_does_not_wait(context: Context) -> None:
    land(context, page([record(1, None)], "c"))
    normalise(context)
    land(context, page([lone(1), lone(1)], "e"), source=LONE)
    report = normalise(context)
    assert (report.stored, report.duplicate, report.quarantined) == (1, 1, 0)


def test_one_that_waits_too_long_becomes_a_persons_business_and_can_still_be_replayed(context: Context) -> None:
    clock: Any = context.clock
    land(context, page([lone(1)], "e"), source=LONE)
    assert normalise(context).timed_out == 0
    clock.now += timedelta(hours=context.settings.hold_hours)
    assert normalise(context).timed_out == 1
    assert query(context, PLACES) == [("open", 1)]
    assert [(cause.code, cause.records) for cause in causes(context)] == [("parent.missing", 1)]
    assert replay(context, LONE).passing == 0
    land(context, page([record(1, None)], "c"))
    normalise(context)
    done = replay(context, LONE, "parent.missing", dry_run=False)
    assert (done.total, done.passing, done.stored) == (1, 1, 1)
    assert evaluations(context) == [("GA20261119000001#1#1", 1, 5, "511602000000")]


def test_what_only_its_case_shows_to_be_wrong_is_refused_then(context: Context) -> None:
    land(context, page([lone(1, at="2026-11-19 08:59:59"), lone(2, "0")], "e"), source=LONE)
    normalise(context)
    assert query(context, PLACES) == [("held", 1), ("open", 1)], "without a rating there is nothing to wait for"
    land(context, page([record(1, None)], "c"))
    assert normalise(context).joined == 0
    codes = {cause.code for cause in causes(context)}
    assert codes == {"time.before_service", "satisfaction.unrated"}
    assert query(context, "SELECT COUNT(*) FROM parent_hold") == [(0,)]


def test_one_that_its_page_no_longer_has_waits_for_a_person_and_stops_no_other(context: Context) -> None:
    sent = json.loads(page([lone(1), lone(2)]).body)
    sent["data"]["shorter"] = sent["data"]["list"][:1]
    land(context, replace(page([], "e"), body=json.dumps(sent).encode()), source=LONE)
    normalise(context)
    with_source(context, lone_source(read={"list": "data.shorter"}))
    land(context, page([record(1, None), record(2, None)], "c"))
    assert normalise(context).joined == 1
    assert query(context, PLACES) == [("open", 1), ("released", 1)]
    assert [(cause.code, cause.records) for cause in causes(context)] == [("record.not_there", 1)]


def test_a_right_version_of_a_refused_record_closes_it(context: Context) -> None:
    land(context, page([record(1, "九"), record(2, "九")], "a", '"a"'))
    normalise(context)
    land(context, page([record(1, "2", correction=True)], "b", '"b"'))
    report = normalise(context)
    assert (report.stored, report.orders) == (1, 1)
    assert query(context, PLACES) == [("open", 1), ("superseded", 1)]
    (refused,) = explain(context, "GA20261119000001#1").refused
    assert refused.state == "superseded"
    assert replay(context).total == 1


def test_an_older_page_that_is_replayed_closes_nothing_newer(context: Context) -> None:
    land(context, page([record(1, "8")], "a", '"a"'), page([record(1, "9")], "b", '"b"'))
    normalise(context)
    source = context.source(SOURCE)
    table = dict(source.mapping["evaluation"]["satisfaction"])
    levels = {str(level): str(level) for level in range(1, 6)}
    changed = {**source.mapping["evaluation"], "satisfaction": {"path": table["path"], "map": levels | {"8": "5"}}}
    with_source(context, source.model_copy(update={"mapping": {**source.mapping, "evaluation": changed}}))
    done = replay(context, dry_run=False)
    assert (done.total, done.passing) == (2, 1)
    assert query(context, PLACES) == [("open", 1), ("released", 1)]


NUMBERED = {"revision": {"path": "rev", "form": "number"}}


@pytest.mark.parametrize(
    ("order", "held", "gaps"),
    [
        ((1, 2, 3), [3, 2, 1], 0),
        ((3, 1, 2), [1], 0),
        ((1, 3, 2), [3, 1], 1),
        ((2, 2, 1), [2], 0),
    ],
)
def test_newer_wins_in_whatever_order_versions_come(
    context: Context, order: tuple[int, ...], held: list[int], gaps: int
) -> None:
    """Version n is rated 6 - n, so that each says something else; ``held``: levels in the order of the ledger."""
    with_source(context, lone_source(**NUMBERED))
    land(context, page([record(1, None)], "c"))
    normalise(context)
    for turn, revision in enumerate(order):
        sent = lone(1, str(6 - revision), rev=revision)
        land(context, page([sent | {"turn": turn}], f"e{turn}", f'"{turn}"'), source=LONE)
        normalise(context)
    levels = [satisfaction for _, _, satisfaction, _ in evaluations(context)]
    assert levels[-1] == 6 - max(order), "the newest is the latest version"
    assert len(levels) == len(held)
    assert query(context, PLACES) == []
    warned = query(context, "SELECT COUNT(*) FROM ledger_record WHERE warnings LIKE '%record.version_gap%'")
    assert warned == [(gaps,)]


def test_all_versions_in_one_page_end_alike(context: Context) -> None:
    with_source(context, lone_source(**NUMBERED))
    versions = [lone(1, str(6 - revision), rev=revision) for revision in (1, 3, 2)]
    land(context, page([record(1, None)], "c"))
    normalise(context)
    land(context, page(versions, "e"), source=LONE)
    assert (normalise(context).stored, evaluations(context)[-1][2]) == (2, 3)


def budgeted(context: Context, **budget: Any) -> None:
    source = context.source(SOURCE)
    with_source(context, source.model_copy(update={"error_budget": ErrorBudget(**budget)}))


def bad_pages(pages: int, first: int = 0) -> list[Any]:
    return [
        page([record(10 * n + i, "九" if i < 3 else "5") for i in range(6)], f"p{n}", f'"{n}"')
        for n in range(first, first + pages)
    ]


def test_a_source_beyond_its_error_budget_is_suspended_and_loses_nothing(context: Context) -> None:
    budgeted(context, share=0.4, least=6)
    land(context, *bad_pages(8))
    report = normalise(context)
    assert (report.pages, report.quarantined) == (2, 6)
    (line,) = [one for one in gateway_status(context.store, context.sources, context.clock()).sources
               if one.source_id == SOURCE]  # fmt: skip
    assert (line.state, line.error_code, line.pending_pages) == ("suspended", "source.error_budget", 6)
    assert "6/12 > 40%" in line.error_text["zh"]
    assert normalise(context).pages == 0, "what has landed waits with it"
    assert resume_source(context, SOURCE, "li", "the county has mended it")
    assert normalise(context).pages == 2, "the budget counts anew, and holds again"
    budgeted(context, share=0.5, least=6)
    resume_source(context, SOURCE, "li", "half of it is agreed")
    assert normalise(context).pages == 4
    with context.store.read() as transaction:
        assert [act.act for act in audit.recent(transaction)] == ["source.resume"] * 2


@pytest.mark.parametrize(
    ("share", "least", "pages"),
    [(0.5, 3, 8), (0.49, 3, 1), (0.49, 6, 2), (0.49, 7, 3), (1.0, 1, 8)],
)
def test_a_budget_is_spent_beyond_its_share_and_not_at_it(
    context: Context, share: float, least: int, pages: int
) -> None:
    """Every page of six has three refused ones, and a transaction takes one page."""
    budgeted(context, share=share, least=least)
    land(context, *bad_pages(8))
    normalise(context)
    assert query(context, "SELECT COUNT(*) FROM raw_page WHERE state = 'normalised'") == [(pages,)]


def test_a_source_beyond_its_budget_is_not_pulled_and_stops_no_other(context: Context) -> None:
    budgeted(context, share=0.4, least=3)
    land(context, *bad_pages(2))
    normalise(context)
    with pytest.raises(Misconfigured) as refused:
        land(context, *bad_pages(3, first=5))
    assert (refused.value.code, refused.value.params["cause"]) == ("source.suspended", "source.error_budget")
    land(context, page([lone(1)], "e"), source=LONE)
    assert normalise(context).pages == 1
    assert query(context, "SELECT COUNT(*) FROM quarantine WHERE state = 'held'") == [(1,)]


def test_an_evaluation_that_waits_survives_the_suspension_of_its_cases_source(context: Context) -> None:
    """Held ones go on once a person has resumed the source that brings their cases."""
    budgeted(context, share=0.4, least=3)
    land(context, page([lone(100)], "e"), source=LONE)
    land(context, *bad_pages(2), page([record(100, None)], "c", '"c"'))
    normalise(context)
    assert query(context, "SELECT COUNT(*) FROM parent_hold") == [(1,)], "its case has landed and is not normalised"
    budgeted(context, share=1.0, least=3)
    assert resume_source(context, SOURCE, "li", "mended")
    assert normalise(context).joined == 1
    assert query(context, "SELECT COUNT(*) FROM parent_hold") == [(0,)]


def test_few_refused_records_never_suspend_a_source(context: Context) -> None:
    budgeted(context, share=0.01, least=100)
    land(context, *bad_pages(8))
    assert normalise(context).pages == 8


def test_those_that_wait_for_their_case_spend_no_budget(context: Context) -> None:
    with_source(context, lone_source().model_copy(update={"error_budget": ErrorBudget(share=0.1, least=1)}))
    land(context, page([lone(n) for n in range(9)], "e"), page([lone(20)], "f", '"f"'), source=LONE)
    assert normalise(context).pages == 2


def test_causes_name_the_codes_that_came_and_how_often(context: Context) -> None:
    wrong = [*(record(n, "九") for n in range(3)), record(4, "八")]
    for n, one in enumerate(wrong):
        one["case"] = {**one["case"], "caseType": "77" if n else "78"}
    land(context, page(wrong))
    normalise(context)
    found = {(cause.code, cause.field): cause for cause in causes(context, SOURCE)}
    levels = found["satisfaction.unknown", "satisfaction"]
    assert levels.source_path == "evaluation.satisfaction"
    assert [(each.value, each.records) for each in levels.values] == [("九", 3), ("八", 1)]
    kinds = next(cause for (_, name), cause in found.items() if name == "project_type")
    assert [(each.value, each.records) for each in kinds.values] == [("77", 3), ("78", 1)]


def test_causes_never_show_personal_data(context: Context) -> None:
    spoiled = record(1)
    spoiled["applicant"]["certNo"] = "11010519491231002X" * 4
    land(context, page([spoiled]))
    normalise(context)
    assert causes(context)
    assert not any(cause.values for cause in causes(context))


def disturbed(ready: Callable[[], object], url: str, folder: Path) -> None:
    """Evaluations, refusals, corrections, cases and a replay: the work of a process that is killed."""
    from gateway.bootstrap import open_context

    context = with_source(open_context(settings_of(url, folder, chunk=9), Clock()), lone_source(**NUMBERED))
    ready()
    for turn in range(12):
        first = 10 * turn
        early = [lone(first + i, str(1 + i % 5), rev=2) for i in range(4)]
        land(context, page(early, f"e{turn}", f'"{turn}"'), source=LONE)
        normalise(context, LONE)
        cases = [record(first + i, None) for i in range(4)] + [record(first + 5 + i, "九") for i in range(3)]
        land(context, page(cases, f"c{turn}", f'"{turn}"'))
        normalise(context)
        fixed = [record(first + 5 + i, "1", correction=True) for i in range(2)]
        land(context, page(fixed, f"f{turn}", f'"{turn}"'))
        late = [lone(first + i, str(5 - i % 5), rev=1) for i in range(2)]
        late += [lone(first + i, str(5 - i % 5), rev=4) for i in range(2, 4)]
        land(context, page(late, f"l{turn}", f'"l{turn}"'), source=LONE)
        normalise(context)
        replay(context, dry_run=False)
    context.store.close()


QUERIES = {
    "ledger": LEDGER,
    "quarantine": PLACES,
    "holds": "SELECT COUNT(*) FROM parent_hold",
    "pages": "SELECT origin, state, landed, stored, quarantined, duplicate FROM raw_page ORDER BY origin",
    "revisions": "SELECT record_key, revision FROM source_revision ORDER BY record_key",
    "orders": "SELECT external_id, state FROM work_order ORDER BY external_id",
    "gaps": "SELECT record_key, version FROM ledger_record WHERE warnings LIKE '%version_gap%' ORDER BY 1",
}


@pytest.mark.kill
def test_replay_correction_lateness_and_parent_first_survive_a_kill_at_any_point(tmp_path: Path) -> None:
    ends = []
    for name, kills in (("calm", 0), ("killed", 14)):
        url, folder = f"sqlite:///{tmp_path / name}/gateway.db", tmp_path / name
        context_of(url, folder).store.close()
        cut_short = kill_often(0.8, kills, disturbed, url, folder)
        assert (cut_short > 0) == (kills > 0)
        context = context_of(url, folder)
        assert query(context, UNBALANCED) == [(0,)]
        ends.append({about: query(context, statement) for about, statement in QUERIES.items()})
        context.store.close()
    calm, killed = ends
    assert killed == calm
    assert calm["holds"] == [(0,)]
    assert dict(calm["quarantine"]) == {"open": 12, "released": 48, "superseded": 24}
    assert calm["gaps"]
