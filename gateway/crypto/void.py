"""The void notice: our signed word that a sealed batch will never be delivered (platform interface, section 4)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from gateway.crypto.canonical import canonical_json
from gateway.crypto.header import wire_moment
from gateway.crypto.signers import Signer

SIGNED = b"HCP-VOID-1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidRequest:
    """The batch to void and why. ``created`` is aware; ``reason`` is not empty and holds no personal data."""

    sender: str
    stream: str
    seq: int
    batch_id: str
    header_digest: str
    reason: str
    created: datetime


def sign_void(request: VoidRequest, signer: Signer) -> bytes:
    """The body of ``POST /api/v1/voids``: canonical JSON with the signature in it."""
    notice = {
        "sender": request.sender,
        "stream": request.stream,
        "seq": request.seq,
        "batchId": request.batch_id,
        "headerDigest": request.header_digest,
        "reason": request.reason,
        "created": wire_moment(request.created),
        "senderKeyId": signer.key_id,
    }
    signature = signer.sign(SIGNED + canonical_json(notice))
    return canonical_json({**notice, "signature": base64.b64encode(signature).decode()})
