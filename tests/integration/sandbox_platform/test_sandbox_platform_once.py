"""Once and only once: repeats, restarts, SIGKILL at each crash point, faults on demand."""

from __future__ import annotations

import json

import pytest
import requests

from sandbox.platform.running import RunningPlatform
from tests.integration.sandbox_platform.conftest import caller_of
from tests.integration.sandbox_platform.records import evaluation, service
from tests.integration.sandbox_platform.sealing import Caller, Sealer

RECORDS = [service(1), service(2), evaluation(1), evaluation(2)]


def times_applied(platform: RunningPlatform) -> list[int]:
    return [effect["times"] for kind in ("service", "evaluation") for effect in platform.admin.effects(kind)]


def test_the_same_batch_gets_the_same_receipt_even_after_a_restart(
    platform: RunningPlatform, caller: Caller, sealer: Sealer
) -> None:
    batch = sealer.next(RECORDS)
    receipt = caller.post(batch).content
    again = caller.post(batch).content
    platform.kill()
    platform.start()
    assert caller.post(batch).content == again == receipt
    assert caller.get(f"batches/{batch.batch_id}").content == receipt
    assert times_applied(platform) == [1, 1, 1, 1]
    assert [effect["data"]["projectNo"] for effect in platform.admin.effects("service")] == ["P000001", "P000002"]
    [seen] = platform.admin.batches()
    assert (seen["requests"], list(seen["digests"].values()), seen["answers"]) == (3, [3], ["receipt"] * 3)


def test_the_same_receipt_after_the_batch_has_expired(
    platform: RunningPlatform, caller: Caller, sealer: Sealer
) -> None:
    batch = sealer.next(RECORDS)
    receipt = caller.post(batch).content
    caller.shift = 89 * 86_400
    platform.admin.clock(shift=caller.shift)
    assert caller.post(batch).content == receipt
    assert caller.post(sealer.next([service(3)], header={"batchId": "1" * 32})).status_code == 422


def test_the_same_id_with_other_bytes_is_a_conflict(caller: Caller, sealer: Sealer) -> None:
    batch = sealer.next(RECORDS)
    caller.post(batch)
    other = sealer.next([service(3)], header={"batchId": batch.batch_id})
    answer = caller.post(other)
    assert (answer.status_code, answer.json()["code"]) == (409, "batch.conflict")


@pytest.mark.kill
@pytest.mark.parametrize(("point", "stored"), [("r1", 0), ("r2", 1), ("r3", 1), ("r4", 1)])
@pytest.mark.parametrize("armed_by", ["environment", "bench"])
def test_a_kill_at_any_point_leaves_one_effect(
    point: str, stored: int, armed_by: str, platform: RunningPlatform, caller: Caller, sealer: Sealer
) -> None:
    if armed_by == "environment":
        platform.restart(GATEWAY_CRASH_AT=f"{point}:1")
    else:
        platform.admin.fault(f"crash_{point}")
    batch = sealer.next(RECORDS)
    with pytest.raises(requests.ConnectionError):
        caller.post(batch)
    assert platform.wait() == -9
    platform.start()
    # What was stored is finished at the start, before anybody asks.
    oracle = platform.admin.oracle()
    assert (oracle["batches"], oracle["receipts"], oracle["unfinished"]) == (stored, stored, 0)
    assert caller.get(f"batches/{batch.batch_id}").status_code == (200 if stored else 404)
    assert caller.post(batch).json()["accepted"] == 4
    assert times_applied(platform) == [1, 1, 1, 1]
    assert platform.admin.oracle()["doubled"] == 0


@pytest.mark.kill
def test_the_second_pass_of_a_crash_point(platform: RunningPlatform, caller: Caller, sealer: Sealer) -> None:
    platform.admin.fault("crash_r3", turn=2)
    assert caller.post(sealer.next([service(1)])).status_code == 200
    second = sealer.next([service(2)])
    with pytest.raises(requests.ConnectionError):
        caller.post(second)
    assert platform.wait() == -9


@pytest.mark.parametrize("fault", ["lose_reply", "cut_reply"])
def test_a_lost_reply_hides_an_effect(fault: str, platform: RunningPlatform, caller: Caller, sealer: Sealer) -> None:
    platform.admin.fault(fault)
    batch = sealer.next(RECORDS)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        caller.post(batch)
    assert times_applied(platform) == [1, 1, 1, 1]
    assert caller.post(batch).json()["accepted"] == 4
    assert times_applied(platform) == [1, 1, 1, 1]


def test_down_and_busy_answers(platform: RunningPlatform, caller: Caller, sealer: Sealer) -> None:
    batch = sealer.next(RECORDS)
    platform.admin.fault("down")
    with pytest.raises(requests.ConnectionError):
        caller.get("ping")
    platform.admin.fault("http_503")
    bare = caller.post(batch)
    platform.admin.fault("retry_after", status=429, seconds=7)
    seconds = caller.post(batch)
    platform.admin.fault("retry_after", form="date")
    date = caller.post(batch)
    platform.admin.fault("http_500", call="ping")
    assert (bare.status_code, bare.headers.get("Retry-After")) == (503, None)
    assert (seconds.status_code, seconds.headers["Retry-After"]) == (429, "7")
    assert (date.status_code, date.headers["Retry-After"].count(":")) == (503, 2)
    assert (caller.post(batch).status_code, caller.get("ping").status_code) == (200, 500)
    assert caller.get("ping").status_code == 200


def test_refusals_on_demand(platform: RunningPlatform, caller: Caller, sealer: Sealer) -> None:
    batch = sealer.next(RECORDS)
    platform.admin.fault("auth", code="auth.time")
    platform.admin.fault("refuse", code="batch.too_large")
    assert [caller.post(batch).status_code for _ in range(3)] == [401, 413, 200]


def test_processing_until_asked_often_enough(platform: RunningPlatform, caller: Caller, sealer: Sealer) -> None:
    platform.admin.fault("processing", polls=2)
    batch = sealer.next(RECORDS)
    first = caller.post(batch)
    assert (first.status_code, first.json()) == (202, {"status": "processing"})
    assert platform.admin.oracle()["unfinished"] == 1
    statuses = [caller.get(f"batches/{batch.batch_id}").status_code for _ in range(3)]
    assert statuses == [202, 202, 200]
    assert caller.post(batch).json()["accepted"] == 4


@pytest.mark.parametrize(
    "variant",
    ["batch_id", "header_digest", "merkle_root", "counts", "key", "signature", "unsigned", "two_signatures"],
)
def test_a_bad_receipt_is_followed_by_the_right_one(
    variant: str, shared_platform: RunningPlatform, shared_caller: Caller, sealer: Sealer
) -> None:
    sealer.stream = f"bad-{variant}"
    shared_platform.admin.fault("bad_receipt", variant=variant)
    batch = sealer.next([service(1)])
    bad, good = shared_caller.post(batch), shared_caller.post(batch)
    assert bad.status_code == good.status_code == 200
    assert bad.content != good.content
    wrong = {name for name in good.json() if bad.json().get(name) != good.json()[name]}
    named = {
        "batch_id": {"batchId"}, "header_digest": {"headerDigest"}, "merkle_root": {"merkleRoot"},
        "counts": {"accepted"}, "key": {"platformKeyId"},
    }  # fmt: skip
    assert wrong - {"signature"} == named.get(variant, set())


def test_records_refused_on_demand(platform: RunningPlatform, caller: Caller, sealer: Sealer) -> None:
    platform.admin.fault("refuse_records", count=1, kind="evaluation", code="item.unknown")
    answer = caller.post(sealer.next(RECORDS)).json()
    assert [(item["index"], item["code"]) for item in answer["items"]] == [(2, "item.unknown")]
    assert caller.post(sealer.next([evaluation(1)])).json()["accepted"] == 1


def test_a_rate_is_drawn_from_its_seed(platform: RunningPlatform) -> None:
    def storm() -> list[int]:
        platform.admin.clear()
        platform.admin.fault("http_503", rate=0.5, seed=7)
        calls = caller_of(platform)
        statuses = [calls.get("ping").status_code for _ in range(30)]
        calls.session.close()
        return statuses

    first = storm()
    assert set(first) == {200, 503}
    assert storm() == first


def test_an_unknown_fault_is_refused(shared_platform: RunningPlatform) -> None:
    url = f"{shared_platform.url}/sandbox/faults"
    for wish in ({"fault": "meteor"}, {"fault": "down", "call": "nothing"}, {"fault": "down", "often": 3}, {}):
        assert requests.post(url, data=json.dumps(wish), timeout=10).status_code == 400


def test_old_receipts_and_batches_survive_a_new_key(platform: RunningPlatform, caller: Caller, sealer: Sealer) -> None:
    batch = sealer.next([service(1)])
    old = caller.post(batch).json()
    new = platform.admin.rotate("SGD_SM3_SM2")["keyId"]
    platform.admin.rotate("SM2")
    assert caller.post(batch).json() == old
    receipt = caller.post(sealer.next([service(2)])).json()
    assert (receipt["platformKeyId"], receipt["status"]) == (new, "accepted")
    assert {old["platformKeyId"], new} <= {key["keyId"] for key in caller.get("keys").json()["keys"]}
