"""The platform's receipt (回执): only one that passes here makes a batch delivered (platform interface, section 5)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from gateway.crypto.canonical import canonical_json, parse_canonical
from gateway.crypto.header import Form, is_base64, text_form
from gateway.crypto.signers import Verifier
from gateway.crypto.suites import SUITES
from gateway.errors import Misconfigured, Rejected

SIGNED = b"HCP-RECEIPT-1\0"
DUPLICATE = "duplicate"


class PlatformKeys(Protocol):
    """The platform's registered signature keys."""

    def verifier(self, key_id: str) -> Verifier | None: ...


@dataclass(frozen=True, slots=True)
class ExpectedReceipt:
    """What we know of the batch that the receipt must be for. Digests are hex."""

    batch_id: str
    header_digest: str
    merkle_root: str
    record_count: int
    suite: str


@dataclass(frozen=True, slots=True)
class ReceiptItem:
    """A record that was not plainly accepted: a duplicate, or refused with ``code``."""

    index: int
    key: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt that was verified."""

    receipt_id: str
    batch_id: str
    header_digest: str
    received_at: str
    status: str
    accepted: int
    duplicates: int
    rejected: int
    items: tuple[ReceiptItem, ...]
    merkle_root: str
    platform_key_id: str


def verify_receipt(raw: bytes, batch: ExpectedReceipt, platform_keys: PlatformKeys) -> Receipt:
    """The receipt in ``raw``, all of section 5 checked.

    Raises ``Misconfigured('receipt.<what>')``: form, key_unknown, algorithm, signature, batch, header, merkle, counts,
    status, items. A forged or mistaken receipt is for a person: the batch stays undelivered, no attempt is used up.
    """
    fields = _fields(raw, batch.batch_id)
    _check_signature(fields, batch, platform_keys)
    for name, ours, what in (
        ("batchId", batch.batch_id, "batch"),
        ("headerDigest", batch.header_digest, "header"),
        ("merkleRoot", batch.merkle_root, "merkle"),
    ):
        if fields[name] != ours:
            raise _refused(what, batch)
    _check_counts(fields, batch)
    items = _items(fields, batch)
    return Receipt(
        receipt_id=fields["receiptId"],
        batch_id=fields["batchId"],
        header_digest=fields["headerDigest"],
        received_at=fields["receivedAt"],
        status=fields["status"],
        accepted=fields["accepted"],
        duplicates=fields["duplicates"],
        rejected=fields["rejected"],
        items=items,
        merkle_root=fields["merkleRoot"],
        platform_key_id=fields["platformKeyId"],
    )


def _fields(raw: bytes, batch_id: str) -> dict[str, Any]:
    try:
        fields = parse_canonical(raw)
    except Rejected as refused:
        raise Misconfigured("receipt.form", batch=batch_id, field="") from refused
    if type(fields) is not dict or fields.keys() != _FORMS.keys():
        raise Misconfigured("receipt.form", batch=batch_id, field="")
    for name, has_form in _FORMS.items():
        if not has_form(fields[name]):
            raise Misconfigured("receipt.form", batch=batch_id, field=name)
    return fields


def _check_signature(fields: dict[str, Any], batch: ExpectedReceipt, platform_keys: PlatformKeys) -> None:
    verifier = platform_keys.verifier(fields["platformKeyId"])
    if verifier is None:
        raise _refused("key_unknown", batch, key_id=fields["platformKeyId"])
    if verifier.algorithm != SUITES[batch.suite].signature_algorithm:
        raise _refused("algorithm", batch, key_id=fields["platformKeyId"])
    unsigned = {name: value for name, value in fields.items() if name != "signature"}
    if not verifier.verify(SIGNED + canonical_json(unsigned), base64.b64decode(fields["signature"])):
        raise _refused("signature", batch, key_id=fields["platformKeyId"])


def _check_counts(fields: dict[str, Any], batch: ExpectedReceipt) -> None:
    held, rejected = fields["accepted"] + fields["duplicates"], fields["rejected"]
    if held + rejected != batch.record_count:
        raise _refused("counts", batch)
    status = "accepted" if rejected == 0 else "rejected" if held == 0 else "partial"
    if fields["status"] != status:
        raise _refused("status", batch)


def _items(fields: dict[str, Any], batch: ExpectedReceipt) -> tuple[ReceiptItem, ...]:
    items = tuple(ReceiptItem(**item) for item in fields["items"])
    indexes = [item.index for item in items]
    duplicates = sum(item.code == DUPLICATE for item in items)
    if (
        any(earlier >= later for earlier, later in pairwise(indexes))
        or any(index >= batch.record_count for index in indexes)
        or duplicates != fields["duplicates"]
        or len(items) - duplicates != fields["rejected"]
    ):
        raise _refused("items", batch)
    return items


def _refused(what: str, batch: ExpectedReceipt, **params: Any) -> Misconfigured:
    return Misconfigured(f"receipt.{what}", batch=batch.batch_id, **params)


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _text(value: Any) -> bool:
    return type(value) is str


def _item_list(value: Any) -> bool:
    return type(value) is list and all(
        type(item) is dict
        and item.keys() == _ITEM_FORMS.keys()
        and all(has_form(item[name]) for name, has_form in _ITEM_FORMS.items())
        for item in value
    )


_ITEM_FORMS: dict[str, Callable[[Any], bool]] = {
    "index": _count,
    "key": _text,
    "code": text_form(r"[a-z_.]{1,32}"),
    "message": _text,
}
_FORMS: dict[str, Form] = {
    "receiptId": text_form(r"[\x21-\x7e]{1,64}"),
    "batchId": _text,
    "headerDigest": _text,
    "receivedAt": text_form(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?\+08:00"),
    "status": _text,
    "accepted": _count,
    "duplicates": _count,
    "rejected": _count,
    "items": _item_list,
    "merkleRoot": _text,
    "platformKeyId": text_form(r"[0-9a-f]{16}"),
    "signature": is_base64,
}
