"""Checksums that a sender puts beside its file (校验文件): ``<name>.md5``, ``.sha256`` or ``.sm3``, in hex."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from gateway.crypto.digest import sm3_hex

DIGESTS: dict[str, Callable[[bytes], str]] = {
    ".sm3": sm3_hex,
    ".sha256": lambda content: hashlib.sha256(content).hexdigest(),
    ".md5": lambda content: hashlib.md5(content, usedforsecurity=False).hexdigest(),
}
LONGEST = 4096  # bytes of such a file
HEX = re.compile(rb"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{32})(?![0-9a-fA-F])")


def fits(content: bytes, suffix: str, written: bytes) -> bool:
    """Does ``written`` (bare, or as ``sha256sum`` writes it) hold the digest of ``content``?"""
    said = HEX.search(written.removeprefix(b"\xef\xbb\xbf"))
    return said is not None and said[0].decode().lower() == DIGESTS[suffix](content)
