"""The generator's truth and the mappings were written apart from one page: they must agree on every record."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.mapping import Outcome, compile_mapping, load_masters, load_sources
from sandbox.doubles.soap import elements
from sandbox.generator.files import generate, read_truth
from sandbox.generator.model import SHANGHAI
from schemas.wire import to_wire

BASE = datetime(2026, 11, 20, 12, tzinfo=SHANGHAI)
MAPPINGS = Path(__file__).resolve().parents[3] / "mappings"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def pages(data: Path, source: str) -> list[tuple[bytes, str]]:
    if source == "kiosk":
        files = [path for path in sorted((data / "kiosk" / "outbox").iterdir()) if path.suffix != ".ok"]
        types = {".csv": "text/csv; charset=gb18030", ".xlsx": XLSX}
        return [(path.read_bytes(), types[path.suffix]) for path in files]
    records = [json.loads(line) for line in (data / f"{source}.jsonl").read_bytes().splitlines()]
    if source == "hotline":
        ratings = "".join(f"<rating>{elements(record)}</rating>" for record in records)
        return [(f"<result><code>0</code><ratings>{ratings}</ratings></result>".encode(), "application/xml")]
    body = {"data": {"list": records}} if source == "portal" else {"result": {"items": records}}
    return [(json.dumps(body).encode(), "application/json")]


def found(outcome: Outcome) -> dict[str, Any]:
    records = {record.kind: to_wire(record.kind, record.content | record.personal) for record in outcome.records}
    return {
        "codes": sorted({problem.code for problem in outcome.problems if problem.severity != "W"}),
        "service": records.get("service", {}),
        "evaluation": records.get("evaluation"),
    }


def test_every_record_becomes_what_the_truth_says(tmp_path: Path) -> None:
    generate(tmp_path, 2500, 11, BASE)
    truth, masters = read_truth(tmp_path), load_masters(MAPPINGS)
    for source in load_sources(MAPPINGS):
        mapping = compile_mapping(source, masters)
        name = source.source.removesuffix("_guangan")
        items = [item for body, kind in pages(tmp_path / "data", name) for item in mapping.decode(body, kind)]
        lines = [line for line in truth if line["source"] == source.source]
        assert len(items) == len(lines) > 0
        for item, line in zip(items, lines, strict=True):
            expected = {name: line[name] for name in ("codes", "service", "evaluation")}
            assert found(mapping.apply(item, BASE + timedelta(hours=1))) == expected, line["upstream_id"]
