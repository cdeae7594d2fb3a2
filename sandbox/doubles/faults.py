"""Faults on demand (故障注入): what breaks, how often, and for which requests."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from random import Random
from typing import Any

HTTP_KINDS = ("down", "401", "502", "503", "slow", "cut", "garbage", "lose_reply")
SFTP_KINDS = ("down", "401", "slow", "cut", "garbage")


class InvalidFault(ValueError):
    """The request for a fault makes no sense; its text says why."""


@dataclass(slots=True)
class Fault:
    """``times``: fires that often, then never (None: always); ``rate``: share of matching requests that it hits.

    ``match``: a substring of ``METHOD path?query``, of a SOAP operation's name or, for SFTP, of ``operation name``.
    ``seconds``: how long ``slow`` waits, and what ``503`` says in Retry-After.
    """

    kind: str
    times: int | None = None
    rate: float = 1.0
    match: str = ""
    seconds: float = 1.0
    hits: int = 0


class FaultDesk:
    """Holds the ordered faults. The first that matches and fires, wins. Rates are drawn repeatably from ``seed``."""

    def __init__(self, kinds: tuple[str, ...], seed: int = 0) -> None:
        self.kinds = kinds
        self._random = Random(seed)
        self._faults: list[Fault] = []

    def order(self, wanted: Any) -> Fault:
        """Add a fault described by JSON; raises :class:`InvalidFault`."""
        if not isinstance(wanted, dict) or not set(wanted) <= {"kind", "times", "rate", "match", "seconds"}:
            raise InvalidFault("expected an object with kind and, if need be, times, rate, match, seconds")
        if wanted.get("kind") not in self.kinds:
            raise InvalidFault(f"kind must be one of {', '.join(self.kinds)}")
        try:
            fault = Fault(
                kind=wanted["kind"],
                times=None if wanted.get("times") is None else int(wanted["times"]),
                rate=float(wanted.get("rate", 1)),
                match=str(wanted.get("match", "")),
                seconds=float(wanted.get("seconds", 1)),
            )
        except (TypeError, ValueError) as invalid:
            raise InvalidFault("times, rate and seconds are numbers") from invalid
        if not 0 <= fault.rate <= 1 or fault.seconds < 0 or (fault.times is not None and fault.times < 1):
            raise InvalidFault("rate is 0..1, seconds at least 0, times at least 1")
        self._faults.append(fault)
        return fault

    def strike(self, subject: str) -> Fault | None:
        """The fault that hits ``subject``, counted as used, or None."""
        for fault in self._faults:
            spent = fault.times is not None and fault.hits >= fault.times
            if spent or fault.match not in subject:
                continue
            if fault.rate >= 1 or self._random.random() < fault.rate:
                fault.hits += 1
                return fault
        return None

    def clear(self) -> None:
        self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults]
