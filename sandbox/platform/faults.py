"""Faults on demand (故障注入): what the test bench can make this platform do wrong, once, n times or at a seeded rate.

=============== ==================================================== ========================================
fault           effect                                               parameters
=============== ==================================================== ========================================
down            the connection is cut, nothing is read
http_503        503 without Retry-After
http_500        500
retry_after     503 or 429 with Retry-After                          status 503, seconds 2, form "seconds"|"date"
auth            401 or 403                                           code "auth.signature"
refuse          any refusal                                          code "batch.malformed"
slow            the answer comes late, all else right                seconds 2
lose_reply      applied, then the connection is cut
cut_reply       applied, the reply ends in its middle                bytes 20
garbled         applied, the reply is 200 with an HTML page
processing      stored and answered 202; finished later              polls 2: so many 202 answers to GET
bad_receipt     the reply's receipt has one thing wrong              variant "signature" (see receipt.spoil)
poison          a batch with that record is refused whole            key, code "batch.malformed"
refuse_records  records are refused with an item code                code "region.unknown", count n, kind
crash_r1..r4    SIGKILL at that crash point                          turn 1: at the n-th pass
=============== ==================================================== ========================================

Of the faults that answer instead of the platform one strikes at a time, in the order of their ordering.
``times`` is the number of requests it strikes (null: until cleared), ``rate`` the share of requests, drawn from
``seed``; ``call`` restricts it to one call: batches, status, voids, streams, reconciliation, items, keys, indicators,
ping. A fault that works after the batch was taken strikes ``batches`` unless told otherwise.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.platform.crash import POINTS, CrashPoints
from sandbox.platform.record_rules import Record

ANY_CALL = frozenset({"down", "http_503", "http_500", "retry_after", "auth"})
ANSWERING = ANY_CALL | {"refuse"}
BATCH_CALL = frozenset(
    {"refuse", "slow", "lose_reply", "cut_reply", "garbled", "processing", "bad_receipt", "poison", "refuse_records"}
)
CALLS = frozenset({"batches", "status", "voids", "streams", "reconciliation", "items", "keys", "indicators", "ping"})
_PARAMETERS = frozenset({"status", "seconds", "form", "code", "bytes", "polls", "variant", "count", "kind", "key"})


class UnknownFaultError(ValueError):
    """The test bench asked for a fault that this platform does not know."""


@dataclass(slots=True)
class Fault:
    """One order. ``left`` None: until cleared."""

    name: str
    left: int | None
    rate: float
    call: str | None
    parameters: dict[str, Any]
    luck: random.Random = field(repr=False)

    def strikes(self, call: str) -> bool:
        """Uses up one of its times, if it strikes."""
        if self.left == 0 or self.call not in (None, call) or self.luck.random() >= self.rate:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """The orders in force, and the batches that they hold back. In memory: a restart clears them."""

    def __init__(self, crash: CrashPoints) -> None:
        self._crash = crash
        self._orders: list[Fault] = []
        self._struck: dict[str, Fault] = {}
        self._polls_left: dict[str, int] = {}

    def order(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Put one fault in force; UnknownFaultError if there is no such fault or parameter."""
        given = dict(wish)
        name = given.pop("fault", None)
        times, rate, seed = given.pop("times", 1), given.pop("rate", None), given.pop("seed", 0)
        if isinstance(name, str) and name.removeprefix("crash_") in POINTS and name.startswith("crash_"):
            turn = int(given.pop("turn", 1))
            self._crash.arm(name.removeprefix("crash_"), turn)
            return {"fault": name, "turn": turn}
        if name not in ANY_CALL | BATCH_CALL:
            raise UnknownFaultError(f"no such fault: {name}")
        call = given.pop("call", "batches" if name in BATCH_CALL else None)
        if call not in CALLS | {None} or not given.keys() <= _PARAMETERS:
            raise UnknownFaultError("no such call or parameter")
        left = None if rate is not None and "times" not in wish else times
        self._orders.append(Fault(name, left, 1.0 if rate is None else rate, call, given, random.Random(seed)))
        return {"fault": name, "times": left, "rate": rate, "seed": seed, "call": call, **given}

    def clear(self) -> None:
        """No faults any more; what was held back is finished when next asked for."""
        self._orders.clear()
        self._struck.clear()
        self._polls_left.clear()
        self._crash.disarm()

    def draw(self, call: str) -> dict[str, Fault]:
        """The faults that strike this request, by name: one that answers in the platform's stead, or all the others."""
        answering = [fault for fault in self._orders if fault.name in ANSWERING]
        instead = next((fault for fault in answering if fault.strikes(call)), None)
        self._struck = {}
        if instead is not None:
            self._struck[instead.name] = instead
        else:
            for fault in self._orders:
                if fault.name not in ANSWERING and fault.name not in self._struck and fault.strikes(call):
                    self._struck[fault.name] = fault
        self._orders = [fault for fault in self._orders if fault.left != 0]
        return self._struck

    def delay_processing(self, batch_id: str) -> None:
        """Called once a batch is stored."""
        fault = self._struck.get("processing")
        if fault is not None:
            self._polls_left[batch_id] = int(fault.parameters.get("polls", 2)) + 1

    def still_processing(self, batch_id: str) -> bool:
        """Whether the batch is held back for this question; each question brings its end nearer."""
        left = self._polls_left.get(batch_id, 0)
        if left == 0:
            self._polls_left.pop(batch_id, None)
            return False
        self._polls_left[batch_id] = left - 1
        return True

    def refuse_content(self, keys: Iterable[str]) -> str | None:
        """The code to refuse a batch of these records with as a whole, if ordered."""
        fault = self._struck.get("poison")
        if fault is None or fault.parameters.get("key") not in set(keys):
            return None
        return str(fault.parameters.get("code", "batch.malformed"))

    def refuse_record(self, record: Record) -> str | None:
        """The item code to refuse this record with, if ordered; ``count`` limits how many of a batch."""
        fault = self._struck.get("refuse_records")
        if fault is None or fault.parameters.get("kind") not in (None, record.kind):
            return None
        count = fault.parameters.get("count")
        if count is not None:
            if count <= 0:
                return None
            fault.parameters["count"] = count - 1
        return str(fault.parameters.get("code", "region.unknown"))
