"""The sealed batch HCPB version 1 as bytes: framing and the form of the header (interface section 1)."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.crypto.digest import sm3
from sandbox.platform import canonical
from sandbox.platform.refusals import Refusal
from sandbox.platform.times import read_time

MAGIC = b"HCPB\x01"
LARGEST_HEADER = 65_536
CHUNK = 1_048_576
ZEROS = "0" * 64

SUITES = {
    "GM-GCM-1": ("SM2", "SGD_SM3_SM2"),
    "GM-CBC-1": ("SM2", "SGD_SM3_SM2"),
    "INTL-1": ("RSA-OAEP-256", "ES256"),
}
_HEX = r"[0-9a-f]"
_TEXT_FORMS = {
    "spec": r"1\.0",
    "suite": r"[A-Z0-9-]{1,32}",
    "sender": r"\d{12}",
    "recipient": r"[A-Za-z0-9_-]{1,64}",
    "batchId": _HEX + "{32}",
    "stream": r"[A-Za-z0-9_-]{1,64}",
    "prevDigest": _HEX + "{64}",
    "businessDate": r"\d{4}-\d\d-\d\d",
    "created": r".{25}",
    "expires": r".{25}",
    "contentDigest": _HEX + "{64}",
    "merkleRoot": _HEX + "{64}",
    "compression": "gzip|none",
    "noncePrefix": _HEX + "{14}",
    "keyWrap": "SM2|RSA-OAEP-256",
    "wrappedKey": r"[A-Za-z0-9+/]+={0,2}",
    "recipientKeyId": _HEX + "{16}",
    "senderKeyId": _HEX + "{16}",
    "signatureAlgorithm": "SGD_SM3_SM2|ES256",
}
_TEXTS = {name: re.compile(form, re.ASCII) for name, form in _TEXT_FORMS.items()}
_NUMBERS = ("seq", "recordCount", "uncompressedSize", "chunkSize")
_FIELDS = frozenset(_TEXTS) | frozenset(_NUMBERS)


@dataclass(frozen=True, slots=True)
class Header:
    """The header's fields under their own names, plus the times as date-times."""

    suite: str
    sender: str
    recipient: str
    batch_id: str
    stream: str
    seq: int
    prev_digest: str
    business_date: str
    created: datetime
    expires: datetime
    record_count: int
    content_digest: str
    merkle_root: str
    compression: str
    uncompressed_size: int
    nonce_prefix: bytes
    wrapped_key: bytes
    recipient_key_id: str
    sender_key_id: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A batch taken apart. ``signed`` is what the signature covers; ``header_digest`` 32 raw bytes."""

    header: Header
    header_digest: bytes
    signed: bytes
    signature: bytes
    payload: memoryview


def malformed(why: str) -> Refusal:
    return Refusal("batch.malformed", why)


def take_apart(body: bytes) -> Envelope:
    """Frame and header of one batch; Refusal ``batch.malformed`` for anything out of form."""
    if body[:5] != MAGIC:
        raise malformed("not an HCPB version 1 batch")
    if len(body) < 9:
        raise malformed("cut in the header's length")
    (header_length,) = struct.unpack_from(">I", body, 5)
    if not 0 < header_length <= LARGEST_HEADER:
        raise malformed("header length out of range")
    header_end = 9 + header_length
    if len(body) < header_end + 2:
        raise malformed("cut in the header")
    (signature_length,) = struct.unpack_from(">H", body, header_end)
    payload_start = header_end + 2 + signature_length
    if signature_length == 0 or len(body) <= payload_start:
        raise malformed("signature or payload missing")
    raw = body[9:header_end]
    payload = memoryview(body)[payload_start:]
    return Envelope(
        header=read_header(raw),
        header_digest=sm3(raw),
        signed=b"HCP-BATCH-1\0" + body[5:header_end] + sm3(bytes(payload)),
        signature=body[header_end + 2 : payload_start],
        payload=payload,
    )


def read_header(raw: bytes) -> Header:
    """Exactly the fields of section 1, canonical, each in its form and fitting the others."""
    try:
        fields = canonical.read(raw)
    except canonical.NotCanonicalError as error:
        raise malformed("the header is not canonical JSON") from error
    _check_forms(fields)
    created, expires = _times(fields)
    if fields["chunkSize"] != CHUNK:
        raise malformed("chunkSize")
    if fields["businessDate"] != created.date().isoformat():
        raise malformed("businessDate is not the day of created")
    if (fields["seq"] == 1) != (fields["prevDigest"] == ZEROS):
        raise malformed("prevDigest is zeros exactly when seq is 1")
    suite = SUITES.get(fields["suite"])
    if suite is not None and suite != (fields["keyWrap"], fields["signatureAlgorithm"]):
        raise malformed("keyWrap or signatureAlgorithm not of the suite")
    return Header(
        suite=fields["suite"],
        sender=fields["sender"],
        recipient=fields["recipient"],
        batch_id=fields["batchId"],
        stream=fields["stream"],
        seq=fields["seq"],
        prev_digest=fields["prevDigest"],
        business_date=fields["businessDate"],
        created=created,
        expires=expires,
        record_count=fields["recordCount"],
        content_digest=fields["contentDigest"],
        merkle_root=fields["merkleRoot"],
        compression=fields["compression"],
        uncompressed_size=fields["uncompressedSize"],
        nonce_prefix=bytes.fromhex(fields["noncePrefix"]),
        wrapped_key=read_base64(fields["wrappedKey"], "wrappedKey"),
        recipient_key_id=fields["recipientKeyId"],
        sender_key_id=fields["senderKeyId"],
    )


def _check_forms(fields: Any) -> None:
    if not isinstance(fields, dict) or fields.keys() != _FIELDS:
        raise malformed("the header has not exactly the fields of the format")
    for name, form in _TEXTS.items():
        value = fields[name]
        if not isinstance(value, str) or not form.fullmatch(value):
            raise malformed(name)
    for name in _NUMBERS:
        value = fields[name]
        if type(value) is not int or value < 1:
            raise malformed(name)


def _times(fields: dict[str, Any]) -> tuple[datetime, datetime]:
    try:
        return read_time(fields["created"]), read_time(fields["expires"])
    except ValueError as error:
        raise malformed("created or expires") from error


def read_base64(text: str, name: str) -> bytes:
    """RFC 4648 with padding and without stray bits; Refusal ``batch.malformed`` otherwise."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise malformed(name) from error
    if base64.b64encode(data).decode() != text:
        raise malformed(name)
    return data
