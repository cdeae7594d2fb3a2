"""What a target takes (收报范围) beside the national rules; what it does not is held for a person, never altered."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

import orjson
from pydantic import BaseModel, ConfigDict, Field

from gateway.domain.wire import members
from schemas.attributes import ATTRIBUTES

OVER_LIMIT, UNLISTED_CHANNEL, LOCAL_ITEM = "text.over_target_limit", "channel.target_unlisted", "item.local_only"
TEXT: Final = ATTRIBUTES["evaluation"]["writing_evaluation"].wire or ""
CHANNEL: Final = ATTRIBUTES["evaluation"]["channel"].wire or ""
TASK: Final = ATTRIBUTES["service"]["task_code"].wire or ""


class Accepts(BaseModel):
    """The defaults take everything. Children of what is held wait for it, as for any parent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: int | None = Field(
        None, ge=1, le=500, description="characters of a text (文字评价); none: as the spec has it"
    )
    channels: list[str] | None = Field(
        None, min_length=1, description="editions of 2019 end at 5; none: the whole list"
    )
    local_items: bool = Field(True, description="false: self-built items (自建事项) are not taken")

    @property
    def everything(self) -> bool:
        return self == Accepts()

    def may_hide(self, kind: str, personal: bytes | None) -> bool:
        """Could the sealed cell ``personal`` hold a text that is too long? It is never shorter than what it seals."""
        return kind == "evaluation" and self.text is not None and personal is not None and len(personal) > self.text

    def refusal(self, kind: str, content: bytes, personal: bytes | None, local_items: Container[str]) -> str | None:
        """Why a record is not taken; none: it is. ``local_items``: task codes; ``personal``: opened, if it matters."""
        if kind == "service" and not self.local_items and orjson.loads(content).get(TASK) in local_items:
            return LOCAL_ITEM
        if kind != "evaluation":
            return None
        if self.channels is not None and orjson.loads(content).get(CHANNEL) not in self.channels:
            return UNLISTED_CHANNEL
        if self.text is not None and personal is not None and len(members(content, personal).get(TEXT, "")) > self.text:
            return OVER_LIMIT
        return None
