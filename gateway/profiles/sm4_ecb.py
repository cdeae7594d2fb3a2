"""SM4-ECB with zero padding, for receivers that know nothing better (interfaces, section 4).

It hides equal blocks badly and proves nothing; TLS is what protects the call. Zero padding can't be told from zero
bytes at the end of the text, so such text is refused.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.errors import Rejected

BLOCK = 16


def encrypt_text(key: bytes, plain: bytes) -> str:
    """Base64 in one line. ``key``: 16 bytes. Raises ``Rejected('profile.text_unpaddable')``."""
    if plain.endswith(b"\0"):
        raise Rejected("profile.text_unpaddable")
    context = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()  # noqa: S305 - the receiver's scheme
    padded = plain + b"\0" * (-len(plain) % BLOCK)
    return base64.b64encode(context.update(padded) + context.finalize()).decode()
