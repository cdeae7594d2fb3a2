"""zip and gzip from outside: every limit is held against what is really unpacked, since declared sizes lie.

An archive that breaks one rule is refused as a whole, before anything of it is landed; nothing is written to disk, so
a member's name is only ever a name.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from connectors.sftp_files.options import Unpacking
from gateway.errors import Rejected

BLOCK = 1 << 16
SMALL = 1 << 20  # bytes below which a ratio says nothing
NESTED = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar")
UTF8_NAME, ENCRYPTED = 0x800, 0x1
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


class Zip:
    """A zip archive held to ``limits``. Raises ``Rejected``: ``file.broken``, ``file.unsafe``."""

    def __init__(self, content: bytes, limits: Unpacking) -> None:
        self._limits = limits
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except BROKEN as broken:
            raise Rejected("file.broken", reason="zip") from broken
        self._parts = [part for part in self._archive.infolist() if not part.is_dir()]
        if len(self._parts) > limits.max_files:
            raise Rejected("file.unsafe", reason="count", limit=limits.max_files)

    def check(self) -> None:
        """Unpack everything once, keeping nothing."""
        left = self._limits.max_bytes
        for part in self._parts:
            for block in self._blocks(part, left):
                left -= len(block)

    def members(self) -> list[str]:
        """Names of the files in it, each plain, none twice, none an archive."""
        names = [_name(part) for part in self._parts]
        for part, name in zip(self._parts, names, strict=True):
            if stat.S_ISLNK(part.external_attr >> 16):
                raise Rejected("file.unsafe", reason="link", limit=0)
            if _leads_out(name):
                raise Rejected("file.unsafe", reason="path", limit=0)
            if name.lower().endswith(NESTED):
                raise Rejected("file.unsafe", reason="nested", limit=0)
        if len(set(names)) != len(names):
            raise Rejected("file.unsafe", reason="twice", limit=0)
        return names

    def read(self, name: str) -> bytes:
        part = next(part for part in self._parts if _name(part) == name)
        return b"".join(self._blocks(part, self._limits.max_bytes))

    def _blocks(self, part: zipfile.ZipInfo, left: int) -> Iterator[bytes]:
        if part.flag_bits & ENCRYPTED:
            raise Rejected("file.unsafe", reason="encrypted", limit=0)
        gauge = _Gauge(part.compress_size, left, self._limits)
        try:
            with self._archive.open(part) as stream:
                while block := stream.read(BLOCK):
                    gauge.count(block)
                    yield block
        except BROKEN as broken:
            raise Rejected("file.broken", reason="zip") from broken


def gunzip(content: bytes, limits: Unpacking) -> bytes:
    """The content of a gzip file of one or more members. Raises ``Rejected`` like :class:`Zip`."""
    gauge = _Gauge(len(content), limits.max_bytes, limits)
    found: list[bytes] = []
    left: bytes = content
    while left.rstrip(b"\0"):
        unpacker = zlib.decompressobj(wbits=31)
        try:
            while not unpacker.eof:
                block = unpacker.decompress(left, BLOCK)
                left = unpacker.unconsumed_tail
                if not block and not left and not unpacker.eof:
                    raise Rejected("file.broken", reason="gzip")
                gauge.count(block)
                found.append(block)
        except zlib.error as broken:
            raise Rejected("file.broken", reason="gzip") from broken
        left = unpacker.unused_data
    if not found:
        raise Rejected("file.broken", reason="gzip")
    return b"".join(found)


class _Gauge:
    def __init__(self, packed: int, left: int, limits: Unpacking) -> None:
        self._packed, self._left, self._limits = max(packed, 1), left, limits
        self._seen = 0

    def count(self, block: bytes) -> None:
        self._seen += len(block)
        if self._seen > self._left:
            raise Rejected("file.unsafe", reason="size", limit=self._limits.max_bytes)
        if self._seen > SMALL and self._seen > self._packed * self._limits.max_ratio:
            raise Rejected("file.unsafe", reason="ratio", limit=self._limits.max_ratio)


def _name(part: zipfile.ZipInfo) -> str:
    """zipfile takes names without the utf-8 mark for cp437; Chinese systems write them in GBK."""
    if part.flag_bits & UTF8_NAME:
        return part.filename
    raw = part.filename.encode("cp437", "replace")
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return part.filename


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name
