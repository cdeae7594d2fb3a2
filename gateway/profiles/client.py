"""A batch towards a receiver that knows only records: one call each, in order, every step in the book.

Nothing is lost or sent twice by rule, not by luck: a record whose call brought no answer is *in doubt*, and the profile
says whether the same bytes may go again (the receiver recognises a repeat) or a person must look first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType

from gateway.crypto.canonical import canonical_json
from gateway.crypto.digest import sm3_hex
from gateway.domain.failure import FailureClass
from gateway.errors import Bug, GatewayError, Misconfigured, Rejected
from gateway.messages import keep
from gateway.national.platform import NoSuchCalls
from gateway.national.reply import Failure, Reply
from gateway.net.http import HttpClient, NotSent
from gateway.profiles.answers import write_answers
from gateway.profiles.book import Book, Calls, Item, Request
from gateway.profiles.codec import Codec
from gateway.profiles.fields import Sender
from gateway.profiles.profile import Profile
from gateway.profiles.verdict import Said, Verdict

STALE = "batch.stale"
IN_DOUBT = "profile.outcome_unknown"
PARENT_MISSING = "parent.missing"
HELD = Failure(FailureClass.HELD, "profile.parent_awaited", partly=True)


class ProfileClient(NoSuchCalls):
    """One receiver; ``sender`` gives what fields may take beside the record."""

    def __init__(self, profile: Profile, codec: Codec, http: HttpClient, book: Book, sender: Sender) -> None:
        super().__init__(profile.profile)
        self._profile, self._codec, self._http, self._book, self._sender = profile, codec, http, book, sender

    def __enter__(self) -> ProfileClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def send_batch(self, batch_id: str, body: bytes, body_digest: str, *, expires: datetime, token: int) -> Reply:
        """One call for every record that is not done. A ``receipt`` reply holds our own account of the answers.

        Raises ``Transient('batch.stale')`` when the lease has passed to another worker.
        """
        calls = self._book.open(batch_id, token)
        if self._waits_for_a_person(calls.items()):
            return self._in_doubt()
        for index, _ in enumerate(calls.items()):
            items = calls.items()
            item = items[index]
            if item.state == "done" or self._waits_for_its_parent(calls, item, items):
                continue
            stopped = self._send(calls, item)
            if stopped is not None:
                return Reply("failed", stopped.http_status, failure=stopped)
        return self._result(batch_id, calls.items()) or Reply("failed", failure=HELD)

    def batch_status(self, batch_id: str) -> Reply:
        """What the book says: nothing is asked, since the receiver can't be. ``unknown`` lets the batch go on."""
        items = self._book.open(batch_id, None).items()
        if self._waits_for_a_person(items):
            return self._in_doubt()
        return self._result(batch_id, items) or Reply("unknown", absence="unprovable")

    def ping(self) -> None:
        """Address and token, as far as the interface lets them be tried without sending a record."""
        self._codec.ready()
        if self._profile.ping:
            self._http.get(self._profile.ping, headers=self._codec.headers, json=False)
        elif self._profile.token is None:
            super().ping()

    def _waits_for_a_person(self, items: Sequence[Item]) -> bool:
        return self._profile.after_unknown == "hold" and any(item.state == "begun" for item in items)

    def _in_doubt(self) -> Reply:
        return Reply("failed", failure=Failure(FailureClass.UNDECIDED, IN_DOUBT, partly=True))

    def _result(self, batch_id: str, items: Sequence[Item]) -> Reply | None:
        if any(item.state != "done" for item in items):
            return None
        return Reply("receipt", 200, receipt=write_answers(self._profile.profile, batch_id, items))

    def _waits_for_its_parent(self, calls: Calls, item: Item, items: Sequence[Item]) -> bool:
        """Whether its parent goes along in this batch and has not arrived; refused there, the child is let go too."""
        parent = next((each for each in items if each.key == item.parent_key and each.index < item.index), None)
        if parent is None or parent.delivered:
            return False
        if parent.state == "done":
            calls.note(item, Verdict("refused", PARENT_MISSING), b"")
        return True

    def _send(self, calls: Calls, item: Item) -> Failure | None:
        """One record; none when the next may go, else why this attempt ends."""
        partly = any(each.state in ("begun", "done") and each.tries for each in calls.items())
        try:
            request = calls.request(item) or self._written(calls, item)
        except Rejected as unfit:
            calls.note(item, Verdict("refused", unfit.code, str(unfit.params.get("field", ""))), b"")
            return None
        except Misconfigured as unready:  # the receiver's key, which content is ciphered for
            return _failure(unready, not_sent=True, partly=partly)
        try:
            self._codec.ready()
        except GatewayError as failed:
            return _failure(failed, not_sent=True, partly=partly)
        calls.begin(item, request)
        try:
            said = self._codec.call(item.kind, request.body)
        except (NotSent, Misconfigured) as failed:
            calls.not_sent(item)
            return _failure(failed, not_sent=True, partly=partly)
        except Bug:
            raise
        except GatewayError as failed:
            return self._lost(_failure(failed, not_sent=False, partly=True))
        return self._settle(calls, item, said, request, partly)

    def _written(self, calls: Calls, item: Item) -> Request:
        fields = self._profile.calls[item.kind].render(calls.data(item), self._sender)
        return Request(self._codec.write(item.kind, fields), sm3_hex(canonical_json(fields)))

    def _settle(self, calls: Calls, item: Item, said: Said, request: Request, partly: bool) -> Failure | None:
        turned_away = _turned_away(said, partly)
        if turned_away is not None:
            calls.not_sent(item)
            return turned_away
        verdict = self._profile.answers.judge(
            said, request.content_digest, version=item.version, tried_before=item.state == "begun"
        )
        if verdict.outcome == "credential":
            calls.not_sent(item)
            return Failure(FailureClass.CREDENTIAL, verdict.code or "", http_status=said.status, partly=partly)
        calls.note(item, verdict, said.raw)
        if verdict.outcome == "unknown":
            code = verdict.code or ""
            return self._lost(Failure(FailureClass.UNKNOWN, code, http_status=said.status, partly=True))
        return None

    def _lost(self, failure: Failure) -> Failure:
        """Nobody knows: where a repeat would count twice, the batch stops for a person."""
        if self._profile.after_unknown == "hold":
            return Failure(FailureClass.UNDECIDED, IN_DOUBT, http_status=failure.http_status, partly=True)
        return failure


def _turned_away(said: Said, partly: bool) -> Failure | None:
    """What a status says before anything was judged: 429 asks for patience, 4xx, 3xx blame address or token."""
    status = said.status
    if status == 429:
        return Failure(FailureClass.THROTTLED, "http.429", http_status=status, partly=partly)
    if 300 <= status < 500 and status != 408:
        return Failure(FailureClass.CREDENTIAL, f"http.{status}", http_status=status, partly=partly)
    return None


def _failure(failed: GatewayError, *, not_sent: bool, partly: bool) -> Failure:
    if isinstance(failed, Misconfigured):
        kind = FailureClass.CREDENTIAL
    else:
        kind = FailureClass.NOT_SENT if not_sent else FailureClass.UNKNOWN
    return Failure(kind, failed.code, keep(failed), partly=partly)
