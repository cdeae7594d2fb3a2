"""Request signing (请求签名) as sources prescribe it: a text put together from parts, a digest or signature over it.

``text`` is the string to sign. In it stand ``{login}``, ``{secret}`` (the connection's password), ``{timestamp}``,
``{nonce}``, ``{method}``, ``{path}``, ``{query}`` (parameters by name, ``a=1&b=2``, empty ones left out), ``{values}``
(their values only), ``{body}`` and ``{body_digest}`` (hex, of the same digest).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.ciphers import sm2_key
from connectors.moments import now, written
from gateway.crypto import der, sm2
from gateway.crypto.digest import hmac_sm3, sm3
from gateway.settings import Connection

PARTS = ("login", "secret", "timestamp", "nonce", "method", "path", "query", "values", "body", "body_digest")
PART = re.compile(r"\{([a-z_]+)\}")
COORDINATE = 32
DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "md5": lambda text: hashlib.md5(text).digest(),  # noqa: S324  # theirs, not ours
    "sha256": lambda text: hashlib.sha256(text).digest(),
    "sm3": sm3,
}
MACS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "hmac_sha256": lambda key, text: hmac.digest(key, text, "sha256"),
    "hmac_sm3": hmac_sm3,
}
BODY_DIGEST = {"md5": "md5", "sha256": "sha256", "sm3": "sm3", "hmac_sha256": "sha256", "hmac_sm3": "sm3", "sm2": "sm3"}


class SigningOptions(BaseModel):
    """How a request is signed. Keyed digests take the connection's password, SM2 the key of ``extra.sm2_key``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    algorithm: Literal["md5", "sha256", "sm3", "hmac_sha256", "hmac_sm3", "sm2"]
    text: str = Field(min_length=1, description="string to sign, parts in braces, e.g. '{login}{timestamp}{secret}'")
    form: Literal["hex", "upper_hex", "base64"] = "hex"
    sm2_form: Literal["der", "raw"] = Field("der", description="raw: r and s of 32 bytes each")
    timestamp: str = Field("seconds", description="seconds, milliseconds, or a pattern like yyyyMMddHHmmss")

    @field_validator("text")
    @classmethod
    def _known_parts(cls, text: str) -> str:
        if unknown := {part for part in PART.findall(text) if part not in PARTS}:
            raise ValueError(f"parts {', '.join(sorted(unknown))} are unknown; known: {', '.join(PARTS)}")
        return text


class Signer:
    """Signs requests of one source."""

    def __init__(self, options: SigningOptions, connection: Connection, clock: Callable[[], datetime] = now) -> None:
        self._options = options
        self._login, self._secret = connection.login, connection.password.get_secret_value()
        self._key = sm2_key(connection.extra) if options.algorithm == "sm2" else None
        self._clock = clock

    def marks(
        self,
        method: str = "POST",
        path: str = "/",
        params: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        nonce: str | None = None,
        timestamp: str | None = None,
    ) -> dict[str, str]:
        """``login``, ``timestamp``, ``nonce`` and ``sign`` of one request, for its place to carry."""
        given = {name: str(value) for name, value in sorted((params or {}).items()) if str(value)}
        marks = {
            "login": self._login,
            "timestamp": timestamp or written(self._clock(), self._options.timestamp),
            "nonce": nonce or secrets.token_hex(16),
        }
        parts = {
            **marks,
            "secret": self._secret,
            "method": method,
            "path": path,
            "query": "&".join(f"{name}={value}" for name, value in given.items()),
            "values": "".join(given.values()),
            "body": (body or b"").decode("utf-8"),
            "body_digest": DIGESTS[BODY_DIGEST[self._options.algorithm]](body or b"").hex(),
        }
        text = PART.sub(lambda part: parts[part[1]], self._options.text)
        return {**marks, "sign": self._written(self._signed(text.encode()))}

    def _signed(self, text: bytes) -> bytes:
        algorithm = self._options.algorithm
        if self._key is not None:
            signature = sm2.sign(self._key, text)
            return signature if self._options.sm2_form == "der" else raw(signature)
        if algorithm in MACS:
            return MACS[algorithm](self._secret.encode(), text)
        return DIGESTS[algorithm](text)

    def _written(self, signature: bytes) -> str:
        if self._options.form == "base64":
            return base64.b64encode(signature).decode()
        return signature.hex().upper() if self._options.form == "upper_hex" else signature.hex()


def raw(signature: bytes) -> bytes:
    """r‖s, 64 bytes, of a DER signature."""
    return b"".join(der.natural(*element).to_bytes(COORDINATE) for element in der.elements(signature))
