"""A deployment on a folder and a database, with a ledger to fill: also opened again by a process that gets killed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from gateway.bootstrap import initialise, open_context
from gateway.crypto.keys import KeyFolder
from gateway.mapping import entry
from gateway.mapping.outcome import CanonicalRecord
from gateway.settings import Settings, load
from gateway.stages.context import Context, system_clock
from gateway.store import Transaction, ledger, pages
from gateway.store.ledger import SourceRecord
from gateway.store.tables import raw_page
from sandbox.platform.running import RunningPlatform

REPOSITORY = Path(__file__).resolve().parents[3]
REGION, TASK = "360102000000", "11360102MB99901A2T4000117051000"
SENDER = "510000000000"
PAGE = "ab" * 16
RECEIVED = datetime(2026, 11, 20, 2, 0, tzinfo=UTC).replace(tzinfo=None)


def settings_of(home: Path, database_url: str, **overrides: Any) -> Settings:
    connection = json.loads((home / "connection.json").read_text())
    return load(
        {"GW_CONN_NATIONAL": json.dumps(connection)},
        home=home,
        database_url=database_url,
        sender=SENDER,
        **({"lease_seconds": 30, "retry_base_seconds": 0.001} | overrides),
    )


def prepare(home: Path, database_url: str, batch_records: int) -> None:
    """Keys, targets and tables; the platform is told later."""
    (home / "targets").mkdir(parents=True)
    (home / "mappings").mkdir()
    text = (REPOSITORY / "targets" / "national.yaml").read_text(encoding="utf-8")
    text = re.sub(r"batch_records: \d+", f"batch_records: {batch_records}", text)
    (home / "targets" / "national.yaml").write_text(text, encoding="utf-8")
    (home / "connection.json").write_text("{}")
    initialise(settings_of(home, database_url))
    (home / "sender").mkdir()
    shutil.copy(KeyFolder(home / "var" / "keys").path / "signature.pub.pem", home / "sender")


def introduce(home: Path, platform: RunningPlatform) -> None:
    """Pin the platform's keys and note its address."""
    folder = KeyFolder(home / "var" / "keys")
    for path in platform.key_files.values():
        folder.pin(path.read_bytes(), "enc" if "-enc" in path.name else "sig")
    host, _, port = platform.url.removeprefix("http://").partition(":")
    connection = {"host": host, "port": int(port), "schema": "http", "login": platform.paasid}
    (home / "connection.json").write_text(json.dumps(connection | {"password": platform.token}))


def open_world(home: Path, database_url: str, clock: Callable[[], datetime] = system_clock, **o: Any) -> Context:
    return open_context(settings_of(home, database_url, **o), clock)


def service(number: int, **other: Any) -> CanonicalRecord:
    content = {
        "area_code": REGION,
        "dept_code": TASK[:18],
        "org_code": TASK[:18],
        "org_name": "区行政审批局",
        "task_code": TASK,
        "task_name": "食品经营许可（新办）",
        "task_type": "01",
        "project_no": f"P{number:06d}",
        "project_status": "3",
        "project_type": "2",
        "project_channel": "2",
        "user_prop": "1",
        "user_page_type": "111",
        "service_name": "窗口申请",
        "service_stage": "accept",
        "service_number": "1",
        "service_time": "2026-10-20 10:05:00",
        "accept_date": "2026-10-20 09:45:00",
        "result_date": "2026-10-20 10:00:00",
        "data_source": "136",
        **other,
    }
    personal = {"user_name": "张示例", "cert_key_gov": "360102190001100012", "mobile": "13800138000"}
    key = f"P{number:06d}#1"
    return CanonicalRecord("service", key, None, content, personal, RECEIVED, REGION, TASK[:18], TASK, None, None, None)


def evaluation(number: int, **other: Any) -> CanonicalRecord:
    content = {
        "project_no": f"P{number:06d}",
        "service_number": "1",
        "assess_number": "1",
        "satisfaction": "4",
        "channel": "4",
        "indicators": ["411", "412"],
        "assess_time": "2026-10-27 10:20:00",
        "is_default": "0",
        "origin": "active",
        "operation": "I",
        **other,
    }
    key = f"P{number:06d}#1"
    personal = {"writing_evaluation": "很好 \U0001f600"}
    return CanonicalRecord(
        "evaluation", f"{key}#1", key, content, personal, RECEIVED, REGION, TASK[:18], TASK, 4, "4", "active"
    )


def fill(context: Context, *groups: Iterable[CanonicalRecord], corrects: bool = False) -> None:
    """Each group is one source record."""
    with context.store.begin() as transaction:
        _page_there(transaction)
        chunk = [
            SourceRecord("portal", PAGE, index, RECEIVED, [entry.prepare(one) for one in group], corrects)
            for index, group in enumerate(groups)
        ]
        ledger.store(transaction, chunk, context.vault.seal)


def _page_there(transaction: Transaction) -> None:
    """The page that all groups claim to come from, as if it had been normalised with room for all of them."""
    if pages.heads(transaction, [PAGE]):
        return
    counts = {"landed": 100, "stored": 100, "quarantined": 0, "duplicate": 0, "unrated": 0}
    received = {"received_at": RECEIVED, "normalised_at": RECEIVED}
    body = {"body": b"", "body_digest": "0" * 64, "body_bytes": 0}
    about = {"page_id": PAGE, "source_id": "portal", "origin": "page=1", "media_type": "application/json"}
    transaction.execute(insert(raw_page).values(**about, **received, **body, **counts, state="normalised"))
