"""What a complete file holds: pages by its form, after every check that could refuse it as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from connectors.sftp_files.archives import Zip, gunzip
from connectors.sftp_files.checksum import DIGESTS
from connectors.sftp_files.options import Form, Options, Unpacking
from connectors.sftp_files.rows import Slice, charset_of, count_rows, csv_slices, json_slices
from connectors.sftp_files.spreadsheet import check_xls, check_xlsx
from gateway.errors import Rejected
from gateway.mapping.decode import DELIMITERS, USUAL_DELIMITER

FORMS: dict[str, Form] = {
    ".csv": "csv",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".json": "json",
    ".xml": "xml",
    ".xlsx": "xlsx",
    ".xls": "xls",
}
MEDIA_TYPES: dict[Form, str] = {
    "json_lines": "application/json",
    "json": "application/json",
    "xml": "application/xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xls": "application/vnd.ms-excel",
}
CHECKS: dict[Form, Callable[[bytes, Unpacking], None]] = {"xlsx": check_xlsx, "xls": check_xls}
ZIP, GZIP = ".zip", ".gz"
LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db")


@dataclass(frozen=True, slots=True)
class Part:
    """``declared``: rows, where the form shows them."""

    body: bytes
    media_type: str
    declared: int | None


class Content:
    """A file's bytes. Raises ``Rejected`` when made: ``file.broken``, ``file.unsafe``, ``file.unknown_form``."""

    def __init__(self, name: str, content: bytes, options: Options) -> None:
        self._options = options
        self._name, self._content = name, content
        suffix = PurePosixPath(name).suffix.lower()
        self._zip = Zip(content, options.unpack) if suffix == ZIP else None
        if suffix == GZIP:
            self._name, self._content = name[: -len(GZIP)], gunzip(content, options.unpack)
        self._members = self._listed()
        for member in self._members:
            if (check := CHECKS.get(self._form(member))) is not None:
                check(self._read(member), options.unpack)

    @property
    def is_single(self) -> bool:
        """No archive of several files."""
        return len(self._members) == 1

    def rows(self) -> int | None:
        """Rows of all its members; ``None`` when a member doesn't show them."""
        counted = 0
        for member in self._members:
            form, body = self._form(member), self._read(member)
            if form == "csv":
                counted += count_rows(body, self._charset(body), DELIMITERS[self._options.delimiter])
            elif form == "json_lines":
                counted += sum(count for _, count in self._slices(form, body)[1])
            else:
                return None
        return counted

    def parts(self) -> Iterator[Part]:
        """Pages in the order of the file; at most one member is held unpacked."""
        for member in self._members:
            form, body = self._form(member), self._read(member)
            media_type, slices = self._slices(form, body)
            for piece, count in slices:
                yield Part(piece, media_type, count if form in {"csv", "json_lines"} else None)

    def _listed(self) -> list[str]:
        if self._zip is None:
            return [self._name]
        names = [name for name in self._zip.members() if not _is_beside(name, self._options)]
        self._zip.check()
        if not names:
            raise Rejected("file.broken", reason="empty")
        return names

    def _form(self, name: str) -> Form:
        form = self._options.form or FORMS.get(PurePosixPath(name).suffix.lower())
        if form is None:
            raise Rejected("file.unknown_form", known=", ".join(FORMS))
        return form

    def _read(self, member: str) -> bytes:
        return self._content if self._zip is None else self._zip.read(member)

    def _charset(self, content: bytes) -> str:
        return charset_of(content) if self._options.charset == "auto" else self._options.charset

    def _slices(self, form: Form, content: bytes) -> tuple[str, Iterator[Slice]]:
        size = self._options.slice_rows
        if form == "csv":
            charset = self._charset(content)
            named = self._options.delimiter
            media_type = f"text/csv; charset={charset}" + (f"; delimiter={named}" if named != USUAL_DELIMITER else "")
            return media_type, csv_slices(content, size, charset, DELIMITERS[named])
        if form == "json_lines":
            return MEDIA_TYPES[form], json_slices(content, size, self._charset(content))
        return MEDIA_TYPES[form], iter([(content, 0)])


def is_data(name: str, options: Options) -> bool:
    """Could a file of that name hold records? Flags, checksums and files still named ``.part`` don't."""
    if _is_beside(name, options):
        return False
    return options.form is not None or PurePosixPath(name).suffix.lower() in {*FORMS, ZIP, GZIP}


def _is_beside(name: str, options: Options) -> bool:
    flagged = options.flag_suffix is not None and name.endswith(options.flag_suffix)
    return flagged or name.lower().endswith(tuple(DIGESTS)) or any(mark in name for mark in LITTER)
