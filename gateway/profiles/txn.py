"""``sd-txn`` (interfaces, section 3): POST of one JSON transaction, the mark and the body under SM2."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from gateway.profiles.codec import Wire, read_json
from gateway.profiles.form import Mark
from gateway.profiles.verdict import Said
from schemas.attributes import Kind

BODY = "C-Response-Body"


class TxnCodec:
    """``params`` is ``{<slot>: ["<SM2 hex>"]}``; its plaintext a JSON array with one record."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._mark = Mark(wire)

    def write(self, kind: Kind, fields: Mapping[str, str]) -> bytes:
        cipher = self._mark.encrypt(orjson.dumps([dict(fields)]))
        return orjson.dumps({self._wire.profile.calls[kind].slot: [cipher]})

    def ready(self) -> None:
        """Nothing is needed before a call but the key."""
        _ = self._mark.key

    def headers(self) -> Mapping[str, str]:
        return {}

    def call(self, kind: Kind, body: bytes) -> Said:
        transaction = {"txnBodyCom": {**self._mark.now(), "params": orjson.loads(body)}, "txnCommCom": {}}
        headers = {"Content-Type": "application/json; charset=utf-8", "C-Tenancy-Id": self._wire.sender}
        path = self._wire.profile.calls[kind].path
        answer = self._wire.http.exchange("POST", path, headers=headers, body=orjson.dumps(transaction))
        return read_json(answer, nested=BODY)
