"""Sources that drop files into a folder, over SFTP or on this machine: csv in slices, spreadsheets whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from connectors import options_of
from connectors.sftp_files.folder import Entry, Folder, LocalFolder
from connectors.sftp_files.options import Options
from connectors.sftp_files.remote import RemoteFolder
from connectors.sftp_files.rows import slices
from connectors.sftp_files.spreadsheet import SPREADSHEETS, is_whole
from gateway.connector import Connector, Finding, Page
from gateway.errors import GatewayError, Misconfigured
from gateway.settings import Connection
from schemas.source import SourceFile

__all__ = ["Options", "build"]

LONGEST_NAME = 255


class FilesConnector:
    """See :class:`gateway.connector.Connector`.

    The origin of a page is ``name@digest`` with the digest of the file's size and time, so that a file written anew
    is a new origin; slices before the last carry ``#1``, ``#2``, …: once the bare origin is known, all are landed.
    """

    def __init__(self, options: Options, connect: Callable[[], Folder]) -> None:
        self._options = options
        self._connect = connect
        self._opened: Folder | None = None
        self._unfinished: list[str] = []
        self._names: dict[str, str] = {}  # of the files offered, by origin

    def check(self) -> list[Finding]:
        try:
            folder = self._folder
        except GatewayError as failure:
            return [Finding(False, "connect", str(failure))]
        findings = [Finding(True, "connect", self._options.transport)]
        try:
            flagged, unflagged = self._drop()
            findings.append(Finding(True, "list", f"{self._options.folder}: {len(flagged)}"))
            findings += [
                Finding(False, "file", f"{_written(entry.name)}: no {self._options.flag_suffix}") for entry in unflagged
            ]
            findings += [self._look_at(entry) for entry in flagged]
            if self._options.archive:
                folder.entries(self._options.archive)
                findings.append(Finding(True, "archive", self._options.archive))
        except GatewayError as failure:
            findings.append(Finding(False, "list", str(failure)))
        return findings

    def pages(self, cursor: str | None, known: Callable[[str], bool]) -> Iterator[Page]:
        """Files by time, then name. What is landed is told by ``known``, so the cursor only names the last page."""
        flagged, unflagged = self._drop()
        self._unfinished = [_written(entry.name) for entry in unflagged]
        self._tidy_flags()
        for entry in flagged:
            if known(_origin(entry)):
                self._archive(entry)
                continue
            taken = self._taken(entry)
            if taken is None:
                self._unfinished.append(_written(entry.name))
                continue
            self._names[_origin(entry)] = entry.name
            yield from (page for page in taken if not known(page.origin))

    def landed(self, page: Page) -> None:
        """Archive file and flag once the last slice is in; a file written anew since then stays."""
        name = self._names.pop(page.origin, None)
        if name is None:  # a slice before the last
            return
        entry = self._folder.stat(self._path(name))
        if entry is None:
            self._tidy_flags()
        elif _origin(entry) == page.origin:
            self._archive(entry)

    def unfinished(self) -> list[str]:
        """Files without their flag, and those whose size, content or number of rows contradicts it."""
        return self._unfinished

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    @property
    def _folder(self) -> Folder:
        if self._opened is None:
            self._opened = self._connect()
        return self._opened

    def _path(self, name: str) -> str:
        return f"{self._options.folder.rstrip('/')}/{name}"

    def _drop(self) -> tuple[list[Entry], list[Entry]]:
        """Files with their flag, oldest first, and files without."""
        listed = self._folder.entries(self._options.folder)
        names = {entry.name for entry in listed}
        suffix = self._options.flag_suffix
        files = sorted(
            (
                entry
                for entry in listed
                if fnmatchcase(entry.name, self._options.pattern) and _is_data(entry.name, suffix)
            ),
            key=lambda entry: (entry.changed, entry.name),
        )
        flagged = [entry for entry in files if entry.name + suffix in names]
        return flagged, [entry for entry in files if entry.name + suffix not in names]

    def _taken(self, entry: Entry) -> list[Page] | None:
        """The pages of a complete file; ``None`` while it is still being written."""
        if entry.size > self._options.max_bytes:
            raise Misconfigured("sftp.too_large", size=entry.size, limit=self._options.max_bytes)
        said = self._said(entry)
        content = self._folder.read(self._path(entry.name))
        if content is None or len(content) != entry.size or self._folder.stat(self._path(entry.name)) != entry:
            return None
        origin, cursor = _origin(entry), f'{{"files":"{_origin_digest(entry)}"}}'
        suffix = PurePosixPath(entry.name).suffix.lower()
        if self._options.flag_holds_rows and said is None:
            return None
        if suffix in SPREADSHEETS:
            if not is_whole(content, suffix):
                return None
            return [Page(content, SPREADSHEETS[suffix], origin, cursor, said)]
        parts = slices(content, self._options.slice_rows)
        if self._options.flag_holds_rows and said != sum(count for _, count in parts):
            return None
        media_type = f"text/csv; charset={self._options.charset}"
        marks = [f"{origin}#{number}" for number in range(1, len(parts))] + [origin]
        return [Page(body, media_type, mark, cursor, count) for (body, count), mark in zip(parts, marks, strict=True)]

    def _said(self, entry: Entry) -> int | None:
        """Rows by the flag, if it holds them."""
        if not self._options.flag_holds_rows:
            return None
        text = (self._folder.read(self._path(entry.name + self._options.flag_suffix)) or b"").strip()
        return int(text) if text.isdigit() else None

    def _look_at(self, entry: Entry) -> Finding:
        try:
            pages = self._taken(entry)
        except GatewayError as failure:
            return Finding(False, "file", f"{_written(entry.name)}: {failure}")
        if pages is None:
            return Finding(
                False,
                "file",
                f"{_written(entry.name)}: incomplete: rows, size or content disagree with its flag; left alone",
            )
        return Finding(True, "file", f"{_written(entry.name)}: {sum(page.declared or 0 for page in pages)}")

    def _archive(self, entry: Entry) -> None:
        """File first, then flag: a kill in between leaves a lone flag, which :meth:`_tidy_flags` takes away."""
        if self._options.archive is None:
            return
        target = f"{self._options.archive.rstrip('/')}/{entry.name}"
        if self._folder.stat(target) is not None:
            target = f"{target}.{_origin_digest(entry)}"
        flag = self._options.flag_suffix
        self._folder.move(self._path(entry.name), target)
        self._folder.move(self._path(entry.name + flag), target + flag)

    def _tidy_flags(self) -> None:
        """Archive flags whose file is archived already."""
        if self._options.archive is None:
            return
        suffix = self._options.flag_suffix
        names = {entry.name for entry in self._folder.entries(self._options.folder)}
        lone = {name for name in names if name.endswith(suffix) and name.removesuffix(suffix) not in names}
        if not lone:
            return
        kept = {entry.name for entry in self._folder.entries(self._options.archive)}
        for name in sorted(lone):
            if name.removesuffix(suffix) in kept and name not in kept:
                self._folder.move(self._path(name), f"{self._options.archive.rstrip('/')}/{name}")


def _is_data(name: str, flag_suffix: str) -> bool:
    return not name.endswith(flag_suffix) and PurePosixPath(name).suffix.lower() in {".csv", *SPREADSHEETS}


def _origin_digest(entry: Entry) -> str:
    return hashlib.sha256(f"{entry.size}:{entry.changed}".encode()).hexdigest()[:8]


def _origin(entry: Entry) -> str:
    return f"{_written(entry.name)}@{_origin_digest(entry)}"


def _written(name: str) -> str:
    """A file's name as it can be stored and shown: what is no character is escaped, an endless one gets a digest."""
    text = name.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    if len(text) <= LONGEST_NAME:
        return text
    return f"{text[: LONGEST_NAME - 17]}~{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def build(source: SourceFile, connection: Connection, allowed_hosts: str) -> Connector:
    options = options_of(source, Options)
    if options.transport == "local":
        return FilesConnector(options, LocalFolder)
    return FilesConnector(options, lambda: RemoteFolder(connection, allowed_hosts, options))
