"""Verdicts on single records, and what the receipt says about them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateway.crypto import sm2
from sandbox.platform.running import RunningPlatform
from tests.integration.sandbox_platform.records import (
    evaluation,
    record,
    rectification,
    service,
    service_data,
)
from tests.integration.sandbox_platform.sealing import Caller, Sealer, canonical, pem_spki

WRONG_SERVICES: dict[str, tuple[str, bytes]] = {
    "no JSON": ("schema.invalid", b"x"),
    "not canonical": ("schema.invalid", service().replace(b'"version":1', b'"version": 1')),
    "unknown kind": ("schema.invalid", record("other", "P000001#1", service_data())),
    "version 0": ("schema.invalid", service(version=0)),
    "version as text": ("schema.invalid", service(version="1")),
    "version as a float": ("schema.invalid", service().replace(b'"version":1}', b'"version":1.0}')),
    "key that does not fit": ("schema.invalid", record("service", "P000009#1", service_data())),
    "leading zero": ("schema.invalid", record("service", "P000001#01", service_data(serviceNumber="01"))),
    "field missing": ("schema.invalid", service(mobile=None)),
    "field of no kind": ("schema.invalid", service(anything="x")),
    "empty field": ("schema.invalid", service(subMatter="")),
    "number instead of text": ("schema.invalid", service(promiseDay=5, promiseType="1")),
    "time malformed": ("schema.invalid", service(serviceTime="2026-02-30 10:00:00")),
    "time in the future": ("schema.invalid", service(serviceTime="2999-01-01 10:00:00")),
    "dates out of order": ("schema.invalid", service(acceptDate="2026-10-21 00:00:00")),
    "finished without a date": ("schema.invalid", service(resultDate=None)),
    "limit without unit": ("schema.invalid", service(promiseDay="5")),
    "agent half named": ("schema.invalid", service(handleUserName="孙代办")),
    "nobody identified": ("schema.invalid", service(certKeyGOV=None)),
    "too long": ("schema.invalid", service(orgName="区" * 101)),
    "code outside its list": ("code.unknown", service(proChannel="7")),
    "region not known": ("region.unknown", service(areaCode="999999000000")),
    "item not known": ("item.unknown", service(taskCode="11360102MB99901A2T4000117051001")),
    "citizen number": ("identity.invalid", service(certKeyGOV="360102190001100013")),
    "credit code": ("identity.invalid", service(userPageType="001", certKeyGOV="11440232MB2D06811X")),
    "agent's number": (
        "identity.invalid",
        service(handleUserName="孙代办", handleUserPageType="111", handleUserPageCode="360102190001100013"),
    ),
}
WRONG_EVALUATIONS: dict[str, tuple[str, bytes]] = {
    "no such level": ("code.unknown", evaluation(satisfaction="0", evalDetail=None)),
    "indicator of another level": ("schema.invalid", evaluation(evalDetail="512")),
    "indicators not ascending": ("schema.invalid", evaluation(evalDetail="212,211")),
    "indicator twice": ("schema.invalid", evaluation(evalDetail="212,212")),
    "negative without a reason": ("schema.invalid", evaluation(evalDetail=None, writingEvaluation="  ")),
    "text too long": ("schema.invalid", evaluation(writingEvaluation="长" * 501)),
}


def verdicts(answer: Any) -> list[tuple[int, str]]:
    return [(item["index"], item["code"]) for item in answer.json()["items"]]


@pytest.mark.parametrize("name", WRONG_SERVICES)
def test_a_wrong_service_record_is_refused_alone(name: str, shared_caller: Caller, sealer: Sealer) -> None:
    code, raw = WRONG_SERVICES[name]
    sealer.stream = f"s-{sorted(WRONG_SERVICES).index(name)}"
    answer = shared_caller.post(sealer.next([service(500), raw]))
    assert [verdict for verdict in verdicts(answer) if verdict[0] == 1] == [(1, code)]
    assert answer.json()["rejected"] == 1
    assert answer.json()["status"] == "partial"


@pytest.mark.parametrize("name", WRONG_EVALUATIONS)
def test_a_wrong_evaluation_is_refused_alone(name: str, shared_caller: Caller, sealer: Sealer) -> None:
    code, raw = WRONG_EVALUATIONS[name]
    sealer.stream = f"e-{sorted(WRONG_EVALUATIONS).index(name)}"
    assert (1, code) in verdicts(shared_caller.post(sealer.next([service(1), raw])))


def test_an_unreadable_key_is_empty_and_a_readable_one_is_named(shared_caller: Caller, sealer: Sealer) -> None:
    sealer.stream = "keys"
    answer = shared_caller.post(sealer.next([b"{", service(77).replace(b":1}", b": 1}")]))
    assert [item["key"] for item in answer.json()["items"]] == ["", "P000077#1"]
    assert answer.json()["status"] == "rejected"


def test_an_unknown_indicator_of_the_right_level_passes(caller: Caller, sealer: Sealer) -> None:
    assert caller.post(sealer.next([service(), evaluation(evalDetail="299")])).json()["status"] == "accepted"


def test_a_closed_order_needs_its_answer(caller: Caller, sealer: Sealer) -> None:
    raw = rectification(orderStatus="90")
    assert verdicts(caller.post(sealer.next([service(), evaluation(), raw]))) == [(2, "schema.invalid")]


def test_duplicate_and_stale(caller: Caller, sealer: Sealer) -> None:
    caller.post(sealer.next([service(1), service(2, version=3)]))
    again = [service(1), service(1, orgName="别的"), service(2, version=2), service(2, version=4)]
    answer = caller.post(sealer.next(again))
    assert verdicts(answer) == [(0, "duplicate"), (1, "version.stale"), (2, "version.stale")]
    assert [answer.json()[name] for name in ("accepted", "duplicates", "rejected")] == [1, 1, 2]


def test_a_duplicate_within_one_batch_takes_effect_once(
    platform: RunningPlatform, caller: Caller, sealer: Sealer
) -> None:
    answer = caller.post(sealer.next([service(1), service(1)]))
    assert verdicts(answer) == [(1, "duplicate")]
    assert answer.json()["status"] == "accepted"
    assert [effect["times"] for effect in platform.admin.effects("service")] == [1]


def test_parents(caller: Caller, sealer: Sealer) -> None:
    orphans = caller.post(sealer.next([service(1, proChannel="7"), evaluation(1), rectification(1)]))
    assert verdicts(orphans) == [(0, "code.unknown"), (1, "parent.missing"), (2, "parent.missing")]
    assert caller.post(sealer.next([service(1)])).json()["status"] == "accepted"
    assert caller.post(sealer.next([evaluation(1), rectification(1)])).json()["status"] == "accepted"


def test_the_receipt_is_signed_by_a_listed_key(platform: RunningPlatform, caller: Caller, sealer: Sealer) -> None:
    batch = sealer.next([service(1)])
    answer = caller.post(batch)
    receipt = answer.json()
    assert answer.content == canonical(receipt)
    assert receipt["headerDigest"] == batch.header_digest
    listed = {key["keyId"]: key for key in caller.get("keys").json()["keys"]}
    key = listed[receipt["platformKeyId"]]
    assert (key["use"], key["alg"]) == ("sig", "SGD_SM3_SM2")
    assert base64.b64decode(key["spki"]) == pem_spki(platform.key_files[key["keyId"]])
    signature = base64.b64decode(receipt.pop("signature"))
    public = sm2.load_public(base64.b64decode(key["spki"]))
    assert sm2.verify(public, b"HCP-RECEIPT-1\0" + canonical(receipt), signature)


@pytest.mark.parametrize("suite", ["GM-GCM-1", "GM-CBC-1", "INTL-1"])
@pytest.mark.parametrize("size", [1_048_576, 1_500_000])
def test_content_of_several_chunks(
    suite: str, size: int, platform: RunningPlatform, caller: Caller, sealer: Sealer
) -> None:
    records = [service(number, projectName="长" * 150) for number in range(1, 1_200)]
    content = b"\n".join(records)
    # A last record that can't be read fills the content to the very byte.
    filler = b"x" * (size - len(content) - 1)
    answer = caller.post(sealer.next([*records, filler], suite, compression="none"))
    assert verdicts(answer) == [(1_199, "schema.invalid")]
    assert platform.admin.oracle()["effects"]["service"] == 1_199


def test_indicators_ping_and_reply_forms(shared_caller: Caller) -> None:
    indicators = shared_caller.get("indicators").json()
    assert (indicators["version"], len(indicators["items"])) == ("2", 72)
    assert indicators["items"][0].keys() == {"code", "name", "level", "enabled"}
    assert shared_caller.get("ping").json().keys() == {"status", "time"}
