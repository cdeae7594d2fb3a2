"""The folder of an SFTP server."""

from __future__ import annotations

from connectors.sftp_files.folder import Entry
from connectors.sftp_files.options import Options
from gateway.net.sftp import RemoteFile, SftpSession
from gateway.settings import Connection


class RemoteFolder:
    """See :class:`connectors.sftp_files.folder.Folder`."""

    def __init__(self, connection: Connection, allowed_hosts: str, options: Options) -> None:
        self._session = SftpSession(
            connection, allowed_hosts, seconds=options.seconds, name_charset=options.name_charset
        )

    def entries(self, folder: str) -> list[Entry]:
        return [_entry(file) for file in self._session.files(folder)]

    def stat(self, path: str) -> Entry | None:
        found = self._session.stat(path)
        return None if found is None else _entry(found)

    def read(self, path: str) -> bytes | None:
        return self._session.read(path)

    def move(self, path: str, target: str) -> None:
        self._session.move(path, target)

    def close(self) -> None:
        self._session.close()


def _entry(file: RemoteFile) -> Entry:
    return Entry(file.name, file.size, file.changed)
