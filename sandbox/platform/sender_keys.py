"""The senders' registered signature keys, from a folder that may be filled later."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.crypto import sm2
from gateway.errors import GatewayError
from sandbox.platform.own_keys import key_id

_PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----\s+(.+?)-----END PUBLIC KEY-----", re.DOTALL)
_SM2_CURVE = bytes.fromhex("06082a811ccf5501822d")
_P256_CURVE = bytes.fromhex("06082a8648ce3d030107")


@dataclass(frozen=True, slots=True)
class SenderKey:
    """A public key. ``owner`` is a region code, or None where every registered sender may use it."""

    owner: str | None
    algorithm: str
    spki: bytes

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """By the algorithm of the key: SM2 with SM3, or ECDSA P-256 with SHA-256."""
        if self.algorithm == "SGD_SM3_SM2":
            try:
                return sm2.verify(sm2.load_public(self.spki), message, signature)
            except GatewayError:
                return False
        public = serialization.load_der_public_key(self.spki)
        if not isinstance(public, ec.EllipticCurvePublicKey):
            return False
        try:
            public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


class SenderKeys:
    """``*.pem`` in the folder counts for every registered sender, in ``<region code>/`` for that one alone.

    The folder is read again when an unknown key id comes, so that a key registered later is found.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: dict[str, SenderKey] = {}

    def find(self, wanted: str, sender: str) -> SenderKey | None:
        """The key of that id if ``sender`` may sign with it."""
        if wanted not in self._known:
            self._known = dict(self._read())
        key = self._known.get(wanted)
        return key if key is not None and key.owner in (None, sender) else None

    def _read(self) -> Iterator[tuple[str, SenderKey]]:
        if self._folder is None or not self._folder.is_dir():
            return
        for path in sorted([*self._folder.glob("*.pem"), *self._folder.glob("*/*.pem")]):
            owner = None if path.parent == self._folder else path.parent.name
            for spki in _public_keys(path.read_bytes()):
                algorithm = _algorithm(spki)
                if algorithm is not None:
                    yield key_id(spki), SenderKey(owner, algorithm, spki)


def _public_keys(pem: bytes) -> list[bytes]:
    return [base64.b64decode(found) for found in _PUBLIC.findall(pem)]


def _algorithm(spki: bytes) -> str | None:
    if _SM2_CURVE in spki:
        return "SGD_SM3_SM2"
    return "ES256" if _P256_CURVE in spki else None
