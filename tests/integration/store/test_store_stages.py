"""Pull, normalise and replay through the real mapping and vault."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from gateway.connector import Page
from gateway.domain.wire import members
from gateway.errors import GatewayError, Misconfigured, Transient
from gateway.mapping import rules
from gateway.stages import mapped_page
from gateway.stages.context import Context
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull, resume_source
from gateway.stages.replay import replay
from gateway.store import audit, figures, pages, quarantine, sources
from gateway.store.tables import ledger_record, quarantine_problem, raw_page
from tests.integration.store.portal_data import NOON, SOURCE, Clock, Served, context_of, page, record, serve

UNBALANCED = text(
    "SELECT COUNT(*) FROM raw_page WHERE state <> 'landed' AND (landed <> stored + quarantined + duplicate"
    " OR stored <> (SELECT COUNT(DISTINCT l.page_index) FROM ledger_record l WHERE l.page_id = raw_page.page_id)"
    " OR duplicate <> (SELECT COUNT(*) FROM duplicate d WHERE d.page_id = raw_page.page_id)"
    " OR quarantined <> (SELECT COUNT(*) FROM quarantine q WHERE q.page_id = raw_page.page_id AND q.state = 'open'))"
)


@pytest.fixture
def context(store_url: str, tmp_path: Path) -> Any:
    made = context_of(store_url, tmp_path / "var", chunk=7)
    yield made
    made.store.close()


def landed(context: Context, *served: Page) -> None:
    serve(context, Served(served))
    pull(context, SOURCE)


def query(context: Context, statement: Any) -> list[tuple[Any, ...]]:
    with context.store.read() as transaction:
        return [tuple(row) for row in transaction.execute(statement)]


def balanced(context: Context) -> bool:
    return query(context, UNBALANCED) == [(0,)]


def without(item: dict[str, Any], *path: str) -> dict[str, Any]:
    """``item`` with one value emptied."""
    copy: dict[str, Any] = json.loads(json.dumps(item))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = ""
    return copy


def test_a_page_rests_sealed_and_comes_back_byte_for_byte(context: Context) -> None:
    sent = page([record(1)])
    landed(context, sent)
    ((page_id, body, digest),) = query(context, select(raw_page.c.page_id, raw_page.c.body, raw_page.c.body_digest))
    assert b"projectNo" not in body
    assert len(digest) == 64
    with context.store.read() as transaction:
        (head,) = pages.heads(transaction, [page_id])
    assert mapped_page.opened(context, head) == sent.body


def test_each_page_moves_the_cursor_and_is_told_to_the_connector(context: Context) -> None:
    served = serve(context, Served([page([record(1)], "a", '"a"'), page([record(2)], "b", '"b"')]))
    report = pull(context, SOURCE)
    assert (report.pages, report.repeated) == (2, 0)
    assert served.told == ["a", "b"]
    assert served.closed
    pull(context, SOURCE)
    assert served.asked == [None, '"b"']


def test_a_repeated_page_is_not_landed_again_but_the_cursor_moves(context: Context) -> None:
    landed(context, page([record(1)], "a", '"1"'))
    served = serve(context, Served([page([record(1)], "a", '"2"')]))
    report = pull(context, SOURCE)
    assert (report.pages, report.repeated, report.bytes) == (0, 1, 0)
    assert served.told == ["a"], "the connector may have been killed before it heard so"
    with context.store.read() as transaction:
        state = sources.state(transaction, SOURCE)
        assert pages.known(transaction, SOURCE, "a")
        assert not pages.known(transaction, SOURCE, "b")
    assert state is not None
    assert (state.cursor, state.cursor_version) == ('"2"', 2)


def test_what_was_landed_before_a_failure_stays_and_the_failure_is_noted(context: Context) -> None:
    trouble = Transient("net.timeout", host="h")
    serve(context, Served([page([record(1)], "a", '"a"'), page([record(2)], "b", '"b"')], 1, trouble))
    for _ in range(2):
        with pytest.raises(Transient):
            pull(context, SOURCE)
    with context.store.read() as transaction:
        (state,) = sources.states(transaction)
    assert (state.cursor, state.error_code, state.failures) == ('"a"', "net.timeout", 2)
    assert state.suspended_code is None
    assert state.failing_since is not None
    serve(context, Served([page([record(2)], "b", '"b"')]))
    pull(context, SOURCE)
    with context.store.read() as transaction:
        (state,) = sources.states(transaction)
    assert (state.cursor, state.error_code, state.failures, state.failing_since) == ('"b"', None, 0, None)
    assert query(context, text("SELECT COUNT(*) FROM raw_page")) == [(2,)]


def test_a_source_that_needs_a_person_is_suspended_until_resumed(context: Context) -> None:
    serve(context, Served([], 0, Misconfigured("net.credential", host="h")))
    with pytest.raises(Misconfigured):
        pull(context, SOURCE)
    served = serve(context, Served([page([record(1)])]))
    with pytest.raises(Misconfigured) as refused:
        pull(context, SOURCE)
    assert refused.value.code == "source.suspended"
    assert served.asked == []
    assert resume_source(context, SOURCE, "li", "password renewed")
    assert not resume_source(context, SOURCE, "li", "again")
    assert pull(context, SOURCE).pages == 1
    with context.store.read() as transaction:
        acts = audit.recent(transaction)
    assert [(act.actor, act.act, act.object_id, act.outcome) for act in acts] == [
        ("li", "source.resume", SOURCE, "not_suspended"),
        ("li", "source.resume", SOURCE, "resumed"),
    ]


def test_two_pulls_at_once_cannot_both_move_the_cursor(context: Context) -> None:
    class Overtaken(Served):
        def landed(self, page: Page) -> None:
            super().landed(page)
            if len(self.told) == 1:
                with context.store.begin() as transaction:
                    transaction.execute(text("UPDATE source_state SET cursor_version = cursor_version + 1"))

    serve(context, Overtaken([page([record(1)], "a", '"a"'), page([record(2)], "b", '"b"')]))
    with pytest.raises(Transient) as lost:
        pull(context, SOURCE)
    assert lost.value.code == "pull.overtaken"
    assert query(context, text("SELECT COUNT(*) FROM raw_page")) == [(1,)]


def test_an_unknown_source_is_refused(context: Context) -> None:
    for act in (pull, normalise):
        with pytest.raises(Misconfigured) as refused:
            act(context, "nowhere")
        assert refused.value.code == "source.unknown"


def test_every_record_lands_in_one_of_three_places(context: Context) -> None:
    good = [record(number, str(number % 5 + 1)) for number in range(1, 11)]
    wrong = [without(record(11), "case", "projectNo"), record(12, "9"), "not an object"]
    landed(
        context,
        page([*good, *wrong], "a"),
        page([*good[:3], record(13, None)], "b"),
        Page(b"\xff\xfe broken", "application/json", "c", '"c"'),
        page([], "d"),
    )
    report = normalise(context)
    assert (report.pages, report.undecodable_pages) == (4, 1)
    assert (report.landed, report.stored, report.quarantined, report.duplicate) == (18, 11, 4, 3)
    assert (report.unrated, report.orders) == (1, 4)
    assert balanced(context)
    codes = {row[0] for row in query(context, select(quarantine_problem.c.code).distinct())}
    assert {"field.required", "satisfaction.unknown", "field.type", "page.undecodable"} <= codes
    assert normalise(context).pages == 0


def test_raw_values_of_refused_records_rest_sealed(context: Context) -> None:
    landed(context, page([record(1, "九")]))
    normalise(context)
    with context.store.read() as transaction:
        (kept,) = quarantine.kept(transaction)
        sealed = quarantine.detail(transaction, kept.page_id, kept.page_index)
    assert sealed is not None
    assert "九".encode() not in sealed
    row = quarantine.detail_row(kept.page_id, kept.page_index)
    problems = quarantine.parse_detail(context.vault.open(quarantine.DETAIL, row, sealed))
    assert any(problem.value == "九" for problem in problems)


def test_personal_data_opens_with_its_row_only(context: Context) -> None:
    landed(context, page([record(1)]))
    normalise(context)
    columns = [ledger_record.c[name] for name in ("kind", "record_key", "version", "content", "personal")]
    kind, key, version, content, personal = query(context, select(*columns).order_by("position"))[0]
    assert "王小明" not in content
    opened = context.vault.open("personal", f"{kind}:{key}:{version}", personal)
    assert members(content, opened)["userName"] == "王小明"
    with pytest.raises(GatewayError):
        context.vault.open("personal", f"{kind}:{key}:2", personal)


def test_a_mapping_that_crashes_on_one_record_stops_no_other(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def crashing(*_: Any) -> None:
        raise ZeroDivisionError("王小明")

    monkeypatch.setattr(rules, "check_service", crashing)  # which only a record with a fault comes to
    faulty = record(2)
    faulty["case"]["status"] = "x"
    landed(context, page([record(1), faulty, record(3)]))
    report = normalise(context)
    assert (report.stored, report.quarantined) == (2, 1)
    assert balanced(context)
    assert query(context, select(quarantine_problem.c.code)) == [("bug.mapping",)]


def test_a_source_without_a_usable_mapping_keeps_its_pages_and_stops_no_other(context: Context) -> None:
    other = context.source(SOURCE).model_copy(update={"source": "other_source", "mapping": {}})
    context.sources[other.source] = other  # type: ignore[index]
    serve(context, Served([page([record(1)])]))
    pull(context, other.source)
    pull(context, SOURCE)
    with pytest.raises(Misconfigured):
        normalise(context)
    assert query(context, text("SELECT source_id, state FROM raw_page ORDER BY page_id")) == [
        (other.source, "landed"),
        (SOURCE, "normalised"),
    ]


def test_a_damaged_page_is_quarantined_and_its_neighbours_go_on(context: Context) -> None:
    landed(context, page([record(1)], "a"), page([record(2)], "b"))
    with context.store.begin() as transaction:
        transaction.execute(raw_page.update().where(raw_page.c.origin == "a").values(body=b"\x01" + bytes(60)))
    with pytest.raises(Misconfigured):
        normalise(context)  # it names a key that nobody has: a person must look, nothing is judged
    with context.store.begin() as transaction:
        body = transaction.execute(select(raw_page.c.body).where(raw_page.c.origin == "b")).scalar_one()
        transaction.execute(raw_page.update().where(raw_page.c.origin == "a").values(body=body))
    report = normalise(context)
    assert (report.undecodable_pages, report.stored, report.quarantined) == (1, 1, 1)
    assert balanced(context)


def test_replay_releases_what_passes_now(context: Context) -> None:
    lost = [without(record(number), "case", "deptCode") for number in range(1, 5)]
    landed(context, page([*lost, record(5), record(6, "9")], "a"), page([lost[0] | {"id": "again"}], "b"))
    strict = normalise(context)
    assert (strict.stored, strict.quarantined) == (1, 6)
    rehearsed = replay(context, SOURCE)
    assert (rehearsed.total, rehearsed.passing) == (6, 0)
    assert rehearsed.reasons["field.required"] == 5

    lenient = json.loads(json.dumps(context.source(SOURCE).mapping))
    lenient["service"]["dept_code"] = {"item": "dept_code"}
    repaired = context.source(SOURCE).model_copy(update={"mapping": lenient})
    current = dataclasses.replace(context, sources={SOURCE: repaired}, _mappings={})
    rehearsed = replay(current, SOURCE, "field.required")
    assert (rehearsed.dry_run, rehearsed.total, rehearsed.passing) == (True, 5, 5)
    assert (rehearsed.stored, rehearsed.duplicate) == (4, 1)
    assert query(context, text("SELECT COUNT(*) FROM ledger_record")) == [(2,)]
    assert balanced(context)

    done = replay(current, SOURCE, "field.required", dry_run=False, actor="li", reason="item master completed")
    assert (done.total, done.passing, done.stored, done.duplicate) == (5, 5, 4, 1)
    assert balanced(context)
    assert query(context, text("SELECT state, COUNT(*) FROM quarantine GROUP BY state ORDER BY state")) == [
        ("duplicate", 1),
        ("open", 1),
        ("released", 4),
    ]
    assert replay(current, SOURCE, "field.required", dry_run=False).total == 0
    with context.store.read() as transaction:
        assert [act.outcome for act in audit.recent(transaction)] == ["0/0", "5/5"]


def test_what_a_new_mapping_no_longer_finds_in_its_page_stays_in_quarantine(context: Context) -> None:
    sent = json.loads(page([record(1), record(2, "9")]).body)
    sent["data"]["shorter"] = sent["data"]["list"][:1]
    landed(context, dataclasses.replace(page([]), body=json.dumps(sent).encode()))
    assert normalise(context).quarantined == 1
    moved = {**context.source(SOURCE).mapping, "read": {"list": "data.shorter"}}
    elsewhere = context.source(SOURCE).model_copy(update={"mapping": moved})
    current = dataclasses.replace(context, sources={SOURCE: elsewhere}, _mappings={})
    done = replay(current, SOURCE, dry_run=False)
    assert (done.total, done.passing, done.reasons) == (1, 0, {"record.not_there": 1})
    assert query(context, text("SELECT state FROM quarantine")) == [("open",)]
    assert balanced(context)


def test_replay_reads_a_page_that_could_not_be_read(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = context.mapping(SOURCE)

    def blind(_body: bytes, _media_type: str) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(mapping, "decode", blind)
        landed(context, page([record(1), record(2, "9"), record(1), record(3, "1")]))
        assert normalise(context).undecodable_pages == 1
    done = replay(context, dry_run=False)
    assert (done.total, done.passing, done.stored, done.duplicate, done.orders) == (1, 1, 2, 1, 1)
    assert balanced(context)
    counts = text("SELECT state, landed, stored, quarantined, duplicate FROM raw_page")
    assert query(context, counts) == [("normalised", 4, 2, 1, 1)]


def test_figures_count_what_is_there(context: Context) -> None:
    landed(context, page([record(1), record(1), record(2, "9"), record(3, None)], "a"))
    normalise(context)
    landed(context, page([record(4)], "b"))
    day = NOON.replace(hour=0), NOON.replace(hour=23)
    with context.store.read() as transaction:
        (counts,) = figures.source_counts(transaction, *day)
        assert figures.source_counts(transaction, day[1], day[1].replace(hour=23, minute=30)) == []
        (reason, *_) = figures.quarantine_reasons(transaction)
    assert counts == figures.SourceCounts(SOURCE, 2, 1, 0, landed=4, stored=2, quarantined=1, duplicate=1, unrated=1)
    assert (reason.source_id, reason.code, reason.records) == (SOURCE, "satisfaction.unknown", 1)


def test_a_context_opens_what_an_earlier_one_sealed(store_url: str, tmp_path: Path) -> None:
    first = context_of(store_url, tmp_path / "var")
    landed(first, page([record(1)]))
    first.store.close()
    second = context_of(store_url, tmp_path / "var")
    assert normalise(second).stored == 1
    second.store.close()


def test_pages_keep_their_order_when_the_clock_steps_back(context: Context) -> None:
    landed(context, page([record(1, "4")], "a", '"a"'))
    earlier = dataclasses.replace(context, clock=Clock(NOON - timedelta(days=1)))
    landed(earlier, page([record(1, "5", correction=True)], "b", '"b"'))
    normalise(context)
    rows = select(ledger_record.c.version, ledger_record.c.satisfaction).where(ledger_record.c.kind == "evaluation")
    assert query(context, rows.order_by("position")) == [(1, 4), (2, 5)]


def test_page_ids_rise_with_time() -> None:
    clock = Clock()
    made = [pages.new_page_id(clock()) for _ in range(50)]
    assert made == sorted(made)
    assert all(len(page_id) == 32 and page_id[12] == "7" for page_id in made)
