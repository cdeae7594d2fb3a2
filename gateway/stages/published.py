"""What the platform publishes, brought here and put in force: two acts, the second one a person's.

Fetching changes nothing but the stored document. Applying takes the document that was fetched last, exactly as it was
shown, and asks nobody again; it is audited.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from gateway.crypto.digest import sm3_hex
from gateway.crypto.keys import Use
from gateway.crypto.pinned_keys import Validity
from gateway.errors import Rejected
from gateway.national import dictionary, key_list
from gateway.national.dictionary import IndicatorChange
from gateway.national.key_list import KeyChange
from gateway.national.platform import Platform
from gateway.stages.context import Context
from gateway.stages.delivery import open_delivery
from gateway.store import Transaction, audit, ledger, published
from gateway.store.published import INDICATORS, KEYS, Published
from schemas import code_lists

MOST = 64  # characters of an audited outcome
NATIONAL = "national"  # the target whose dictionary counts for normalising


@dataclass(frozen=True, slots=True)
class KeysReport:
    """The list fetched last, and what applying it does, or did."""

    digest: str
    fetched_at: datetime
    changes: list[KeyChange]


@dataclass(frozen=True, slots=True)
class IndicatorsReport:
    """The dictionary fetched last, and what applying it does, or did. ``valid_from``: none until it is applied."""

    version: str
    digest: str
    fetched_at: datetime
    valid_from: datetime | None
    changes: list[IndicatorChange]


def fetch_keys(context: Context, target_id: str) -> KeysReport:
    """Ask the platform for its keys and keep its list; nothing is believed yet. Raises what the call met."""

    def ask(client: Platform) -> tuple[str, str]:
        body = key_list.write_list(client.keys())
        key_list.read_list(body)
        return "", body

    document = _fetch(context, target_id, KEYS, ask)
    return _keys_report(context, document)


def apply_keys(context: Context, target_id: str, actor: str, reason: str, *, drop: bool = False) -> KeysReport:
    """Pin what the list fetched last has; with ``drop``, let go of what it has no more. Audited.

    The pinned files are written before the commit: killed between, the list still counts as not applied, and applying
    it again ends what was begun. Raises ``Rejected``: ``published.nothing_fetched``, ``act.reason_missing``.
    """
    _require(reason)
    with context.store.begin() as transaction:
        ledger.lock(transaction)
        document = _latest(transaction, target_id, KEYS)
        listed = key_list.read_list(document.body)
        report = _keys_report(context, document)
        for key in listed:
            context.keys.platform.pin(key.spki, key.use, Validity(key.not_before, key.not_after))
        for change in report.changes:
            if drop and change.change == "gone":
                context.keys.platform.withdraw(change.key_id, change.use)
        published.apply(transaction, document, context.clock(), context.clock())
        told = [f"{change.change} {change.key_id}.{change.use}" for change in report.changes if change.change != "same"]
        _note(transaction, context, actor, "target.keys.apply", document, reason, ", ".join(told))
    return report


def pin_key(context: Context, public: bytes, use: Use, actor: str, reason: str) -> Path:
    """Believe a public key of the platform that a person brought (PEM or DER): its file. Audited, like a list applied.

    ``reason`` may be empty: the first keys come with the setting up.
    """
    with context.store.begin() as transaction:
        path = context.keys.pin(public, use)
        key_id = path.name.split(".", 1)[0]
        audit.record(transaction, audit.Act(context.clock(), actor, "target.pin", key_id, reason, use))
    return path


def fetch_indicators(context: Context, target_id: str = NATIONAL) -> IndicatorsReport:
    """Ask the platform for its indicators and keep them; normalising goes on by those in force."""

    def ask(client: Platform) -> tuple[str, str]:
        found = client.indicators()
        return found.version, dictionary.write_dictionary(found)

    return _indicators_report(_fetch(context, target_id, INDICATORS, ask))


def apply_indicators(
    context: Context, actor: str, reason: str, valid_from: datetime | None = None, target_id: str = NATIONAL
) -> IndicatorsReport:
    """Put the dictionary fetched last in force, from ``valid_from`` (aware; now) on. Audited.

    Processes that open the gateway after that moment normalise by it. Raises ``Rejected``:
    ``published.nothing_fetched``, ``published.applied_already``, ``act.reason_missing``.
    """
    _require(reason)
    now = context.clock()
    with context.store.begin() as transaction:
        ledger.lock(transaction)
        document = _latest(transaction, target_id, INDICATORS)
        if document.applied_at is not None:
            raise Rejected("published.applied_already", version=document.version)
        report = _indicators_report(document)
        published.apply(transaction, document, now, valid_from or now)
        _note(transaction, context, actor, "target.indicators.apply", document, reason, f"version {document.version}")
    return replace(report, valid_from=valid_from or now)


def indicator_versions(context: Context, target_id: str = NATIONAL) -> list[Published]:
    """Every dictionary that was fetched, newest first."""
    with context.store.read() as transaction:
        return published.history(transaction, target_id, INDICATORS)


def _fetch(context: Context, target_id: str, kind: str, ask: Callable[[Platform], tuple[str, str]]) -> Published:
    with open_delivery(context, target_id) as delivery:
        version, body = ask(delivery.client)
    digest = sm3_hex(body.encode())
    with context.store.begin() as transaction:
        ledger.lock(transaction)
        return published.keep(transaction, target_id, kind, (version or digest)[:64], digest, body, context.clock())


def _latest(transaction: Transaction, target_id: str, kind: str) -> Published:
    document = published.latest(transaction, target_id, kind)
    if document is None:
        raise Rejected("published.nothing_fetched", target=target_id)
    return document


def _keys_report(context: Context, document: Published) -> KeysReport:
    listed = key_list.read_list(document.body)
    changes = key_list.changes(listed, context.keys.platform.entries())
    return KeysReport(document.digest, document.fetched_at, changes)


def _indicators_report(document: Published) -> IndicatorsReport:
    found = dictionary.changes(dictionary.read_dictionary(document.body), code_lists.indicators())
    return IndicatorsReport(document.version, document.digest, document.fetched_at, document.valid_from, found)


def _require(reason: str) -> None:
    if not reason.strip():
        raise Rejected("act.reason_missing")


def _note(
    transaction: Transaction, context: Context, actor: str, act: str, document: Published, reason: str, did: str
) -> None:
    outcome = did if len(did) <= MOST else did[: MOST - 1] + "…"
    audit.record(transaction, audit.Act(context.clock(), actor, act, document.digest, reason, outcome))
