"""The signed text is fixed for good: every sender in the field was built on it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from starlette.datastructures import Headers

from gateway.crypto.digest import hmac_sm3, sm3_hex
from gateway.errors import Rejected
from gateway.inbox import openapi
from gateway.inbox.claim import FORMS, IDEMPOTENCY, read_claim
from gateway.inbox.refusal import STATUSES
from gateway.messages import LANGUAGES, catalogue
from sandbox.pusher import Pusher
from sandbox.pusher import hmac_sm3 as by_sandbox

HEADERS = {
    "X-Inbox-Sender": "hall-01",
    "X-Inbox-Key": "2026a",
    "X-Inbox-Timestamp": "1763780400",
    "X-Inbox-Nonce": "00112233445566778899aabbccddeeff",
    "X-Inbox-Signature": "ab" * 32,
    "Idempotency-Key": "hall-01:20261122:0001",
}
BODY = b'{"records":[]}'
SIGNED = b"""HCP-INBOX-1
POST
/inbox/v1/counter_push/records
hall-01
2026a
1763780400
00112233445566778899aabbccddeeff
hall-01:20261122:0001
bf801de2d208c030de14d0a46d2d989fe785e03b06902f2a33880ff77348ab16"""
MAC = "7bc0bde462e2efc69be8e51fce8d2a9c4bedab0fe3a292f7246f8a9ac618b182"


def test_the_signed_text_and_its_mac_are_as_published() -> None:
    text = read_claim(Headers(HEADERS), changes=True).signed_text(
        "POST", "/inbox/v1/counter_push/records", sm3_hex(BODY)
    )
    assert text == SIGNED
    assert hmac_sm3(bytes(range(32)), text).hex() == MAC


def test_a_question_has_an_empty_line_where_the_key_stands() -> None:
    headers = {name: value for name, value in HEADERS.items() if name != "Idempotency-Key"}
    text = read_claim(Headers(headers), changes=False).signed_text("GET", "/p", sm3_hex(b""))
    assert text.split(b"\n")[7] == b""
    assert len(text.split(b"\n")) == 9


def test_a_header_that_came_twice_is_refused() -> None:
    twice = Headers(raw=[*Headers(HEADERS).raw, (b"x-inbox-sender", b"hall-02")])
    with pytest.raises(Rejected, match=r"inbox\.header_invalid"):
        read_claim(twice, changes=True)


@pytest.mark.parametrize(("off", "taken"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_the_window_is_the_same_on_both_sides(off: int, taken: bool) -> None:
    claim = read_claim(Headers(HEADERS), changes=True)
    now = datetime.fromtimestamp(1763780400 - off, UTC)
    if taken:
        claim.check_time(now, timedelta(seconds=300))
        return
    with pytest.raises(Rejected) as refused:
        claim.check_time(now, timedelta(seconds=300))
    assert refused.value.params["off"] == off
    assert refused.value.params["server_time"] == int(now.timestamp())


def test_a_nonce_outlives_its_request() -> None:
    claim = read_claim(Headers(HEADERS), changes=True)
    window = timedelta(seconds=300)
    with pytest.raises(Rejected):
        claim.check_time(claim.nonce_until(window), window)


def test_the_sandbox_s_sender_signs_what_we_verify() -> None:
    pusher = Pusher("", "counter_push", "hall-01", "2026a", by_sandbox("11" * 32))
    claim = read_claim(Headers(pusher.headers("POST", "/p?q=1", BODY, "key-00001")), changes=True)
    assert claim.signature == hmac_sm3(b"\x11" * 32, claim.signed_text("POST", "/p?q=1", sm3_hex(BODY)))


def test_the_document_names_every_status_and_header() -> None:
    assert set(STATUSES.values()) - {405} | {503} == set(openapi.REFUSALS)
    assert set(openapi.MEANING) == set(FORMS)
    assert IDEMPOTENCY in {one["name"] for one in openapi.extra(changes=True)["parameters"]}
    assert all(re.search("[一-鿿]", text) for text in (*openapi.REFUSALS.values(), *openapi.MEANING.values()))


@pytest.mark.parametrize("code", sorted(STATUSES))
def test_every_refusal_has_a_sentence(code: str) -> None:
    assert all(code in catalogue(lang) for lang in LANGUAGES)
