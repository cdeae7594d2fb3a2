"""A source that numbers no evaluations (trap round-sd): the round is the evaluation's place among its service's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.errors import Misconfigured
from gateway.stages.causes import causes
from gateway.stages.context import Context
from gateway.stages.explain import explain
from gateway.stages.normalise import normalise
from gateway.stages.replay import replay
from tests.integration.store.portal_data import Clock, context_of, page, record, settings_of
from tests.integration.trail.killing import kill_often
from tests.integration.trail.lone import LONE, MAPPING, land, lone, lone_source, with_source

ORDERED = {"evaluation": {**MAPPING["evaluation"], "assess_number": {"order": "assess_time"}}}
EVALUATIONS = """SELECT record_key, version, event_at, satisfaction, warnings FROM ledger_record
    WHERE kind = 'evaluation' ORDER BY record_key, version"""
CASE = "GA20261119000001#1"


@pytest.fixture
def context(store_url: str, tmp_path: Path) -> Any:
    made = with_source(context_of(store_url, tmp_path / "var", chunk=7), lone_source(**ORDERED))
    land(made, page([record(1, None), record(2, None)], "c"))
    normalise(made)
    yield made
    made.store.close()


def query(context: Context, statement: str) -> list[tuple[Any, ...]]:
    with context.store.read() as transaction:
        return [tuple(row) for row in transaction.execute(text(statement))]


def sent(context: Context, *evaluations: dict[str, Any]) -> Any:
    sent.turn = getattr(sent, "turn", 0) + 1  # type: ignore[attr-defined]
    about = f"e{sent.turn}"  # type: ignore[attr-defined]
    land(context, page(evaluations, about, f'"{about}"'), source=LONE)
    return normalise(context)


def held(context: Context) -> list[tuple[Any, ...]]:
    """Round, version, hour, level and warnings of every evaluation of the first case."""
    rows = query(context, EVALUATIONS)
    return [
        (key.rpartition("#")[2], version, int(str(at)[11:13]) + 8, level, warned)
        for key, version, at, level, warned in rows
        if key.startswith(CASE)
    ]


def at(hour: int, level: str = "5", **more: Any) -> dict[str, Any]:
    return lone(1, level, at=f"2026-11-19 {hour}:00:00", **more)


def test_rounds_follow_the_time_within_a_page_and_go_on_over_pages(context: Context) -> None:
    report = sent(context, at(12, "4"), at(11, "5"), lone(2))
    assert (report.stored, report.quarantined) == (3, 0)
    assert sent(context, at(13, "3")).stored == 1
    unlisted = '["code.unknown"]'
    assert held(context) == [("1", 1, 11, 5, None), ("2", 1, 12, 4, None), ("3", 1, 13, 3, unlisted)]
    assert query(context, "SELECT content FROM ledger_record WHERE record_key LIKE '%000001#1#2'")[0][0].count(
        '"assessNumber":"2"'
    )


def test_what_is_sent_again_is_a_repeat_in_whatever_company(context: Context) -> None:
    sent(context, at(11), at(12, "4"))
    report = sent(context, at(12, "4"), at(13, "3"), at(11))
    assert (report.stored, report.duplicate, report.quarantined) == (1, 2, 0)
    assert [row[0] for row in held(context)] == ["1", "2", "3"]


def test_a_correction_stays_the_round_that_it_corrects(context: Context) -> None:
    sent(context, at(11, "5"), at(12, "4"))
    report = sent(context, at(11, "3", fix="1"))
    assert (report.stored, report.quarantined) == (1, 0)
    assert [row[:4] for row in held(context)] == [("1", 1, 11, 5), ("1", 2, 11, 3), ("2", 1, 12, 4)]
    assert sent(context, at(11, "5")).duplicate == 1, "the older wording is still the first round's"


def test_a_correction_with_another_time_is_refused_and_says_why(context: Context) -> None:
    """Taken for a further evaluation, one rating would count twice."""
    sent(context, at(11))
    assert sent(context, at(14, "3", fix="1")).quarantined == 1
    assert [row[:3] for row in held(context)] == [("1", 1, 11)]
    (cause,) = causes(context)
    assert (cause.code, cause.field) == ("evaluation.round_unclear", "assess_number")


def test_the_same_time_with_other_words_and_no_mark_is_a_conflict(context: Context) -> None:
    sent(context, at(11))
    assert sent(context, at(11, "3")).quarantined == 1
    assert [cause.code for cause in causes(context)] == ["record.conflict"]


def test_one_that_comes_late_stands_behind_and_is_marked(context: Context) -> None:
    sent(context, at(12, "4"))
    assert sent(context, at(11, "5")).stored == 1
    assert held(context) == [("1", 1, 12, 4, None), ("2", 1, 11, 5, '["evaluation.round_late"]')]
    assert sent(context, at(11, "5"), at(12, "4")).duplicate == 2


def test_a_refused_one_leaves_its_place_and_is_closed_when_it_comes_right(context: Context) -> None:
    sent(context, at(11, "九"), at(12, "4"))
    assert [row[:3] for row in held(context)] == [("1", 1, 12)]
    sent(context, at(11, "5"))
    assert query(context, "SELECT state FROM quarantine") == [("superseded",)]
    assert [row[:3] for row in held(context)] == [("1", 1, 12), ("2", 1, 11)]
    assert query(context, "SELECT record_key FROM quarantine") == [(f"{CASE}#2026-11-19 11:00:00",)]


def test_evaluations_that_wait_for_their_case_are_numbered_when_it_comes(context: Context) -> None:
    early = [lone(9, level, at=f"2026-11-19 1{hour}:00:00") for hour, level in ((2, "4"), (1, "5"))]
    assert sent(context, *early).quarantined == 2
    land(context, page([record(9, None)], "late", '"late"'))
    assert normalise(context).joined == 2
    found = [row for row in query(context, EVALUATIONS) if row[0].startswith("GA20261119000009")]
    assert [(row[0][-1], row[3]) for row in found] == [("1", 5), ("2", 4)]


def test_more_than_ninety_nine_are_refused_and_not_lost(context: Context) -> None:
    many = [lone(1, at=f"2026-11-19 10:{n // 60:02}:{n % 60:02}") for n in range(101)]
    report = sent(context, *many)
    assert (report.stored, report.quarantined) == (99, 2)
    assert {cause.code for cause in causes(context)} == {"field.length"}
    assert replay(context).passing == 0


def test_explain_shows_where_the_round_comes_from(context: Context) -> None:
    sent(context, at(11), at(12))
    found = explain(context, f"{CASE}#2")
    assert [version.differing for version in found.versions if version.kind == "evaluation"] == [[]]
    steps = {step.field: step.rules for origin in found.origins for step in origin.steps}
    assert steps["assess_number"] == ("order: assess_time",)
    (place,) = query(context, "SELECT page_id, page_index FROM ledger_record WHERE record_key LIKE '%000001#1#2'")
    assert {version.kind for version in explain(context, f"{place[0]}:{place[1]}").versions} == {
        "service",
        "evaluation",
    }


@pytest.mark.parametrize(
    "spoilt",
    [
        {"evaluation": {**ORDERED["evaluation"], "assess_number": {"order": "assess_time", "default": "1"}}},
        {"evaluation": {**ORDERED["evaluation"], "channel": {"order": "assess_time"}}},
        {"evaluation": {**ORDERED["evaluation"], "assess_number": {"order": "service_time"}}},
        {**ORDERED, "revision": {"path": "rev", "form": "number"}},
    ],
)
def test_what_could_not_be_decided_is_refused_when_it_is_declared(context: Context, spoilt: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured) as refused:
        with_source(context, lone_source(**spoilt))
    assert refused.value.code == "mapping.invalid"


def disturbed(ready: Callable[[], object], url: str, folder: Path) -> None:
    from gateway.bootstrap import open_context

    context = with_source(open_context(settings_of(url, folder, chunk=9), Clock()), lone_source(**ORDERED))
    ready()
    for turn in range(10):
        hours = [10 + (turn + step) % 10 for step in (0, 3, 1)]
        early = [lone(n, "5", at=f"2026-11-19 {hour}:00:00") for hour in hours for n in (1, 2, 3)]
        land(context, page(early, f"e{turn}", f'"{turn}"'), source=LONE)
        normalise(context, LONE)
        if turn == 3:
            land(context, page([record(n, None) for n in (1, 2, 3)], "c", '"c"'))
        fixed = [lone(1, "3", at=f"2026-11-19 {hours[0]}:00:00", fix="1")]
        land(context, page(fixed, f"f{turn}", f'"{turn}"'), source=LONE)
        normalise(context)
    context.store.close()


@pytest.mark.kill
def test_rounds_are_the_same_after_kills_at_any_point(tmp_path: Path) -> None:
    ends = []
    for name, kills in (("calm", 0), ("killed", 8)):
        url, folder = f"sqlite:///{tmp_path / name}/gateway.db", tmp_path / name
        context_of(url, folder).store.close()
        kill_often(0.5, kills, disturbed, url, folder)
        context = context_of(url, folder)
        ends.append(query(context, EVALUATIONS))
        context.store.close()
    assert ends[1] == ends[0]
    assert len(ends[0]) > 30
