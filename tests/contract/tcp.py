"""A TCP proxy of tests that can misbehave: cut, stall, drip, or answer in the server's place with something else."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Literal

Fault = Literal["cut", "stall", "drip", "garbage"]
LOOPBACK = "127.0.0.1"


class Proxy:
    """Forwards to ``port``. ``spoil(fault, after)``: what the server says is spoilt once that many bytes went by."""

    def __init__(self, port: int) -> None:
        self._onward = port
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._fault: Fault | None = None
        self._left = 0
        self._over = threading.Event()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def spoil(self, fault: Fault | None, after: int = 0) -> None:
        self._fault, self._left = fault, after

    def close(self) -> None:
        self._over.set()
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._over.is_set():
                near, _ = self._listener.accept()
                self._open.append(near)
                if self._fault == "garbage":
                    near.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n<html>")
                    near.shutdown(socket.SHUT_WR)
                    continue
                far = socket.create_connection((LOOPBACK, self._onward))
                self._open.append(far)
                threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self._pump, args=(far, near, True), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, spoils: bool) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                if spoils and self._fault is not None:
                    if self._left < len(data):
                        self._misbehave(data, target)
                        return
                    self._left -= len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def _misbehave(self, data: bytes, target: socket.socket) -> None:
        target.sendall(data[: self._left])
        if self._fault == "cut":
            target.shutdown(socket.SHUT_RDWR)
        elif self._fault == "stall":
            self._over.wait()
        for byte in data[self._left :]:
            target.sendall(bytes([byte]))
            if self._over.wait(0.05):
                break
