"""The seal of a day (日封): number, digest of the content, digest of the seal before it, and our signature."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from gateway.crypto.canonical import canonical_json, parse_canonical
from gateway.crypto.digest import sm3_hex
from gateway.crypto.header import is_base64, is_moment, text_form, wire_moment
from gateway.crypto.signers import Signer, Verifier
from gateway.errors import Rejected

SIGNED = b"HCP-EVIDENCE-1\0"
FIRST_PREVIOUS = "0" * 64


class PublicKeys(Protocol):
    """Public signature keys by id: ours and the platform's."""

    def verifier(self, key_id: str) -> Verifier | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySeal:
    """One link of the chain. Digests are hex; ``previous``: SM3 of the previous seal's file, zeros for number 1."""

    spec: str = "1.0"
    sender: str
    day: str
    number: int
    previous: str
    lines: int
    content_bytes: int
    content_digest: str
    created: str
    key_id: str


_FIELDS = {
    "spec": "spec",
    "sender": "sender",
    "day": "day",
    "number": "number",
    "previous": "previous",
    "lines": "lines",
    "contentBytes": "content_bytes",
    "contentDigest": "content_digest",
    "created": "created",
    "keyId": "key_id",
}


def seal_day(unsigned: DaySeal, signer: Signer) -> bytes:
    """The seal's file: canonical JSON with the signature in it."""
    fields = {wire: getattr(unsigned, name) for wire, name in _FIELDS.items()}
    signature = signer.sign(SIGNED + canonical_json(fields))
    return canonical_json({**fields, "signature": base64.b64encode(signature).decode()})


def read_seal(raw: bytes) -> DaySeal:
    """The seal in ``raw``, its form checked, its signature not; ``Rejected('evidence.seal_form')``."""
    return _parse(raw)[0]


def open_seal(raw: bytes, keys: PublicKeys) -> DaySeal:
    """The seal in ``raw``. Raises ``Rejected``: ``evidence.seal_form``, ``evidence.key_unknown`` (key_id),
    ``evidence.seal_signature``."""
    seal, fields = _parse(raw)
    signature = base64.b64decode(fields.pop("signature"))
    verifier = keys.verifier(seal.key_id)
    if verifier is None:
        raise Rejected("evidence.key_unknown", key_id=seal.key_id)
    if not verifier.verify(SIGNED + canonical_json(fields), signature):
        raise Rejected("evidence.seal_signature", day=seal.day)
    return seal


def digest_of(raw: bytes) -> str:
    """What the next seal names as its previous."""
    return sm3_hex(raw)


def created(now: datetime) -> str:
    """``now`` (aware) as a seal carries it."""
    return wire_moment(now)


def _parse(raw: bytes) -> tuple[DaySeal, dict[str, Any]]:
    try:
        fields = parse_canonical(raw)
    except Rejected as refused:
        raise Rejected("evidence.seal_form") from refused
    if type(fields) is not dict or fields.keys() != {*_FIELDS, "signature"}:
        raise Rejected("evidence.seal_form")
    if not all(has_form(fields[name]) for name, has_form in _FORMS.items()):
        raise Rejected("evidence.seal_form")
    return DaySeal(**{name: fields[wire] for wire, name in _FIELDS.items()}), fields


def _is_day(value: Any) -> bool:
    try:
        return type(value) is str and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _number(value: Any) -> bool:
    return type(value) is int and value >= 0


_DIGEST = text_form(r"[0-9a-f]{64}")
_FORMS = {
    "spec": text_form(r"1\.0"),
    "sender": text_form(r"\d{12}"),
    "day": _is_day,
    "number": lambda value: _number(value) and value >= 1,
    "previous": _DIGEST,
    "lines": _number,
    "contentBytes": _number,
    "contentDigest": _DIGEST,
    "created": is_moment,
    "keyId": text_form(r"[0-9a-f]{16}"),
    "signature": is_base64,
}
