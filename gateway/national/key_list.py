"""The platform's own list of its keys (``GET /api/v1/keys``), judged before anyone looks at it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

import msgspec

from gateway.crypto.digest import sm3_hex
from gateway.crypto.key_store import KeyEntry
from gateway.crypto.pinned_keys import PLATFORM_ENCRYPTION, PLATFORM_SIGNATURE, Use
from gateway.crypto.signers import ES256, SM3_SM2, load_verifier
from gateway.crypto.sm2 import key_id
from gateway.crypto.wrappers import RSA_OAEP_256, SM2, load_wrapper
from gateway.errors import Misconfigured
from gateway.national.client import PublishedKey

Change = Literal["new", "same", "validity", "gone"]
_ALGORITHMS: dict[str, tuple[str, ...]] = {"sig": (SM3_SM2, ES256), "enc": (SM2, RSA_OAEP_256)}
_WHAT = {PLATFORM_SIGNATURE: "sig", PLATFORM_ENCRYPTION: "enc"}


@dataclass(frozen=True, slots=True)
class ListedKey:
    """One key, its id and algorithm checked against its bytes. Times aware."""

    key_id: str
    use: Use
    algorithm: str
    spki: bytes
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What applying the list would do to one key. ``fingerprint``: SM3 of the key, to compare by telephone."""

    change: Change
    key_id: str
    use: Use
    algorithm: str
    fingerprint: str
    not_before: datetime | None
    not_after: datetime | None


def write_list(keys: Iterable[PublishedKey]) -> str:
    """The list in one form, whatever its order was."""
    ordered = sorted(keys, key=lambda key: (key.use, key.key_id))
    return msgspec.json.encode(ordered).decode()


def read_list(body: str) -> list[ListedKey]:
    """The keys of a list as written by :func:`write_list`.

    ``Misconfigured('published.key_invalid')``: an unknown use or algorithm, an id that is not that of the bytes, a
    validity that ends before it begins. One such key and nothing of the list is believed.
    """
    return [_read(key) for key in msgspec.json.decode(body, type=list[PublishedKey])]


def changes(listed: Sequence[ListedKey], pinned: Sequence[KeyEntry]) -> list[KeyChange]:
    """The difference between the list and what is pinned; ``gone``: pinned, and listed no more."""
    held = {(entry.key_id, _WHAT[entry.what]): entry for entry in pinned}
    found = []
    for key in listed:
        entry = held.pop((key.key_id, key.use), None)
        change: Change = "new" if entry is None else "same"
        if entry is not None and (entry.not_before, entry.not_after) != (key.not_before, key.not_after):
            change = "validity"
        fingerprint = sm3_hex(key.spki)
        found.append(KeyChange(change, key.key_id, key.use, key.algorithm, fingerprint, key.not_before, key.not_after))
    for entry in held.values():
        use = cast("Use", _WHAT[entry.what])
        found.append(KeyChange("gone", entry.key_id, use, entry.algorithm, "", entry.not_before, entry.not_after))
    return found


def _read(key: PublishedKey) -> ListedKey:
    if key.alg not in _ALGORITHMS.get(key.use, ()):
        raise _invalid(key, "use, alg")
    use = cast("Use", key.use)
    try:
        spki = base64.b64decode(key.spki, validate=True)
        loaded: Any = load_verifier(spki) if use == "sig" else load_wrapper(spki)
    except (binascii.Error, ValueError, Misconfigured) as unreadable:
        raise _invalid(key, "spki") from unreadable
    if loaded.algorithm != key.alg or key_id(spki) != key.key_id:
        raise _invalid(key, "keyId")
    try:
        begins, ends = datetime.fromisoformat(key.not_before), datetime.fromisoformat(key.not_after)
        ordered = begins < ends
    except (ValueError, TypeError) as unreadable:
        raise _invalid(key, "notBefore, notAfter") from unreadable
    if begins.tzinfo is None or not ordered:
        raise _invalid(key, "notBefore, notAfter")
    return ListedKey(key.key_id, use, key.alg, spki, begins, ends)


def _invalid(key: PublishedKey, field: str) -> Misconfigured:
    return Misconfigured("published.key_invalid", key_id=key.key_id[:16], field=field)
