"""Sequence, void notices and reconciliation."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.crypto.digest import sm3
from sandbox.platform.running import RunningPlatform
from tests.integration.sandbox_platform.records import evaluation, rectification, service
from tests.integration.sandbox_platform.sealing import SENDER, Caller, Sealer, canonical, void_notice


def stream_of(caller: Caller, stream: str = "main") -> Any:
    return caller.get(f"streams/{stream}", sender=SENDER).json()


def test_batches_may_come_in_any_order(caller: Caller, sealer: Sealer) -> None:
    first, second, third = (sealer.next([service(number)]) for number in (1, 2, 3))
    assert stream_of(caller) == {"highestSeq": 0, "missing": []}
    assert caller.post(third).status_code == 200
    assert stream_of(caller) == {"highestSeq": 3, "missing": [1, 2]}
    assert caller.post(first).status_code == 200
    assert caller.post(second).status_code == 200
    assert stream_of(caller) == {"highestSeq": 3, "missing": []}


def test_only_the_lowest_thousand_missing_are_named(caller: Caller, sealer: Sealer) -> None:
    sealer.seq, sealer.prev = 2**40, "a" * 64
    assert caller.post(sealer.next([service(1)])).status_code == 200
    assert stream_of(caller) == {"highestSeq": 2**40 + 1, "missing": list(range(1, 1001))}


def test_a_taken_number_and_contradicting_neighbours(caller: Caller, sealer: Sealer) -> None:
    first, second = sealer.next([service(1)]), sealer.next([service(2)])
    caller.post(second)
    refusals = [
        Sealer(sealer.recipient_keys, seq=1, prev="b" * 64).seal([service(9)]),  # seq 2 is taken
        Sealer(sealer.recipient_keys).seal([service(9)]),  # seq 1, but not the one that seq 2 names
        Sealer(sealer.recipient_keys, seq=2, prev="b" * 64).seal([service(9)]),  # seq 3 names another seq 2
    ]
    assert {caller.post(batch).json()["code"] for batch in refusals} == {"batch.sequence"}
    assert caller.post(first).status_code == 200


def test_a_refused_batch_does_not_hold_its_number(caller: Caller, sealer: Sealer) -> None:
    caller.post(sealer.seal([service(1)], spoil_chunk=True))
    assert caller.post(sealer.next([service(1)])).status_code == 200


def test_a_void_notice_fills_a_gap(platform: RunningPlatform, caller: Caller, sealer: Sealer) -> None:
    lost, sent = sealer.next([service(1)]), sealer.next([service(2)])
    caller.post(sent)
    answers = [caller.void(void_notice(lost)), caller.void(void_notice(lost, reason="再次"))]
    assert [answer.json() for answer in answers] == [{"status": "void"}] * 2
    assert stream_of(caller) == {"highestSeq": 2, "missing": []}
    assert [notice["batchId"] for notice in platform.admin.voids()] == [lost.batch_id]
    other = Sealer(sealer.recipient_keys).seal([service(9)])
    assert caller.post(other).json()["code"] == "batch.sequence"


def test_a_voided_batch_that_still_comes_is_taken(caller: Caller, sealer: Sealer) -> None:
    batch = sealer.next([service(1)])
    caller.void(void_notice(batch))
    assert caller.post(batch).json()["status"] == "accepted"
    answer = caller.void(void_notice(batch))
    assert (answer.status_code, answer.json()["code"]) == (409, "batch.accepted")


def test_a_batch_of_refused_records_may_be_declared_void(caller: Caller, sealer: Sealer) -> None:
    batch = sealer.next([service(1, proChannel="7")])
    assert caller.post(batch).json()["status"] == "rejected"
    assert caller.void(void_notice(batch)).json() == {"status": "void"}


def test_a_notice_holds_its_digest_for_the_neighbours(caller: Caller, sealer: Sealer) -> None:
    first, second = sealer.next([service(1)]), sealer.next([service(2)])
    caller.void(void_notice(first, headerDigest="c" * 64))
    assert caller.post(second).json()["code"] == "batch.sequence"
    # The batch that it names has another header, so its id is taken.
    assert caller.post(first).json()["code"] == "batch.conflict"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"reason": ""}, "batch.malformed"),
        ({"seq": 0}, "batch.malformed"),
        ({"more": "x"}, "batch.malformed"),
        ({"created": "2026-11-02T10:00:00Z"}, "batch.malformed"),
        ({"sender": "110000000000", "signature": "AAAA"}, "auth.sender"),
        ({"signature": "AAAA", "headerDigest": "d" * 64}, "batch.signature"),
        ({"senderKeyId": "0" * 16}, "batch.signature"),
        ({"headerDigest": "d" * 64}, "batch.conflict"),
        ({"stream": "other"}, "batch.conflict"),
        ({"seq": 9}, "batch.conflict"),
        ({}, "batch.accepted"),
        ({"batchId": "e" * 32}, "batch.sequence"),
    ],
)
def test_wrong_notices(wrong: dict[str, Any], code: str, caller: Caller, sealer: Sealer) -> None:
    batch = sealer.next([service(1)])
    caller.post(batch)
    assert caller.void(void_notice(batch, **wrong)).json()["code"] == code


def test_a_notice_must_be_canonical(shared_caller: Caller, sealer: Sealer) -> None:
    notice = void_notice(sealer.seal([service(1)]))
    assert shared_caller.void(notice + b"\n").json()["code"] == "batch.malformed"


def day_digest(records: dict[str, bytes]) -> str:
    return sm3(b"".join(key.encode() + b"\0" + sm3(records[key]) for key in sorted(records))).hex()


def test_reconciliation_by_the_first_days_highest_versions(caller: Caller, sealer: Sealer) -> None:
    first = sealer.next([service(2), service(1), evaluation(1)])
    day = first.header["businessDate"]
    caller.post(first)
    caller.post(sealer.next([service(2), service(1, version=2), evaluation(9)]))
    kinds = caller.get("reconciliation", date=day, sender=SENDER).json()["kinds"]
    assert kinds == {
        "service": {"count": 2, "digest": day_digest({"P000001#1": service(1, version=2), "P000002#1": service(2)})},
        "evaluation": {"count": 1, "digest": day_digest({"P000001#1#1": evaluation(1)})},
        "rectification": {"count": 0, "digest": sm3(b"").hex()},
    }


def test_the_first_day_counts(platform: RunningPlatform, caller: Caller, sealer: Sealer) -> None:
    def sealed_on(day: str, records: list[bytes]) -> None:
        header = {"businessDate": day, "created": f"{day}T10:00:00+08:00", "expires": "2036-01-01T00:00:00+08:00"}
        assert caller.post(sealer.next(records, header=header)).status_code == 200

    sealed_on("2026-11-01", [service(1), service(2)])
    sealed_on("2026-11-02", [service(1), service(2, version=2)])
    counts = {}
    for day in ("2026-11-01", "2026-11-02"):
        items = caller.get("reconciliation/items", date=day, sender=SENDER, kind="service").json()["items"]
        counts[day] = [(item["key"], item["version"]) for item in items]
    assert counts == {"2026-11-01": [("P000001#1", 1), ("P000002#1", 1)], "2026-11-02": [("P000002#1", 2)]}


def test_items_are_paged_by_key(caller: Caller, sealer: Sealer) -> None:
    batch = sealer.next([service(number) for number in (10, 9, 1, 2, 3)])
    caller.post(batch)
    ask = {"date": batch.header["businessDate"], "sender": SENDER, "kind": "service", "limit": 2}
    pages, after = [], None
    while True:
        page = caller.get("reconciliation/items", **ask, **({"after": after} if after else {})).json()
        pages.append([item["key"][:7] for item in page["items"]])
        after = page["next"]
        if after is None:
            break
    assert pages == [["P000001", "P000002"], ["P000003", "P000009"], ["P000010"]]
    first = caller.get("reconciliation/items", **ask)
    assert first.json()["items"][0]["digest"] == sm3(service(1)).hex()
    assert first.content == canonical(first.json())


def test_the_whole_chain_in_one_batch(platform: RunningPlatform, caller: Caller, sealer: Sealer) -> None:
    assert caller.post(sealer.next([service(1), evaluation(1), rectification(1)])).json()["accepted"] == 3
    assert platform.admin.oracle()["effects"] == {"service": 1, "evaluation": 1, "rectification": 1}
