"""Sources that drop files into a folder: over SFTP, FTP, FTPS, or on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property

from connectors import options_of
from connectors.sftp_files.content import Content
from connectors.sftp_files.drop import Drop, Dropped, order, written
from connectors.sftp_files.folder import LocalFolder
from connectors.sftp_files.options import Options
from gateway.connector import Connector, Finding, Page, TakenFile
from gateway.crypto.digest import sm3_hex
from gateway.errors import GatewayError, Misconfigured, Rejected
from gateway.net.folder import Folder
from gateway.settings import Connection
from schemas.source import SourceFile

__all__ = ["Options", "build"]

REFUSED = "!"  # ends the mark of a file that was refused
UNREADABLE = "application/octet-stream"  # a page of it goes to quarantine as a whole
INCOMPLETE = "incomplete: size, rows or checksum disagree, or it may not be read; left alone"


class FilesConnector:
    """See :class:`gateway.connector.Connector`.

    A page's origin is ``name@digest`` with the digest of the file's content, so that the same file is read
    once, however often it is dropped, and one written anew is a new origin; slices before the last carry ``#1``,
    ``#2``, …. The last page brings the file's line of the ledger of files, which later pulls know by its ``mark``.

    What is wrong with one file stops no other: it becomes a page that quarantine takes as a whole, with the file's
    bytes or, when it was refused unread, a note of what it is; the file goes to the folder ``error``.
    """

    def __init__(self, options: Options, connect: Callable[[], Folder]) -> None:
        self._options = options
        self._connect = connect
        self._offered: dict[str, Dropped] = {}  # by mark
        self._unfinished: list[str] = []

    def check(self) -> list[Finding]:
        try:
            folder = self._folder
        except GatewayError as failure:
            return [Finding(False, "connect", str(failure))]
        findings = [Finding(True, "connect", self._options.transport)]
        try:
            complete, incomplete = self._drop.look()
            findings.append(Finding(True, "list", f"{self._options.folder}: {len(complete)}"))
            findings += [Finding(False, "file", f"{name}: {self._lacking()}") for name in incomplete]
            findings += [self._look_at(file) for file in complete]
            for step, target in (("archive", self._options.archive), ("error", self._options.error)):
                if target:
                    folder.entries(target)
                    findings.append(Finding(True, step, target))
        except GatewayError as failure:
            findings.append(Finding(False, "list", str(failure)))
        return findings

    def pages(self, cursor: str | None, known: Callable[[str], bool]) -> Iterator[Page]:
        """Files by time, then name. What is landed is told by ``known``, so the cursor only names the last file."""
        self._drop.tidy()
        complete, self._unfinished = self._drop.look(known)
        for file in complete:
            if not self._is_done(file, known):
                yield from self._pages_of(file, known)

    def within(self, since: datetime, until: datetime, cursor: str | None, running: str | None) -> Iterator[Page]:
        """Files whose own time lies in that span, those that were put away among them, landed or not."""
        complete, _ = self._drop.look()
        inside = [file for file in (*complete, *self._drop.archived()) if _changed_within(file, since, until)]
        files = sorted(inside, key=order)
        cursors = [_cursor(file) for file in files]
        begun = cursors.index(cursor) if cursor in cursors else 0  # the last one may be landed in part
        for file in files[begun:]:
            yield from self._pages_of(file, lambda _: False)

    def landed(self, page: Page) -> None:
        """Put the file away once its last page is in; a file written anew since then stays."""
        taken = page.file
        file = self._offered.pop(taken.mark, None) if taken else None
        if taken is None or file is None or file.folder != self._options.folder:
            return
        if self._drop.is_there(file):
            self._drop.put_away(file, self._options.error if taken.refused else self._options.archive)

    def unfinished(self) -> list[str]:
        """Files without their flag, and those whose size, content, checksum or number of rows contradicts it."""
        return self._unfinished

    def close(self) -> None:
        if "_folder" in self.__dict__:
            self._folder.close()
            del self._folder

    @cached_property
    def _folder(self) -> Folder:
        return self._connect()

    @property
    def _drop(self) -> Drop:
        return Drop(self._folder, self._options)

    def _is_done(self, file: Dropped, known: Callable[[str], bool]) -> bool:
        """A file that stays where it is, and is known. One that should have been put away is rather read once more:
        a kill came before that, or another content of the same size within the same second."""
        if self._options.archive is None and known(file.mark):
            return True
        return self._options.error is None and known(file.mark + REFUSED)

    def _pages_of(self, file: Dropped, known: Callable[[str], bool]) -> Iterator[Page]:
        """Pages not landed yet, and always the last one: it is what the ledger of files comes with."""
        try:
            content = self._content(file)
        except Rejected as refusal:
            yield self._refused(file, refusal)
            return
        if content is None:
            self._unfinished.append(written(file.name))
            return
        held: Page | None = None
        for page in self._landable(file, *content):
            if held is not None and not known(held.origin):
                yield held
            held = page
        if held is not None:
            self._offered[file.mark] = file
            yield held

    def _landable(self, file: Dropped, digest: str, content: Content, said: int | None) -> Iterator[Page]:
        """All pages of the file; the last one is without a number and brings the file's line."""
        taken = TakenFile(file.mark, written(file.name), file.entry.size, digest)
        place = _cursor(file)
        name = f"{taken.name}@{digest[:16]}"
        parts = content.parts()
        part = next(parts)
        for number, following in enumerate(parts, 1):
            yield Page(part.body, part.media_type, f"{name}#{number}", place, part.declared)
            part = following
        declared = said if part.declared is None and content.is_single else part.declared
        yield Page(part.body, part.media_type, name, place, declared, taken)

    def _content(self, file: Dropped) -> tuple[str, Content, int | None] | None:
        """Digest, content and rows by the flag of a complete file; ``None`` while something contradicts that.

        Raises ``Rejected`` for what waiting doesn't heal: ``file.too_large`` and what :class:`Content` raises.
        """
        if file.entry.size > self._options.max_bytes:
            raise Rejected("file.too_large", size=file.entry.size, limit=self._options.max_bytes)
        said = self._drop.said_rows(file) if self._options.flag_holds_rows else None
        if self._options.flag_holds_rows and said is None:
            return None
        try:
            body = self._drop.read(file)
        except Misconfigured as refused:
            if refused.code != "sftp.refused":
                raise
            return None
        if body is None:
            return None
        try:
            content = Content(file.name, body, self._options)
        except Rejected as refusal:
            raise Broken(refusal, body) from refusal
        if said is not None and content.rows() not in (said, None):
            return None
        return sm3_hex(body), content, said

    def _refused(self, file: Dropped, refusal: Rejected) -> Page:
        body = refusal.body if isinstance(refusal, Broken) else b""
        taken = TakenFile(
            file.mark + REFUSED, written(file.name), file.entry.size, sm3_hex(body) if body else "", refusal.code
        )
        note = {"file": taken.name, "size": taken.size, "refused": refusal.code, **refusal.params}
        self._offered[taken.mark] = file
        return Page(body or json.dumps(note).encode(), UNREADABLE, taken.mark, _cursor(file), None, taken)

    def _look_at(self, file: Dropped) -> Finding:
        name = written(file.name)
        try:
            found = self._content(file)
        except GatewayError as failure:
            return Finding(False, "file", f"{name}: {failure}")
        if found is None:
            return Finding(False, "file", f"{name}: {INCOMPLETE}")
        _, content, said = found
        return Finding(True, "file", f"{name}: {content.rows() if said is None else said}")

    def _lacking(self) -> str:
        lacks = [self._options.flag_suffix or "stable size"]
        if self._options.checksum == "required":
            lacks.append("checksum")
        return "no " + " or ".join(lacks)


class Broken(Rejected):
    """A refused file whose bytes are at hand: quarantine keeps them."""

    def __init__(self, refusal: Rejected, body: bytes) -> None:
        super().__init__(refusal.code, **refusal.params)
        self.body = body


def _changed_within(file: Dropped, since: datetime, until: datetime) -> bool:
    return since.timestamp() <= file.entry.changed < until.timestamp()


def _cursor(file: Dropped) -> str:
    return json.dumps({"files": file.mark.rpartition("@")[2]})


def build(source: SourceFile, connection: Connection, allowed_hosts: str) -> Connector:
    options = options_of(source, Options)
    return FilesConnector(options, lambda: _folder_of(options, connection, allowed_hosts))


def _folder_of(options: Options, connection: Connection, allowed_hosts: str) -> Folder:
    if options.transport == "local":
        return LocalFolder()
    if options.transport == "sftp":
        from gateway.net.sftp import SftpSession  # paramiko is slow to import

        return SftpSession(connection, allowed_hosts, seconds=options.seconds, name_charset=options.name_charset)
    from gateway.net.ftp import FtpSession

    return FtpSession(
        connection,
        allowed_hosts,
        secure=options.transport == "ftps",
        seconds=options.seconds,
        name_charset=options.name_charset,
    )
