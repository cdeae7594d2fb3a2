"""``tif-header`` (interfaces, section 5): signed headers, a JSON body that only TLS protects."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import orjson

from gateway.profiles.codec import Wire, read_json
from gateway.profiles.tokens import tif_signature
from gateway.profiles.verdict import Said
from schemas.attributes import Kind


class HeaderCodec:
    """The signature does not cover the body: plain HTTP is refused but to loopback, as everywhere in this house."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def write(self, kind: Kind, fields: Mapping[str, str]) -> bytes:
        slot = self._wire.profile.calls[kind].slot
        return orjson.dumps({slot: dict(fields)} if slot else dict(fields))

    def ready(self) -> None:
        """Nothing is needed before a call."""

    def headers(self) -> Mapping[str, str]:
        timestamp, nonce = str(int(self._wire.clock().timestamp())), uuid.uuid4().hex
        return {
            "x-tif-paasid": self._wire.connection.login,
            "x-tif-timestamp": timestamp,
            "x-tif-nonce": nonce,
            "x-tif-signature": tif_signature(timestamp, self._wire.secret, nonce),
        }

    def call(self, kind: Kind, body: bytes) -> Said:
        path = self._wire.profile.calls[kind].path
        headers = {"Content-Type": "application/json; charset=utf-8", **self.headers()}
        return read_json(self._wire.http.exchange("POST", path, headers=headers, body=body))
