"""What a sender may ask: streams, reconciliation (对账), keys and indicators (interface section 4)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from typing import Any

from gateway.crypto.digest import sm3
from sandbox.platform.clients import Client
from sandbox.platform.ledger import Ledger
from sandbox.platform.own_keys import OwnKeys
from sandbox.platform.record_rules import KINDS
from sandbox.platform.refusals import Refusal
from sandbox.platform.sequence import stream_state

MOST_ITEMS = 10_000
DEFAULT_ITEMS = 1_000
_SENDER = re.compile(r"\d{12}", re.ASCII)
_STREAM = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LIMIT = re.compile(r"[1-9]\d{0,9}", re.ASCII)

Parameters = Sequence[tuple[str, str]]
"""The query string's pairs, in their order."""


class Queries:
    """Answers as JSON values; Refusal ``request.invalid`` for parameters out of form."""

    def __init__(self, ledger: Ledger, own_keys: OwnKeys) -> None:
        self._ledger = ledger
        self._own_keys = own_keys
        self._indicators = _read_indicators()

    def stream(self, client: Client, stream: str, parameters: Parameters) -> dict[str, object]:
        given = _only(parameters, {"sender"}, set())
        if not _STREAM.fullmatch(stream):
            raise _invalid("stream")
        return stream_state(self._ledger, _sender(client, given), stream)

    def reconciliation(self, client: Client, parameters: Parameters) -> dict[str, object]:
        given = _only(parameters, {"date", "sender"}, set())
        day, sender = _day(given), _sender(client, given)
        return {"date": day, "sender": sender, "kinds": {kind: self._day_digest(sender, day, kind) for kind in KINDS}}

    def _day_digest(self, sender: str, day: str, kind: str) -> dict[str, object]:
        rows = self._ledger.day(sender, day, kind)
        return {"count": len(rows), "digest": sm3(b"".join(key.encode() + b"\0" + row for key, _, row in rows)).hex()}

    def items(self, client: Client, parameters: Parameters) -> dict[str, object]:
        given = _only(parameters, {"date", "sender", "kind"}, {"after", "limit"})
        day, sender, kind = _day(given), _sender(client, given), given["kind"]
        if kind not in KINDS:
            raise _invalid("kind")
        limit = _limit(given.get("limit", str(DEFAULT_ITEMS)))
        rows = self._ledger.day(sender, day, kind, given.get("after", ""), limit + 1)
        page = rows[:limit]
        return {
            "items": [{"key": key, "version": version, "digest": digest.hex()} for key, version, digest in page],
            "next": page[-1][0] if len(rows) > limit else None,
        }

    def keys(self, parameters: Parameters) -> dict[str, object]:
        _only(parameters, set(), set())
        return {"keys": [key.listed() for key in self._own_keys.all]}

    def publish_indicators(self, version: str, items: list[dict[str, Any]]) -> None:
        """From now on these are the platform's indicators."""
        self._indicators = {"version": version, "items": items}

    def indicators(self, parameters: Parameters) -> dict[str, object]:
        _only(parameters, set(), set())
        return self._indicators


def _read_indicators() -> dict[str, object]:
    text = files("schemas").joinpath("data", "indicators.json").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = json.loads(text)
    items = [{name: row[name] for name in ("code", "name", "level", "enabled")} for row in rows]
    return {"version": str(max(row["version"] for row in rows)), "items": items}


def _invalid(name: str) -> Refusal:
    return Refusal("request.invalid", f"parameter {name}")


def _only(parameters: Parameters, required: set[str], optional: set[str]) -> dict[str, str]:
    given = dict(parameters)
    if len(given) != len(parameters) or not required <= given.keys() <= required | optional:
        raise Refusal("request.invalid", "parameters missing, unknown or repeated")
    return given


def _sender(client: Client, given: dict[str, str]) -> str:
    if not _SENDER.fullmatch(given["sender"]):
        raise _invalid("sender")
    client.must_send_for(given["sender"])
    return given["sender"]


def _day(given: dict[str, str]) -> str:
    try:
        if not _DATE.fullmatch(given["date"]):
            raise _invalid("date")
        date.fromisoformat(given["date"])
    except ValueError as error:
        raise _invalid("date") from error
    return given["date"]


def _limit(text: str) -> int:
    if not _LIMIT.fullmatch(text) or int(text) > MOST_ITEMS:
        raise _invalid("limit")
    return int(text)
