"""The platform's own keys: made at the first start, kept as PEM, their public halves exported for pinning."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from gateway.crypto import sm2
from gateway.crypto.digest import sm3
from sandbox.platform.times import write_time

_LIFETIME = timedelta(days=3650)
_HEAD_START = timedelta(hours=1)  # a platform's first keys are older than any that follows; the list knows seconds
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def key_id(spki: bytes) -> str:
    """First 16 hex characters of SM3 over the SubjectPublicKeyInfo."""
    return sm3(spki).hex()[:16]


@dataclass(frozen=True, slots=True)
class OwnKey:
    """``operate`` signs (use ``sig``) or unwraps a data key (use ``enc``)."""

    key_id: str
    use: str
    alg: str
    spki: bytes
    made: datetime
    operate: Callable[[bytes], bytes]

    def listed(self) -> dict[str, str]:
        """As ``GET /api/v1/keys`` shows it."""
        return {
            "keyId": self.key_id,
            "use": self.use,
            "alg": self.alg,
            "spki": base64.b64encode(self.spki).decode(),
            "notBefore": write_time(self.made),
            "notAfter": write_time(self.made + _LIFETIME),
        }


SIGNING = {"GM-GCM-1": "SGD_SM3_SM2", "GM-CBC-1": "SGD_SM3_SM2", "INTL-1": "ES256"}
UNWRAPPING = {"GM-GCM-1": "SM2", "GM-CBC-1": "SM2", "INTL-1": "RSA-OAEP-256"}
_STEMS = {"SGD_SM3_SM2": "sm2-sig", "SM2": "sm2-enc", "ES256": "p256-sig", "RSA-OAEP-256": "rsa3072-enc"}


class OwnKeys:
    """All keys of one folder. ``<name>-<stem>.key.pem``; the newest of an algorithm signs, every one still opens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for alg, stem in _STEMS.items():
            if not list(folder.glob(f"*{stem}*.key.pem")):
                path = self._make(alg, stem)
                made = path.stat().st_mtime - _HEAD_START.total_seconds()
                os.utime(path, (made, made))
        self._load()

    def _load(self) -> None:
        found = [
            load_own_key(path, alg) for alg, stem in _STEMS.items() for path in self._folder.glob(f"*{stem}*.key.pem")
        ]
        self.all = sorted(found, key=lambda key: (key.alg, key.made, key.key_id))
        self._by_id = {(key.alg, key.key_id): key for key in self.all}

    def rotate(self, alg: str) -> OwnKey:
        """A new key of ``alg`` signs from now on; the old ones stay listed and still open."""
        self._make(alg, _STEMS[alg])
        self._load()
        return self._newest(alg)

    def signing(self, suite: str) -> OwnKey:
        return self._newest(SIGNING[suite])

    def unwrapping(self, suite: str, wanted: str) -> OwnKey | None:
        return self._by_id.get((UNWRAPPING[suite], wanted))

    def _newest(self, alg: str) -> OwnKey:
        return [key for key in self.all if key.alg == alg][-1]

    def _make(self, alg: str, stem: str) -> Path:
        pem = _new_private_pem(alg)
        number = len(list(self._folder.glob(f"*{stem}*.key.pem"))) + 1
        path = self._folder / f"platform-{stem}-{number}.key.pem"
        partial = path.with_suffix(".part")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        return partial.rename(path)

    def export(self, folder: Path) -> list[Path]:
        """Write every public key as ``<use>-<alg>-<keyId>.pub.pem`` and return the paths."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for key in self.all:
            path = folder / f"platform-{_STEMS[key.alg]}-{key.key_id}.pub.pem"
            path.write_bytes(public_pem(key.spki))
            paths.append(path)
        return paths


def public_pem(spki: bytes) -> bytes:
    """SubjectPublicKeyInfo as PEM."""
    text = base64.b64encode(spki).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]).encode()


def load_own_key(path: Path, alg: str) -> OwnKey:
    """One private key file as an OwnKey of ``alg``."""
    pem = path.read_bytes()
    made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    use = "sig" if alg in SIGNING.values() else "enc"
    spki, operate = _national(pem, use) if alg in ("SGD_SM3_SM2", "SM2") else _international(pem)
    return OwnKey(key_id(spki), use, alg, spki, made, operate)


def throwaway_signer(suite: str) -> OwnKey:
    """A signing key that nobody has registered."""
    alg = SIGNING[suite]
    pem = _new_private_pem(alg)
    spki, operate = _national(pem, "sig") if alg == "SGD_SM3_SM2" else _international(pem)
    return OwnKey(key_id(spki), "sig", alg, spki, datetime.now(UTC), operate)


def _new_private_pem(alg: str) -> bytes:
    if alg in ("SGD_SM3_SM2", "SM2"):
        return sm2.generate().pem
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if alg == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _national(pem: bytes, use: str) -> tuple[bytes, Callable[[bytes], bytes]]:
    private = sm2.load_private(pem)

    def operate(data: bytes) -> bytes:
        return sm2.sign(private, data) if use == "sig" else sm2.decrypt(private, data)

    return private.spki, operate


def _international(pem: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
    private = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)  # made here
    if isinstance(private, ec.EllipticCurvePrivateKey):
        signer = private

        def operate(data: bytes) -> bytes:
            return signer.sign(data, ec.ECDSA(hashes.SHA256()))
    elif isinstance(private, rsa.RSAPrivateKey):
        opener = private

        def operate(data: bytes) -> bytes:
            return opener.decrypt(data, _OAEP)
    else:
        raise UnsupportedAlgorithm("neither P-256 nor RSA")
    spki = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return spki, operate
