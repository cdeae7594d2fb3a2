"""Each refusal once, and which of two wrongs is named first."""

from __future__ import annotations

import gzip
import secrets
import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.crypto import sm2
from sandbox.platform.running import RunningPlatform
from tests.integration.sandbox_platform.records import evaluation, service
from tests.integration.sandbox_platform.sealing import SHANGHAI, Batch, Caller, Sealer

OTHER = "f" * 64


def in_days(days: float) -> str:
    return (datetime.now(SHANGHAI).replace(microsecond=0) + timedelta(days=days)).isoformat()


def future_header() -> dict[str, Any]:
    created = in_days(1)
    return {"created": created, "businessDate": created[:10]}


BOMB = gzip.compress(b"0" * 3_000_000)
STRANGER = sm2.generate()

WRONG: dict[str, tuple[str, int, dict[str, Any]]] = {
    "unknown header field": ("batch.malformed", 400, {"header": {"more": "x"}}),
    "missing header field": ("batch.malformed", 400, {"header": {"recipientKeyId": None}}),
    "number as text": ("batch.malformed", 400, {"header": {"seq": "1"}}),
    "white space in header": ("batch.malformed", 400, {"edit": lambda raw: raw.replace(b":1,", b": 1,")}),
    "key twice in header": ("batch.malformed", 400, {"edit": lambda raw: raw[:-1] + b',"suite":"GM-GCM-1"}'}),
    "float in header": ("batch.malformed", 400, {"edit": lambda raw: raw.replace(b'"seq":1,', b'"seq":1.0,')}),
    "business date of another day": ("batch.malformed", 400, {"header": {"businessDate": "2026-01-01"}}),
    "24:00:00": ("batch.malformed", 400, {"header": {"expires": "2030-01-01T24:00:00+08:00"}}),
    "leap second": ("batch.malformed", 400, {"header": {"expires": "2030-01-01T23:59:60+08:00"}}),
    "other offset": ("batch.malformed", 400, {"header": {"expires": "2030-01-01T00:00:00+00:00"}}),
    "first batch with a prevDigest": ("batch.malformed", 400, {"header": {"prevDigest": OTHER}}),
    "later batch without one": ("batch.malformed", 400, {"header": {"seq": 2}}),
    "keyWrap of another suite": ("batch.malformed", 400, {"header": {"keyWrap": "RSA-OAEP-256"}}),
    "signature algorithm of another suite": ("batch.malformed", 400, {"header": {"signatureAlgorithm": "ES256"}}),
    "chunk size": ("batch.malformed", 400, {"header": {"chunkSize": 4096}}),
    "record count": ("batch.malformed", 400, {"header": {"recordCount": 2}}),
    "broken compression": ("batch.malformed", 400, {"packed": b"not gzip at all"}),
    "compression cut": ("batch.malformed", 400, {"packed": gzip.compress(b"x" * 500)[:-8]}),
    "content shorter than declared": ("batch.malformed", 400, {"header": {"uncompressedSize": 60_000}}),
    "content longer than declared": ("batch.too_large", 413, {"packed": BOMB}),
    "declared size": ("batch.too_large", 413, {"header": {"uncompressedSize": 67_108_865}}),
    "records over the limit": ("batch.too_large", 413, {"header": {"recordCount": 51}}),
    "other sender": ("auth.sender", 403, {"header": {"sender": "110000000000"}}),
    "unknown suite": ("batch.suite", 422, {"header": {"suite": "GM-XTS-9"}}),
    "other recipient": ("batch.recipient", 422, {"header": {"recipient": "SOMEBODY"}}),
    "other recipient key": ("batch.recipient", 422, {"header": {"recipientKeyId": "0" * 16}}),
    "unknown sender key": ("batch.signature", 422, {"header": {"senderKeyId": "0" * 16}}),
    "signed by another": ("batch.signature", 422, {"signer": STRANGER}),
    "expired": ("batch.expired", 422, {"header": {"expires": "2026-01-01T00:00:00+08:00"}}),
    "data key of another length": ("batch.decrypt", 422, {"header": {"wrappedKey": "AAAA"}}),
    "broken tag": ("batch.decrypt", 422, {"spoil_chunk": True}),
    "content digest": ("batch.digest", 422, {"header": {"contentDigest": OTHER}}),
    "merkle root": ("batch.digest", 422, {"header": {"merkleRoot": OTHER}}),
    # Two wrongs: the earlier check speaks.
    "sender before suite": ("auth.sender", 403, {"header": {"sender": "110000000000", "suite": "GM-XTS-9"}}),
    "suite before recipient": ("batch.suite", 422, {"header": {"suite": "X", "recipient": "SOMEBODY"}}),
    "recipient before signature": ("batch.recipient", 422, {"header": {"recipient": "X"}, "signer": STRANGER}),
    "signature before time": (
        "batch.signature", 422, {"header": {"expires": "2026-01-01T00:00:00+08:00"}, "signer": STRANGER},
    ),
    "time before sizes": (
        "batch.expired", 422, {"header": {"expires": "2026-01-01T00:00:00+08:00", "recordCount": 51}},
    ),
    "sizes before decrypting": ("batch.too_large", 413, {"header": {"recordCount": 51}, "spoil_chunk": True}),
    "decrypting before digests": ("batch.decrypt", 422, {"header": {"merkleRoot": OTHER}, "spoil_chunk": True}),
    "form before sender": ("batch.malformed", 400, {"header": {"sender": "110000000000", "more": "x"}}),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_batch_is_refused_and_leaves_no_trace(
    name: str, shared_platform: RunningPlatform, shared_caller: Caller, sealer: Sealer
) -> None:
    code, status, wrong = WRONG[name]
    sealer.stream = "wrong-" + secrets.token_hex(4)
    held = shared_platform.admin.oracle()["batches"]
    batch = sealer.seal([service()], **wrong)
    answer = shared_caller.post(batch)
    assert (answer.json()["code"], answer.status_code) == (code, status)
    assert shared_caller.get(f"batches/{batch.batch_id}").status_code == 404
    assert shared_platform.admin.oracle()["batches"] == held


def test_created_in_the_future(shared_caller: Caller, sealer: Sealer) -> None:
    assert shared_caller.post(sealer.seal([service()], header=future_header())).json()["code"] == "batch.expired"


def test_kinds_out_of_order(shared_caller: Caller, sealer: Sealer) -> None:
    answer = shared_caller.post(sealer.seal([evaluation(), service()]))
    assert (answer.status_code, answer.json()["code"]) == (400, "batch.malformed")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-Batch-Digest": OTHER}, "batch.transfer"),
        ({"X-Batch-Digest": ""}, "batch.transfer"),
        ({"X-Batch-Id": "0" * 32}, "batch.malformed"),
        ({"Content-Type": "application/json"}, "batch.malformed"),
    ],
)
def test_wrong_http_headers(headers: dict[str, str], code: str, shared_caller: Caller, sealer: Sealer) -> None:
    answer = shared_caller.post(sealer.seal([service()]), **headers)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("cut", [0, 4, 8, 100, 900])
def test_a_body_cut_anywhere_is_malformed(cut: int, shared_caller: Caller, sealer: Sealer) -> None:
    batch = sealer.seal([service()])
    cut_short = Batch(batch.body[:cut], batch.batch_id, "", {})
    assert shared_caller.post(cut_short).json()["code"] == "batch.malformed"


def test_size_is_checked_before_the_digest(shared_caller: Caller) -> None:
    answer = shared_caller.post(Batch(b"\0" * 2_000_001, "0" * 32, "", {}), **{"X-Batch-Digest": OTHER})
    assert (answer.status_code, answer.json()["code"]) == (413, "batch.too_large")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"paasid": "stranger", "timestamp": "1"}, "auth.signature"),
        ({"timestamp": "1"}, "auth.time"),
        ({"timestamp": "soon"}, "auth.time"),
        ({"timestamp": "1", "token": "wrong"}, "auth.time"),
        ({"token": "wrong", "nonce": "n" * 65}, "auth.signature"),
        ({"nonce": "n" * 65}, "auth.nonce"),
        ({"nonce": ""}, "auth.nonce"),
    ],
)
def test_credentials_come_first(wrong: dict[str, str], code: str, shared_caller: Caller) -> None:
    answer = shared_caller.post(Batch(b"nothing", "", "", {}), **shared_caller.credentials(**wrong))
    assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_300_seconds_are_near_enough(shared_platform: RunningPlatform, shared_caller: Caller) -> None:
    shared_platform.admin.clock(now=datetime.fromtimestamp(int(time.time()), SHANGHAI).isoformat())
    now = int(datetime.fromisoformat(shared_caller.get("ping").json()["time"]).timestamp())
    answers = []
    for distance in (-301, -300, 300, 301):
        headers = shared_caller.credentials(timestamp=str(now + distance))
        answers.append(shared_caller.session.get(f"{shared_caller.url}/api/v1/ping", headers=headers).status_code)
    shared_platform.admin.clock()
    assert answers == [401, 200, 200, 401]


def test_a_nonce_is_used_once_even_across_a_restart(platform: RunningPlatform, caller: Caller) -> None:
    headers = caller.credentials()
    first = caller.session.get(f"{caller.url}/api/v1/ping", headers=headers)
    second = caller.session.get(f"{caller.url}/api/v1/ping", headers=headers)
    platform.kill()
    platform.start()
    third = caller.session.get(f"{platform.url}/api/v1/ping", headers=headers)
    assert first.json()["status"] == "ok"
    assert [second.json()["code"], third.json()["code"]] == ["auth.nonce", "auth.nonce"]


def test_a_nonce_with_a_wrong_signature_is_not_used_up(shared_caller: Caller) -> None:
    nonce = secrets.token_hex(8)
    url = f"{shared_caller.url}/api/v1/ping"
    wrong = shared_caller.session.get(url, headers=shared_caller.credentials(nonce=nonce, token="wrong"))
    right = shared_caller.session.get(url, headers=shared_caller.credentials(nonce=nonce))
    assert [wrong.status_code, right.status_code] == [401, 200]


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("reconciliation", {"sender": "360000000000"}),
        ("reconciliation", {"sender": "360000000000", "date": "2026-02-30"}),
        ("reconciliation", {"sender": "36", "date": "2026-02-03"}),
        ("reconciliation/items", {"sender": "360000000000", "date": "2026-02-03", "kind": "other"}),
        ("reconciliation/items", {"sender": "360000000000", "date": "2026-02-03", "kind": "service", "limit": 10_001}),
        ("reconciliation/items", {"sender": "360000000000", "date": "2026-02-03", "kind": "service", "limit": 0}),
        ("streams/ma.in", {"sender": "360000000000"}),
        ("streams/main", {}),
    ],
)
def test_wrong_parameters(path: str, parameters: dict[str, Any], shared_caller: Caller) -> None:
    answer = shared_caller.get(path, **parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid")


def test_another_senders_figures_are_not_shown(shared_caller: Caller) -> None:
    answer = shared_caller.get("reconciliation", sender="110000000000", date="2026-02-03")
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.sender")


def test_a_sender_key_that_comes_later_is_found(platform: RunningPlatform, caller: Caller, sealer: Sealer) -> None:
    folder = platform.folder.parent / "sender"
    for path in folder.glob("*.pem"):
        path.rename(path.with_suffix(".away"))
    platform.restart()
    batch = sealer.seal([service()])
    before = caller.post(batch).json()["code"]
    for path in folder.glob("*.away"):
        path.rename(path.with_suffix(".pem"))
    assert (before, caller.post(batch).status_code) == ("batch.signature", 200)
