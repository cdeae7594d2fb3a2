"""The files' rig behind a real FTP server, bare or with explicit TLS, in a thread of its own."""

from __future__ import annotations

import hashlib
import logging
import ssl
import subprocess
import threading
import warnings
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pyftpdlib brings an asyncore of its own, and says so
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

from gateway.settings import Connection
from tests.contract.rigs import LOOPBACK, FilesRig
from tests.contract.wire import HttpDouble, Reply

logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)
RIGHTS = "elrf"  # go in, list, read, rename


class FtpRig(FilesRig):
    """``root`` as the account's home.

    ``cut`` ends a transfer in the middle and says so, ``mute`` says nothing more, ``lie`` calls that half complete;
    ``garbage`` is a web server instead.
    """

    faults = frozenset({"cut", "mute", "garbage"})
    transport = "ftp"

    def __init__(self, root: Path, **options: Any) -> None:
        places = {"transport": self.transport, "folder": "/outbox", "archive": "/archive"}
        super().__init__(root, **{**places, **options})
        self.connections = self.reads = 0
        self.fault: tuple[str, int] | None = None
        self._web: HttpDouble | None = None
        authorizer = DummyAuthorizer()
        authorizer.add_user("gw", "right", str(root), perm=RIGHTS)
        self.handler = self._handler(authorizer)
        self._loop = IOLoop()
        self._server = FTPServer((LOOPBACK, 0), self.handler, ioloop=self._loop)
        self.port: int = self._server.address[1]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def spoil(self, fault: str | None, after: int = 0) -> None:
        self.fault = None if fault is None else (fault, self.reads + after)

    def connection(self, password: str = "right", **extra: Any) -> Connection:
        if self.fault is not None and self.fault[0] == "garbage" and self._web is None:
            self._web = HttpDouble(lambda _: Reply(502))
            self.port = self._web.port
        return Connection(host=LOOPBACK, port=self.port, login="gw", password=password, extra=extra)  # type: ignore[arg-type,call-arg]

    def close(self) -> None:
        self._over.set()
        self._thread.join(10)
        if self._web is not None:
            self._web.close()

    def turn_away(self, everybody: bool) -> None:
        """421, too many connections."""
        self._server.max_cons = 1 if everybody else 512

    def _serve(self) -> None:
        while not self._over.is_set():
            self._loop.loop(timeout=0.05, blocking=False)
        self._server.close_all()
        self._loop.close()

    def _handler(self, authorizer: DummyAuthorizer) -> type[FTPHandler]:
        door = watched(self, FTPHandler, DTPHandler)
        door.authorizer = authorizer
        return door

    @property
    def strike(self) -> str | None:
        """The fault that meets the file being read."""
        return self.fault[0] if self.fault is not None and self.reads > self.fault[1] else None


class FtpsRig(FtpRig):
    """The same with explicit TLS, demanded for the login and for data; its certificate is its own authority."""

    transport = "ftps"

    def connection(self, password: str = "right", **extra: Any) -> Connection:
        return super().connection(password, **(extra or {"ca": str(self.certificate)}))

    @property
    def certificate(self) -> Path:
        return self.root / "cert.pem"

    @property
    def fingerprint(self) -> str:
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        return hashlib.sha256(der).hexdigest()

    def _handler(self, authorizer: DummyAuthorizer) -> type[FTPHandler]:
        key = self.root / "key.pem"
        ask = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
        files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(self.certificate)]
        subprocess.run(["openssl", *ask.split(), *files], check=True, capture_output=True)
        door = watched(self, TLS_FTPHandler, TLS_DTPHandler)
        door.authorizer, door.certfile, door.keyfile = authorizer, str(self.certificate), str(key)
        door.tls_control_required = door.tls_data_required = True
        return door


def watched(rig: FtpRig, door: type[FTPHandler], transfer: type[DTPHandler]) -> type[FTPHandler]:
    """A handler that counts for ``rig`` and breaks off what it is told to."""

    class Transfer(transfer):  # type: ignore[misc,valid-type]
        def send(self, data: bytes) -> int:
            strike = None if self.file_obj is None else rig.strike  # a listing comes from no file
            if strike not in {"cut", "mute"}:
                return int(super().send(data))
            super().send(data[: len(data) // 2])
            if strike == "mute":
                self.close()
            else:
                self.handle_close()  # 426, since the rest waits to be sent
            return 0

    class Door(door):  # type: ignore[misc,valid-type]
        def on_connect(self) -> None:
            rig.connections += 1

        def ftp_RETR(self, file: str) -> Any:
            rig.reads += not file.endswith(".ok")
            return super().ftp_RETR(half_of(file) if rig.strike == "lie" else file)

    def half_of(file: str) -> str:
        content = Path(file).read_bytes()
        half = rig.root / "half"
        half.write_bytes(content[: len(content) // 2])
        return str(half)

    Door.dtp_handler, Door.encoding, Door.unicode_errors = Transfer, "utf-8", "surrogateescape"
    Door.use_sendfile, Door.auth_failed_timeout = False, 0
    return Door
