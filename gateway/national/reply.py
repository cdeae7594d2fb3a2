"""What the platform's answer to a batch means (platform interface, section 4; delivery.md section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from gateway.domain.failure import FailureClass, refusal_class
from gateway.errors import GatewayError, Misconfigured
from gateway.messages import keep
from gateway.net.answer import Answer, retry_after
from gateway.net.http import NotSent

LONGEST_MESSAGE = 300
SEEN_BEFORE = "auth.nonce"  # some proxy has repeated the call, whose first copy may have arrived
Meaning = Literal["receipt", "processing", "unknown", "failed"]
Absence = Literal["proven", "after_wait", "unprovable"]


class Refusal(msgspec.Struct):
    """The body of a refusal."""

    code: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A send or a query that brought no result. ``code`` is the platform's, or one of ours with its parameters.

    ``partly``: some of the batch arrived or may have, whatever became of the rest.
    """

    kind: FailureClass
    code: str
    detail: str = ""
    http_status: int | None = None
    retry_after: float | None = None
    partly: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. ``receipt`` holds the raw bytes of what claims to be a receipt: it is not verified here.

    ``absence``: how far ``unknown`` proves that nothing of the batch arrived; a late attempt may still be on its way.
    """

    meaning: Meaning
    http_status: int | None = None
    receipt: bytes = b""
    failure: Failure | None = None
    absence: Absence = "after_wait"


def read_answer(answer: Answer, *, expires_ahead: bool, asked: bool = False) -> Reply:
    """The meaning of ``answer``. ``asked``: it answers a status query, where 404 says that no receipt is known."""
    if answer.status == 200:
        return Reply("receipt", 200, receipt=answer.body)
    if answer.status == 202:
        return Reply("processing", 202)
    if answer.status == 404 and asked:
        return Reply("unknown", 404)
    return Reply("failed", answer.status, failure=_failure(answer, expires_ahead))


def read_error(error: GatewayError) -> Reply:
    """The meaning of a call that brought no answer at all."""
    if isinstance(error, Misconfigured):
        kind = FailureClass.CREDENTIAL  # allow-list, trust, address: a person must change something
    else:
        kind = FailureClass.NOT_SENT if isinstance(error, NotSent) else FailureClass.UNKNOWN
    return Reply("failed", failure=Failure(kind, error.code, keep(error)))


def _failure(answer: Answer, expires_ahead: bool) -> Failure:
    status, refusal = answer.status, read_refusal(answer.body)
    wait = retry_after(answer.headers.get("retry-after"))
    kind = refusal_class(refusal.code, expires_ahead=expires_ahead) if refusal and 400 <= status < 500 else None
    if kind is None:
        kind = _by_status(status, wait, spoken=refusal is not None)
    code = refusal.code[:64] if refusal else f"http.{status}"
    told = refusal.message[:LONGEST_MESSAGE] if refusal else ""
    return Failure(kind, code, told, status, wait, partly=code == SEEN_BEFORE)


def _by_status(status: int, wait: float | None, *, spoken: bool) -> FailureClass:
    if status == 429 or (status == 503 and wait is not None):
        return FailureClass.THROTTLED
    if status in (408, 502, 504):
        return FailureClass.UNKNOWN
    if status >= 500:
        return FailureClass.SERVER
    if status in (401, 403) or not spoken:
        return FailureClass.CREDENTIAL  # a wrong address or a stranger's answer: nothing was judged
    return FailureClass.CONFLICT  # the platform speaks, in a word that we don't know: a person reads it


def read_refusal(body: bytes) -> Refusal | None:
    """The refusal in ``body``; none when it is something else."""
    try:
        refusal = msgspec.json.decode(body, type=Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return refusal if refusal.code else None
