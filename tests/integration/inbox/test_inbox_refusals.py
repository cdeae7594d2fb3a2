"""Who is refused and how it is told: a code, a sentence in the sender's language, and no trace in the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from gateway.crypto import sm2
from sandbox.pusher import Pusher
from tests.integration.inbox.world import (
    APP,
    CERTIFICATE,
    HALL,
    MOBILE,
    NAME,
    SOURCE,
    Serving,
    World,
    batch,
    record,
)

KEYS = [
    {"id": "old", "algorithm": "hmac_sm3", "secret": "hall_01_2026a", "not_after": "2026-11-01T00:00:00+08:00"},
    {"id": "2026a", "algorithm": "hmac_sm3", "secret": "hall_01_2026a"},
    {"id": "2027a", "algorithm": "hmac_sm3", "secret": "hall_01_2027a", "not_before": "2026-01-01T00:00:00+08:00"},
    {"id": "der", "algorithm": "sm2", "secret": "county_app_2026a"},
]


@pytest.fixture
def world(on_sqlite: World) -> World:
    """Who is refused never reaches the store."""
    return on_sqlite


def nothing_landed(serving: Serving) -> bool:
    return serving.count("raw_page") == serving.count("inbox_request") == 0


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"X_Inbox_Sender": "nobody"}, 401, "inbox.sender_unknown"),
        ({"X_Inbox_Sender": APP}, 401, "inbox.signature_wrong"),
        ({"X_Inbox_Key": "2025z"}, 401, "inbox.key_unknown"),
        ({"X_Inbox_Signature": "0" * 64}, 401, "inbox.signature_wrong"),
        ({"X_Inbox_Nonce": "n" * 32}, 401, "inbox.signature_wrong"),
        ({"Idempotency_Key": "other-key"}, 401, "inbox.signature_wrong"),
        ({"X_Inbox_Timestamp": "1700000000"}, 401, "inbox.stale"),
        ({"X_Inbox_Timestamp": "soon"}, 400, "inbox.header_invalid"),
        ({"X_Inbox_Nonce": "short"}, 400, "inbox.header_invalid"),
        ({"Idempotency_Key": "zhang san 1"}, 400, "inbox.header_invalid"),
        ({"Content_Type": "text/plain"}, 415, "inbox.media_type"),
        ({"Content_Encoding": "gzip"}, 415, "inbox.encoding"),
    ],
)
def test_a_wrong_header_is_named(serving: Serving, headers: dict[str, str], status: int, code: str) -> None:
    refused = serving.post(batch(record(1)), "batch-0001", **headers)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert nothing_landed(serving)


@pytest.mark.parametrize("name", ["X-Inbox-Sender", "X-Inbox-Nonce", "X-Inbox-Signature", "Idempotency-Key"])
def test_a_missing_header_is_named(serving: Serving, name: str) -> None:
    path = f"/inbox/v1/{SOURCE}/records"
    headers = serving.world.pusher().headers("POST", path, b"{}", "batch-0001")
    del headers[name]
    refused = serving.client.post(path, content=b"{}", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "inbox.header_missing")
    assert name in refused.json()["message"]


def test_a_signature_covers_body_path_and_query(serving: Serving) -> None:
    path, body = f"/inbox/v1/{SOURCE}/records", batch(record(1))
    signed = serving.world.pusher().headers("POST", path, body, "batch-0001")
    for target, sent in ((path, body + b" "), (path[:-1], body), (path + "?a=1", body)):
        refused = serving.client.post(target, content=sent, headers=signed)
        assert refused.json()["code"] == "inbox.signature_wrong"
    assert nothing_landed(serving)
    assert serving.client.post(path, content=body, headers=signed).status_code == 200


def test_a_clock_that_is_off_is_told_the_right_time(world: World) -> None:
    with world.running() as serving:
        for minutes, status in ((-6, 401), (6, 401), (4, 200)):
            world.shift = timedelta(minutes=minutes)
            answer = serving.post(batch(record(1)), f"batch-{minutes:04}")
            assert answer.status_code == status
            if status == 401:
                assert abs(answer.json()["server_time"] - serving.context.clock().timestamp()) < 5


def test_keys_overlap_while_they_change_and_then_the_old_one_ends(world: World) -> None:
    world.write(senders=[{"id": HALL, "name": "大厅", "keys": KEYS}])
    with world.running() as serving:
        assert serving.post(batch(record(1)), "batch-0001", by=world.pusher(key="2026a")).status_code == 200
        assert serving.post(batch(record(2)), "batch-0002", by=world.pusher(key="2027a")).status_code == 200
        refused = serving.post(batch(record(3)), "batch-0003", X_Inbox_Key="old")
        assert (refused.status_code, refused.json()["code"]) == (401, "inbox.key_expired")


def test_sm2_signatures_in_both_forms(world: World) -> None:
    world.write(senders=[{"id": HALL, "name": "大厅", "keys": KEYS}, app_sender()])
    with world.running() as serving:
        der = Pusher("", SOURCE, HALL, "der", lambda text: sm2.sign(world.private, text))
        assert serving.post(batch(record(1)), "batch-0001", by=der).status_code == 200
        assert serving.post(batch(record(2)), "batch-0002", by=world.pusher(APP)).status_code == 200
        swapped = Pusher("", SOURCE, HALL, "der", world.sign_raw)
        assert serving.post(batch(record(3)), "batch-0003", by=swapped).json()["code"] == "inbox.signature_wrong"
        stranger = sm2.generate()
        forged = Pusher("", SOURCE, HALL, "der", lambda text: sm2.sign(stranger, text))
        assert serving.post(batch(record(3)), "batch-0003", by=forged).json()["code"] == "inbox.signature_wrong"


def app_sender() -> dict[str, Any]:
    key = {"id": "2026a", "algorithm": "sm2", "secret": "county_app_2026a", "signature": "raw"}
    return {"id": APP, "name": "应用", "keys": [key]}


@pytest.mark.parametrize("declared", [True, False])
def test_too_large_is_refused_before_it_fills_memory(world: World, declared: bool) -> None:
    world.write(max_bytes=2048)
    with world.running() as serving:
        path, sent = f"/inbox/v1/{SOURCE}/records", 0
        headers = world.pusher().headers("POST", path, b"x" * 5000, "batch-0001")

        def pieces() -> Iterator[bytes]:
            nonlocal sent
            for _ in range(5):
                sent += 1
                yield b"x" * 1000

        refused = serving.client.post(path, content=b"x" * 5000 if declared else pieces(), headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (413, "inbox.too_large")
        assert nothing_landed(serving)


def test_an_empty_body_is_refused(serving: Serving) -> None:
    assert serving.post(b"", "batch-0001").json()["code"] == "inbox.empty"


def test_who_asks_too_often_is_told_when_to_come_back(world: World) -> None:
    sender = {"id": HALL, "name": "大厅", "keys": KEYS, "per_second": 0.5, "burst": 2}
    world.write(senders=[sender, app_sender()])
    with world.running() as serving:
        said = [serving.post(batch(record(number)), f"batch-{number:04}") for number in range(3)]
        assert [one.status_code for one in said] == [200, 200, 429]
        assert said[-1].json()["code"] == "inbox.throttled"
        assert 1 <= int(said[-1].headers["retry-after"]) <= 2
        assert serving.post(batch(record(9)), "batch-0009", by=world.pusher(APP)).status_code == 200
        forged = serving.post(batch(record(9)), "batch-0010", by=world.pusher(APP), X_Inbox_Signature="0" * 64)
        assert forged.status_code == 401  # and costs its sender nothing


def test_paths_and_methods_that_do_not_exist(serving: Serving) -> None:
    assert serving.client.get("/").json()["code"] == "inbox.path_unknown"
    refused = serving.client.get(f"/inbox/v1/{SOURCE}/records")
    assert (refused.status_code, refused.json()["code"], refused.headers["allow"]) == (405, "inbox.method", "POST")
    other = "/inbox/v1/no_such_source/records"
    headers = serving.world.pusher().headers("POST", other, b"{}", "batch-0001")
    refused = serving.client.post(other, content=b"{}", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (404, "inbox.source_unknown")


@pytest.mark.parametrize(
    ("asked", "word"), [("", "签名不符"), ("zh-CN,zh;q=0.9,en;q=0.8", "签名不符"), ("en-GB,en", "signature")]
)
def test_sentences_in_the_sender_s_language(serving: Serving, asked: str, word: str) -> None:
    refused = serving.post(batch(record(1)), "batch-0001", X_Inbox_Signature="0" * 64, Accept_Language=asked)
    assert word in refused.json()["message"]


def test_no_personal_data_in_the_log_nor_in_answers(serving: Serving, capfd: pytest.CaptureFixture[str]) -> None:
    body = batch(record(1, satisfaction="9"), record(2, mobile="1380000000x", certKeyGOV="11010519491231002Y"))
    answers = [serving.post(body, "batch-0001"), serving.post(body[:-5], "batch-0002")]
    answers.append(serving.post(body, "batch-0003", X_Inbox_Sender=MOBILE, X_Inbox_Nonce=CERTIFICATE))
    path = f"/inbox/v1/{NAME}{MOBILE}/records"
    answers.append(serving.client.post(path, content=body))
    logged = "".join(capfd.readouterr())
    lines = [json.loads(line) for line in logged.splitlines()]
    assert [line["status"] for line in lines] == [answer.status_code for answer in answers]
    for text in (logged, *(answer.text for answer in answers)):
        for secret in (NAME, CERTIFICATE, MOBILE, "1380000000x", "11010519491231002Y", *serving.world.secrets.values()):
            assert secret not in text
