"""A key store over the software HSM, as a vendor's adapter would be; ``GW_KEY_STORE`` names :func:`open_key_store`."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.crypto.key_store import ACTIVE, KEY_ENCRYPTION, LIFETIME, PENDING, WHAT, KeyEncryption, KeyEntry
from gateway.crypto.signers import SM3_SM2, Signer
from gateway.crypto.wrappers import SM2, Unwrapper
from gateway.errors import Misconfigured, Rejected, Transient
from gateway.settings import Settings

KEK = "SM4"


class Line:
    """One request a connection."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ask(self, do: str, **request: Any) -> Any:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(5)
                connection.connect(str(self.path))
                with connection.makefile("rwb") as stream:
                    stream.write(json.dumps({"do": do, **request}).encode() + b"\n")
                    stream.flush()
                    answer = json.loads(stream.readline())
        except (OSError, ValueError) as away:
            raise Transient("net.unreachable", host="hsm") from away
        if "error" in answer:
            if answer["error"] == "damaged":
                raise Rejected("crypto.damaged")
            raise Misconfigured("crypto.key_missing", path=request.get("key_id", do), command="gw keys list")
        return answer["result"]


class HsmSigner:
    algorithm = SM3_SM2

    def __init__(self, line: Line, key_id: str) -> None:
        self._line, self.key_id = line, key_id

    def sign(self, message: bytes) -> bytes:
        return bytes.fromhex(self._line.ask("sign", key_id=self.key_id, message=message.hex()))


class HsmUnwrapper:
    algorithm = SM2

    def __init__(self, line: Line, key_id: str) -> None:
        self._line, self.key_id = line, key_id

    def unwrap(self, wrapped: bytes) -> bytes:
        return bytes.fromhex(self._line.ask("decrypt", key_id=self.key_id, cipher=wrapped.hex()))


class HsmKek:
    def __init__(self, line: Line, kek_id: str) -> None:
        self._line, self.kek_id = line, kek_id

    def wrap(self, data_key: bytes, aad: bytes) -> bytes:
        return bytes.fromhex(self._line.ask("wrap", key_id=self.kek_id, secret=data_key.hex(), aad=aad.hex()))

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        return bytes.fromhex(self._line.ask("unwrap", key_id=self.kek_id, wrapped=wrapped.hex(), aad=aad.hex()))


class HsmKeyStore:
    """The device behind ``line`` as a KeyStore."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def prepare(self, now: datetime) -> Sequence[Path]:
        for algorithm in (SM3_SM2, KEK):
            if not self._ids(algorithm, ACTIVE):
                pending = self._ids(algorithm, PENDING) or [self._made(algorithm, now + LIFETIME)]
                self._line.ask("activate", key_id=pending[0])
        return ()

    def health(self) -> None:
        self._line.ask("health")

    def entries(self) -> Sequence[KeyEntry]:
        return [_entry(key) for key in self._line.ask("keys")]

    def make(self, algorithm: str, now: datetime, not_after: datetime) -> KeyEntry:
        return self._entry_of(self._made(algorithm, not_after))

    def activate(self, key_id: str, now: datetime) -> KeyEntry:
        return _entry(self._line.ask("activate", key_id=key_id))

    def public(self, key_id: str) -> bytes:
        return str(self._line.ask("public", key_id=key_id)).encode()

    def signer(self, algorithm: str) -> Signer:
        return HsmSigner(self._line, self._active(algorithm))

    def unwrapper(self, key_id: str) -> Unwrapper:
        return HsmUnwrapper(self._line, key_id)

    def kek(self) -> KeyEncryption:
        return HsmKek(self._line, self._active(KEK))

    def kek_for(self, kek_id: str) -> KeyEncryption:
        known = {key["key_id"] for key in self._line.ask("keys")}
        return HsmKek(self._line, kek_id) if kek_id in known else self.kek()

    def next_kek(self) -> KeyEncryption:
        pending = self._ids(KEK, PENDING)
        return HsmKek(self._line, pending[0] if pending else self._made(KEK, None))

    def succeed_kek(self) -> None:
        for key_id in self._ids(KEK, PENDING):
            self._line.ask("activate", key_id=key_id)

    def _made(self, algorithm: str, not_after: datetime | None) -> str:
        end = None if not_after is None else not_after.isoformat()
        return str(self._line.ask("make", algorithm=algorithm, not_after=end)["key_id"])

    def _ids(self, algorithm: str, state: str) -> list[str]:
        keys = self._line.ask("keys")
        return [key["key_id"] for key in keys if (key["algorithm"], key["state"]) == (algorithm, state)]

    def _active(self, algorithm: str) -> str:
        found = self._ids(algorithm, ACTIVE)
        if not found:
            raise Misconfigured("crypto.key_missing", path=algorithm, command="gw init")
        return found[0]

    def _entry_of(self, key_id: str) -> KeyEntry:
        return next(entry for entry in self.entries() if entry.key_id == key_id)


def open_key_store(settings: Settings) -> HsmKeyStore:
    """The device whose socket lies beside the state of the deployment."""
    return HsmKeyStore(Line(settings.var_dir / "hsm.sock"))


def _entry(key: dict[str, Any]) -> KeyEntry:
    end = key["not_after"]
    return KeyEntry(
        WHAT.get(key["algorithm"], KEY_ENCRYPTION),
        key["key_id"],
        key["algorithm"],
        None,
        key["state"],
        datetime.fromisoformat(key["not_before"]),
        None if end is None else datetime.fromisoformat(end),
    )
