"""Writes what the sources serve, and the truth beside it."""

from __future__ import annotations

import csv
import io
import json
import shutil
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import xlsxwriter

from sandbox.doubles.places import ARCHIVE, OUTBOX
from sandbox.generator.model import SHANGHAI, SOURCES, Json
from sandbox.generator.stream import Sent, share_out, stream
from sandbox.items import read_items

FORMAT_VERSION = 1
ROWS_PER_FILE = 500
TRUTH, MANIFEST = "truth.jsonl", "manifest.json"
EXCEL_EPOCH = datetime(1899, 12, 30, tzinfo=SHANGHAI)


def generate(folder: Path, records: int, seed: int, base: datetime | None = None) -> Json:
    """Fill ``folder`` with the data of all four sources, ``truth.jsonl`` and ``manifest.json``, which is returned.

    ``base`` is the latest moment of sending (default: now). The same arguments write the same bytes.
    """
    base = (base or datetime.now(SHANGHAI)).astimezone(SHANGHAI).replace(microsecond=0)
    items = read_items()
    shutil.rmtree(folder / "data", ignore_errors=True)
    data = folder / "data"
    data.mkdir(parents=True)
    counts = share_out(records)
    with (folder / TRUTH).open("wb") as truth:
        for source in SOURCES:
            sent = stream(source, counts[source], seed, base, items)
            _write_source(data, source, sent)
            truth.writelines(_line(piece.truth) for piece in sent)
    manifest = {
        "version": FORMAT_VERSION,
        "seed": seed,
        "records": records,
        "base": base.isoformat(),
        "sources": counts,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return manifest


def held(folder: Path, records: int, seed: int) -> bool:
    """Does ``folder`` hold the finished data of this seed and size already?"""
    try:
        manifest: Json = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    wanted = {"version": FORMAT_VERSION, "seed": seed, "records": records}
    return wanted.items() <= manifest.items()


def read_truth(folder: Path) -> list[Json]:
    """The lines of the truth file."""
    with (folder / TRUTH).open("rb") as file:
        return [json.loads(line) for line in file]


def kiosk_csv(rows: list[Json]) -> bytes:
    """A file of rows as GB18030, CRLF, times ``yyyyMMddHHmmss``."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([f"{cell:%Y%m%d%H%M%S}" if isinstance(cell, datetime) else cell for cell in row.values()])
    return text.getvalue().encode("gb18030")


def kiosk_xlsx(rows: list[Json], *, date_cells: bool) -> bytes:
    """A workbook of rows; times as date cells, or as bare serial numbers; numbers as numbers, all else as text."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "remove_timezone": True})
    # a fixed date of creation keeps the bytes repeatable
    book.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001
    shape = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}) if date_cells else None
    sheet = book.add_worksheet("评价")
    for column, name in enumerate(rows[0]):
        sheet.write_string(0, column, name)
    for number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row.values()):
            _write_cell(sheet, number, column, cell, shape)
    book.close()
    return buffer.getvalue()


def _write_cell(sheet: Any, row: int, column: int, cell: Any, shape: Any) -> None:
    if isinstance(cell, datetime):
        span = cell - EXCEL_EPOCH
        sheet.write_number(row, column, span.days + span.seconds / 86_400, shape)
    elif isinstance(cell, int):
        sheet.write_number(row, column, cell)
    elif cell:
        sheet.write_string(row, column, cell)


def _write_source(data: Path, source: str, sent: list[Sent]) -> None:
    if source == "kiosk":
        _write_kiosk(data / "kiosk", sent)
        return
    with (data / f"{source}.jsonl").open("wb") as file:
        file.writelines(_line(piece.record) for piece in sent)


def _write_kiosk(folder: Path, sent: list[Sent]) -> None:
    (folder / OUTBOX).mkdir(parents=True)
    (folder / ARCHIVE).mkdir()
    made = 0
    for day, pieces in groupby(sent, key=lambda piece: f"{piece.order[0]:%Y%m%d}"):
        rows = [piece.record for piece in pieces]
        for number, start in enumerate(range(0, len(rows), ROWS_PER_FILE), start=1):
            part = rows[start : start + ROWS_PER_FILE]
            as_book, date_cells = made % 2 == 1, made % 4 == 3
            body = kiosk_xlsx(part, date_cells=date_cells) if as_book else kiosk_csv(part)
            name = f"kiosk_{day}_{number}.{'xlsx' if as_book else 'csv'}"
            (folder / OUTBOX / name).write_bytes(body)
            (folder / OUTBOX / f"{name}.ok").write_text(str(len(part)), encoding="ascii")
            made += 1


def _line(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
