"""Why a stage came to its end though nothing went on (停下): the other side can't be used now, or a person must act."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.messages import Lang, retell, text


@dataclass(frozen=True, slots=True)
class Standstill:
    """``for_a_person``: time does not heal it. ``act`` names the sentence of what to do once the cause is gone."""

    code: str
    subject: str
    for_a_person: bool
    act: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def sentence(self, lang: Lang) -> str:
        """What happened."""
        return retell(self.code, None, lang, target=self.subject, host=self.subject, **self.detail)

    def remedy(self, lang: Lang) -> str:
        """What to do, where the sentence doesn't say it all."""
        return "" if self.act is None else text(self.act, lang, target=self.subject, cause=self.code)


def standstill(report: Any, subject: str) -> Standstill | None:
    """What a stage's ``report`` on ``subject`` (a target) says of that; none when the stage went on to its end."""
    if code := getattr(report, "stopped", None):
        said = report.stopped_detail
        detail = said if isinstance(said, dict) else {"status": said, "reason": said} if said else {}
        person = report.for_a_person
        return Standstill(code, subject, person, "standstill.dispatch" if person else None, detail)
    if code := getattr(report, "suspended_code", None):
        return Standstill(code, subject, True, "wait.target_suspended")
    if getattr(report, "breaker_open", False):
        return Standstill("push.breaker_open", subject, False)
    return None
