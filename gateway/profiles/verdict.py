"""What a receiver's answer to one record means, by predicates that are data (interfaces, sections 3, 4 and 8).

HTTP 200 alone is never success. What stands for failure is looked for first: some platforms answer "success" for the
transport and say in the body what really became of the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from gateway.crypto.canonical import canonical_json
from gateway.crypto.digest import sm3_hex

LONGEST_WORDS = 300
REFUSED = "profile.refused"
CONFLICT = "profile.conflict"
DUPLICATE = "duplicate"
Outcome = Literal["delivered", "refused", "hold", "unknown", "credential"]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as a codec read it: its values by name, and all of its text. ``raw`` is kept as evidence."""

    status: int
    raw: bytes
    fields: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """``code``: none when plainly accepted, ``duplicate`` when held already, else why not. ``words`` are theirs."""

    outcome: Outcome
    code: str | None = None
    words: str = ""
    references: Mapping[str, str] = field(default_factory=dict)

    @property
    def final(self) -> bool:
        """Nothing more is sent for this record."""
        return self.outcome in ("delivered", "refused")


class Predicate(BaseModel):
    """Holds if one of ``fields`` holds as a whole (name → values it may have), or one of ``texts`` is contained."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: list[dict[str, list[str]]] = Field(default_factory=list)
    texts: list[str] = Field(default_factory=list)

    def holds(self, said: Said) -> bool:
        by_fields = any(
            all(said.fields.get(name) in values for name, values in alternative.items()) for alternative in self.fields
        )
        return by_fields or any(text in said.text for text in self.texts)


NEVER = Predicate()


class Predicates(BaseModel):
    """A profile's answers. ``otherwise``: what a readable answer means that none of them knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    success: Predicate
    duplicate: Predicate = NEVER
    hold: Predicate = Field(NEVER, description="its parent is not there yet")
    already: Predicate = Field(NEVER, description="something is there for it: compare, then delivered or conflict")
    refused: Predicate = NEVER
    credential: Predicate = Field(NEVER, description="address, mark or token: a person must act, nothing was judged")
    otherwise: Literal["refused", "unknown"] = "unknown"
    message: list[str] = Field(default_factory=list, description="where their words stand; the first that has some")
    references: list[str] = Field(default_factory=list, description="identifiers that they give and we keep")
    content: str = Field("", description="where they return what they hold, as JSON; its digest is compared")

    def judge(self, said: Said, content_digest: str, *, version: int, tried_before: bool) -> Verdict:
        """The meaning of ``said``.

        ``tried_before``: an earlier attempt with the same bytes may have arrived, so that "already there" speaks of it.
        """
        if said.status >= 500 or said.status == 408 or not said.readable:
            return Verdict("unknown", "profile.answer_unreadable" if said.status < 500 else f"http.{said.status}")
        words = next((said.fields[name] for name in self.message if said.fields.get(name)), said.text)[:LONGEST_WORDS]
        given = {name: said.fields[name] for name in self.references if said.fields.get(name)}
        if self.credential.holds(said):
            return Verdict("credential", "profile.credential", words)
        if self.duplicate.holds(said):
            same = self._same(said, content_digest)
            held = (version == 1 or tried_before) if same is None else same
            return Verdict("delivered", DUPLICATE, words, given) if held else Verdict("refused", CONFLICT, words, given)
        if self.already.holds(said):
            same = self._same(said, content_digest)
            held = tried_before if same is None else same
            return Verdict("delivered", DUPLICATE, words, given) if held else Verdict("refused", CONFLICT, words, given)
        if self.hold.holds(said):
            return Verdict("hold", "profile.parent_awaited", words)
        if self.refused.holds(said):
            return Verdict("refused", REFUSED, words)
        if self.success.holds(said):
            return Verdict("delivered", references=given)
        return (
            Verdict("refused", REFUSED, words)
            if self.otherwise == "refused"
            else Verdict("unknown", "profile.answer_unreadable")
        )

    def _same(self, said: Said, content_digest: str) -> bool | None:
        """Whether they hold what we sent; none when they don't say what they hold."""
        returned = said.fields.get(self.content) if self.content else None
        if not returned:
            return None
        try:
            return sm3_hex(canonical_json(orjson.loads(returned))) == content_digest
        except orjson.JSONDecodeError:
            return False
