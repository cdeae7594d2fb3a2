"""The vault (字段级加密): personal data and raw pages rest sealed, each bound to the place where it rests.

Sealed: version(1) || key id(8) || nonce(12) || ciphertext || tag(16), SM4-GCM. AAD = purpose | row id, each with its
length before it, so that a cell moved to another row or column does not open. Nonces are random: a data key is changed
well before 2^32 cells.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.ciphers import algorithms, modes

from gateway.crypto import blind_index as blind
from gateway.crypto.ciphers import NONCE, TAG
from gateway.crypto.data_keys import BLIND_INDEX, CELLS, DataKeys
from gateway.crypto.digest import hkdf_sm3
from gateway.errors import Misconfigured, Rejected

VERSION = b"\x01"
KEY_ID = 8
_HEAD = len(VERSION) + KEY_ID
_TEXT = _HEAD + NONCE
OVERHEAD = _TEXT + TAG
_BLIND_LABEL = b"hcp-bi-key-v1\0"


class Vault:
    """Seals and opens with the process's data keys. Safe to share between threads: keys are only ever exchanged."""

    def __init__(self, keys: DataKeys, reload: Callable[[], DataKeys] | None = None) -> None:
        """``Misconfigured('crypto.data_key_missing')`` when no key is active for cells or blind indexes.

        ``reload`` gives the keys as they stand now: a process that outlives a rotation meets cells under a new key.
        """
        self._reload = reload
        self._take(keys)

    def _take(self, keys: DataKeys) -> None:
        key_id, secret = keys.active(CELLS)
        self._active = VERSION + bytes.fromhex(key_id), algorithms.SM4(secret)  # exchanged together
        self._opening = {bytes.fromhex(known): algorithms.SM4(key) for known, key in keys.opening(CELLS).items()}
        self._blind_key, self._blind_secret = keys.active(BLIND_INDEX)
        self._field_key = lru_cache(maxsize=64)(self._derive)  # of this secret

    def seal(self, purpose: str, row_id: str, plain: bytes) -> bytes:
        """``plain`` sealed for the cell ``purpose`` of row ``row_id``; 37 bytes longer."""
        nonce = os.urandom(NONCE)
        head, sealing = self._active
        context = _sealing(sealing, modes.GCM(nonce))
        context.authenticate_additional_data(_place(purpose, row_id))
        text = context.update(plain)
        context.finalize()
        return b"".join((head, nonce, text, context.tag))

    def open(self, purpose: str, row_id: str, sealed: bytes) -> bytes:
        """What :meth:`seal` was given for this very place; else ``Rejected('crypto.field_damaged')``.

        ``Misconfigured('crypto.data_key_missing')`` when the key that it names is not loaded.
        """
        if len(sealed) < OVERHEAD or not sealed.startswith(VERSION):
            raise Rejected("crypto.field_damaged", purpose=purpose, row=row_id)
        key = self._opening.get(sealed[1:_HEAD])
        if key is None and self._reload is not None:
            self._take(self._reload())
            key = self._opening.get(sealed[1:_HEAD])
        if key is None:
            raise Misconfigured("crypto.data_key_missing", purpose=purpose, key_id=sealed[1:_HEAD].hex())
        context = _opening(key, modes.GCM(sealed[_HEAD:_TEXT], sealed[-TAG:]))
        context.authenticate_additional_data(_place(purpose, row_id))
        plain = context.update(sealed[_TEXT:-TAG])
        try:
            context.finalize()
        except InvalidTag:
            raise Rejected("crypto.field_damaged", purpose=purpose, row=row_id) from None
        return plain

    @property
    def active_key(self) -> str:
        """The id of the data key that seals."""
        return self._active[0][len(VERSION) :].hex()

    @property
    def blind_key(self) -> str:
        """The id of the data key behind all blind indexes."""
        return self._blind_key

    def renew(self) -> None:
        """Take the keys as they stand now."""
        if self._reload is not None:
            self._take(self._reload())

    def blind_index(self, field: str, value: str) -> bytes:
        """The blind index of ``value``, 16 bytes, under the key of ``field`` alone."""
        return blind.blind_index(self._field_key(field), field, value)

    def _derive(self, field: str) -> bytes:
        return hkdf_sm3(self._blind_secret, _BLIND_LABEL + field.encode())


# What ``Cipher(key, mode)`` calls once it has looked at what the two are, which costs half as much as a small cell.
_sealing = openssl.ciphers.create_encryption_ctx
_opening = openssl.ciphers.create_decryption_ctx


def sealed_with(sealed: bytes) -> str:
    """The id of the data key that ``sealed`` names: what a backfill after a rotation looks for."""
    return sealed[len(VERSION) : _HEAD].hex()


@lru_cache(maxsize=256)
def _purpose(purpose: str) -> bytes:
    name = purpose.encode()
    return struct.pack(">H", len(name)) + name


_LENGTH = struct.Struct(">H").pack


def _place(purpose: str, row_id: str) -> bytes:
    row = row_id.encode()
    return _purpose(purpose) + _LENGTH(len(row)) + row
