"""The kiosk's SFTP drop (文件投递): ``/outbox`` to read, ``/archive`` to move taken files to, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, cast

import asyncssh

from sandbox.doubles.faults import FaultDesk
from sandbox.doubles.places import ARCHIVE, OUTBOX
from sandbox.doubles.stage import GARBAGE, RequestLog


class DropServer(asyncssh.SSHServer):
    """Lets ``login`` in by password; nothing but SFTP."""

    def __init__(self, login: str, password: str, desk: FaultDesk, log: RequestLog) -> None:
        self._login, self._password, self._desk, self._log = login, password, desk, log

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        if fault := self._desk.strike("connect"):
            self._log.note("connect", "dropped", fault.kind)
            conn.abort()

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        fault = self._desk.strike("login")
        right = (username, password) == (self._login, self._password) and fault is None
        self._log.note("login", "accepted" if right else "refused", fault.kind if fault else None)
        return right


class DropFiles(asyncssh.SFTPServer):
    """The folder as this user may see it. Faults strike ``read <name>``, ``list`` and ``rename <name>``."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], root: Path, desk: FaultDesk, log: RequestLog) -> None:
        super().__init__(channel, chroot=str(root).encode())
        self._desk, self._log = desk, log
        self._names: dict[Any, str] = {}

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & ~asyncssh.FXF_READ:
            raise asyncssh.SFTPPermissionDenied("read only")
        file = super().open(path, pflags, attrs)
        name = PurePosixPath(path.decode()).name
        self._names[file] = name
        self._log.note(f"open {name}", "ok")
        return file

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        data = cast(bytes, super().read(file_obj, offset, size))
        fault = self._desk.strike(f"read {self._names.get(file_obj, '')}") if data else None
        if fault is None:
            return data
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return data
        self._log.note(f"read {self._names.get(file_obj, '')}", fault.kind, fault.kind)
        if fault.kind == "garbage":
            return (GARBAGE * (len(data) // len(GARBAGE) + 1))[: len(data)]
        self.connection.abort()
        return data[: len(data) // 2]

    def scandir(self, path: bytes) -> Any:
        self._log.note(f"list {path.decode()}", "ok")
        return super().scandir(path)

    def close(self, file_obj: object) -> None:
        self._names.pop(file_obj, None)
        super().close(file_obj)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Files of the outbox may be moved to the archive, and not over one that is there."""
        old, new = (PurePosixPath("/") / path.decode() for path in (oldpath, newpath))
        if str(old.parent) != f"/{OUTBOX}" or str(new.parent) != f"/{ARCHIVE}":
            raise asyncssh.SFTPPermissionDenied("only from the outbox to the archive")
        self._log.note(f"rename {old.name}", "ok")
        super().rename(oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if Path(self.map_path(newpath).decode()).exists():
            raise asyncssh.SFTPFailure("it is there already")
        self.rename(oldpath, newpath)

    def remove(self, path: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("nothing is removed here")

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise asyncssh.SFTPPermissionDenied("no folders are made here")

    def rmdir(self, path: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("no folders are removed here")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("no links are made here")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("no links are made here")

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise asyncssh.SFTPPermissionDenied("nothing is changed here")


def server_factory(login: str, password: str, desk: FaultDesk, log: RequestLog) -> Callable[[], DropServer]:
    return lambda: DropServer(login, password, desk, log)


def files_factory(root: Path, desk: FaultDesk, log: RequestLog) -> Callable[..., DropFiles]:
    return lambda channel: DropFiles(channel, root, desk, log)
