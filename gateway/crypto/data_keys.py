"""Data keys (数据密钥, DEK): made here, wrapped by the key-encryption key (密钥加密密钥, KEK), kept in ``crypto_key``.

Who may use a key follows from its state: pending 待启用 nobody, active 使用中 both ways, retiring 仅解密 for opening,
revoked 已吊销 and destroyed 已销毁 nobody. There is one active key per purpose.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.crypto.ciphers import SM4_KEY
from gateway.crypto.key_store import ACTIVE, RETIRING, KeyEncryption
from gateway.errors import Misconfigured, Rejected

CELLS = "cells"  # seals columns and pages
BLIND_INDEX = "blind_index"  # the secret behind all blind indexes (盲索引)
PURPOSES = (CELLS, BLIND_INDEX)

DESTROYED = "destroyed"
OPENING_STATES = frozenset({ACTIVE, RETIRING})
SM4_GCM = "SGD_SM4_GCM"
SM3_HMAC = "SGD_SM3_HMAC"
_ALGORITHMS = {CELLS: (SM4_GCM, SM4_KEY), BLIND_INDEX: (SM3_HMAC, 32)}
_WRAP_AAD = b"hcp-data-key-v1\0"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A row of ``crypto_key``. Times are UTC without zone, as in the table."""

    key_id: str
    purpose: str
    alg: str
    wrapped: bytes
    kek_id: str
    state: str
    not_before: datetime
    not_after: datetime | None = None


def new_data_key(kek: KeyEncryption, purpose: str, now: datetime) -> WrappedKey:
    """A new active key for ``purpose`` (:data:`CELLS` or :data:`BLIND_INDEX`), to be inserted in ``crypto_key``."""
    alg, size = _ALGORITHMS[purpose]
    row = WrappedKey(os.urandom(8).hex(), purpose, alg, b"", kek.kek_id, ACTIVE, now)
    return _wrap(kek, row, os.urandom(size))


def unwrap(kek: KeyEncryption, row: WrappedKey) -> bytes:
    """The data key of ``row``. ``Misconfigured('crypto.kek_wrong')``: another KEK wrapped it, or it is damaged."""
    if row.kek_id != kek.kek_id:
        raise Misconfigured("crypto.kek_wrong", key_id=row.key_id, kek_id=row.kek_id)
    try:
        return kek.unwrap(row.wrapped, _aad(row))
    except Rejected:
        raise Misconfigured("crypto.kek_wrong", key_id=row.key_id, kek_id=row.kek_id) from None


def rewrap(old: KeyEncryption, new: KeyEncryption, row: WrappedKey) -> WrappedKey:
    """The same data key under another KEK: rotating a KEK touches no cell."""
    return _wrap(new, replace(row, kek_id=new.kek_id), unwrap(old, row))


class DataKeys:
    """The data keys of a process, unwrapped once at its start."""

    def __init__(self, kek: KeyEncryption, rows: Iterable[WrappedKey]) -> None:
        """Unwraps what may be used; ``Misconfigured('crypto.data_key_twice')`` if a purpose has two active keys."""
        self._opening: dict[str, dict[str, bytes]] = {purpose: {} for purpose in PURPOSES}
        self._active: dict[str, str] = {}
        for row in rows:
            if row.state not in OPENING_STATES or row.purpose not in _ALGORITHMS:
                continue
            self._opening[row.purpose][row.key_id] = unwrap(kek, row)
            if row.state == ACTIVE and self._active.setdefault(row.purpose, row.key_id) != row.key_id:
                raise Misconfigured("crypto.data_key_twice", purpose=row.purpose)

    def active(self, purpose: str) -> tuple[str, bytes]:
        """``(key id, key)`` for new work; ``Misconfigured('crypto.data_key_missing')`` if there is none."""
        key_id = self._active.get(purpose)
        if key_id is None:
            raise Misconfigured("crypto.data_key_missing", purpose=purpose, key_id="-")
        return key_id, self._opening[purpose][key_id]

    def opening(self, purpose: str) -> dict[str, bytes]:
        """All keys that may open old work, by key id."""
        return dict(self._opening[purpose])


def _wrap(kek: KeyEncryption, row: WrappedKey, data_key: bytes) -> WrappedKey:
    return replace(row, wrapped=kek.wrap(data_key, _aad(row)))


def _aad(row: WrappedKey) -> bytes:
    """Binds a wrapped key to its row: neither id, purpose nor algorithm can be exchanged."""
    parts = (text.encode() for text in (row.key_id, row.purpose, row.alg, row.kek_id))
    return _WRAP_AAD + b"".join(struct.pack(">H", len(part)) + part for part in parts)
