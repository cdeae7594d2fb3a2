from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.crypto import sm2
from gateway.crypto.canonical import canonical_json, parse_canonical
from gateway.crypto.envelope import ExpectedReceipt, VoidRequest, sign_void, verify_receipt
from gateway.crypto.signers import Sm2Verifier, load_verifier
from gateway.errors import Misconfigured
from tests.unit.crypto.hcpb import SENDER, PinnedKeys, pem, sender_keys, vector

PLATFORM = sm2.generate()
KEYS = PinnedKeys(Sm2Verifier(PLATFORM.public))
BATCH = ExpectedReceipt("ab" * 16, "1" * 64, "2" * 64, 5, "GM-GCM-1")
ITEMS = [
    {"index": 1, "key": "a#1", "code": "duplicate", "message": ""},
    {"index": 2, "key": "a#1#1", "code": "parent.missing", "message": "父记录未到"},
    {"index": 4, "key": "", "code": "schema.invalid", "message": "不可读"},
]


def receipt(**changes: Any) -> bytes:
    """A receipt rightly signed by the platform, with ``changes``; None leaves a field out."""
    fields: dict[str, Any] = {
        "receiptId": "r-1",
        "batchId": BATCH.batch_id,
        "headerDigest": BATCH.header_digest,
        "receivedAt": "2026-11-02T10:01:00+08:00",
        "status": "partial",
        "accepted": 2,
        "duplicates": 1,
        "rejected": 2,
        "items": ITEMS,
        "merkleRoot": BATCH.merkle_root,
        "platformKeyId": PLATFORM.key_id,
        **changes,
    }
    fields = {name: value for name, value in fields.items() if value is not None}
    signature = sm2.sign(PLATFORM, b"HCP-RECEIPT-1\0" + canonical_json(fields))
    return canonical_json({**fields, "signature": base64.b64encode(signature).decode()})


def refusal(raw: bytes, batch: ExpectedReceipt = BATCH) -> str:
    with pytest.raises(Misconfigured) as refused:
        verify_receipt(raw, batch, KEYS)
    assert refused.value.params["batch"] == batch.batch_id
    return refused.value.code


@pytest.mark.parametrize("name", ["gm-gcm-1-20", "gm-cbc-1-1", "intl-1-20", "intl-1-1"])
def test_the_vectors_receipts_verify(name: str) -> None:
    described = vector(f"hcpb/{name}.json")
    header, stated = described["header"], described["receipt"]
    batch = ExpectedReceipt(
        header["batchId"], described["headerDigest"], header["merkleRoot"], header["recordCount"], header["suite"]
    )
    checked = verify_receipt(canonical_json(stated), batch, KEYS)
    assert (checked.receipt_id, checked.status, checked.accepted) == (
        stated["receiptId"],
        "accepted",
        stated["accepted"],
    )
    assert checked.platform_key_id == stated["platformKeyId"]


def test_a_partial_receipt_names_its_items() -> None:
    checked = verify_receipt(receipt(), BATCH, KEYS)
    assert [(item.index, item.key, item.code) for item in checked.items] == [
        (1, "a#1", "duplicate"),
        (2, "a#1#1", "parent.missing"),
        (4, "", "schema.invalid"),
    ]
    assert (checked.accepted, checked.duplicates, checked.rejected) == (2, 1, 2)


@pytest.mark.parametrize(
    ("accepted", "codes", "status"),
    [
        (5, [], "accepted"),
        (0, ["duplicate"] * 5, "accepted"),
        (0, ["item.unknown"] * 5, "rejected"),
        (0, ["duplicate"] + ["version.stale"] * 4, "partial"),
    ],
)
def test_status_follows_from_the_counts(accepted: int, codes: list[str], status: str) -> None:
    items = [{"index": index, "key": "k", "code": code, "message": ""} for index, code in enumerate(codes)]
    duplicates = codes.count("duplicate")
    said = {"accepted": accepted, "duplicates": duplicates, "rejected": len(codes) - duplicates, "items": items}
    assert verify_receipt(receipt(**said, status=status), BATCH, KEYS).status == status
    for other in {"accepted", "rejected", "partial", ""} - {status}:
        assert refusal(receipt(**said, status=other)) == "receipt.status"


def swapped(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [items[1], items[0], items[2]]


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("receipt.batch", {"batchId": "cd" * 16}),
        ("receipt.header", {"headerDigest": "3" * 64}),
        ("receipt.merkle", {"merkleRoot": "3" * 64}),
        ("receipt.counts", {"accepted": 3}),
        ("receipt.counts", {"rejected": 1}),
        ("receipt.counts", {"accepted": 0, "duplicates": 0, "rejected": 0, "items": [], "status": "accepted"}),
        ("receipt.items", {"items": []}),
        ("receipt.items", {"items": ITEMS[:2]}),
        ("receipt.items", {"items": swapped(ITEMS)}),
        ("receipt.items", {"items": [ITEMS[0], ITEMS[1], ITEMS[1]]}),
        ("receipt.items", {"items": [*ITEMS[:2], {**ITEMS[2], "index": 5}]}),
        ("receipt.items", {"items": [*ITEMS[:2], {**ITEMS[2], "code": "duplicate"}]}),
        ("receipt.items", {"accepted": 3, "duplicates": 0}),
        ("receipt.form", {"items": [*ITEMS[:2], {**ITEMS[2], "index": -1}]}),
        ("receipt.form", {"items": [*ITEMS[:2], {**ITEMS[2], "index": True}]}),
        ("receipt.form", {"items": [*ITEMS[:2], {**ITEMS[2], "more": 1}]}),
        ("receipt.form", {"items": [*ITEMS[:2], {"index": 4}]}),
        ("receipt.form", {"items": [*ITEMS[:2], {**ITEMS[2], "code": "X Y"}]}),
        ("receipt.form", {"items": {}}),
        ("receipt.form", {"accepted": -1, "rejected": 5}),
        ("receipt.form", {"accepted": "2"}),
        ("receipt.form", {"receivedAt": "2026-11-02T02:01:00Z"}),
        ("receipt.form", {"receiptId": ""}),
        ("receipt.form", {"receiptId": "r" * 65}),
        ("receipt.form", {"merkleRoot": None}),
        ("receipt.form", {"more": "x"}),
        ("receipt.key_unknown", {"platformKeyId": "0" * 16}),
    ],
    ids=repr,
)
def test_a_receipt_that_the_platform_signed_but_that_is_wrong(code: str, changes: dict[str, Any]) -> None:
    assert refusal(receipt(**changes)) == code


@pytest.mark.parametrize(
    "forge",
    [
        lambda fields: {**fields, "accepted": 4, "rejected": 0, "items": ITEMS[:1], "status": "accepted"},
        lambda fields: {**fields, "receivedAt": "2026-11-03T10:01:00+08:00"},
        lambda fields: {**fields, "receiptId": "r-2"},
        lambda fields: {**fields, "platformKeyId": load_verifier(pem("platform-sm2-sig.pub")).key_id},
        lambda fields: {**fields, "signature": base64.b64encode(sm2.sign(sm2.generate(), b"x")).decode()},
        lambda fields: {**fields, "signature": base64.b64encode(b"\0" * 71).decode()},
    ],
)
def test_a_receipt_changed_after_signing(forge: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    assert refusal(canonical_json(forge(parse_canonical(receipt())))) == "receipt.signature"


def test_a_signature_made_for_another_use_is_refused() -> None:
    fields = parse_canonical(receipt())
    unsigned = canonical_json({name: value for name, value in fields.items() if name != "signature"})
    for label in (b"", b"HCP-VOID-1\0", b"HCP-BATCH-1\0"):
        fields["signature"] = base64.b64encode(sm2.sign(PLATFORM, label + unsigned)).decode()
        assert refusal(canonical_json(fields)) == "receipt.signature"


def test_the_signature_must_be_by_the_suites_algorithm() -> None:
    assert refusal(receipt(), ExpectedReceipt(*["x"] * 3, 5, "INTL-1")) == "receipt.algorithm"


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"null", receipt() + b"\n", receipt().replace(b":", b": ", 1)])
def test_what_is_no_canonical_receipt(raw: bytes) -> None:
    assert refusal(raw) == "receipt.form"


def test_every_byte_of_a_receipt_counts() -> None:
    raw = receipt()
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 0x01
        assert refusal(bytes(changed)).startswith("receipt.")


@pytest.mark.parametrize("suite", ["GM-GCM-1", "INTL-1"])
def test_a_void_notice_is_signed_without_its_signature(suite: str) -> None:
    signer = sender_keys(suite).signer
    kind = "sm2" if suite == "GM-GCM-1" else "p256"
    verifier = load_verifier(pem(f"sender-{SENDER}-{kind}-sig.pub"))
    void = VoidRequest(
        sender=SENDER,
        stream="main",
        seq=7,
        batch_id="ab" * 16,
        header_digest="1" * 64,
        reason="重新组批",
        created=datetime(2026, 11, 2, 2, 0, tzinfo=UTC),
    )
    notice = parse_canonical(sign_void(void, signer))
    signature = base64.b64decode(notice.pop("signature"))
    assert verifier.verify(b"HCP-VOID-1\0" + canonical_json(notice), signature)
    assert notice == {
        "sender": SENDER,
        "stream": "main",
        "seq": 7,
        "batchId": "ab" * 16,
        "headerDigest": "1" * 64,
        "reason": "重新组批",
        "created": "2026-11-02T10:00:00+08:00",
        "senderKeyId": verifier.key_id,
    }
