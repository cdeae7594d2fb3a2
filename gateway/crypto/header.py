"""The header of a sealed batch (批次头): its fields, their form, and the frame around it (platform interface, 1)."""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import IO, Any

from gateway.crypto.canonical import canonical_json, parse_canonical
from gateway.crypto.suites import CHUNK, SUITES
from gateway.errors import Rejected

MAGIC = b"HCPB\x01"
SIGNED = b"HCP-BATCH-1\0"
LARGEST_HEADER = 65_536
FIRST_PREVIOUS = "0" * 64
CHINA = timezone(timedelta(hours=8))
_FRAME = struct.Struct(">I")
_SHORT = struct.Struct(">H")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """All fields of section 1, in wire form; ``wrapped_key`` is base64, digests are hex."""

    spec: str = "1.0"
    suite: str
    sender: str
    recipient: str
    batch_id: str
    stream: str
    seq: int
    prev_digest: str
    business_date: str
    created: str
    expires: str
    record_count: int
    content_digest: str
    merkle_root: str
    compression: str
    uncompressed_size: int
    chunk_size: int = CHUNK
    nonce_prefix: str
    key_wrap: str
    wrapped_key: str
    recipient_key_id: str
    sender_key_id: str
    signature_algorithm: str

    def to_bytes(self) -> bytes:
        """The canonical bytes: what headerDigest is taken of."""
        return canonical_json({wire: getattr(self, name) for wire, name in _NAMES.items()})


@dataclass(frozen=True, slots=True)
class Frame:
    """A sealed batch, cut into its parts."""

    header: bytes
    signature: bytes
    payload: bytes


def signed_bytes(header: bytes, payload_digest: bytes) -> bytes:
    """What the sender signs."""
    return SIGNED + _FRAME.pack(len(header)) + header + payload_digest


def frame_head(header: bytes, signature: bytes) -> bytes:
    """All of a sealed batch that stands before its payload."""
    return b"".join((MAGIC, _FRAME.pack(len(header)), header, _SHORT.pack(len(signature)), signature))


def join_frame(frame: Frame) -> bytes:
    """The sealed batch as sent."""
    return frame_head(frame.header, frame.signature) + frame.payload


def split_frame(body: bytes) -> Frame:
    """The parts of ``body``, or ``Rejected('batch.malformed')``."""
    source = io.BytesIO(body)
    header, signature = read_head(source)
    return Frame(header, signature, source.read())


def read_head(source: IO[bytes]) -> tuple[bytes, bytes]:
    """Header and signature; leaves ``source`` at the payload. ``Rejected('batch.malformed')`` if there is none."""
    magic = _exactly(source, len(MAGIC))
    (header_length,) = _FRAME.unpack(_exactly(source, _FRAME.size))
    if magic != MAGIC or header_length > LARGEST_HEADER:
        raise malformed("frame")
    header = _exactly(source, header_length)
    (signature_length,) = _SHORT.unpack(_exactly(source, _SHORT.size))
    signature = _exactly(source, signature_length)
    if not source.read(1):
        raise malformed("frame")
    source.seek(-1, io.SEEK_CUR)
    return header, signature


def _exactly(source: IO[bytes], size: int) -> bytes:
    found = source.read(size)
    if len(found) != size:
        raise malformed("frame")
    return found


def parse_header(raw: bytes) -> Header:
    """The header, its form checked; else ``Rejected('batch.malformed', field=…)``. The suite may be an unknown one."""
    try:
        fields = parse_canonical(raw)
    except Rejected as refused:
        raise malformed("header") from refused
    if type(fields) is not dict or fields.keys() != _NAMES.keys():
        raise malformed("header")
    for wire, has_form in _FORMS.items():
        if not has_form(fields[wire]):
            raise malformed(wire)
    header = Header(**{name: fields[wire] for wire, name in _NAMES.items()})
    _check_agreement(header)
    return header


def moment(text: str) -> datetime:
    """A wire moment as an aware datetime."""
    return datetime.fromisoformat(text)


def wire_moment(when: datetime) -> str:
    """``when`` (aware) in whole seconds at +08:00, cut and not rounded."""
    return when.astimezone(CHINA).isoformat(timespec="seconds")


def malformed(field: str) -> Rejected:
    return Rejected("batch.malformed", field=field)


def _check_agreement(header: Header) -> None:
    """What one field says about another."""
    if header.business_date != header.created[:10]:
        raise malformed("businessDate")
    if (header.seq == 1) != (header.prev_digest == FIRST_PREVIOUS):
        raise malformed("prevDigest")
    suite = SUITES.get(header.suite)
    if suite is None:
        return
    if header.key_wrap != suite.key_wrap:
        raise malformed("keyWrap")
    if header.signature_algorithm != suite.signature_algorithm:
        raise malformed("signatureAlgorithm")


Form = Callable[[Any], bool]


def text_form(pattern: str) -> Form:
    """Whether a value is text of this pattern, as a whole."""
    match = re.compile(pattern, re.ASCII).fullmatch
    return lambda value: type(value) is str and match(value) is not None


def _count(value: Any) -> bool:
    return type(value) is int and value >= 1


def is_moment(value: Any) -> bool:
    """RFC 3339, whole seconds, offset +08:00, a moment that exists."""
    try:
        return _MOMENT(value) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _is_day(value: Any) -> bool:
    try:
        return _DAY(value) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def is_base64(value: Any) -> bool:
    """RFC 4648 with padding, the one encoding of its bytes."""
    try:
        return type(value) is str and base64.b64encode(base64.b64decode(value, validate=True)).decode() == value != ""
    except (binascii.Error, ValueError):
        return False


_MOMENT = text_form(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\+08:00")
_DAY = text_form(r"\d{4}-\d\d-\d\d")
_NAME = text_form(r"[A-Za-z0-9_-]{1,64}")
_DIGEST = text_form(r"[0-9a-f]{64}")
_KEY_ID = text_form(r"[0-9a-f]{16}")
_WORD = text_form(r"[A-Za-z0-9_-]{1,32}")

_FORMS: dict[str, Form] = {
    "spec": text_form(r"1\.0"),
    "suite": _WORD,
    "sender": text_form(r"[0-9]{12}"),
    "recipient": _NAME,
    "batchId": text_form(r"[0-9a-f]{32}"),
    "stream": _NAME,
    "seq": _count,
    "prevDigest": _DIGEST,
    "businessDate": _is_day,
    "created": is_moment,
    "expires": is_moment,
    "recordCount": _count,
    "contentDigest": _DIGEST,
    "merkleRoot": _DIGEST,
    "compression": text_form("gzip|none"),
    "uncompressedSize": _count,
    "chunkSize": lambda value: type(value) is int and value == CHUNK,
    "noncePrefix": text_form(r"[0-9a-f]{14}"),
    "keyWrap": _WORD,
    "wrappedKey": is_base64,
    "recipientKeyId": _KEY_ID,
    "senderKeyId": _KEY_ID,
    "signatureAlgorithm": _WORD,
}
_NAMES = dict(zip(_FORMS, Header.__dataclass_fields__, strict=True))  # wire name to attribute, both in the same order
