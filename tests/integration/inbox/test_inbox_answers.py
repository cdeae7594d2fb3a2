"""What a sender is told: the fate of each record, as it stands in ledger and quarantine; and that nothing is lost."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gateway.mapping.sentence import sentence
from gateway.stages import error_budget
from gateway.stages.mapped_page import opened
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull, resume_source
from gateway.store import pages, quarantine
from tests.integration.inbox.world import APP, SOURCE, Serving, World, batch, record


def counts(said: dict[str, Any]) -> tuple[int, ...]:
    return tuple(said[name] for name in ("landed", "stored", "duplicate", "quarantined"))


def test_a_batch_is_stored_byte_for_byte_and_each_record_answered(serving: Serving) -> None:
    body = batch(record(1), record(2, satisfaction="9", mobile=None), record(1), record(3, satisfaction=None))
    answer = serving.post(body, "batch-0001")
    said = answer.json()
    assert answer.status_code == 200
    assert counts(said) == (4, 2, 1, 1)
    assert [(one["index"], one["state"]) for one in said["records"]] == [(1, "quarantined"), (2, "duplicate")]
    with serving.context.store.read() as transaction:
        (head,) = pages.heads(transaction, [said["receipt"]])
        sealed = quarantine.detail(transaction, said["receipt"], 1)
    assert opened(serving.context, head) == body
    assert sealed is not None
    row = quarantine.detail_row(said["receipt"], 1)
    kept = quarantine.parse_detail(serving.context.vault.open(quarantine.DETAIL, row, sealed))
    assert said["records"][0]["problems"] == [
        {
            "code": problem.code,
            "severity": problem.severity,
            "field": problem.field,
            "path": problem.source_path,
            "message": sentence(problem, "zh"),
        }
        for problem in kept
    ]
    assert {problem.code for problem in kept} >= {"field.required"}
    keys = "SELECT kind, record_key FROM ledger_record ORDER BY kind, record_key"
    assert serving.rows(keys) == [
        ("evaluation", "GA2026111900000001#1#1"),
        ("service", "GA2026111900000001#1"),
        ("service", "GA2026111900000003#1"),
    ]


def test_a_single_record_is_taken_without_a_list_around_it(serving: Serving) -> None:
    body = batch(record(1))[len('{"records": [') : -len("]}")]
    assert counts(serving.post(body, "single-0001", "record").json()) == (1, 1, 0, 0)
    refused = serving.post(b"[1]", "single-0002", "record").json()
    assert counts(refused) == (1, 0, 0, 1)
    assert refused["records"][0]["index"] == 0


@pytest.mark.parametrize(
    "body", [b"{", b'{"rows":[]}', b"[" * 100_000, b"\xff\xfe"], ids=["cut", "list", "deep", "bytes"]
)
def test_what_cannot_be_read_is_kept_and_said_so(serving: Serving, body: bytes) -> None:
    first, again = serving.post(body, "bad-00001"), serving.post(body, "bad-00001")
    assert first.status_code == 422
    said = first.json()
    assert (said["state"], counts(said)) == ("unreadable", (1, 0, 0, 1))
    assert said["records"][0]["index"] is None
    assert said["records"][0]["problems"][0]["code"] == "page.undecodable"
    assert again.json() == said
    assert serving.rows("SELECT state FROM raw_page") == [("undecodable",)]


def test_an_empty_batch_is_a_page_of_nothing(serving: Serving) -> None:
    assert counts(serving.post(batch(), "empty-0001").json()) == (0, 0, 0, 0)


def test_a_receipt_tells_the_same_later_and_only_to_its_sender(serving: Serving) -> None:
    said = serving.post(batch(record(1), record(2, mobile=None, projectNo="坏")), "batch-0001").json()
    assert serving.ask(said["receipt"]).json() == said
    for receipt, by in ((said["receipt"], serving.world.pusher(APP)), ("0" * 32, None)):
        refused = serving.ask(receipt, by)
        assert (refused.status_code, refused.json()["code"]) == (404, "inbox.receipt_unknown")


def test_a_record_that_was_released_since_still_shows_as_it_was_judged(world: World) -> None:
    with world.running() as serving:
        body = batch(record(1, dataSource="151"), record(2, pf="自助机"))
        first = serving.post(body, "batch-0001").json()
        assert counts(first) == (2, 1, 0, 1)
    channels = {"evaluation": world_mapping(world)["evaluation"] | {"channel": {"path": "pf", "map": {"自助机": "5"}}}}
    world.write(mapping=channels)
    with world.running() as serving:
        from gateway.stages.replay import replay

        assert replay(serving.context, dry_run=False).passing == 1
        assert serving.post(body, "batch-0001").json() == first


def world_mapping(world: World) -> dict[str, Any]:
    from gateway.bootstrap import open_context

    context = open_context(world.settings())
    context.store.close()
    return context.sources[SOURCE].mapping


def test_a_suspended_source_still_lands_and_says_that_it_waits(world: World) -> None:
    world.write(budget={"share": 0.5, "least": 3})
    with world.running() as serving:
        bad = [record(number, mobile=None, projectNo="坏") | {"n": number} for number in range(4)]
        assert serving.post(batch(*bad), "bad-00001").json()["quarantined"] == 4
        waiting = serving.post(batch(record(9)), "good-0001")
        said = waiting.json()
        assert waiting.status_code == 202
        assert (said["state"], said["code"]) == ("waiting", error_budget.EXHAUSTED)
        assert serving.rows("SELECT COUNT(*) FROM ledger_record") == [(0,)]
        assert resume_source(serving.context, SOURCE, "tester", "looked")
        normalise(serving.context, SOURCE)
        later = serving.ask(said["receipt"])
        assert (later.status_code, counts(later.json())) == (200, (1, 1, 0, 0))
        again = serving.post(batch(record(9)), "good-0001")
        assert (again.status_code, again.json()) == (200, later.json())


def test_a_mapping_that_cannot_be_used_costs_nothing_but_time(world: World) -> None:
    world.write(mapping={"service": {"area_code": {"path": "areaCode", "table": "no-such-table"}}})
    with world.running() as serving:
        said = serving.post(batch(record(1)), "batch-0001")
        assert (said.status_code, said.json()["state"]) == (202, "waiting")
        assert said.json()["code"].startswith("mapping.")
    world.write()
    with world.running() as serving:  # what a former process left is taken up by itself
        said = serving.post(batch(record(1)), "batch-0001")
        assert (said.status_code, counts(said.json())) == (200, (1, 1, 0, 0))


def test_an_answer_does_not_wait_longer_than_agreed(world: World) -> None:
    world.write(answer_seconds=0)
    with world.running() as serving:
        said = serving.post(batch(record(1)), "batch-0001")
        assert said.status_code in (200, 202)
    with world.running() as serving:
        assert serving.rows("SELECT state FROM raw_page") == [("normalised",)]


def test_many_at_once_are_each_answered_with_their_own(serving: Serving) -> None:
    said: dict[int, dict[str, Any]] = {}

    def push(first: int) -> None:
        for number in range(first, 40, 8):
            body = batch(record(number), *([record(number)] * (number % 3)))
            said[number] = serving.post(body, f"batch-{number:04}").json()

    threads = [threading.Thread(target=push, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: counts(one) for number, one in said.items()} == {
        number: (1 + number % 3, 1, number % 3, 0) for number in range(40)
    }
    assert serving.count("ledger_record") == 80
    assert len({one["receipt"] for one in said.values()}) == 40


def test_pulling_from_a_source_that_pushes_changes_nothing(serving: Serving) -> None:
    serving.post(batch(record(1)), "batch-0001")
    before = serving.rows("SELECT cursor_text, last_page_id FROM source_state")
    from gateway.bootstrap import _connector

    object.__setattr__(serving.context, "build_connector", lambda one: _connector(serving.context.settings, one))
    assert pull(serving.context, SOURCE).pages == 0
    assert serving.rows("SELECT cursor_text, last_page_id FROM source_state") == before
