from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.crypto import sm2
from gateway.crypto.canonical import canonical_json, parse_canonical
from gateway.crypto.digest import sm3, sm3_hex
from gateway.crypto.envelope import SenderKeys, open_batch, seal_batch
from gateway.crypto.header import join_frame, split_frame
from gateway.crypto.signers import Sm2Signer
from gateway.crypto.suites import CHUNK, SUITES
from gateway.errors import Bug, Misconfigured, Rejected
from tests.unit.crypto.hcpb import HCPB, NOW, SENDER, Forger, framed, receiver, records_of, request, sender_keys, vector

ALL_SUITES = pytest.mark.parametrize("suite", sorted(SUITES))
GOOD = sorted(path.stem for path in HCPB.glob("*.bin") if not path.stem.startswith("neg-"))
BAD = sorted(path.stem for path in HCPB.glob("neg-*.bin"))


def refusal(body: bytes, now: datetime = NOW) -> str:
    with pytest.raises(Rejected) as refused:
        open_batch(body, receiver(), now)
    return refused.value.code


@pytest.mark.parametrize("name", GOOD)
def test_the_sealed_vectors_open(name: str) -> None:
    described = vector(f"hcpb/{name}.json")
    body = (HCPB / f"{name}.bin").read_bytes()
    opened = open_batch(body, receiver(), datetime.fromisoformat(described["now"]))
    assert opened.records == [canonical_json(record) for record in described["records"]]
    assert opened.data_key.hex() == described["dataKey"]
    assert opened.header_digest == described["headerDigest"]
    assert parse_canonical(opened.header.to_bytes()) == described["header"]
    assert sm3(split_frame(body).payload).hex() == described["payloadDigest"]
    assert sm3_hex(body) == described["batchDigest"]


@pytest.mark.parametrize("name", BAD)
def test_the_negative_vectors_are_refused(name: str) -> None:
    described = vector(f"hcpb/{name}.json")
    body = (HCPB / f"{name}.bin").read_bytes()
    assert refusal(body, datetime.fromisoformat(described["now"])) == described["expected"]


@ALL_SUITES
def test_what_we_seal_says_in_its_header_what_the_vectors_say(suite: str) -> None:
    name = suite.lower() + "-20"
    described = vector(f"hcpb/{name}.json")
    records = [canonical_json(record) for record in records_of(name)]
    sealed = seal_batch(
        request(suite, stream=suite.lower(), created=datetime(2026, 11, 2, 2, 0, tzinfo=UTC)),
        records,
        sender_keys(suite),
    )
    ours, theirs = parse_canonical(sealed.header.to_bytes()), described["header"]
    drawn_anew = {"batchId", "noncePrefix", "wrappedKey", "expires"}
    assert {name: ours[name] for name in ours.keys() - drawn_anew} == {
        name: theirs[name] for name in theirs.keys() - drawn_anew
    }
    opened = open_batch(sealed.body, receiver(), NOW)
    assert opened.records == records
    assert (opened.header, opened.header_digest) == (sealed.header, sealed.header_digest)
    assert sealed.body_digest == sm3_hex(sealed.body)


def test_sealing_again_gives_other_bytes() -> None:
    first, second = (seal_batch(request(), [b"{}"], sender_keys("GM-GCM-1")) for _ in range(2))
    assert first.header.nonce_prefix != second.header.nonce_prefix
    assert first.header.wrapped_key != second.header.wrapped_key


@settings(max_examples=15, deadline=None)
@given(
    suite=st.sampled_from(sorted(SUITES)),
    compression=st.sampled_from(["gzip", "none"]),
    texts=st.lists(st.text(max_size=200), min_size=1, max_size=30),
)
def test_round_trips(suite: str, compression: str, texts: list[str]) -> None:
    safe = [text.encode("utf-8", "replace").decode() for text in texts]
    records = [canonical_json({"data": {"text": text}, "key": "k", "kind": "service", "version": 1}) for text in safe]
    sealed = seal_batch(request(suite, compression=compression), records, sender_keys(suite))
    assert open_batch(sealed.body, receiver(), NOW).records == records


@ALL_SUITES
@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK], ids=["-1", "one", "+1", "two"])
def test_content_around_the_edge_of_a_chunk(suite: str, size: int) -> None:
    records = [b"x" * size]
    sealed = seal_batch(request(suite, compression="none"), records, sender_keys(suite))
    chunks = -(-size // CHUNK)
    assert open_batch(sealed.body, receiver(), NOW).records == records
    if suite != "GM-CBC-1":
        assert len(split_frame(sealed.body).payload) == size + 16 * chunks


@ALL_SUITES
def test_chunks_can_not_be_swapped_dropped_or_repeated(suite: str) -> None:
    sealed = seal_batch(request(suite, compression="none"), [b"x" * (2 * CHUNK + 9)], sender_keys(suite))
    frame = split_frame(sealed.body)
    size = SUITES[suite].sealed_chunk
    first, second, last = frame.payload[:size], frame.payload[size : 2 * size], frame.payload[2 * size :]
    for payload in (second + first + last, first + last, first + second, first + first + last, first * 3, last):
        assert refusal(framed(frame.header, payload, sender_keys(suite).signer)) == "batch.decrypt"


@ALL_SUITES
def test_every_byte_counts(suite: str) -> None:
    body = (HCPB / f"{suite.lower()}-1.bin").read_bytes()
    for place in range(len(body)):
        changed = bytearray(body)
        changed[place] ^= 0x01
        assert refusal(bytes(changed)).startswith(("batch.", "auth.sender"))


def test_every_shorter_body_is_refused() -> None:
    body = (HCPB / "gm-gcm-1-1.bin").read_bytes()
    for length in range(0, len(body), 7):
        assert refusal(body[:length]) in {"batch.malformed", "batch.signature"}
    assert refusal(body + b"\0") == "batch.signature"


def test_the_signature_is_checked_before_anything_is_decrypted() -> None:
    class Untouched:
        key_id = ""
        algorithm = "SM2"

        def unwrap(self, wrapped: bytes) -> bytes:
            raise AssertionError

    closed = replace(receiver(), unwrappers=dict.fromkeys(receiver().unwrappers, Untouched()))
    body = (HCPB / "neg-header-bit.bin").read_bytes()
    with pytest.raises(Rejected) as refused:
        open_batch(body, closed, NOW)
    assert refused.value.code == "batch.signature"


@ALL_SUITES
def test_the_forger_is_believed_when_it_tells_the_truth(suite: str) -> None:
    assert open_batch(Forger(suite).seal(), receiver(), NOW).records == list(Forger().records)


@pytest.mark.parametrize(
    ("code", "lie"),
    [
        ("batch.malformed", {"businessDate": "2026-11-03"}),
        ("batch.malformed", {"prevDigest": "a" * 64}),
        ("batch.malformed", {"seq": 2}),
        ("batch.malformed", {"seq": 0}),
        ("batch.malformed", {"seq": True}),
        ("batch.malformed", {"seq": "1"}),
        ("batch.malformed", {"seq": 1.0}),
        ("batch.malformed", {"extra": "x"}),
        ("batch.malformed", {"stream": None}),
        ("batch.malformed", {"stream": "a b"}),
        ("batch.malformed", {"stream": "s" * 65}),
        ("batch.malformed", {"recipient": ""}),
        ("batch.malformed", {"sender": "36000000000"}),
        ("batch.malformed", {"sender": "\uff13" + "6" * 11}),
        ("batch.malformed", {"batchId": "CD" * 16}),
        ("batch.malformed", {"spec": "1.1"}),
        ("batch.malformed", {"created": "2026-11-02T10:00:60+08:00"}),
        ("batch.malformed", {"created": "2026-11-02T02:00:00Z"}),
        ("batch.malformed", {"created": "2026-11-02T10:00:00.5+08:00"}),
        ("batch.malformed", {"created": "2026-11-02T24:00:00+08:00"}),
        ("batch.malformed", {"created": "2026-02-30T10:00:00+08:00", "businessDate": "2026-02-30"}),
        ("batch.malformed", {"expires": "2026-12-02"}),
        ("batch.malformed", {"compression": "zstd"}),
        ("batch.malformed", {"chunkSize": 1024}),
        ("batch.malformed", {"noncePrefix": "0011223344556"}),
        ("batch.malformed", {"keyWrap": "RSA-OAEP-256"}),
        ("batch.malformed", {"signatureAlgorithm": "ES256"}),
        ("batch.malformed", {"wrappedKey": "===="}),
        ("batch.malformed", {"wrappedKey": ""}),
        ("batch.malformed", {"wrappedKey": "QUI"}),
        ("batch.malformed", {"wrappedKey": "QUJ="}),
        ("batch.malformed", {"recordCount": 2}),
        ("batch.malformed", {"recordCount": 0}),
        ("batch.malformed", {"uncompressedSize": 51}),
        ("batch.malformed", {"compression": "gzip"}),
        ("batch.too_large", {"uncompressedSize": 49}),
        ("batch.too_large", {"uncompressedSize": 67_108_865}),
        ("batch.too_large", {"recordCount": 5_001}),
        ("auth.sender", {"sender": "370000000000"}),
        ("batch.suite", {"suite": "GM-OLD-1"}),
        ("batch.malformed", {"suite": ""}),
        ("batch.recipient", {"recipient": "OTHER"}),
        ("batch.recipient", {"recipientKeyId": "0" * 16}),
        ("batch.signature", {"senderKeyId": "0" * 16}),
        ("batch.signature", {"senderKeyId": sender_keys("INTL-1").signer.key_id}),
        ("batch.expired", {"created": "2026-11-02T10:06:01+08:00"}),
        ("batch.expired", {"expires": "2026-11-02T10:00:59+08:00"}),
        ("batch.decrypt", {"wrappedKey": "QUJD"}),
        ("batch.decrypt", {"recipientKeyId": sender_keys("INTL-1").recipient.key_id}),
        ("batch.digest", {"contentDigest": "0" * 64}),
        ("batch.digest", {"merkleRoot": "0" * 64}),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)[:40],
)
def test_a_registered_sender_that_lies_is_refused(code: str, lie: dict[str, Any]) -> None:
    assert refusal(Forger().seal(**lie)) == code


def test_the_clock_may_differ_by_five_minutes() -> None:
    body = Forger().seal(created="2026-11-02T10:06:00+08:00", expires="2026-11-02T10:06:00+08:00")
    assert open_batch(body, receiver(), NOW).header.seq == 1


def test_a_data_key_of_the_wrong_length_is_refused() -> None:
    assert refusal(Forger(data_key=b"k" * 32).seal()) == "batch.decrypt"


def test_a_sender_may_use_its_own_suites_only() -> None:
    trust = receiver().senders[SENDER]
    narrow = replace(receiver(), senders={SENDER: replace(trust, suites=frozenset({"INTL-1"}))})
    with pytest.raises(Rejected) as refused:
        open_batch(Forger().seal(), narrow, NOW)
    assert refused.value.code == "batch.suite"


def test_a_body_over_the_limit_is_refused_unread() -> None:
    assert refusal(b"x" * (16_777_216 + 1)) == "batch.too_large"


def test_a_header_over_the_limit_is_refused() -> None:
    huge = b'{"spec":"' + b"x" * 65_536 + b'"}'
    assert refusal(Forger(raw_header=huge).seal()) == "batch.malformed"


def test_a_header_that_is_no_object_is_refused() -> None:
    assert refusal(Forger(raw_header=b"[]").seal()) == "batch.malformed"


def test_a_gzip_bomb_is_stopped_at_the_declared_size() -> None:
    bomb = gzip.compress(b"\0" * 64_000_000, 1)
    body = Forger(packed=bomb).seal(compression="gzip", uncompressedSize=1000)
    tracemalloc.start()
    try:
        assert refusal(body) == "batch.too_large"
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda packed: packed[:-1],
        lambda packed: packed[:12] + b"\xff\xff" + packed[14:],
        lambda packed: packed + b"\0",
        lambda packed: packed + packed,
        lambda packed: packed[:-8] + b"\0" * 8,
        lambda packed: zlib.compress(gzip.decompress(packed)),
    ],
    ids=["cut", "damaged", "longer", "two members", "checksum", "zlib"],
)
def test_broken_compression_is_refused(spoil: Any) -> None:
    packed = spoil(gzip.compress(Forger().records[0]))
    assert refusal(Forger(packed=packed).seal(compression="gzip")) == "batch.malformed"


def test_kinds_stand_in_order() -> None:
    kinds = ("service", "evaluation", "rectification")
    service, evaluation, rectification = (
        canonical_json({"data": {}, "key": "k", "kind": kind, "version": 1}) for kind in kinds
    )
    assert open_batch(Forger(records=(service, b"?", evaluation, rectification)).seal(), receiver(), NOW)
    for records in ((evaluation, service), (service, rectification, evaluation), (service, b"?", evaluation, service)):
        assert refusal(Forger(records=records).seal()) == "batch.malformed"


@pytest.mark.parametrize("records", [[], [b""], [b"{}", b""], [b"{\n}"]], ids=repr)
def test_records_that_would_not_come_apart_again_are_never_sealed(records: list[bytes]) -> None:
    with pytest.raises(Bug) as refused:
        seal_batch(request(), records, sender_keys("GM-GCM-1"))
    assert refused.value.code == "batch.records_malformed"


@pytest.mark.parametrize(
    "change", [{"seq": 0}, {"seq": 2}, {"sender": "36"}, {"stream": ""}, {"batch_id": "x"}, {"compression": "br"}]
)
def test_a_malformed_request_is_never_signed(change: dict[str, Any]) -> None:
    with pytest.raises(Bug) as refused:
        seal_batch(request(**change), [b"{}"], sender_keys("GM-GCM-1"))
    assert refused.value.code == "batch.request_malformed"


def test_too_much_content_is_never_sealed() -> None:
    with pytest.raises(Rejected) as refused:
        seal_batch(request(), [b"x" * 1_048_576] * 64, sender_keys("GM-GCM-1"))
    assert refused.value.code == "batch.too_large"


def test_keys_must_be_of_the_suite() -> None:
    mixed = SenderKeys(Sm2Signer(sm2.generate()), sender_keys("INTL-1").recipient)
    for suite in (*SUITES, "GM-OLD-1"):
        with pytest.raises(Misconfigured) as refused:
            seal_batch(request(suite), [b"{}"], mixed)
        assert refused.value.code == "crypto.suite_keys"


def test_the_business_date_is_shanghais() -> None:
    late = datetime(2026, 11, 2, 16, 0, 0, 999_999, tzinfo=UTC)
    header = seal_batch(
        request(created=late, expires=late + timedelta(days=1)), [b"{}"], sender_keys("GM-GCM-1")
    ).header
    assert (header.created, header.business_date) == ("2026-11-03T00:00:00+08:00", "2026-11-03")


def test_a_frame_is_what_it_was() -> None:
    body = (HCPB / "gm-cbc-1-20.bin").read_bytes()
    assert join_frame(split_frame(body)) == body
