"""A gateway with one target of a province's profile, and the receiver's double behind it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.bootstrap import initialise, open_context
from gateway.crypto import sm2
from gateway.mapping.outcome import CanonicalRecord
from gateway.settings import Settings, load
from gateway.stages.context import Context
from gateway.store import batch_lines
from sandbox.provinces.form import FormReceiver
from sandbox.provinces.header import HeaderReceiver
from sandbox.provinces.receiver import Receiver, serving
from sandbox.provinces.soap import SoapReceiver
from sandbox.provinces.txn import TxnReceiver
from tests.integration.delivery.world import RECEIVED, REGION, REPOSITORY, TASK

SENDER = "370000000000"
TARGET = "province"
KEY = sm2.load_private((REPOSITORY / "tests" / "vectors" / "gbt32918_5_key.pem").read_bytes())
LOGIN, SECRET = "DEMOAPP", "0123456789abcdef0123456789abcdef"
RECEIVERS: dict[str, Callable[[], Receiver]] = {
    "bj-form": lambda: FormReceiver(KEY, LOGIN, SECRET),
    "sd-txn": lambda: TxnReceiver(KEY, LOGIN, SECRET, SENDER),
    "fj-soap": lambda: SoapReceiver(LOGIN, SECRET),
    "tif-header": lambda: HeaderReceiver(LOGIN, SECRET),
}


@dataclass
class World:
    """``receiver`` is the double of the province; its class depends on the profile."""

    context: Context
    receiver: Any
    home: Path

    def states(self) -> list[str]:
        """Of all batches, by sequence number."""
        with self.context.store.read() as transaction:
            lines = batch_lines.list_batches(transaction, self.context.clock(), TARGET)
        return [str(line.state) for line in reversed(lines)]

    def batches(self) -> list[batch_lines.BatchLine]:
        with self.context.store.read() as transaction:
            return list(reversed(batch_lines.list_batches(transaction, self.context.clock(), TARGET)))


def prepare(home: Path, url: str, profile: str, **target: Any) -> None:
    shutil.copytree(REPOSITORY / "targets" / "profiles", home / "targets" / "profiles")
    (home / "mappings").mkdir()
    lines = {"target": TARGET, "name": "省平台", "profile": profile, "connection": "province", "recipient": "PROVINCE"}
    text = "".join(f"{name}: {value}\n" for name, value in (lines | target).items())
    (home / "targets" / "province.yaml").write_text(text, encoding="utf-8")
    initialise(settings(home, url, {}))


def settings(home: Path, url: str, connection: dict[str, Any], **more: Any) -> Settings:
    return load(
        {"GW_CONN_PROVINCE": json.dumps(connection)},
        home=home,
        database_url=url,
        sender=SENDER,
        **({"lease_seconds": 30, "retry_base_seconds": 0.001} | more),
    )


def connection_to(url: str) -> dict[str, Any]:
    host, _, port = url.removeprefix("http://").partition(":")
    point = KEY.public.spki[-65:].hex()
    about = {"host": host, "port": int(port), "schema": "http", "login": LOGIN, "password": SECRET}
    return about | {"extra": {"platform_key": point}}


@contextmanager
def open_world(
    home: Path, url: str, profile: str, clock: Callable[[], datetime], more: dict[str, Any] | None = None, **target: Any
) -> Iterator[World]:
    prepare(home, url, profile, **target)
    receiver = RECEIVERS[profile]()
    with serving(receiver) as address:
        context = open_context(settings(home, url, connection_to(address), **(more or {})), clock)
        try:
            yield World(context, receiver, home)
        finally:
            context.store.close()


def rectification(number: int, **other: Any) -> CanonicalRecord:
    evaluation_key = f"P{number:06d}#1#1"
    content = {
        "project_no": f"P{number:06d}",
        "service_number": "1",
        "assess_number": "1",
        "cycle": "1",
        "work_order_no": f"W{number:06d}",
        "dept_code": TASK[:18],
        "dept_name": "区行政审批局",
        "status": "90",
        "due_time": "2026-11-27 10:20:00",
        "due_rule": "r1",
        "effective": "1",
        "review_status": "1",
        "operation": "U",
        **other,
    }
    personal = {"rectification": "已当面致歉并补办"}
    return CanonicalRecord(
        *("rectification", f"{evaluation_key}#1", evaluation_key, content, personal, RECEIVED),
        *(REGION, TASK[:18], TASK, None, None, None),
    )
