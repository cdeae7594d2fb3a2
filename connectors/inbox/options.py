"""The ``options:`` block of a source that pushes to us (推送接收): who may send, with which keys, and how much."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Key(_Block):
    """One key of a sender. Two whose times overlap let a sender change over without a gap (密钥轮换)."""

    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,32}$", description="sent with each request")
    algorithm: Literal["hmac_sm3", "sm2"]
    secret: str = Field(min_length=1, description="name below the connection's extra.keys; never the key itself")
    signature: Literal["der", "raw"] = Field("der", description="SM2 alone: DER, or r and s of 32 bytes each")
    not_before: AwareDatetime | None = None
    not_after: AwareDatetime | None = Field(None, description="refused from this moment on")


class Sender(_Block):
    """One device, app or system that pushes."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$")
    name: str = Field(min_length=1, max_length=100)
    keys: list[Key] = Field(min_length=1)
    per_second: float = Field(20, gt=0, le=10_000, description="requests, over time")
    burst: int = Field(40, ge=1, le=100_000, description="requests at once after a rest")

    @model_validator(mode="after")
    def _ids_once(self) -> Sender:
        if len({key.id for key in self.keys}) < len(self.keys):
            raise ValueError("each key id once")
        return self


class Options(_Block):
    senders: list[Sender] = Field(min_length=1)
    media_type: str = Field(
        "application/json", pattern=r"^[a-z]+/[a-z0-9.+-]+(; charset=[a-z0-9-]+)?$", description="of a batch's body"
    )
    max_bytes: int = Field(4 * 1024 * 1024, ge=1024, le=32 * 1024 * 1024, description="of a request's body")
    window_seconds: int = Field(300, ge=30, le=900, description="how far a sender's clock may be off")
    answer_seconds: float = Field(5, ge=0, le=30, description="how long an answer waits for the records' fate")

    @model_validator(mode="after")
    def _ids_once(self) -> Options:
        if len({sender.id for sender in self.senders}) < len(self.senders):
            raise ValueError("each sender id once")
        return self
