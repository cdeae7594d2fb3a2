"""A sender of the tests' own: seals batches from the format's page, right or wrong on purpose."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import secrets
import struct
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from gateway.crypto import ciphers, sm2
from gateway.crypto.digest import hmac_sm3, sm3

VECTORS = Path(__file__).parents[2] / "vectors" / "hcpb"
SENDER = "360000000000"
CHUNK = 1_048_576
SHANGHAI = timezone(timedelta(hours=8))
SM2_KEY = sm2.load_private((VECTORS / f"TEST-KEY-sender-{SENDER}-sm2-sig.key.pem").read_bytes())
P256_PEM = (VECTORS / f"TEST-KEY-sender-{SENDER}-p256-sig.key.pem").read_bytes()


def canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def key_id(spki: bytes) -> str:
    return sm3(spki).hex()[:16]


def pem_spki(path: Path) -> bytes:
    return base64.b64decode("".join(path.read_text().splitlines()[1:-1]))


def merkle(records: list[bytes]) -> bytes:
    if len(records) == 1:
        return sm3(b"\0" + records[0])
    half = 1 << (len(records) - 1).bit_length() - 1
    return sm3(b"\1" + merkle(records[:half]) + merkle(records[half:]))


@dataclass
class Sealer:
    """Seals for one platform. ``header`` overrides fields before signing; ``edit`` the header's bytes."""

    recipient_keys: dict[str, bytes]
    stream: str = "main"
    seq: int = 0
    prev: str = "0" * 64

    def seal(
        self,
        records: list[bytes],
        suite: str = "GM-GCM-1",
        *,
        header: dict[str, Any] | None = None,
        content: bytes | None = None,
        packed: bytes | None = None,
        edit: Any = None,
        compression: str = "gzip",
        data_key: bytes | None = None,
        spoil_chunk: bool = False,
        signer: Any = None,
    ) -> Batch:
        content = b"\n".join(records) if content is None else content
        packed = (gzip.compress(content, 1) if compression == "gzip" else content) if packed is None else packed
        data_key = data_key or os.urandom({"GM-GCM-1": 16, "GM-CBC-1": 48, "INTL-1": 32}[suite])
        created = datetime.now(SHANGHAI).replace(microsecond=0)
        fields: dict[str, Any] = {
            "spec": "1.0",
            "suite": suite,
            "sender": SENDER,
            "recipient": "NATIONAL",
            "batchId": secrets.token_hex(16),
            "stream": self.stream,
            "seq": self.seq + 1,
            "prevDigest": self.prev,
            "businessDate": created.date().isoformat(),
            "created": created.isoformat(),
            "expires": (created + timedelta(days=30)).isoformat(),
            "recordCount": len(records),
            "contentDigest": sm3(content).hex(),
            "merkleRoot": merkle(records).hex(),
            "compression": compression,
            "uncompressedSize": len(content),
            "chunkSize": CHUNK,
            "noncePrefix": secrets.token_hex(7),
            "keyWrap": "RSA-OAEP-256" if suite == "INTL-1" else "SM2",
            "wrappedKey": base64.b64encode(self._wrap(suite, data_key)).decode(),
            "recipientKeyId": key_id(self.recipient_keys[suite]),
            "senderKeyId": key_id(_p256_spki() if suite == "INTL-1" else SM2_KEY.spki),
            "signatureAlgorithm": "ES256" if suite == "INTL-1" else "SGD_SM3_SM2",
            **(header or {}),
        }
        raw = canonical({name: value for name, value in fields.items() if value is not None})
        raw = edit(raw) if edit else raw
        payload = _encrypt(suite, data_key, bytes.fromhex(fields["noncePrefix"] or ""), sm3(raw), packed)
        if spoil_chunk:
            payload = payload[:-1] + bytes([payload[-1] ^ 1])
        signed = b"HCP-BATCH-1\0" + struct.pack(">I", len(raw)) + raw + sm3(payload)
        signature = _sign(suite, signed) if signer is None else sm2.sign(signer, signed)
        body = b"HCPB\1" + struct.pack(">I", len(raw)) + raw + struct.pack(">H", len(signature)) + signature + payload
        return Batch(body, str(fields["batchId"]), sm3(raw).hex(), fields)

    def next(self, records: list[bytes], suite: str = "GM-GCM-1", **wrong: Any) -> Batch:
        """Seal, and move the sequence on."""
        batch = self.seal(records, suite, **wrong)
        self.seq, self.prev = self.seq + 1, batch.header_digest
        return batch

    def _wrap(self, suite: str, data_key: bytes) -> bytes:
        spki = self.recipient_keys[suite]
        if suite != "INTL-1":
            return sm2.encrypt(sm2.load_public(spki), data_key)
        public: Any = serialization.load_der_public_key(spki)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        return bytes(public.encrypt(data_key, oaep))


def _p256() -> Any:
    return serialization.load_pem_private_key(P256_PEM, None)


def _p256_spki() -> bytes:
    return bytes(
        _p256().public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def _sign(suite: str, message: bytes) -> bytes:
    return bytes(_p256().sign(message, ec.ECDSA(hashes.SHA256()))) if suite == "INTL-1" else sm2.sign(SM2_KEY, message)


def _encrypt(suite: str, key: bytes, prefix: bytes, header_digest: bytes, packed: bytes) -> bytes:
    chunks = [packed[start : start + CHUNK] for start in range(0, len(packed), CHUNK)]
    sealed = []
    for index, chunk in enumerate(chunks):
        place = struct.pack(">IB", index, index == len(chunks) - 1)
        if suite == "GM-CBC-1":
            iv = os.urandom(16)
            text = iv + ciphers.sm4_cbc_encrypt(key[:16], iv, chunk)
            sealed.append(text + hmac_sm3(key[16:], header_digest + place + text))
        else:
            seal = ciphers.sm4_gcm_seal if suite == "GM-GCM-1" else ciphers.aes_gcm_seal
            sealed.append(seal(key, prefix + place, header_digest, chunk))
    return b"".join(sealed)


@dataclass(frozen=True)
class Batch:
    body: bytes
    batch_id: str
    header_digest: str
    header: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/octet-stream",
            "X-Batch-Id": self.batch_id,
            "X-Batch-Digest": sm3(self.body).hex(),
        }


@dataclass
class Caller:
    """Calls ``/api/v1`` with credentials."""

    url: str
    paasid: str
    token: str
    shift: float = 0.0
    session: requests.Session = field(default_factory=requests.Session)

    def credentials(self, **wrong: str) -> dict[str, str]:
        timestamp = wrong.get("timestamp", str(int(time.time() + self.shift)))
        nonce = wrong.get("nonce", secrets.token_hex(16))
        token = wrong.get("token", self.token)
        signature = hashlib.sha256(f"{timestamp}{token}{nonce}{timestamp}".encode()).hexdigest()
        return {
            "x-tif-paasid": wrong.get("paasid", self.paasid),
            "x-tif-timestamp": timestamp,
            "x-tif-nonce": nonce,
            "x-tif-signature": signature,
        }

    def get(self, path: str, **parameters: Any) -> requests.Response:
        return self.session.get(
            f"{self.url}/api/v1/{path}",
            params=parameters,
            headers=self.credentials(),
            timeout=30,
            allow_redirects=False,
        )

    def post(self, batch: Batch, **headers: str) -> requests.Response:
        given = {**self.credentials(), **batch.headers, **headers}
        return self.session.post(f"{self.url}/api/v1/batches", data=batch.body, headers=given, timeout=30)

    def void(self, body: bytes) -> requests.Response:
        return self.session.post(f"{self.url}/api/v1/voids", data=body, headers=self.credentials(), timeout=30)


def void_notice(batch: Batch, **wrong: Any) -> bytes:
    notice = {
        "sender": SENDER,
        "stream": batch.header["stream"],
        "seq": batch.header["seq"],
        "batchId": batch.batch_id,
        "headerDigest": batch.header_digest,
        "reason": "作废",
        "created": "2026-11-02T10:00:00+08:00",
        "senderKeyId": key_id(SM2_KEY.spki),
        **wrong,
    }
    signature = base64.b64encode(sm2.sign(SM2_KEY, b"HCP-VOID-1\0" + canonical(notice))).decode()
    return canonical({**notice, "signature": wrong.get("signature", signature)})
