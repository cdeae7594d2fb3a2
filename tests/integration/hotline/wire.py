"""A server that answers a POST with exactly the bytes it was given: the rows of the response matrix."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "http://hotline.sandbox/ws/"
Script = Callable[[socket.socket], None]


class Wire(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, script: Script) -> None:
        self.script = script
        self.posts = 0
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/ws"


class _Handler(socketserver.BaseRequestHandler):
    server: Wire

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self.request.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += self.request.recv(65536)
        self.server.posts += 1
        self.server.script(self.request)


@contextmanager
def serving(script: Script) -> Iterator[Wire]:
    server = Wire(script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def http(status: int, body: bytes = b"", content_type: str = "text/xml; charset=utf-8", **headers: str) -> bytes:
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    length = "" if "Content_Length" in headers else f"Content-Length: {len(body)}\r\n"
    return f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\n{length}{extra}\r\n".encode() + body


def envelope(inner: str, namespace: str = ENVELOPE) -> str:
    return f'<s:Envelope xmlns:s="{namespace}"><s:Body>{inner}</s:Body></s:Envelope>'


def returned(text: str, element: str = "createOrderResponse") -> str:
    """``text`` must be XML already: escaped, CDATA, or nested on purpose."""
    return envelope(f'<n:{element} xmlns:n="{NAMESPACE}"><return>{text}</return></n:{element}>')


def send(answer: bytes) -> Script:
    return lambda connection: connection.sendall(answer)


def drip(answer: bytes, pause: float) -> Script:
    def slowly(connection: socket.socket) -> None:
        try:
            for index in range(len(answer)):
                connection.sendall(answer[index : index + 1])
                time.sleep(pause)
        except OSError:
            return

    return slowly


def silent(seconds: float) -> Script:
    return lambda _connection: time.sleep(seconds)


def cut(_connection: socket.socket) -> None:
    """The request was read; the connection ends without a word."""
