"""A wall-clock limit on one HTTP exchange, which socket timeouts can't give: they start anew with every byte received.

Every connection reports to the :class:`Watch` of the call that uses it. When time is up, the watch shuts the socket
down, whatever the caller waits for: handshake, headers or body. The watch also knows whether a first byte of the
request has left, which decides whether repeating the call is certainly harmless.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_current: ContextVar[Watch | None] = ContextVar("_current", default=None)


class Watch:
    """Guards the exchange made inside its ``with`` block, on this thread, for ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self.sent = False
        self.expired = False
        self._connection: HTTPConnection | None = None
        self._lock = threading.Lock()
        self._over = False
        self._timer = threading.Timer(max(seconds, 0.0), self._fire)
        self._timer.daemon = True

    def __enter__(self) -> Watch:
        self._token = _current.set(self)
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._over = True
        self._timer.cancel()
        _current.reset(self._token)

    def guard(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._connection = connection
        self.check()

    def check(self) -> None:
        if self.expired:
            raise TimeoutError("total deadline")

    def _fire(self) -> None:
        with self._lock:
            if self._over:
                return
            self.expired = True
            if self._connection is not None and self._connection.sock is not None:
                with contextlib.suppress(OSError):
                    # past SSLSocket.shutdown, which would drop the TLS state under the reading thread
                    socket.socket.shutdown(self._connection.sock, socket.SHUT_RDWR)


class _Watched(HTTPConnection):
    def connect(self) -> None:
        watch = _current.get()
        if watch is not None:
            watch.guard(self)
        super().connect()
        if watch is not None:
            watch.check()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        watch = _current.get()
        if watch is not None:
            watch.guard(self)
            watch.sent = True
        super().send(data)


class _WatchedTls(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class WatchedAdapter(HTTPAdapter):
    """requests' transport over watched connections; it never repeats a request by itself."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
