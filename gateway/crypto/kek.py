"""The key-encryption key (密钥加密密钥, KEK), and the one line of text that it rests in.

``hcp-kek-1 plain <hex>`` or, under a passphrase, ``hcp-kek-1 pbkdf2-sm3 <rounds> <salt hex> <sealed hex>``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from gateway.crypto.ciphers import NONCE, SM4_KEY, sm4_gcm_open, sm4_gcm_seal
from gateway.crypto.digest import sm3_hex
from gateway.errors import Misconfigured, Rejected

ROUNDS = 600_000
MOST_ROUNDS = 10_000_000
_FORMAT = "hcp-kek-1"
_AAD = b"hcp-kek-1\0"


@dataclass(frozen=True, slots=True)
class Kek:
    """The key, loaded: 16 bytes for SM4. Its id is taken from a digest of it."""

    secret: bytes

    @property
    def kek_id(self) -> str:
        return sm3_hex(b"hcp-kek-id-v1\0" + self.secret)[:16]

    def wrap(self, data_key: bytes, aad: bytes) -> bytes:
        """nonce(12) ‖ SM4-GCM of ``data_key``."""
        nonce = os.urandom(NONCE)
        return nonce + sm4_gcm_seal(self.secret, nonce, aad, data_key)

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """``Rejected('crypto.damaged')`` unless this key wrapped it, under this ``aad``."""
        if len(wrapped) < NONCE:
            raise Rejected("crypto.damaged")
        return sm4_gcm_open(self.secret, wrapped[:NONCE], aad, wrapped[NONCE:])

    def __repr__(self) -> str:
        return f"<Kek {self.kek_id}>"


def new_kek() -> Kek:
    """A random key."""
    return Kek(os.urandom(SM4_KEY))


def write_kek(kek: Kek, passphrase: bytes | None) -> bytes:
    """The file's text."""
    if passphrase is None:
        return f"{_FORMAT} plain {kek.secret.hex()}\n".encode()
    salt, nonce = os.urandom(16), os.urandom(NONCE)
    sealed = nonce + sm4_gcm_seal(_stretched(passphrase, salt, ROUNDS), nonce, _AAD, kek.secret)
    return f"{_FORMAT} pbkdf2-sm3 {ROUNDS} {salt.hex()} {sealed.hex()}\n".encode()


def read_kek(text: bytes, passphrase: bytes | None, path: Path) -> Kek:
    """The key in ``text``; ``Misconfigured('crypto.key_unreadable')`` if it is none, or not under this passphrase."""
    try:
        match text.decode("ascii").split():
            case [_format, "plain", secret] if _format == _FORMAT:
                kek = Kek(bytes.fromhex(secret))
            case [_format, "pbkdf2-sm3", rounds, salt, sealed] if _format == _FORMAT and passphrase is not None:
                key = _stretched(passphrase, bytes.fromhex(salt), min(int(rounds), MOST_ROUNDS))
                blob = bytes.fromhex(sealed)
                kek = Kek(sm4_gcm_open(key, blob[:NONCE], _AAD, blob[NONCE:]))
            case _:
                kek = Kek(b"")
    except (ValueError, Rejected):
        kek = Kek(b"")
    if len(kek.secret) != SM4_KEY:
        raise Misconfigured("crypto.key_unreadable", path=str(path))
    return kek


def _stretched(passphrase: bytes, salt: bytes, rounds: int) -> bytes:
    return PBKDF2HMAC(algorithm=hashes.SM3(), length=SM4_KEY, salt=salt, iterations=rounds).derive(passphrase)
