"""`gw explain`: one record's way, by each of its names, masked unless a person asks in clear and says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from gateway.errors import Rejected
from gateway.stages.context import Context
from gateway.stages.explain import Lineage, explain, unmasked
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.store import audit
from gateway.store.tables import batch, batch_record, ledger_record, quarantine, receipt, work_order
from tests.integration.store.portal_data import NOON, SOURCE, Served, context_of, page, record, serve

KEY = "GA20261119000001#1"
SECRETS = ("王小明", "11010519491231002X", "13800000000")


@pytest.fixture
def context(store_url: str, tmp_path: Path) -> Any:
    made = context_of(store_url, tmp_path / "var")
    serve(made, Served([page([record(1, "1"), record(2, "九"), record(1, "1")], "a", '"a"')]))
    pull(made, SOURCE)
    normalise(made)
    yield made
    made.store.close()


def one(context: Context, statement: Any) -> Any:
    with context.store.read() as transaction:
        return transaction.execute(statement).first()


def step(found: Lineage, kind: str, field: str) -> Any:
    return next(step for origin in found.origins for step in origin.steps if (step.kind, step.field) == (kind, field))


def sent(context: Context) -> str:
    """The evaluation in a batch that the platform has acknowledged."""
    position = one(context, select(ledger_record.c.position).where(ledger_record.c.kind == "evaluation")).position
    moment = NOON.replace(tzinfo=None)
    row = {
        "batch_id": "b" * 32,
        "number": 1,
        "target_id": "national",
        "stream": "main",
        "seq": 1,
        "suite": "s",
        "state": "ACKNOWLEDGED",
        "business_date": "2026-11-20",
        "created_at": moment,
        "expires_at": moment,
        "record_count": 1,
        "header_digest": "h",
        "content_digest": "c",
        "merkle_root": "m",
        "body_digest": "d",
        "body_bytes": 1,
        "sender_key_id": "s",
        "recipient_key_id": "r",
        "window_started_at": moment,
        "updated_at": moment,
    }
    seen = {"batch_id": row["batch_id"], "raw_digest": "x", "receipt_id": "R-1", "raw": b"", "valid": 1}
    with context.store.begin() as transaction:
        transaction.execute(insert(batch).values(row))
        held = {"batch_number": row["number"], "item": 3, "position": position, "record_digest": b"1" * 32}
        transaction.execute(insert(batch_record).values(held))
        transaction.execute(insert(receipt).values(seen | {"first_seen_at": moment}))
    return f"{row['batch_id']}:3"


def test_each_value_names_the_rule_that_gave_it(context: Context) -> None:
    found = explain(context, KEY)
    assert [(version.kind, version.version, version.latest) for version in found.versions] == [
        ("service", 1, True),
        ("evaluation", 1, True),
    ]
    satisfaction = step(found, "evaluation", "satisfaction")
    assert (satisfaction.source_path, satisfaction.raw, satisfaction.value) == ("evaluation.satisfaction", "1", "1")
    assert satisfaction.rules
    assert step(found, "service", "task_code").rules == ("as: item",)
    assert step(found, "evaluation", "project_no").rules == ("service.project_no",)
    assert found.origins[0].same_rules
    assert all(version.differing == [] for version in found.versions), "today's mapping agrees with what was stored"
    assert {version.origin for version in found.versions} == {(found.origins[0].page_id, 0)}


def test_personal_data_is_masked_everywhere(context: Context) -> None:
    assert not any(secret in repr(explain(context, KEY)) for secret in SECRETS)
    assert step(explain(context, KEY), "service", "user_name").value == "王*明"


def test_in_clear_only_with_a_reason_and_audited(context: Context) -> None:
    with pytest.raises(Rejected, match=r"act\.reason_missing"):
        unmasked(context, KEY, "li", " ")
    found = unmasked(context, KEY, "li", "court order 7")
    assert step(found, "service", "user_name").value == "王小明"
    with context.store.read() as transaction:
        (act,) = audit.recent(transaction)
    assert (act.actor, act.act, act.object_id, act.reason) == ("li", "record.unmask", KEY, "court order 7")


def test_the_way_goes_on_to_batch_receipt_and_order(context: Context) -> None:
    item = sent(context)
    order = one(context, select(work_order.c.external_id)).external_id
    expected = explain(context, f"{KEY}#1")
    (delivery,) = next(version for version in expected.versions if version.kind == "evaluation").deliveries
    assert (delivery.item, delivery.state, delivery.receipts[0].receipt_id, delivery.equal) == (
        *(3, "ACKNOWLEDGED", "R-1"),
        None,
    )
    ((trace),) = expected.orders
    assert (trace.order.external_id, [event.event for event in trace.events]) == (order, ["negative_received"])
    for name in (item, order, "GA20261119000001"):
        assert {version.position for version in explain(context, name).versions} == {1, 2}


def test_a_refused_record_is_found_by_its_place_and_by_its_key(context: Context) -> None:
    place = one(context, select(quarantine.c.page_id, quarantine.c.page_index))
    for name in (f"{place.page_id}:{place.page_index}", "GA20261119000002#1#1"):
        found = explain(context, name)
        (refused,) = found.refused
        assert [(problem.code, problem.value) for problem in refused.problems] == [("satisfaction.unknown", "九")]
        assert found.versions == []
        assert step(found, "evaluation", "satisfaction").problems[0].code == "satisfaction.unknown"


def test_a_repeat_says_what_it_repeats(context: Context) -> None:
    page_id = one(context, select(quarantine.c.page_id)).page_id
    (origin,) = [one for one in explain(context, f"{page_id}:2").origins if one.page_index == 2]
    assert origin.repeated is not None
    assert origin.repeated.record_key == f"{KEY}#1"


def test_what_nobody_knows_is_refused(context: Context) -> None:
    for name in ("GA-0#1", "f" * 32 + ":0", "no such order"):
        with pytest.raises(Rejected, match=r"explain\.unknown"):
            explain(context, name)


def test_the_command_speaks_json_and_text(context: Context, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from gateway.cli import explain as command
    from gateway.cli.output import mode

    monkeypatch.setattr(command, "gateway", lambda: context)
    monkeypatch.setattr(mode, "json", False)
    command.explain(KEY)
    assert "satisfaction" in capsys.readouterr().out
    monkeypatch.setattr(mode, "json", True)
    monkeypatch.setattr(mode, "told", False)
    command.explain(KEY)
    document = json.loads(capsys.readouterr().out)
    assert document["versions"][0]["record_key"] == KEY
    assert document["origins"][0]["steps"][0]["rules"]
