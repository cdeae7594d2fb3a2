"""The small part of a profile that is code: how fields become a request, and an answer becomes words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson

from gateway.errors import Misconfigured
from gateway.net.answer import Answer
from gateway.net.http import HttpClient
from gateway.profiles.profile import Profile
from gateway.profiles.verdict import Said
from gateway.settings import Connection
from schemas.attributes import Kind


@dataclass(frozen=True)
class Wire:
    """What every codec works with. ``sender``: the province's region code; ``clock`` gives aware UTC."""

    profile: Profile
    http: HttpClient
    connection: Connection
    connection_id: str
    sender: str
    clock: Callable[[], datetime]

    @property
    def secret(self) -> str:
        return self.connection.password.get_secret_value()

    def setting(self, name: str) -> str:
        """``extra.<name>`` of the connection, or ``Misconfigured('profile.setting_missing')``."""
        value = self.connection.extra.get(name)
        if not isinstance(value, str) or not value:
            raise Misconfigured("profile.setting_missing", connection=self.connection_id, name=f"extra.{name}")
        return value


class Codec(Protocol):
    """One protocol. What it raises says whether anything left: ``NotSent``, ``Misconfigured``: no; else it may have."""

    def write(self, kind: Kind, fields: Mapping[str, str]) -> bytes:
        """The business content of a call, ciphered where the receiver wants it so: kept, and sent unchanged."""
        ...

    def ready(self) -> None:
        """Fetch what a call needs first (a token). Nothing of a record has left when this fails."""
        ...

    def headers(self) -> Mapping[str, str]:
        """What every call to the receiver bears, a ping too, signed at this moment."""
        ...

    def call(self, kind: Kind, body: bytes) -> Said:
        """Send ``body`` once, with time, mark and token of this moment."""
        ...


def read_json(answer: Answer, *, nested: str = "") -> Said:
    """A JSON object's plain values as text; the object inside the string ``nested`` is read over it."""
    try:
        content = orjson.loads(answer.body)
        inner = content.get(nested) if isinstance(content, dict) else None
        more = orjson.loads(inner) if isinstance(inner, str) and inner.lstrip()[:1] == "{" else {}
    except orjson.JSONDecodeError:
        return Said(answer.status, answer.body, readable=False)
    if not isinstance(content, dict) or not content:
        return Said(answer.status, answer.body, readable=False)
    fields = {name: _plain(value) for name, value in {**more, **content}.items() if value is not None}
    return Said(answer.status, answer.body, fields, "\n".join(fields.values()))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else orjson.dumps(value).decode()
