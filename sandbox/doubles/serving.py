"""Running a double as a process: its socket, its line when ready, its end."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvicorn
from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"
GRACE_SECONDS = 1


class PortTaken(Exception):
    """Another process listens on that port."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.port = port

    def __str__(self) -> str:
        return f"port {self.port} on {LOOPBACK} is in use: end what listens there, or choose another --port-base"


def bind(port: int) -> socket.socket:
    """A socket on loopback; port 0 means any free one. Raises :class:`PortTaken`."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((LOOPBACK, port))
        sock.listen(128)
    except OSError as taken:
        sock.close()
        raise PortTaken(port) from taken
    return sock


def port_of(sock: socket.socket) -> int:
    number: int = sock.getsockname()[1]
    return number


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


async def serve(app: ASGIApp, sock: socket.socket, announcement: dict[str, Any]) -> None:
    """Serve ``app`` on ``sock`` until a signal; print ``announcement`` as one JSON line once it answers."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )

    def announce() -> None:
        sys.stdout.write(json.dumps({**announcement, "pid": os.getpid()}) + "\n")
        sys.stdout.flush()

    await _Server(config, announce).serve(sockets=[sock])


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Run a double's coroutine; a signal is a normal end."""
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        return 0
    except PortTaken as taken:
        sys.stderr.write(f"{taken}\n")
        return 2
    return 0
