"""Crash points (崩溃点): named instructions at which this process can be told to send itself SIGKILL.

``GATEWAY_CRASH_AT=name[:n]`` arms one of them for the n-th pass: no exception, no cleanup, as if the power had gone.
Without it :func:`reach` compares one name with nothing. A point that stands inside a transaction dies with all that
the transaction had written; one behind it with nothing to lose. ``s1`` to ``s4`` are the sender's points and bear the
names that they have between platforms; ``r1`` to ``r4`` belong to the receiver and mean nothing here.
"""

from __future__ import annotations

import os
import signal
from typing import Final

SETTING: Final = "GATEWAY_CRASH_AT"
POINTS: Final = {
    "pull.begun": "the pull is noted, nothing has been fetched",
    "pull.cursor": "the cursor has moved, its page is not stored; both uncommitted",
    "pull.landed": "page and cursor are committed, the source has not been told",
    "backfill.laid": "the windows of a backfill are laid, nothing has been fetched",
    "backfill.finished": "a window of a backfill is closed, the next one is not begun",
    "pull.ended": "all pages are landed, the success is not noted",
    "normalise.mapped": "pages are mapped, nothing is written",
    "settle.stored": "ledger rows are written, their work orders and their page are not; uncommitted",
    "normalise.settling": "ledger, quarantine, orders and pages are written, uncommitted",
    "normalise.settled": "pages are committed as normalised",
    "dispatch.started": "the start of the call is committed, the call has not been made",
    "dispatch.called": "12345 has answered, the answer is not recorded",
    "dispatch.asked": "12345 has said what became of an earlier call, that is not recorded",
    "dispatch.settled": "the order's number is committed",
    "order.moved": "an order's state is written, its event is not; uncommitted",
    "seal.numbered": "a number for a batch is taken, nothing is sealed",
    "seal.marked": "the watermark has moved, the batch is not stored; uncommitted",
    "seal.stored": "the batch is stored with its bytes, uncommitted",
    "seal.sealed": "the batch is committed, nothing has been sent",
    "batch.moved": "a batch's state is written, its event is not; uncommitted",
    "s1": "before a batch is claimed",
    "s2": "claimed, nothing sent",
    "send.leaving": "it is committed that the first byte is about to leave, none has left",
    "s3": "the platform's reply is read, not recorded",
    "receipt.stored": "the receipt is stored, the batch's state is not; uncommitted",
    "s4": "the reply is recorded",
    "sweep.swept": "batches of lapsed leases are taken over, uncommitted",
    "status.asked": "the platform has said what became of a batch, that is not recorded",
    "track.moved": "an order is moved as 12345 says, what follows from it is not written; uncommitted",
    "track.taken": "a page of 12345's changes is committed",
    "reconcile.stored": "one kind's comparison and its differences are written, uncommitted",
    "reconcile.compared": "a day is compared and the comparison stored, its batches are not judged",
    "reconcile.repaired": "differences of a kind are explained, uncommitted",
    "reconcile.signed": "a name is put to a day's result, its batches are not moved; uncommitted",
    "resend.leaving": "it is committed that a lost batch is about to be sent again, no byte has left",
    "resend.answered": "the platform has taken a lost batch again, that is not recorded",
    "recover.cancelled": "batches that took a number anew are cancelled, uncommitted",
    "recover.passed": "our sequence has passed the platform's end, the void notices are owed and not sent",
    "reconcile.judged": "the day's batches are judged and committed",
    "evidence.written": "a day's content is in the archive, its seal is not",
    "evidence.sealed": "a day's seal is in the archive, the books don't know",
    "evidence.noted": "a sealed day is written into the books, uncommitted",
    "person.indexed": "blind indexes of some rows are written, uncommitted",
    "purge.gone": "a batch's bytes are deleted and its state moved, uncommitted",
    "purge.purged": "a batch's bytes are gone, the next one's are not",
}

_name: str | None = None
_passes_left = 0


def arm(where: str) -> None:
    """``name[:n]``; the empty text and names that are not ours disarm."""
    global _name, _passes_left
    name, _, turn = where.partition(":")
    _name, _passes_left = (name if name in POINTS else None), int(turn or 1)


def reach(name: str) -> None:
    """The process passes ``name``; it goes no further if it was told so."""
    if name == _name:
        _pass()


def _pass() -> None:
    global _passes_left  # noqa: PLW0603
    _passes_left -= 1
    if _passes_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get(SETTING, ""))
