"""A software HSM (密码机的替身): a process of its own that keeps private keys and does what they are needed for.

``python -m sandbox.hsm <socket> <folder>`` listens on a Unix socket; each connection sends one request, a line of JSON,
and gets one line back. It has SM2 and no GCM, as devices of the 2012 interface: the key-encryption key wraps by
SM4-CBC, then HMAC-SM3. There is no request that gives a secret away. Keys rest below ``folder`` so that it can be
restarted.
"""

from __future__ import annotations

import hmac
import json
import os
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.crypto import sm2
from gateway.crypto.ciphers import sm4_cbc_decrypt, sm4_cbc_encrypt
from gateway.crypto.digest import hmac_sm3, sm3
from gateway.errors import GatewayError

PENDING, ACTIVE, RETIRING = "pending", "active", "retiring"
KEK_SIZE = 48  # 16 SM4, 32 HMAC
_MAC = 32


class Refused(Exception):
    """The request can't be done; its text is the answer's ``error``."""


class Device:
    """The keys below ``folder``: ``state.json`` says of each what it is, its secret lies beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        state = folder / "state.json"
        self._keys: dict[str, dict[str, Any]] = json.loads(state.read_text()) if state.exists() else {}
        self._requests: dict[str, Callable[..., Any]] = {
            "health": lambda: True,
            "keys": lambda: list(self._keys.values()),
            "make": self._make,
            "activate": self._activate,
            "public": lambda key_id: self._private(key_id).public.pem.decode(),
            "sign": lambda key_id, message: sm2.sign(self._private(key_id), bytes.fromhex(message)).hex(),
            "decrypt": lambda key_id, cipher: sm2.decrypt(self._private(key_id), bytes.fromhex(cipher)).hex(),
            "wrap": self._wrap,
            "unwrap": self._unwrap,
        }

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """``{"result": …}`` or ``{"error": word}``."""
        asked = self._requests.get(request.pop("do", ""))
        if asked is None:
            return {"error": "unknown"}
        try:
            return {"result": asked(**request)}
        except (Refused, GatewayError, TypeError, ValueError) as refused:
            return {"error": str(refused) if isinstance(refused, Refused) else "damaged"}

    def _make(self, algorithm: str, not_after: str | None) -> dict[str, Any]:
        """A pending key pair; of the algorithm ``SM4``, a key-encryption key."""
        if algorithm == "SM4":
            secret = os.urandom(KEK_SIZE)
            key_id = sm3(b"hsm-kek\0" + secret).hex()[:16]
        elif algorithm in ("SGD_SM3_SM2", "SM2"):
            pair = sm2.generate()
            key_id, secret = pair.key_id, pair.pem
        else:
            raise Refused("algorithm")
        path = self._folder / f"{key_id}.secret"
        path.touch(0o600)
        path.write_bytes(secret)
        began = datetime.now(UTC).isoformat(timespec="seconds")
        self._keys[key_id] = {
            "key_id": key_id,
            "algorithm": algorithm,
            "state": PENDING,
            "not_before": began,
            "not_after": not_after,
        }
        self._save()
        return self._keys[key_id]

    def _activate(self, key_id: str) -> dict[str, Any]:
        new = self._known(key_id)
        if new["state"] == RETIRING:
            raise Refused("retiring")
        for key in self._keys.values():
            if key["algorithm"] == new["algorithm"] and key["state"] == ACTIVE:
                key["state"] = RETIRING
        new["state"] = ACTIVE
        self._save()
        return new

    def _wrap(self, key_id: str, secret: str, aad: str) -> str:
        key, iv = self._kek(key_id), os.urandom(16)
        text = iv + sm4_cbc_encrypt(key[:16], iv, bytes.fromhex(secret))
        return (text + hmac_sm3(key[16:], bytes.fromhex(aad) + text)).hex()

    def _unwrap(self, key_id: str, wrapped: str, aad: str) -> str:
        key, blob = self._kek(key_id), bytes.fromhex(wrapped)
        text, mac = blob[:-_MAC], blob[-_MAC:]
        if not hmac.compare_digest(mac, hmac_sm3(key[16:], bytes.fromhex(aad) + text)):
            raise Refused("damaged")
        return sm4_cbc_decrypt(key[:16], text[:16], text[16:]).hex()

    def _known(self, key_id: str) -> dict[str, Any]:
        if key_id not in self._keys:
            raise Refused("unknown")
        return self._keys[key_id]

    def _private(self, key_id: str) -> sm2.PrivateKey:
        if self._known(key_id)["algorithm"] == "SM4":
            raise Refused("algorithm")
        return sm2.load_private((self._folder / f"{key_id}.secret").read_bytes())

    def _kek(self, key_id: str) -> bytes:
        if self._known(key_id)["algorithm"] != "SM4":
            raise Refused("algorithm")
        return (self._folder / f"{key_id}.secret").read_bytes()

    def _save(self) -> None:
        draft = self._folder / "state.json.part"
        draft.write_text(json.dumps(self._keys))
        draft.replace(self._folder / "state.json")


def serve(path: Path, folder: Path) -> None:
    """Answer one connection after the other, until the process is ended."""
    device = Device(folder)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()
        while True:
            connection, _ = listening.accept()
            with connection, connection.makefile("rwb") as stream:
                line = stream.readline()
                if line:
                    stream.write(json.dumps(device.answer(json.loads(line))).encode() + b"\n")


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
