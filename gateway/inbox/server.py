"""Running the inbox until a signal (服务进程): stop taking, finish what was taken, then end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from gateway.errors import Misconfigured

GRACE_SECONDS = 30
KEEP_ALIVE_SECONDS = 20
HEADER_BYTES = 32 * 1024
BACKLOG = 1024


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ``Misconfigured('inbox.port')``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as taken:
        sock.close()
        raise Misconfigured("inbox.port", host=host, port=port, cause=taken.strerror or "") from taken
    return sock


def serve(app: FastAPI, sock: socket.socket, ready: Callable[[], None]) -> None:
    """Serve ``app`` until SIGTERM or SIGINT; ``ready`` is called once it takes requests."""
    config = uvicorn.Config(
        app,
        http="h11",  # the parser that bounds what headers may hold
        h11_max_incomplete_event_size=HEADER_BYTES,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # the server raises its signal once more when it has ended
    _Server(config, ready).run(sockets=[sock])
