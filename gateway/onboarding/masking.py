"""What a person may see of a foreign request or answer (脱敏): names and shapes, short codes and times; no values.

A field that no mapping knows yet may hold anything, so that nothing of it is shown but its kind and length. Headers are
shown by a list of those that are harmless.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from gateway.net import xml
from gateway.net.tap import Exchange
from gateway.onboarding.guess import TIMES

SHORT = 4  # digits: a code, never a person
LIST = 1  # entries shown of a list
HARMLESS = {
    *("accept", "accept-encoding", "content-type", "content-length", "content-encoding", "user-agent", "soapaction"),
    *("retry-after", "date", "server", "connection", "link"),
}
SECRET = re.compile(r"pass|pwd|secret|token|sign|key|nonce|auth|credential", re.IGNORECASE)
CODE = re.compile(rf"[A-Za-z]?[0-9.-]{{1,{SHORT}}}|ok|success|true|false|null", re.IGNORECASE)


def shape(value: Any, name: str = "") -> Any:
    """``value`` with every text and number replaced by what kind it is."""
    if isinstance(value, dict):
        return {_key(str(key)): shape(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        more = [f"…共 {len(value)} 项"] if len(value) > LIST else []
        return [*(shape(inner, name) for inner in value[:LIST]), *more]
    if value is None or isinstance(value, bool):
        return value
    shown = told(str(value), name)
    return value if shown == str(value) else shown  # a number stays one: envelopes are compared with their type


def _key(key: str) -> str:
    """A member's name; one that is a number may be somebody's."""
    return told(key) if key.isdigit() else key


def told(text: str, name: str = "") -> str:
    """One value: a short code or a time as it is, anything else by kind and length."""
    if not text:
        return ""
    if SECRET.search(name):
        return f"<密 {len(text)}>"
    if CODE.fullmatch(text) or any(pattern.fullmatch(text) for pattern in TIMES.values()):
        return text
    kind = "数字" if text.isdigit() else "字母数字" if text.isascii() else "文字"
    return f"<{kind} {len(text)}>"


def request(exchange: Exchange) -> dict[str, Any]:
    """The request as it may be shown."""
    parts = urlsplit(exchange.url)
    return {
        "method": exchange.method,
        "address": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}",
        "params": {name: told(value, name) for name, value in parse_qsl(parts.query, keep_blank_values=True)},
        "headers": headers(exchange.headers),
        "body": body(exchange.body),
    }


def answer(exchange: Exchange) -> dict[str, Any]:
    """The answer as it may be shown."""
    return {
        "status": exchange.status,
        "headers": headers(exchange.answer_headers),
        "bytes": len(exchange.answer),
        "body": body(exchange.answer),
    }


def headers(given: Mapping[str, str]) -> dict[str, str]:
    return {
        name: str(value) if name.lower() in HARMLESS else f"<密 {len(str(value))}>" for name, value in given.items()
    }


def body(raw: bytes) -> Any:
    """A body by its structure: JSON and XML as trees, a form's fields; anything else by its length."""
    if not raw.strip():
        return None
    try:
        return shape(orjson.loads(raw))
    except orjson.JSONDecodeError:
        pass
    if raw.lstrip()[:1] == b"<" and not isinstance(root := xml.read(raw), xml.Fault):
        return {_local(root): _tree(root)}
    form = parse_qsl(raw.decode("ascii", "ignore"))
    return {name: told(value, name) for name, value in form} if form else f"<{len(raw)} 字节>"


def _tree(node: Any) -> Any:
    children = [child for child in node if isinstance(child.tag, str)]
    if not children:
        text = (node.text or "").strip()
        inner = xml.parsed(text) if text.startswith("<") else None
        if inner is not None and not isinstance(inner, xml.Fault):
            return {_local(inner): _tree(inner)}
        return told(text, _local(node))
    found: dict[str, Any] = {}
    for child in children:
        found.setdefault(_local(child), []).append(child)
    return {
        name: _tree(nodes[0]) if len(nodes) == 1 else [_tree(nodes[0]), f"…共 {len(nodes)} 项"]
        for name, nodes in found.items()
    }


def _local(node: Any) -> str:
    return str(node.tag).rpartition("}")[2]
