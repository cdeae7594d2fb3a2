"""The receipt (回执): signed, stored with the effects, the same bytes ever after (interface section 5)."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from typing import Any

from sandbox.platform import canonical
from sandbox.platform.judge import Judgement
from sandbox.platform.ledger import StoredBatch
from sandbox.platform.own_keys import OwnKey, OwnKeys, throwaway_signer
from sandbox.platform.times import write_time

_DOMAIN = b"HCP-RECEIPT-1\0"


def write_receipt(batch: StoredBatch, judgement: Judgement, now: datetime, keys: OwnKeys) -> bytes:
    """Canonical JSON, signed by the suite's newest key."""
    accepted, duplicates = len(judgement.effects), judgement.duplicates
    rejected = len(judgement.items) - duplicates
    status = "accepted" if rejected == 0 else "rejected" if accepted + duplicates == 0 else "partial"
    receipt: dict[str, Any] = {
        "receiptId": secrets.token_hex(16),
        "batchId": batch.batch_id,
        "headerDigest": batch.header_digest,
        "receivedAt": write_time(now),
        "status": status,
        "accepted": accepted,
        "duplicates": duplicates,
        "rejected": rejected,
        "items": judgement.items,
        "merkleRoot": batch.merkle_root,
    }
    return _sign(receipt, keys.signing(batch.suite))


def _sign(receipt: dict[str, Any], key: OwnKey) -> bytes:
    unsigned = {**receipt, "platformKeyId": key.key_id}
    unsigned.pop("signature", None)
    signature = base64.b64encode(key.operate(_DOMAIN + canonical.write(unsigned))).decode()
    return canonical.write({**unsigned, "signature": signature})


def spoil(raw: bytes, variant: str, suite: str, keys: OwnKeys) -> bytes:
    """A fault on demand: the receipt with one thing wrong and all else right, the signature included.

    ``variant``: ``batch_id``, ``header_digest``, ``merkle_root``, ``counts``, ``key`` (signed by a stranger),
    ``signature`` (of other bytes), ``unsigned``, ``two_signatures``.
    """
    receipt: dict[str, Any] = canonical.read(raw)
    signer = keys.signing(suite)
    if variant == "key":
        return _sign(receipt, throwaway_signer(suite))
    if variant == "unsigned":
        del receipt["signature"]
        return canonical.write(receipt)
    if variant == "signature":
        return canonical.write({**receipt, "signature": canonical.read(_sign({"other": 1}, signer))["signature"]})
    if variant == "two_signatures":
        return raw[:-1] + f',"signature":"{receipt["signature"]}"}}'.encode()
    if variant == "counts":
        receipt["accepted"] += 1
    else:
        name = {"batch_id": "batchId", "header_digest": "headerDigest", "merkle_root": "merkleRoot"}[variant]
        receipt[name] = "f" * len(receipt[name])
    return _sign(receipt, signer)
