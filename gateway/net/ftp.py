"""FTP, bare or with explicit TLS: a deadline per action, names as bytes, foreign errors translated once."""

from __future__ import annotations

import ftplib
import hashlib
import hmac
import ssl
from calendar import timegm
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import socket
from time import strptime
from typing import Any

from gateway.errors import Misconfigured, Transient
from gateway.net.allow import LOOPBACK, check_allowed
from gateway.net.deadline import deadline
from gateway.net.folder import Entry, is_plain
from gateway.net.turn import take_turn
from gateway.settings import Connection

CONNECT_SECONDS = 15.0
PACKET_SECONDS = 60.0
BLOCK = 1 << 16
NOT_LOGGED_IN, BAD_LOGIN = "530", "430"
NOT_IMPLEMENTED = ("500", "502", "504")


class FtpSession:
    """One logged-in session: a :class:`gateway.net.folder.Folder`. ``seconds`` bounds every action in all.

    ``secure``: TLS before the login and for all data; the server is known by ``connection.extra.ca`` (a PEM file; else
    the system's authorities) or ``extra.fingerprint`` (SHA-256 of its certificate, hex). Bare FTP sends the password
    readable by all: beyond loopback it needs ``extra.plain: true``. Data connections go to the server's own address,
    whatever it says. Raises ``Misconfigured``: ``net.not_allowed``, ``ftp.plain``, ``ftp.untrusted``,
    ``ftp.unauthorised``; ``Transient('ftp.unreachable' | 'ftp.broken' | 'ftp.deadline')``.
    """

    def __init__(
        self, connection: Connection, allowed_hosts: str, *, secure: bool, seconds: float, name_charset: str
    ) -> None:
        port = connection.port or 21
        check_allowed(f"ftp://{connection.host}:{port}", allowed_hosts)
        if not secure and connection.host not in LOOPBACK and connection.extra.get("plain") is not True:
            raise Misconfigured("ftp.plain", host=connection.host)
        self._address = f"{connection.host}:{port}"
        self._seconds, self._charset = seconds, name_charset
        self._ftp = _Tls(connection) if secure else ftplib.FTP(encoding="latin-1")  # noqa: S321  # counties have it
        try:
            with self._translated("login"):
                self._connect(connection, port)
        except BaseException:
            self._ftp.close()
            raise

    def close(self) -> None:
        with suppress(OSError, EOFError, ftplib.Error):
            if self._ftp.sock is not None:
                self._ftp.sock.settimeout(1)
                self._ftp.quit()
        self._ftp.close()

    def entries(self, folder: str) -> list[Entry]:
        with self._translated("list", folder):
            return [entry for entry in self._listed(self._raw(folder)) if is_plain(entry.name)]

    def stat(self, path: str) -> Entry | None:
        folder, _, name = path.rpartition("/")
        with self._translated("stat"):
            raw = self._raw(path)
            self._ftp.voidcmd("TYPE I")
            try:
                size, changed = self._ftp.size(raw), _moment(self._ftp.sendcmd(f"MDTM {raw}")[4:])
            except ftplib.error_perm as refused:
                if _code(refused) in NOT_IMPLEMENTED:
                    return next((entry for entry in self._listed(self._raw(folder)) if entry.name == name), None)
                return None
            return Entry(name, size or 0, changed)

    def read(self, path: str, most: int) -> bytes | None:
        found: list[bytes] = []
        with self._translated("read"):
            raw, left = self._raw(path), most
            self._ftp.voidcmd("TYPE I")
            try:
                plug: socket = self._ftp.transfercmd(f"RETR {raw}")
            except ftplib.error_perm as refused:
                if self.stat(path) is not None:
                    raise Misconfigured("sftp.refused", action="read", reason=_code(refused)) from refused
                return None
            with plug:
                while left and (block := plug.recv(min(BLOCK, left))):
                    found.append(block)
                    left -= len(block)
                if isinstance(plug, ssl.SSLSocket) and left:
                    with suppress(OSError):
                        plug.unwrap()
            if left:
                self._ftp.voidresp()
            else:
                with suppress(ftplib.Error):  # broken off: some servers say so
                    self._ftp.voidresp()
        return b"".join(found)

    def move(self, path: str, target: str) -> None:
        """FTP renames over what is there, so that is looked at first."""
        take_turn()
        with self._translated("move", target.rpartition("/")[0]):
            if self.stat(target) is not None:
                raise Misconfigured("sftp.refused", action="move", reason="exists")
            try:
                self._ftp.rename(self._raw(path), self._raw(target))
            except ftplib.error_perm as refused:
                if self.stat(path) is not None:
                    raise Misconfigured("sftp.refused", action="move", reason=_code(refused)) from refused

    def _connect(self, connection: Connection, port: int) -> None:
        try:
            self._ftp.connect(connection.host, port, timeout=CONNECT_SECONDS)
        except ConnectionRefusedError as away:
            raise Transient("ftp.unreachable", address=self._address) from away
        try:
            self._ftp.login(connection.login, connection.password.get_secret_value())
        except ftplib.error_perm as refused:
            raise Misconfigured("ftp.unauthorised", address=self._address) from refused
        if isinstance(self._ftp, ftplib.FTP_TLS):
            self._ftp.prot_p()
        self._ftp.timeout = min(self._seconds, PACKET_SECONDS)  # of data connections
        if self._ftp.sock is not None:
            self._ftp.sock.settimeout(self._ftp.timeout)
        if self._charset == "utf-8":
            with suppress(ftplib.error_perm):
                self._ftp.sendcmd("OPTS UTF8 ON")

    def _listed(self, folder: str) -> Iterator[Entry]:
        try:
            lines = list(self._ftp.mlsd(folder))
        except ftplib.error_perm as refused:
            if _code(refused) not in NOT_IMPLEMENTED:
                raise
            yield from self._listed_by_name(folder)
            return
        for raw, facts in lines:
            if facts.get("type", "").lower() == "file":
                yield Entry(self._text(raw), int(facts.get("size", "0")), _moment(facts.get("modify", "")))

    def _listed_by_name(self, folder: str) -> Iterator[Entry]:
        """Old servers: what has a size is a file."""
        self._ftp.cwd(folder)
        try:
            names = self._ftp.nlst()
        except ftplib.error_perm as empty:
            if _code(empty) != "550":
                raise
            names = []
        self._ftp.voidcmd("TYPE I")
        for raw in names:
            with suppress(ftplib.error_perm):
                name = raw.rpartition("/")[2]
                size, changed = self._ftp.size(f"{folder}/{name}"), self._ftp.sendcmd(f"MDTM {folder}/{name}")
                yield Entry(self._text(name), size or 0, _moment(changed[4:]))

    def _raw(self, path: str) -> str:
        """ftplib knows text only: its latin-1 carries every byte as it is."""
        return path.encode(self._charset, "surrogateescape").decode("latin-1")

    def _text(self, raw: str) -> str:
        return raw.encode("latin-1").decode(self._charset, "surrogateescape")

    @contextmanager
    def _translated(self, action: str, folder: str = "") -> Iterator[None]:
        with deadline(self._seconds, self._cut) as late:
            try:
                yield
            except ssl.SSLCertVerificationError as untrusted:
                raise Misconfigured("ftp.untrusted", address=self._address) from untrusted
            except ftplib.error_perm as refused:
                if _code(refused) in {NOT_LOGGED_IN, BAD_LOGIN}:
                    raise Misconfigured("ftp.unauthorised", address=self._address) from refused
                if folder:
                    raise Misconfigured("sftp.folder", folder=folder, reason=_code(refused)) from refused
                raise Misconfigured("sftp.refused", action=action, reason=_code(refused)) from refused
            except (ftplib.Error, OSError, EOFError, ValueError) as broken:
                away = isinstance(broken, OSError) and action == "login" and self._ftp.sock is None
                code = "ftp.deadline" if late.is_set() else "ftp.unreachable" if away else "ftp.broken"
                raise Transient(code, address=self._address, action=action) from broken

    def _cut(self) -> None:
        with suppress(OSError):
            if self._ftp.sock is not None:
                socket.shutdown(self._ftp.sock, 2)


class _Tls(ftplib.FTP_TLS):
    """Explicit TLS 1.2 or later; data connections resume the session of the control connection, as servers demand."""

    def __init__(self, connection: Connection) -> None:
        pinned = str(connection.extra.get("fingerprint") or "").replace(":", "").lower()
        context = ssl.create_default_context(cafile=connection.extra.get("ca"))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if pinned:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._pinned = pinned
        super().__init__(context=context, encoding="latin-1")

    def auth(self) -> str:
        answer = super().auth()
        if self._pinned:
            shown = self.sock.getpeercert(binary_form=True) if isinstance(self.sock, ssl.SSLSocket) else None
            if not hmac.compare_digest(hashlib.sha256(shown or b"").hexdigest(), self._pinned):
                raise ssl.SSLCertVerificationError("another certificate than the pinned one")
        return answer

    def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[socket, int | None]:
        plug, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321  # TLS comes with the next step
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        try:
            return self.context.wrap_socket(plug, server_hostname=self.host, session=session), size
        except BaseException:
            plug.close()
            raise


def _code(error: ftplib.Error) -> str:
    """The answer's number; its words may hold names."""
    return str(error)[:3]


def _moment(text: str) -> int:
    """``yyyyMMddHHmmss[.fff]`` in UTC as seconds since 1970; 0 when the server doesn't say."""
    digits = text.strip()[:14]
    return timegm(strptime(digits, "%Y%m%d%H%M%S")) if digits.isdigit() and len(digits) == 14 else 0
