"""SM3 digests (杂凑), their MAC, and the Merkle tree over a batch's records.

OpenSSL behind ``hashlib`` computes SM3 where it offers it (Debian, openEuler, Kylin); else ``cryptography`` does.
Copying an empty context costs half of making one, so every hash here starts as a copy.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SIZE = 32
LEAF = b"\x00"
NODE = b"\x01"


class Running(Protocol):
    """A digest under way: text that does not fit into memory comes piece by piece."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


def _hashlib_offers_sm3() -> bool:
    try:
        hashlib.new("sm3")
    except ValueError:
        return False
    return True


if _hashlib_offers_sm3():

    def running_sm3() -> Running:
        """SM3 of what ``update`` is given."""
        return hashlib.new("sm3")

    def _start(prefix: bytes) -> Callable[[bytes], bytes]:
        """A function ``data -> SM3(prefix || data)``."""
        copy = hashlib.new("sm3", prefix).copy

        def finish(data: bytes) -> bytes:
            context = copy()
            context.update(data)
            return context.digest()

        return finish

    def hmac_sm3(key: bytes, data: bytes) -> bytes:
        """HMAC-SM3 (GM/T 0042), 32 bytes."""
        return hmac.digest(key, data, "sm3")

else:

    class _Hash:
        def __init__(self) -> None:
            self._context = hashes.Hash(hashes.SM3())

        def update(self, data: bytes, /) -> None:
            self._context.update(data)

        def digest(self) -> bytes:
            return self._context.copy().finalize()

    def running_sm3() -> Running:
        """SM3 of what ``update`` is given."""
        return _Hash()

    def _start(prefix: bytes) -> Callable[[bytes], bytes]:
        """A function ``data -> SM3(prefix || data)``."""
        base = hashes.Hash(hashes.SM3())
        base.update(prefix)
        copy = base.copy

        def finish(data: bytes) -> bytes:
            context = copy()
            context.update(data)
            return context.finalize()

        return finish

    def hmac_sm3(key: bytes, data: bytes) -> bytes:
        """HMAC-SM3 (GM/T 0042), 32 bytes."""
        mac = HMAC(key, hashes.SM3())
        mac.update(data)
        return mac.finalize()


sm3: Callable[[bytes], bytes] = _start(b"")
"""SM3 (GB/T 32905) of ``data``: 32 bytes."""
merkle_leaf: Callable[[bytes], bytes] = _start(LEAF)
"""SM3(0x00 || record)."""
_node = _start(NODE)


class Sm3:
    """SM3 over what comes piece by piece, in constant memory."""

    def __init__(self) -> None:
        self._context = hashes.Hash(hashes.SM3())

    def update(self, data: bytes) -> None:
        self._context.update(data)

    def hexdigest(self) -> str:
        """Of all that came; nothing may follow."""
        return self._context.finalize().hex()


def page_digest(body: bytes) -> str:
    """SHA-256 (FIPS 180-4) of a raw page, as 64 lower-case hex characters: tells pages apart, and guards nothing.

    What guards a page is the tag of its SM4-GCM. Processors have instructions for SHA-256 and none for SM3, which took
    as long as all the rest of landing; and whoever has a file can compare it by ``sha256sum``.
    """
    return hashlib.sha256(body).hexdigest()


def sm3_hex(data: bytes) -> str:
    """SM3 as 64 lower-case hex characters."""
    return sm3(data).hex()


def merkle_root(records: Sequence[bytes]) -> bytes:
    """The root over ``records`` (platform interface, section 3), 32 bytes.

    leaf = SM3(0x00 || record), node = SM3(0x01 || left || right); a lone node moves up unchanged. At least one record.
    """
    return merkle_top(list(map(merkle_leaf, records)))


def merkle_top(leaves: list[bytes]) -> bytes:
    """The root over leaves, each a :func:`merkle_leaf`: 32 bytes a record are all that it keeps of them."""
    if not leaves:
        raise ValueError("a Merkle tree needs at least one record")
    level = leaves
    while len(level) > 1:
        lone = level[-1:] if len(level) % 2 else []
        level = list(map(_node, map(bytes.__add__, level[0::2], level[1::2]))) + lone
    return level[0]


def hkdf_sm3(key: bytes, info: bytes, length: int = SIZE) -> bytes:
    """HKDF (RFC 5869) with SM3 and an empty salt: one key per use out of one secret."""
    return HKDF(algorithm=hashes.SM3(), length=length, salt=None, info=info).derive(key)
