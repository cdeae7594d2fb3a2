"""Cutting text of rows into pages by bytes: a CSV with its header repeated, JSON lines as a list.

Rows are found by the csv module itself over the undecoded bytes, so that cutting and reading are of one opinion. That
is safe for UTF-8 and GB18030 alike: no byte of a multi-byte character is a quote, a comma or a line break in either (a
pipe may be one in GB18030: such a row counts as too wide here, stands alone, and is read right when it is decoded).
A row that can't be read stands on a page of its own, so that quarantine takes it and not its neighbours.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import NamedTuple

import msgspec

LONGEST_CELL = 131_072
MOST_ALONE = 1000  # unreadable rows of a file that get a page each; a file worse than that is wrong as a whole
SPACE = b" \t\r\n\x1a"  # old systems end a file with Ctrl-Z
BLOCK = 1 << 20
Slice = tuple[bytes, int]  # a page's body, and how many rows it holds


class Row(NamedTuple):
    raw: bytes  # with its line end
    width: int  # number of fields; 0: white space only; -1: the csv module refuses it


class _Lines:
    """Lines of ``content``; those read since :meth:`taken` was last asked are one row."""

    def __init__(self, content: bytes) -> None:
        self._source = io.TextIOWrapper(io.BytesIO(content), encoding="latin-1", newline="")
        self._again: deque[str] = deque()
        self._read: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._source)
        self._read.append(line)
        return line

    def taken(self) -> bytes:
        read, self._read = self._read, []
        return "".join(read).encode("latin-1")

    def first_taken(self) -> bytes:
        """The first line alone; the others are read again."""
        first, *others = self._read
        self._again.extendleft(reversed(others))
        self._read = []
        return first.encode("latin-1")


def rows(content: bytes, delimiter: str = ",") -> Iterator[Row]:
    """Rows of a CSV with their line ends; a quoted field may hold line breaks. Blank lines are left out."""
    csv.field_size_limit(LONGEST_CELL)
    lines = _Lines(content)
    while True:
        try:
            for fields in csv.reader(lines, strict=True, delimiter=delimiter):
                raw = lines.taken()
                if fields:
                    yield Row(raw, 0 if len(fields) == 1 and not raw.strip(SPACE) else len(fields))
        except csv.Error:
            yield Row(lines.first_taken(), -1)  # an unclosed quote must not swallow the rows after it
        else:
            return


def csv_slices(content: bytes, size: int, charset: str, delimiter: str = ",") -> Iterator[Slice]:
    """Slices of at most ``size`` rows, each with the header. A file that fits and can be read stays byte for byte."""
    found = rows(content, delimiter)
    header = next(found, None)
    if header is None or charset == "utf-16":  # its line breaks are no single bytes: it stays whole
        yield content, count_rows(content, charset, delimiter)
        return
    head = header.raw if header.raw.endswith((b"\n", b"\r")) else header.raw + b"\n"
    fits = _fits(header.width, charset)
    batches = _batches(found, size)
    first = next(batches, [])
    second = next(batches, None)
    if second is None and all(row.width == header.width for row in first) and _decodes(content, charset):
        yield content, len(first)
        return
    alone = pages = 0
    for batch in chain([first], [second] if second else [], batches):
        for group in _apart(batch, fits) if alone < MOST_ALONE else [batch]:
            full = [row.raw for row in group if row.width]
            if full:
                alone, pages = alone + (len(group) == 1), pages + 1
                yield head + b"".join(full), len(full)
    if not pages:
        yield content, 0


def count_rows(content: bytes, charset: str, delimiter: str = ",") -> int:
    """Rows of a CSV below its header."""
    text = content.decode(charset, "replace").encode() if charset == "utf-16" else content
    return max(0, sum(row.width != 0 for row in rows(text, delimiter)) - 1)


def json_slices(content: bytes, size: int, charset: str) -> Iterator[Slice]:
    """JSON lines as lists of at most ``size`` records; a line that is no JSON object stands alone, as it came."""
    good: list[bytes] = []
    if charset == "utf-16":
        content, charset = content.decode(charset, "replace").encode(), "utf-8"
    for line in io.BytesIO(content.removeprefix(codecs.BOM_UTF8)):
        if not (text := line.strip(SPACE)):
            continue
        text = _utf8(text, charset)
        if not _is_object(text):
            if good:
                yield _list_of(good)
                good = []
            yield text, 1
            continue
        good.append(text)
        if len(good) == size:
            yield _list_of(good)
            good = []
    if good or not content.strip(SPACE):
        yield _list_of(good)


def charset_of(content: bytes) -> str:
    """Of a whole file that declares none: a byte-order mark, else strict utf-8, else GB18030 (which holds GBK)."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if _decodes(content, "utf-8"):
        return "utf-8"
    header = content[: content.find(b"\n") + 1 or len(content)]
    return "utf-8" if not header.isascii() and _decodes(header, "utf-8") else "gb18030"


def _batches(found: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while batch := list(islice(found, size)):
        yield batch


def _apart(batch: list[Row], fits: Callable[[Row], bool]) -> Iterator[list[Row]]:
    """The batch in order: rows that can be read together, each other one by itself."""
    good: list[Row] = []
    for row in batch:
        if fits(row):
            good.append(row)
            continue
        if good:
            yield good
            good = []
        yield [row]
    if good:
        yield good


def _fits(width: int, charset: str) -> Callable[[Row], bool]:
    return lambda row: row.width == 0 or (row.width == width and _decodes(row.raw, charset))


def _decodes(content: bytes, charset: str) -> bool:
    decoder = codecs.getincrementaldecoder(charset)()
    view = memoryview(content)
    try:
        for at in range(0, len(content), BLOCK):
            decoder.decode(view[at : at + BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _utf8(line: bytes, charset: str) -> bytes:
    """JSON is utf-8; what is not becomes so, character for character, or stays as it is and can't be read."""
    if charset.startswith("utf-8"):
        return line
    try:
        return line.decode(charset).encode()
    except UnicodeDecodeError:
        return line


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _list_of(lines: list[bytes]) -> Slice:
    return b"[" + b",\n".join(lines) + b"]", len(lines)
