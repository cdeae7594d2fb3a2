"""``bj-form`` (interfaces, section 2): POST with parameters, the mark and the body under SM2."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import orjson

from gateway.crypto.sm2 import PublicKey
from gateway.profiles.codec import Wire, read_json
from gateway.profiles.sm2_text import encrypt_hex, public_key
from gateway.profiles.tokens import mark_text, wire_time
from gateway.profiles.verdict import Said
from schemas.attributes import Kind


class Mark:
    """``appMark``, ``time`` and ``sign`` of a call (interfaces, section 1)."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @cached_property
    def key(self) -> PublicKey:
        return public_key(self._wire.setting("platform_key"), self._wire.connection_id)

    def encrypt(self, plain: bytes) -> str:
        return encrypt_hex(self.key, plain, self._wire.profile.order)

    def now(self) -> dict[str, str]:
        wire, time = self._wire, wire_time(self._wire.clock())
        sign = self.encrypt(mark_text(time, wire.connection.login, wire.secret))
        return {"appMark": wire.connection.login, "time": time, "sign": sign}


class FormCodec:
    """``params`` is ``{"data": "<SM2 hex>"}``; its plaintext a JSON array with one element a record."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._mark = Mark(wire)

    def write(self, kind: Kind, fields: Mapping[str, str]) -> bytes:
        plain = orjson.dumps([{self._wire.profile.calls[kind].slot: dict(fields)}])
        return orjson.dumps({"data": self._mark.encrypt(plain)})

    def ready(self) -> None:
        """Nothing is needed before a call but the key."""
        _ = self._mark.key

    def headers(self) -> Mapping[str, str]:
        return {}

    def call(self, kind: Kind, body: bytes) -> Said:
        parameters = {**self._mark.now(), "params": body.decode()}
        answer = self._wire.http.exchange("POST", self._wire.profile.calls[kind].path, params=parameters)
        return read_json(answer)
