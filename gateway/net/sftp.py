"""SFTP by paramiko: pinned host key, a deadline per action, foreign errors translated once."""

from __future__ import annotations

import base64
import io
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paramiko
from paramiko.sftp import CMD_CLOSE, CMD_HANDLE, CMD_NAME, CMD_OPENDIR, CMD_READDIR

from gateway.errors import Misconfigured, Transient
from gateway.net.allow import check_allowed
from gateway.net.deadline import deadline
from gateway.net.folder import Entry, is_plain
from gateway.net.turn import take_turn
from gateway.settings import Connection

CONNECT_SECONDS = 15.0
KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


class SftpSession:
    """One logged-in session: a :class:`gateway.net.folder.Folder`.

    ``seconds`` bounds every action in all, since a socket's timeout counts per packet.

    ``connection.extra.host_key`` is the server's public key as in known_hosts (``ssh-ed25519 AAAA…``), mandatory;
    the login proves itself by ``extra.private_key`` (PEM text) or the password. Raises ``Misconfigured``:
    ``net.not_allowed``, ``sftp.no_host_key``, ``sftp.host_key_changed``, ``sftp.unauthorised``, ``sftp.private_key``;
    ``Transient('sftp.unreachable' | 'sftp.broken' | 'sftp.deadline')``.
    """

    def __init__(self, connection: Connection, allowed_hosts: str, *, seconds: float, name_charset: str) -> None:
        port = connection.port or 22
        check_allowed(f"sftp://{connection.host}:{port}", allowed_hosts)
        self._address = f"{connection.host}:{port}"
        self._seconds = seconds
        self._charset = name_charset
        kind, key = _pinned(connection)
        try:
            plug = socket.create_connection((connection.host, port), timeout=CONNECT_SECONDS)
        except OSError as away:
            raise Transient("sftp.unreachable", address=self._address) from away
        self._transport = paramiko.Transport(plug)
        try:
            self._transport.banner_timeout = CONNECT_SECONDS
            self._transport.auth_timeout = CONNECT_SECONDS
            with self._translated("login"):
                self._log_in(connection, kind, key)
        except BaseException:
            self._transport.close()
            raise

    def close(self) -> None:
        self._transport.close()

    def entries(self, folder: str) -> list[Entry]:
        with self._translated("list", folder):
            return [file for file, mode in self._listing(folder) if stat.S_ISREG(mode) and is_plain(file.name)]

    def stat(self, path: str) -> Entry | None:
        with self._translated("stat"):
            try:
                found = self._client.lstat(self._raw(path))
            except FileNotFoundError:
                return None
            return Entry(path.rpartition("/")[2], found.st_size or 0, int(found.st_mtime or 0))

    def read(self, path: str, most: int) -> bytes | None:
        with self._translated("read"):
            try:
                with self._client.open(self._raw(path), "rb") as file:
                    file.prefetch(min(file.stat().st_size or 0, most), max_concurrent_requests=64)
                    content: bytes = file.read(most)
                    return content
            except FileNotFoundError:
                return None

    def move(self, path: str, target: str) -> None:
        """Rename, refused by the server if ``target`` exists; a path that has gone is no error."""
        take_turn()
        with self._translated("move"):
            try:
                self._client.rename(self._raw(path), self._raw(target))
            except FileNotFoundError:
                if self.stat(path) is not None:
                    raise Misconfigured("sftp.folder", folder=target.rpartition("/")[0], reason="missing") from None

    def _log_in(self, connection: Connection, kind: str, key: bytes) -> None:
        security = self._transport.get_security_options()
        wanted = ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)
        security.key_types = tuple(name for name in security.key_types if name in wanted)
        self._transport.start_client(timeout=CONNECT_SECONDS)
        if self._transport.get_remote_server_key().asbytes() != key:
            raise Misconfigured("sftp.host_key_changed", address=self._address)
        if pem := connection.extra.get("private_key"):
            self._transport.auth_publickey(connection.login, _private_key(str(pem)))
        else:
            self._transport.auth_password(connection.login, connection.password.get_secret_value())
        client = paramiko.SFTPClient.from_transport(self._transport)
        if client is None:
            raise Transient("sftp.broken", address=self._address, action="login")
        self._client: Any = client  # its stubs know text paths only; bytes are what names in GB18030 need
        if (channel := client.get_channel()) is not None:
            channel.settimeout(min(self._seconds, 60.0))

    def _listing(self, folder: str) -> Iterator[tuple[Entry, int]]:
        """paramiko's own listing takes every name for UTF-8."""
        kind, message = self._client._request(CMD_OPENDIR, self._raw(folder))
        if kind != CMD_HANDLE:
            raise paramiko.SFTPError("handle expected")
        handle = message.get_binary()
        while True:
            try:
                kind, message = self._client._request(CMD_READDIR, handle)
            except EOFError:
                break
            if kind != CMD_NAME:
                raise paramiko.SFTPError("names expected")
            for _ in range(message.get_int()):
                name = message.get_string().decode(self._charset, "surrogateescape")
                message.get_string()
                found: Any = paramiko.SFTPAttributes._from_msg(message)  # type: ignore[attr-defined]
                yield Entry(name, found.st_size or 0, int(found.st_mtime or 0)), found.st_mode or 0
        self._client._request(CMD_CLOSE, handle)

    def _raw(self, path: str) -> bytes:
        return path.encode(self._charset, "surrogateescape")

    @contextmanager
    def _translated(self, action: str, folder: str = "") -> Iterator[None]:
        with deadline(self._seconds, self._transport.close) as late:
            try:
                yield
            except (paramiko.BadAuthenticationType, paramiko.AuthenticationException) as refused:
                raise Misconfigured("sftp.unauthorised", address=self._address) from refused
            except FileNotFoundError as missing:
                raise Misconfigured("sftp.folder", folder=folder, reason="missing") from missing
            except PermissionError as refused:
                raise Misconfigured("sftp.refused", action=action, reason="PermissionError") from refused
            except paramiko.ssh_exception.IncompatiblePeer as other:
                raise Misconfigured("sftp.host_key_changed", address=self._address) from other
            except (paramiko.SSHException, OSError, EOFError) as broken:
                code = "sftp.deadline" if late.is_set() else "sftp.broken"
                raise Transient(code, address=self._address, action=action) from broken


def _pinned(connection: Connection) -> tuple[str, bytes]:
    kind, _, text = str(connection.extra.get("host_key") or "").strip().partition(" ")
    try:
        key = base64.b64decode(text.split(" ")[0], validate=True)
    except ValueError:
        key = b""
    if not key:
        raise Misconfigured("sftp.no_host_key", host=connection.host)
    return kind, key


def _private_key(pem: str) -> paramiko.PKey:
    for kind in KEYS:
        try:
            return kind.from_private_key(io.StringIO(pem))
        except (paramiko.SSHException, ValueError):
            continue
    raise Misconfigured("sftp.private_key")
