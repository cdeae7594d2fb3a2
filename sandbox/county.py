"""What a county hands over (县区样例): samples of its systems, and a front-end database, made from a sandbox's data.

    python -m sandbox.county <sandbox folder> <folder to write to>

The samples are what `gw source new --from` reads: an answer of the portal, ratings of the hotline, a kiosk's file.
The front-end database (前置库) is an SQLite file with one table, the app's records. Persons are invented.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from sandbox.generator.model import SHANGHAI

Record = dict[str, Any]
TABLE = "pj_evaluation"
MOMENTS = ("serviceAt", "acceptAt", "finishAt", "assessedAt")
SAMPLE = 60


def hand_over(sandbox: Path, folder: Path) -> list[Path]:
    """Write everything; the files."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_portal(sandbox, folder), _hotline(sandbox, folder), _kiosk(sandbox, folder), _front(sandbox, folder)]


def _read(sandbox: Path, name: str) -> list[Record]:
    lines = (sandbox / "data" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _portal(sandbox: Path, folder: Path) -> Path:
    records = _read(sandbox, "portal")[:SAMPLE]
    page = {"code": 0, "message": "ok", "data": {"total": len(records), "page": 1, "pageSize": SAMPLE, "list": records}}
    file = folder / "portal.json"
    file.write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")
    return file


def _hotline(sandbox: Path, folder: Path) -> Path:
    ratings = (
        "".join(f"<{name}>{escape(str(value or ''))}</{name}>" for name, value in record.items())
        for record in _read(sandbox, "hotline")[:SAMPLE]
    )
    file = folder / "ratings.xml"
    file.write_text(f"<ratings>{''.join(f'<rating>{one}</rating>' for one in ratings)}</ratings>", encoding="utf-8")
    return file


def _kiosk(sandbox: Path, folder: Path) -> Path:
    dropped = sandbox / "data" / "kiosk"
    largest = max(dropped.rglob("*.csv"), key=lambda file: file.stat().st_size)
    return Path(shutil.copyfile(largest, folder / "kiosk.csv"))


def _front(sandbox: Path, folder: Path) -> Path:
    records = _read(sandbox, "app")
    names = list(records[0])
    file = folder / "front.db"
    file.unlink(missing_ok=True)
    columns = ", ".join(f'"{name}" TEXT' for name in names)
    with sqlite3.connect(file) as database:
        database.execute(f"CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY, {columns}, update_time TIMESTAMP)")
        marks = ", ".join("?" * (len(names) + 2))
        rows = [(number, *_cells(record, names), _changed(record)) for number, record in enumerate(records, 1)]
        database.executemany(f"INSERT INTO {TABLE} VALUES ({marks})", rows)  # noqa: S608 - our own names
    database.close()
    return file


def _cells(record: Record, names: list[str]) -> list[str | None]:
    return [None if record[name] is None else str(record[name]) for name in names]


def _changed(record: Record) -> str:
    latest = max(record[name] for name in MOMENTS if isinstance(record[name], int))
    return datetime.fromtimestamp(latest / 1000, SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


if __name__ == "__main__":
    for written in hand_over(Path(sys.argv[1]), Path(sys.argv[2])):
        print(written)
