"""What is asked of a REST source: parameters in the query, in a body or in headers, before they become one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec

from connectors.rest.options import Send
from gateway.net.http import Call

Value = str | int


@dataclass(frozen=True, slots=True)
class Asked:
    """One request in the making. ``fields`` go into the body, as ``send`` says."""

    method: str
    path: str
    send: Send
    query: Mapping[str, Value] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Value] = field(default_factory=dict)

    def call(self) -> Call:
        query = {name: str(value) for name, value in self.query.items()}
        if self.send == "json":
            headers = {"Content-Type": "application/json", **self.headers}
            return Call(self.method, self.path, query, headers, msgspec.json.encode(nested(self.fields)))
        if self.send == "form":
            headers = {"Content-Type": "application/x-www-form-urlencoded", **self.headers}
            return Call(self.method, self.path, query, headers, urlencode(self.fields).encode())
        return Call(self.method, self.path, query, self.headers)


def asked(method: str, path: str, send: Send, headers: Mapping[str, str], params: Mapping[str, Value]) -> Asked:
    """A request with ``params`` where ``send`` puts them."""
    match send:
        case "query":
            return Asked(method, path, send, query=params, headers=headers)
        case "header":
            return Asked(method, path, send, headers={**headers, **{name: str(v) for name, v in params.items()}})
        case "json" | "form":
            return Asked(method, path, send, headers=headers, fields=params)


def nested(fields: Mapping[str, Value]) -> dict[str, Any]:
    """Dotted names as objects: ``{"page.index": 1}`` → ``{"page": {"index": 1}}``."""
    whole: dict[str, Any] = {}
    for name, value in fields.items():
        *holders, last = name.split(".")
        level = whole
        for holder in holders:
            level = level.setdefault(holder, {})
        level[last] = value
    return whole
