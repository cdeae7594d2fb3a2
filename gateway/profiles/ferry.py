"""``ferry`` (网闸摆渡): native batches and receipts as files, for networks behind a one-way gate.

Out lie ``<batchId>.hcpb`` and ``<batchId>.void.json``; in come ``<batchId>.receipt.json`` (a receipt, verified like
any) or ``<batchId>.refusal.json`` (``{"code", "message"}``). Sending means lying there, flagged: what the carrier takes
is on its way, and only a receipt says that it arrived. A batch that brought nothing within ``resend_hours`` is laid out
again, the same bytes: the platform answers a repeat with the same receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

from gateway.crypto.canonical import parse_canonical
from gateway.domain.failure import FailureClass, refusal_class
from gateway.errors import Bug, GatewayError, Misconfigured
from gateway.messages import keep
from gateway.national.platform import NoSuchCalls
from gateway.national.reply import LONGEST_MESSAGE, Failure, Reply, read_refusal
from gateway.profiles import drop_box
from gateway.settings import Connection

BATCH, VOID, RECEIPT, REFUSAL = ".hcpb", ".void.json", ".receipt.json", ".refusal.json"
VOIDED = b'{"status":"void"}'  # what a platform would answer
ATTIC = "done"
LAID_OUT = ".laid-out"  # below out: when each batch was last laid there
RESEND_HOURS = 24.0


class FerryClient(NoSuchCalls):
    """The folders ``extra.out`` and ``extra.in`` of the connection. ``clock`` gives aware UTC.

    Raises ``Misconfigured``: ``profile.setting_missing``, ``ferry.folder_unusable``.
    """

    def __init__(self, connection: Connection, connection_id: str, clock: Callable[[], datetime]) -> None:
        super().__init__("ferry")
        self._connection, self._id, self._clock = connection, connection_id, clock
        self._out, self._in = self._folder("out"), self._folder("in")
        hours = connection.extra.get("resend_hours", RESEND_HOURS)
        if not isinstance(hours, int | float) or hours <= 0:
            raise Misconfigured("profile.setting_missing", connection=connection_id, name="extra.resend_hours")
        self._resend = timedelta(hours=hours)

    def __enter__(self) -> FerryClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def send_batch(self, batch_id: str, body: bytes, body_digest: str, *, expires: datetime, token: int) -> Reply:
        """Lay the batch out; ``processing``, until a receipt comes. A refusal that has come is told, once."""
        try:
            refused = self._refusal(batch_id, expires)
            if refused is not None:
                return refused
            drop_box.drop(self._out, batch_id + BATCH, body)
            self._note_laid_out(batch_id)
        except GatewayError as failed:
            return _failed(failed, FailureClass.NOT_SENT)
        return Reply("processing")

    def batch_status(self, batch_id: str) -> Reply:
        """A receipt, if it has come. ``unknown`` lets the batch be laid out again: it was refused, or it is overdue."""
        try:
            receipt = drop_box.arrived(self._in, batch_id + RECEIPT)
            if receipt is not None:
                return Reply("receipt", 200, receipt=receipt)
            if drop_box.arrived(self._in, batch_id + REFUSAL) is not None:
                return Reply("unknown", absence="proven")
        except GatewayError as failed:
            return _failed(failed, FailureClass.UNKNOWN)
        if drop_box.lies_in(self._out, batch_id + BATCH) or self._clock() < self._laid_out(batch_id) + self._resend:
            return Reply("processing")
        return Reply("unknown", absence="unprovable")

    def void(self, notice: bytes) -> Reply:
        """Lay a void notice out. No answer to it is defined for files: it counts as answered once it lies there."""
        try:
            drop_box.drop(self._out, _batch_of(notice) + VOID, notice)
        except GatewayError as failed:
            return _failed(failed, FailureClass.NOT_SENT)
        return Reply("receipt", receipt=VOIDED)

    def ping(self) -> None:
        """The folders are there and may be written to; whether a carrier comes can't be asked."""
        self._folder("out"), self._folder("in")

    def answered(self) -> list[str]:
        """Ids of the batches whose receipt lies in the folder."""
        return sorted(
            path.name.removesuffix(RECEIPT + drop_box.FLAG) for path in self._in.glob(f"*{RECEIPT}{drop_box.FLAG}")
        )

    def put_away(self, batch_ids: Iterable[str]) -> None:
        """The receipts of batches that are settled leave the way; what of them still lies out is not carried again."""
        for batch_id in batch_ids:
            drop_box.put_away(self._out, batch_id + BATCH, self._out / ATTIC)
            drop_box.put_away(self._in, batch_id + RECEIPT, self._in / ATTIC)
            (self._out / LAID_OUT / batch_id).unlink(missing_ok=True)

    def _refusal(self, batch_id: str, expires: datetime) -> Reply | None:
        """A refusal that has come, put away: whoever mends its cause sends the batch again and it is judged anew."""
        raw = drop_box.arrived(self._in, batch_id + REFUSAL)
        if raw is None:
            return None
        drop_box.put_away(self._in, batch_id + REFUSAL, self._in / ATTIC)
        drop_box.put_away(self._out, batch_id + BATCH, self._out / ATTIC)
        refusal = read_refusal(raw)
        if refusal is None:
            return Reply("failed", failure=Failure(FailureClass.CONFLICT, "ferry.refusal_unreadable"))
        kind = refusal_class(refusal.code, expires_ahead=self._clock() < expires) or FailureClass.CONFLICT
        return Reply("failed", failure=Failure(kind, refusal.code[:64], refusal.message[:LONGEST_MESSAGE]))

    def _note_laid_out(self, batch_id: str) -> None:
        folder = self._out / LAID_OUT
        folder.mkdir(exist_ok=True)
        (folder / batch_id).write_text(self._clock().isoformat(), encoding="ascii")

    def _laid_out(self, batch_id: str) -> datetime:
        try:
            return datetime.fromisoformat((self._out / LAID_OUT / batch_id).read_text(encoding="ascii"))
        except (OSError, ValueError):  # killed between the two: it lies there since now
            self._note_laid_out(batch_id)
            return self._clock()

    def _folder(self, name: str) -> Path:
        given = self._connection.extra.get(name)
        if not isinstance(given, str) or not given:
            raise Misconfigured("profile.setting_missing", connection=self._id, name=f"extra.{name}")
        return drop_box.usable(Path(given), self._id, name)


def _failed(error: GatewayError, kind: FailureClass) -> Reply:
    if isinstance(error, Misconfigured):
        kind = FailureClass.CREDENTIAL
    return Reply("failed", failure=Failure(kind, error.code, keep(error)))


def _batch_of(notice: bytes) -> str:
    """The batch that a void notice of ours names."""
    named = parse_canonical(notice)["batchId"]
    if not isinstance(named, str):
        raise Bug("batch.request_malformed", field="batchId")
    return named
