"""Refusals (拒绝): every failure as JSON with its code, its sentence and what a client should do next."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import BaseModel, Field
from starlette.responses import Response

from gateway.errors import GatewayError, Misconfigured, Transient
from gateway.messages import Lang, explain

STATUSES = {
    "inbox.header_missing": 400,
    "inbox.header_invalid": 400,
    "inbox.cut": 400,
    "inbox.empty": 400,
    "inbox.sender_unknown": 401,
    "inbox.key_unknown": 401,
    "inbox.key_expired": 401,
    "inbox.stale": 401,
    "inbox.signature_wrong": 401,
    "inbox.replayed": 401,
    "inbox.source_unknown": 404,
    "inbox.receipt_unknown": 404,
    "inbox.path_unknown": 404,
    "inbox.method": 405,
    "inbox.too_slow": 408,
    "inbox.key_reused": 409,
    "inbox.too_large": 413,
    "inbox.media_type": 415,
    "inbox.encoding": 415,
    "inbox.throttled": 429,
    "store.full": 507,
}
LATER, FAULT = 503, 500
RETRIED = {429, 503, 507}
RETRY_SECONDS = 5.0


class Refusal(BaseModel):
    """没有接收。除 409 外，排除原因后可用同一幂等键重发。"""

    code: str = Field(description="错误代码，稳定不变")
    message: str = Field(description="发生了什么、怎么办；`Accept-Language: en` 时为英文")
    server_time: int | None = Field(None, description="服务器时间（Unix 秒），仅时间戳不符时给出")


def status_of(error: GatewayError) -> int:
    """What we can't do now, or not before our operator acts, is 503; what we never should have met 500."""
    return STATUSES.get(error.code, LATER if isinstance(error, Transient | Misconfigured) else FAULT)


def refusal(error: GatewayError, lang: Lang, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that was not taken."""
    status, more = status_of(error), dict(headers or {})
    if status in RETRIED:
        wait = error.retry_after if isinstance(error, Transient) else None
        more["Retry-After"] = str(math.ceil(wait or RETRY_SECONDS))
    told = Refusal(code=error.code, message=explain(error, lang), server_time=error.params.get("server_time"))
    return Response(told.model_dump_json(exclude_none=True), status, more, "application/json")
