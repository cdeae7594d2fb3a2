"""Refusals (拒绝): every code that the platform answers with, and its HTTP status."""

from __future__ import annotations

STATUS = {
    "batch.transfer": 400,
    "batch.malformed": 400,
    "request.invalid": 400,
    "auth.signature": 401,
    "auth.time": 401,
    "auth.nonce": 401,
    "auth.sender": 403,
    "batch.unknown": 404,
    "batch.conflict": 409,
    "batch.accepted": 409,
    "batch.too_large": 413,
    "batch.suite": 422,
    "batch.recipient": 422,
    "batch.signature": 422,
    "batch.expired": 422,
    "batch.sequence": 422,
    "batch.decrypt": 422,
    "batch.digest": 422,
}


class Refusal(Exception):
    """The request is answered with ``{"code", "message"}`` and leaves no trace."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        self.status = STATUS[code]
        super().__init__(code, message)
