"""Reading a body (请求体): piece by piece, never more than allowed, never longer than patience lasts."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from gateway.errors import Rejected

READ_SECONDS = 30.0
DRAIN_BYTES = 1024 * 1024
DRAIN_SECONDS = 2.0


def declared_size(request: Request, limit: int) -> int:
    """Bytes that the body may have: as declared, else ``limit``. Raises ``Rejected('inbox.too_large')``."""
    declared = request.headers.get("content-length")
    size = int(declared) if declared is not None and declared.isascii() and declared.isdigit() else limit
    if size > limit:
        raise Rejected("inbox.too_large", limit=limit)
    return size


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises ``Rejected``: ``inbox.too_large``, ``inbox.too_slow``, ``inbox.cut``, ``inbox.empty``."""
    pieces: list[bytes] = []
    left = limit
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for piece in request.stream():
                left -= len(piece)
                if left < 0:
                    raise Rejected("inbox.too_large", limit=limit)
                pieces.append(piece)
    except TimeoutError as slow:
        raise Rejected("inbox.too_slow", seconds=round(READ_SECONDS)) from slow
    except ClientDisconnect as gone:
        raise Rejected("inbox.cut") from gone
    if left == limit:
        raise Rejected("inbox.empty")
    return b"".join(pieces)


async def drain(request: Request) -> None:
    """Read some of what a refused request still sends: else its sender sees a reset instead of our reason."""
    left = DRAIN_BYTES
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for piece in request.stream():
                left -= len(piece)
                if left < 0:
                    return
    except (TimeoutError, ClientDisconnect, RuntimeError):  # RuntimeError: it has been read already
        return
