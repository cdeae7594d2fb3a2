"""The sealed vectors' parties, and a sender that can be made to lie."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.crypto import sm2
from gateway.crypto.digest import merkle_root, sm3, sm3_hex
from gateway.crypto.envelope import FIRST_PREVIOUS, Receiver, SealRequest, SenderKeys, SenderTrust
from gateway.crypto.header import Frame, join_frame, signed_bytes
from gateway.crypto.signers import Es256Signer, Signer, Sm2Signer, Verifier, load_verifier
from gateway.crypto.suites import SUITES
from gateway.crypto.wrappers import RsaUnwrapper, Sm2Unwrapper, load_wrapper

VECTORS = Path(__file__).parents[2] / "vectors"
HCPB = VECTORS / "hcpb"
SENDER = "360000000000"
NOW = datetime.fromisoformat("2026-11-02T10:01:00+08:00")


def vector(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return found


def pem(name: str) -> bytes:
    return (HCPB / f"TEST-KEY-{name}.pem").read_bytes()


def records_of(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = vector(f"hcpb/{name}.json")["records"]
    return found


@cache
def receiver() -> Receiver:
    unwrappers = (
        Sm2Unwrapper(sm2.load_private(pem("platform-sm2-enc.key"))),
        RsaUnwrapper(load_pem_private_key(pem("platform-rsa3072-enc.key"), None)),  # type: ignore[arg-type]
    )
    verifiers = [load_verifier(pem(f"sender-{SENDER}-{kind}-sig.pub")) for kind in ("sm2", "p256")]
    trust = SenderTrust(frozenset(SUITES), {known.key_id: known for known in verifiers})
    return Receiver("NATIONAL", {known.key_id: known for known in unwrappers}, {SENDER: trust})


@cache
def sender_keys(suite: str) -> SenderKeys:
    if suite == "INTL-1":
        key: Any = load_pem_private_key(pem(f"sender-{SENDER}-p256-sig.key"), None)
        return SenderKeys(Es256Signer(key), load_wrapper(pem("platform-rsa3072-enc.pub")))
    signer = Sm2Signer(sm2.load_private(pem(f"sender-{SENDER}-sm2-sig.key")))
    return SenderKeys(signer, load_wrapper(pem("platform-sm2-enc.pub")))


def request(suite: str = "GM-GCM-1", **changes: Any) -> SealRequest:
    plain = SealRequest(
        suite=suite,
        sender=SENDER,
        recipient="NATIONAL",
        batch_id="ab" * 16,
        stream="main",
        seq=1,
        prev_digest=FIRST_PREVIOUS,
        created=NOW,
        expires=NOW + timedelta(days=30),
    )
    return replace(plain, **changes)


class PinnedKeys:
    """The platform's keys of the vectors, and any added."""

    def __init__(self, *added: Verifier) -> None:
        pinned = [load_verifier(pem(f"platform-{kind}-sig.pub")) for kind in ("sm2", "p256")]
        self._known = {known.key_id: known for known in (*pinned, *added)}

    def verifier(self, key_id: str) -> Verifier | None:
        return self._known.get(key_id)


@dataclass
class Forger:
    """A registered sender that signs whatever it likes: ``header`` holds the wire fields to replace or add."""

    suite: str = "GM-GCM-1"
    records: tuple[bytes, ...] = (b'{"data":{},"key":"k","kind":"service","version":1}',)
    packed: bytes | None = None
    data_key: bytes | None = None
    raw_header: bytes | None = None
    tear: bool = False  # the last byte of the payload, which the signature is then made over

    def seal(self, **header: Any) -> bytes:
        suite = SUITES[self.suite]
        keys = sender_keys(self.suite)
        data_key = self.data_key or os.urandom(suite.data_key_size)
        content = b"\n".join(self.records)
        fields = {
            "spec": "1.0",
            "suite": self.suite,
            "sender": SENDER,
            "recipient": "NATIONAL",
            "batchId": "cd" * 16,
            "stream": "main",
            "seq": 1,
            "prevDigest": FIRST_PREVIOUS,
            "businessDate": "2026-11-02",
            "created": "2026-11-02T10:00:00+08:00",
            "expires": "2026-12-02T10:00:00+08:00",
            "recordCount": len(self.records),
            "contentDigest": sm3_hex(content),
            "merkleRoot": merkle_root(self.records).hex(),
            "compression": "none",
            "uncompressedSize": len(content),
            "chunkSize": 1048576,
            "noncePrefix": "00112233445566",
            "keyWrap": suite.key_wrap,
            "wrappedKey": base64.b64encode(keys.recipient.wrap(data_key)).decode(),
            "recipientKeyId": keys.recipient.key_id,
            "senderKeyId": keys.signer.key_id,
            "signatureAlgorithm": suite.signature_algorithm,
        }
        fields.update(header)
        present = {name: value for name, value in fields.items() if value is not None}
        text = json.dumps(present, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        raw = self.raw_header or text.encode()
        packed = content if self.packed is None else self.packed
        key = data_key[: suite.data_key_size].ljust(suite.data_key_size, b"\0")
        payload = b"".join(suite.seal(key, sm3(raw), bytes.fromhex("00112233445566"), [packed]))
        if self.tear:
            payload = payload[:-1] + bytes([payload[-1] ^ 1])
        return framed(raw, payload, keys.signer)


def framed(header: bytes, payload: bytes, signer: Signer) -> bytes:
    """A rightly signed frame around anything."""
    return join_frame(Frame(header, signer.sign(signed_bytes(header, sm3(payload))), payload))
