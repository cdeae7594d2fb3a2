"""Looking into an answer without parsing its records: each level is split into raw pieces, nothing more."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.rest.options import Envelope
from gateway.errors import Misconfigured, Transient
from gateway.net.answer import Answer

GARBAGE = (msgspec.DecodeError, UnicodeDecodeError)
_level = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw] | None)


class Expired(Exception):
    """The envelope says that the token is no longer good."""


class Opened:
    """One answer's envelope. Raises ``Transient('net.not_json')`` as soon as the bytes turn out not to be JSON."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._top = self._split(answer.body)

    def raw(self, path: str) -> bytes | None:
        """The raw JSON at ``path``, ``None`` if it is not there."""
        level, *deeper = path.split(".")
        piece = self._top.get(level)
        for key in deeper:
            if piece is None or bytes(piece)[:1] != b"{":
                return None
            piece = self._split(piece).get(key)
        return None if piece is None else bytes(piece)

    def value(self, path: str) -> Any:
        raw = self.raw(path)
        try:
            return None if raw is None else msgspec.json.decode(raw)
        except GARBAGE as garbage:
            raise self._not_json from garbage

    def expect(self, envelope: Envelope) -> Opened:
        """This envelope if it reports success. Raises :class:`Expired`, ``Transient('rest.unsuccessful')``."""
        if any(self.value(path) in values for path, values in envelope.expired.items()):
            raise Expired
        for path, wanted in envelope.success.items():
            found = self.value(path)
            if found != wanted or type(found) is not type(wanted):
                shown = found if isinstance(found, bool | int) or len(str(found)) <= 12 else "…"
                raise Transient("rest.unsuccessful", address=self._answer.address, key=path, found=shown)
        return self

    def records(self, path: str) -> list[bytes]:
        """Raw records. Raises ``Misconfigured('rest.no_records')`` when there is no list (null is an empty one)."""
        raw = self.raw(path)
        try:
            return [bytes(record) for record in _list.decode(raw if raw is not None else b"false") or ()]
        except msgspec.DecodeError as other:
            raise Misconfigured("rest.no_records", address=self._answer.address, key=path) from other

    def _split(self, raw: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
        try:
            return _level.decode(raw)
        except GARBAGE as garbage:
            raise self._not_json from garbage

    @property
    def _not_json(self) -> Transient:
        return Transient("net.not_json", address=self._answer.address, status=self._answer.status)


def moment_at(record: bytes, path: str) -> str | int | None:
    """The text or whole number at ``path`` of one raw record; anything else is ``None``."""
    piece: bytes | msgspec.Raw = record
    try:
        for key in path.split("."):
            piece = _level.decode(piece)[key]
        value = msgspec.json.decode(piece, type=str | int | None)
    except (*GARBAGE, KeyError):
        return None
    return value or None
