"""A stretch of network (线路) before a double: it loses, cuts, delays, repeats and strays requests, as told.

A TCP proxy that knows no more of HTTP than where a message ends. Without an order it is a plain wire.

========== ====================================================================== =================
fate       what becomes of one request                                            parameters
========== ====================================================================== =================
lost       the connection is cut, nothing arrives
cut        so much of it arrives, then both sides are cut                         share 0.5
swallowed  it arrives, its answer is lost
torn       it arrives, so many bytes of its answer come back                      size 20
twice      it arrives twice, the first answer comes back
late       it arrives, its answer is held back so long                            seconds 1
strayed    the connection is cut at once, yet a copy arrives so much later        seconds 1
========== ====================================================================== =================
"""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

PIECE = 65_536
WAIT_SECONDS = 60.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BATCH = re.compile(rb"\r\nx-batch-id: *([0-9a-f]+)", re.IGNORECASE)


class Gone(Exception):
    """One side has closed the connection."""


class Listener(socketserver.ThreadingTCPServer):
    """A thread a connection."""

    daemon_threads = True
    allow_reuse_address = True


@dataclass(slots=True)
class Fate:
    """What meets the next requests whose first line begins with ``match``; ``left``: how many of them."""

    name: str
    match: str
    left: int
    share: float = 0.5
    size: int = 20
    seconds: float = 1.0


@dataclass
class Wire:
    """Its orders, and what it did. ``copies``: requests that it made more of, by the batch that they carry.

    ``certificate``: files of a certificate and its key, where its near end speaks TLS; may be exchanged at any time.
    """

    upstream: tuple[str, int]
    certificate: tuple[Path, Path] | None = None
    port: int = 0
    copies: Counter[str] = field(default_factory=Counter)
    _fates: list[Fate] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _strays: list[threading.Thread] = field(default_factory=list)
    _listener: Listener | None = None

    FATES: ClassVar = ("lost", "cut", "swallowed", "torn", "twice", "late", "strayed")

    def open(self) -> None:
        """Take connections, at the same port as before."""
        wire = self

        class Near(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError, Gone), wire.accepted(self.request) as near:
                    for request in messages(near):
                        if not wire.carry(near, request):
                            return

        self._listener = Listener(("127.0.0.1", self.port), Near)
        self.port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()

    def shut(self) -> None:
        """Connections are refused until it is opened again."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener = None

    def accepted(self, near: socket.socket) -> socket.socket:
        """The near side of a new connection, as it is to be spoken to."""
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.certificate is None:
            return near
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        return context.wrap_socket(near, server_side=True)

    def order(self, name: str, times: int = 1, match: str = "POST /api/v1/batches", **parameters: float) -> None:
        """The next ``times`` requests that match meet this fate; see the module."""
        if name not in self.FATES:
            raise ValueError(name)
        with self._lock:
            self._fates.append(Fate(name, match, times, **parameters))  # type: ignore[arg-type]

    def clear(self) -> None:
        """A plain wire from now on; what strays is waited for."""
        with self._lock:
            self._fates.clear()
            strays, self._strays = self._strays, []
        for stray in strays:
            stray.join()

    def carry(self, near: socket.socket, request: bytes) -> bool:
        """Bring one request over, and its answer back; whether the connection lives on."""
        fate = self._fate_of(request)
        if fate is None:
            near.sendall(self._asked(request))
            return True
        deed = getattr(self, f"_{fate.name}")
        return bool(deed(near, request, fate))

    def _lost(self, _near: socket.socket, _request: bytes, _fate: Fate) -> bool:
        return False

    def _cut(self, _near: socket.socket, request: bytes, fate: Fate) -> bool:
        with self._far() as far:
            far.sendall(request[: int(len(request) * fate.share)])
        return False

    def _swallowed(self, _near: socket.socket, request: bytes, _fate: Fate) -> bool:
        self._asked(request)
        return False

    def _torn(self, near: socket.socket, request: bytes, fate: Fate) -> bool:
        near.sendall(self._asked(request)[: int(fate.size)])
        return False

    def _twice(self, near: socket.socket, request: bytes, _fate: Fate) -> bool:
        first = self._asked(request)
        self._copied(request)
        self._asked(request)
        near.sendall(first)
        return True

    def _late(self, near: socket.socket, request: bytes, fate: Fate) -> bool:
        answer = self._asked(request)
        time.sleep(fate.seconds)
        near.sendall(answer)
        return True

    def _strayed(self, _near: socket.socket, request: bytes, fate: Fate) -> bool:
        stray = threading.Thread(target=self._arrives_later, args=(request, fate.seconds))
        with self._lock:
            self._strays.append(stray)
        stray.start()
        return False

    def _arrives_later(self, request: bytes, seconds: float) -> None:
        time.sleep(seconds)
        with suppress(OSError, Gone):
            self._asked(request)

    def _fate_of(self, request: bytes) -> Fate | None:
        with self._lock:
            for fate in self._fates:
                if fate.left and request.startswith(fate.match.encode()):
                    fate.left -= 1
                    return fate
        return None

    def _copied(self, request: bytes) -> None:
        named = _BATCH.search(request)
        if named is not None:
            with self._lock:
                self.copies[named[1].decode()] += 1

    def _asked(self, request: bytes) -> bytes:
        """The whole answer."""
        with self._far() as far:
            far.sendall(request)
            answer = next(messages(far), b"")
        if not answer:
            raise Gone
        return answer

    @contextmanager
    def _far(self) -> Iterator[socket.socket]:
        with socket.create_connection(self.upstream, WAIT_SECONDS) as far:
            yield far


def messages(side: socket.socket) -> Iterator[bytes]:
    """One HTTP message after the other, as whole as its head says, until that side closes."""
    held = b""
    while True:
        head_ends = held.find(b"\r\n\r\n") + 4
        length = _LENGTH.search(held[:head_ends]) if head_ends > 3 else None
        size = head_ends + (int(length[1]) if length else 0)
        if head_ends > 3 and len(held) >= size:
            yield held[:size]
            held = held[size:]
            continue
        piece = side.recv(PIECE)
        if not piece:
            return
        held += piece


@contextmanager
def running_wire(host: str, port: int, certificate: tuple[Path, Path] | None = None) -> Iterator[Wire]:
    """A wire to ``host:port`` while the block lasts; its near end is ``127.0.0.1`` and :attr:`Wire.port`."""
    wire = Wire((host, port), certificate)
    wire.open()
    try:
        yield wire
    finally:
        wire.shut()
        wire.clear()
