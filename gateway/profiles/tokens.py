"""Marks and tokens that interfaces ask for beside the body (interfaces, sections 1, 2, 4, 5). Secrets come in, hex out.

MD5 stands here because the receivers compute it; nothing of ours rests on it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from gateway.crypto.header import CHINA

SALT = 16  # digits


def wire_time(now: datetime) -> str:
    """``yyyyMMddHHmmss`` in Asia/Shanghai."""
    return now.astimezone(CHINA).strftime("%Y%m%d%H%M%S")


def mark_text(time: str, app_mark: str, app_word: str) -> bytes:
    """What ``sign`` of ``bj-form`` and ``sd-txn`` is the SM2 ciphertext of: no signature, and never the same twice."""
    return f"{time}{app_mark}{app_word}".encode()


def md5_hex(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def page_token(client_secret: str, source: str, salt: str) -> str:
    """The token of the platform's own evaluation page (48 characters): ``salt`` (16 digits) woven into an MD5."""
    digest = md5_hex(client_secret + source + salt)
    return "".join(digest[2 * k] + salt[k] + digest[2 * k + 1] for k in range(SALT))


def tif_signature(timestamp: str, token: str, nonce: str) -> str:
    """``x-tif-signature``: lower-case hex SHA-256(timestamp ‖ token ‖ nonce ‖ timestamp). The body is not covered."""
    return hashlib.sha256(f"{timestamp}{token}{nonce}{timestamp}".encode()).hexdigest()
