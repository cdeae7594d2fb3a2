"""Our own key pairs (签名、加密密钥): made, put into use, handed out for registration, looked after. Acts are audited.

An act is noted before it begins and when it is done, since files and an HSM know no transaction: whatever is killed
leaves a trace.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.crypto.data_keys import CELLS, DESTROYED, unwrap
from gateway.crypto.digest import sm3_hex
from gateway.crypto.key_store import ACTIVE, PENDING, RETIRING, SIGNATURE, KeyEntry
from gateway.crypto.keys import KeyFolder
from gateway.crypto.signers import load_verifier, spki_bytes
from gateway.crypto.wrappers import load_wrapper
from gateway.errors import GatewayError, Misconfigured, Rejected
from gateway.settings import Settings
from gateway.stages.context import Context
from gateway.store import audit, keys, utc_aware

BEGUN, DONE = "begun", "done"


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """One thing that was looked at; ``error`` is none when it holds."""

    what: str
    key_id: str
    error: GatewayError | None = None


@dataclass(frozen=True, slots=True)
class KeyWarning:
    """A key that wants an act. ``code``: key_pending, key_expires, key_expired or data_key_old."""

    code: str
    what: str
    key_id: str
    until: datetime
    days: int


@dataclass(frozen=True, slots=True)
class PublicHalf:
    """What a partner registers. ``fingerprint``: SM3 over the SubjectPublicKeyInfo, hex."""

    key_id: str
    algorithm: str
    state: str
    pem: str
    fingerprint: str


def make_key(context: Context, algorithm: str, days: int, actor: str, reason: str) -> KeyEntry:
    """A new pending key pair, valid for ``days``: it signs nothing until it is activated. Audited."""
    now = context.clock()
    return _acted(
        *(context, actor, "keys.new", algorithm, reason),
        lambda: context.keys.own.make(algorithm, now, now + timedelta(days=days)),
    )


def activate_key(context: Context, key_id: str, actor: str, reason: str) -> KeyEntry:
    """The pending key is used from now on, the former one of its algorithm only still checked with. Audited.

    Raises ``Rejected``: ``keys.unknown``, ``keys.not_pending`` (it was retired before).
    """
    return _acted(
        *(context, actor, "keys.activate", key_id, reason), lambda: context.keys.own.activate(key_id, context.clock())
    )


def pending_key(context: Context, algorithm: str, key_id: str = "") -> str:
    """The id of the pending key of ``algorithm``: of the only one, or of the one named.

    ``Rejected('keys.none_pending')`` if it can't be told which.
    """
    pending = [key.key_id for key in context.keys.own.entries() if (key.algorithm, key.state) == (algorithm, PENDING)]
    meant = [found for found in pending if key_id in ("", found)]
    if len(meant) != 1:
        raise Rejected("keys.none_pending", algorithm=algorithm, found=", ".join(pending) or "-")
    return meant[0]


def public_halves(folder: KeyFolder, key_id: str | None = None) -> list[PublicHalf]:
    """Our public keys, to be registered; ``Rejected('keys.unknown')`` if there is none of that id."""
    found = []
    for entry in folder.own.entries():
        if entry.state in (PENDING, ACTIVE, RETIRING) and entry.what != "kek" and key_id in (None, entry.key_id):
            pem = folder.own.public(entry.key_id)
            fingerprint = sm3_hex(spki_bytes(pem))
            found.append(PublicHalf(entry.key_id, entry.algorithm, entry.state, pem.decode(), fingerprint))
    if key_id is not None and not found:
        raise Rejected("keys.unknown", key_id=key_id)
    return found


def check_keys(context: Context) -> list[KeyCheck]:
    """Use every key once: sign and verify, wrap and unwrap, open every data key, read every pinned one."""
    folder = context.keys
    checks = [_tried("store", "", folder.own.health)]
    for entry in folder.own.entries():
        if entry.what == "kek":
            continue
        checks.append(_tried(entry.what, entry.key_id, lambda entry=entry: _use(folder, entry)))  # type: ignore[misc]
    with context.store.read() as transaction:
        rows = [row for row in keys.stored_keys(transaction) if row.state != DESTROYED]
    for row in rows:
        checks.append(_tried("data", row.key_id, lambda row=row: unwrap(folder.kek_for(row.kek_id), row)))  # type: ignore[misc]
    checks.append(_tried("platform", "", folder.platform.entries))
    return checks


def key_warnings(context: Context) -> list[KeyWarning]:
    """Keys that end within ``GW_KEY_WARN_DAYS`` or have ended, that wait to be used, or that have sealed for long."""
    now, settings = context.clock(), context.settings
    found = folder_warnings(context.keys, settings, now)
    with context.store.read() as transaction:
        rows = keys.stored_keys(transaction)
    for row in rows:
        due = utc_aware(row.not_before) + timedelta(days=settings.data_key_days)
        if row.purpose == CELLS and row.state == ACTIVE and due <= now:
            found.append(KeyWarning("data_key_old", "data", row.key_id, due, (now - due).days))
    return found


def folder_warnings(folder: KeyFolder, settings: Settings, now: datetime) -> list[KeyWarning]:
    """As :func:`key_warnings`, for what needs no database."""
    found = []
    for entry in folder.list():
        if entry.state == PENDING and entry.not_before is not None:
            found.append(KeyWarning("key_pending", entry.what, entry.key_id, entry.not_before, 0))
        elif entry.state == ACTIVE and entry.not_after is not None:
            days = (entry.not_after - now).days
            if entry.not_after <= now:
                found.append(KeyWarning("key_expired", entry.what, entry.key_id, entry.not_after, -days))
            elif days < settings.key_warn_days:
                found.append(KeyWarning("key_expires", entry.what, entry.key_id, entry.not_after, days))
    return found


def _use(folder: KeyFolder, entry: KeyEntry) -> None:
    """Its public half must undo what its secret half does."""
    message, public = secrets.token_bytes(16), folder.own.public(entry.key_id)
    if entry.what == SIGNATURE:
        if entry.state != ACTIVE:
            load_verifier(public)
            return
        good = load_verifier(public).verify(message, folder.signer_for(entry.algorithm).sign(message))
    elif entry.state == PENDING:
        load_wrapper(public)
        return
    else:
        good = folder.own.unwrapper(entry.key_id).unwrap(load_wrapper(public).wrap(message)) == message
    if not good:
        raise Misconfigured("keys.pair_unfit", key_id=entry.key_id)


def _tried(what: str, key_id: str, act: Callable[[], object]) -> KeyCheck:
    try:
        act()
    except GatewayError as wrong:
        return KeyCheck(what, key_id, wrong)
    return KeyCheck(what, key_id)


def _acted(context: Context, actor: str, act: str, object_id: str, reason: str, do: Callable[[], KeyEntry]) -> KeyEntry:
    if not reason.strip():
        raise Rejected("act.reason_missing")
    _note(context, actor, act, object_id, reason, BEGUN)
    entry = do()
    _note(context, actor, act, entry.key_id, reason, DONE)
    return entry


def _note(context: Context, actor: str, act: str, object_id: str, reason: str, outcome: str) -> None:
    with context.store.begin() as transaction:
        audit.record(transaction, audit.Act(context.clock(), actor, act, object_id, reason, outcome))
