"""A small HTTP server for tests, on raw sockets, so that it can also misbehave: cut, drip, reset, stay silent."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    target: str = ""  # path and query as they came


@dataclass
class Reply:
    """``cut``: close after so many body bytes; ``drip``: one byte per interval (s); ``reset``: RST without a word."""

    status: int = 200
    body: bytes = b""
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    drip: float | None = None
    reset: bool = False
    close: bool = False


def as_json(value: Any, status: int = 200, **more: Any) -> Reply:
    return Reply(status, json.dumps(value, ensure_ascii=False).encode(), **more)


class HttpDouble:
    """Answers with ``handler(request)``; ``faults`` (taken from the front) come first. ``requests`` keeps all."""

    def __init__(self, handler: Callable[[Request], Reply]) -> None:
        self.handler = handler
        self.faults: list[Reply] = []
        self.requests: list[Request] = []
        self.connections = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._stop.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(connection)
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), connection, connection.makefile("rb") as stream:
            while (request := _read(stream)) is not None:
                with self._lock:
                    self.requests.append(request)
                    reply = self.faults.pop(0) if self.faults else self.handler(request)
                if not self._write(connection, reply):
                    return

    def _write(self, connection: socket.socket, reply: Reply) -> bool:
        """Send ``reply``; False when the connection is over."""
        if reply.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        names = {"Content-Type": reply.media_type, "Content-Length": str(len(reply.body)), **reply.headers}
        head = f"HTTP/1.1 {reply.status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in names.items()) + "\r\n"
        if reply.drip is not None:
            for byte in head.encode() + reply.body:
                connection.sendall(bytes([byte]))
                if self._stop.wait(reply.drip):
                    return False
            return True
        body = reply.body if reply.cut is None else reply.body[: reply.cut]
        connection.sendall(head.encode() + body)
        return reply.cut is None and not reply.close


def _read(stream: Any) -> Request | None:
    line = stream.readline().decode()
    if not line.strip():
        return None
    method, target, _ = line.split(" ", 2)
    headers: dict[str, str] = {}
    while (text := stream.readline().decode().strip()) != "":
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
    return Request(method, parts.path, query, headers, body, target)


@contextmanager
def http_double(handler: Callable[[Request], Reply]) -> Any:
    double = HttpDouble(handler)
    try:
        yield double
    finally:
        double.close()
