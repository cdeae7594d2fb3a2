"""Files of this machine, where a ferry (网闸摆渡) or a mounted share leaves them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from gateway.errors import Misconfigured
from gateway.net.folder import Entry

NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}  # shares and FAT have no hard links


class LocalFolder:
    """See :class:`gateway.net.folder.Folder`."""

    def entries(self, folder: str) -> list[Entry]:
        try:
            with os.scandir(folder) as found:
                return [_entry(file.name, file.stat()) for file in found if file.is_file(follow_symlinks=False)]
        except OSError as missing:
            raise Misconfigured("sftp.folder", folder=folder, reason=type(missing).__name__) from missing

    def stat(self, path: str) -> Entry | None:
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return None
        return _entry(Path(path).name, found) if stat.S_ISREG(found.st_mode) else None

    def read(self, path: str, most: int) -> bytes | None:
        try:
            with Path(path).open("rb") as file:
                return file.read(most)
        except FileNotFoundError:
            return None
        except OSError as refused:
            raise Misconfigured("sftp.refused", action="read", reason=type(refused).__name__) from refused

    def move(self, path: str, target: str) -> None:
        try:
            _rename(path, target)
        except FileNotFoundError:
            if not Path(target).parent.is_dir():
                raise Misconfigured("sftp.folder", folder=str(Path(target).parent), reason="missing") from None
        except OSError as refused:
            raise Misconfigured("sftp.refused", action="move", reason=type(refused).__name__) from refused

    def close(self) -> None:
        pass


def _rename(path: str, target: str) -> None:
    """A link first: unlike a rename, it never replaces what stands at ``target``."""
    try:
        os.link(path, target)
    except OSError as failed:
        if failed.errno not in NO_LINKS or os.path.lexists(target):
            raise
        Path(path).rename(target)
    else:
        Path(path).unlink()


def _entry(name: str, found: os.stat_result) -> Entry:
    return Entry(name, found.st_size, int(found.st_mtime))
