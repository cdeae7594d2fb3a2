"""SM2 ciphertext as Chinese interfaces exchange it: ``04 ‖ C1 ‖ C3 ‖ C2`` as lower-case hex, or the older C1‖C2‖C3.

The order is a profile setting and never guessed (interfaces, section 1).
"""

from __future__ import annotations

from typing import Literal

from gateway.crypto import der, sm2
from gateway.crypto.sm2 import PublicKey
from gateway.errors import Misconfigured

Order = Literal["c1c3c2", "c1c2c3"]
COORDINATE = 32  # bytes; a leading zero stays, or the receiver reads another number
SPKI_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")  # SM2, sm2p256v1, BIT STRING of 65


def encrypt_hex(key: PublicKey, plain: bytes, order: Order) -> str:
    """``plain`` (at least one byte) encrypted for ``key``: 65 + 32 + n bytes as hex, another text on each call."""
    return raw(sm2.encrypt(key, plain), order).hex()


def raw(ciphertext: bytes, order: Order) -> bytes:
    """The raw form of DER ciphertext (GM/T 0009)."""
    x, y, (_, digest), (_, text) = der.elements(ciphertext)
    point = b"\x04" + b"".join(der.natural(*part).to_bytes(COORDINATE) for part in (x, y))
    return point + (digest + text if order == "c1c3c2" else text + digest)


def public_key(text: str, connection: str) -> PublicKey:
    """The platform's key: hex of the point (``04`` and 64 bytes, or the 64 bytes), or SubjectPublicKeyInfo as PEM.

    Raises ``Misconfigured('profile.key_unreadable')``.
    """
    try:
        if "-----BEGIN" in text:
            return sm2.load_public(text.encode())
        point = bytes.fromhex(text.strip())
        return sm2.load_public(SPKI_HEAD + (point if len(point) == 2 * COORDINATE + 1 else b"\x04" + point))
    except (ValueError, Misconfigured) as unreadable:
        raise Misconfigured("profile.key_unreadable", connection=connection) from unreadable
