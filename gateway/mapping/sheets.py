"""A spreadsheet's first sheet to source records: what a cell holds, never what it shows.

A day without a clock time stays one, so that nobody takes it for midnight; a number with more digits than a cell can
hold stays a float, which :func:`gateway.mapping.text.text` refuses, since its last digits are lost.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gateway.errors import Rejected
from gateway.mapping.text import EXACT

_LARGEST = 256 * 1024 * 1024  # unpacked; a packed megabyte may hold a thousand


def sheet(body: bytes) -> list[Any]:
    """The rows below the first, which names their columns; Rejected('page.undecodable', reason)."""
    from python_calamine import CalamineError, CalamineWorkbook  # few sources need it

    if _unpacked(body) > _LARGEST:
        raise Rejected("page.undecodable", reason="too_large")
    try:
        rows = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError) as broken:
        raise Rejected("page.undecodable", reason="spreadsheet") from broken
    header = [str(_cell(name)).strip() for name in rows[0]] if rows else []
    named = [at for at, name in enumerate(header) if name]
    names = [header[at] for at in named]
    if not names or len(set(names)) != len(names):
        raise Rejected("page.undecodable", reason="header")
    return [_record(row, names, named) for row in rows[1:] if any(cell != "" for cell in row)]


def _record(row: Sequence[Any], names: list[str], named: list[int]) -> dict[str, Any]:
    return dict(zip(names, (_cell(row[at]) for at in named), strict=True))


def _cell(value: Any) -> str | float:
    if isinstance(value, float) and not isinstance(value, bool):
        if abs(value) >= EXACT:
            return value
        return str(int(value)) if value.is_integer() else repr(value)
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


def _unpacked(body: bytes) -> int:
    """Bytes of a spreadsheet once its archive is unpacked, by its directory; 0 when it is no archive (.xls)."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return 0
