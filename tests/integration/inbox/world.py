"""A deployment with one source that pushes, two senders of it, and what they push."""

from __future__ import annotations

import json
import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sqlalchemy import text

from gateway.bootstrap import initialise, open_context
from gateway.crypto import sm2
from gateway.inbox.app import make_app
from gateway.inbox.desk import Desk
from gateway.inbox.doors import open_doors
from gateway.settings import Settings, load
from gateway.stages.context import Context
from sandbox.pusher import Pusher, hmac_sm3
from tests.integration.store.portal_data import DEPT, ITEM

with warnings.catch_warnings():  # Starlette asks for httpx2; Airflow brings httpx
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "connectors" / "inbox" / "example.yaml"
SOURCE = "counter_push"
HALL, APP = "hall-01", "county-app"
NAME, CERTIFICATE, MOBILE = "王小明", "11010519491231002X", "13800000000"


def record(number: int, **changes: Any) -> dict[str, Any]:
    """A good record in national field names; ``None`` takes a field away."""
    good = {
        "areaCode": "511602000000",
        "deptCode": DEPT,
        "orgcode": DEPT,
        "orgName": "区行政审批局",
        "taskCode": ITEM,
        "projectNo": f"GA20261119{number:08d}",
        "projectName": "种畜禽生产经营许可证信息变更",
        "proStatus": "3",
        "projectType": "1",
        "proChannel": "2",
        "userProp": "1",
        "userName": NAME,
        "userPageType": "111",
        "certKeyGOV": CERTIFICATE,
        "mobile": MOBILE,
        "serviceName": "办结",
        "serviceNumber": "1",
        "serviceTime": "2026-11-19 09:00:00",
        "applydate": "2026-11-18 09:00:00",
        "acceptDate": "2026-11-18 10:00:00",
        "resultDate": "2026-11-19 09:00:00",
        "dataSource": "151",
        "assessNumber": "1",
        "satisfaction": "5",
        "pf": "4",
        "assessTime": "2026-11-19 10:00:00",
        "isdefault": "0",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def batch(*records: Any) -> bytes:
    return json.dumps({"records": list(records)}, ensure_ascii=False).encode()


@dataclass
class World:
    """One deployment below ``folder``, on the database at ``url``."""

    folder: Path
    url: str
    secrets: dict[str, str] = field(default_factory=dict)
    private: sm2.PrivateKey = field(default_factory=sm2.generate)
    shift: timedelta = timedelta()  # of the gateway's clock against the senders'

    def __post_init__(self) -> None:
        self.secrets = {name: secrets.token_hex(32) for name in ("hall_01_2026a", "hall_01_2027a")}
        mappings = self.folder / "home" / "mappings"
        (mappings / "511602").mkdir(parents=True)
        (mappings / "tables").symlink_to(ROOT / "mappings" / "tables")
        (mappings / "511602" / "items.csv").symlink_to(ROOT / "mappings" / "511602" / "items.csv")
        (self.folder / "home" / "targets").symlink_to(ROOT / "targets")
        self.write()
        initialise(self.settings())

    def write(
        self, mapping: dict[str, Any] | None = None, budget: dict[str, Any] | None = None, **options: Any
    ) -> None:
        """The source file: the shipped example, with these changes."""
        data = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
        data["options"] |= options
        data["mapping"] |= mapping or {}
        data["error_budget"] = budget
        target = self.folder / "home" / "mappings" / "511602" / f"{SOURCE}.yaml"
        target.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")

    def environment(self) -> dict[str, str]:
        keys = {**self.secrets, "county_app_2026a": self.private.public.pem.decode()}
        return {
            "GW_HOME": str(self.folder / "home"),
            "GW_VAR": str(self.folder),
            "GW_DATABASE_URL": self.url,
            f"GW_CONN_{SOURCE.upper()}": json.dumps({"extra": {"keys": keys}}),
        }

    def settings(self) -> Settings:
        return load(self.environment())

    @contextmanager
    def running(self) -> Iterator[Serving]:
        """The service in this process, until the block ends."""
        context = open_context(self.settings(), lambda: datetime.now(UTC) + self.shift)
        desk = Desk(context, open_doors(context.settings, context.sources))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with TestClient(make_app(desk)) as client:
                yield Serving(self, context, client)
        context.store.close()

    def pusher(self, sender: str = HALL, key: str = "2026a", url: str = "") -> Pusher:
        """A client of one of the senders."""
        if sender == HALL:
            return Pusher(url, SOURCE, sender, key, hmac_sm3(self.secrets[f"hall_01_{key}"]))
        return Pusher(url, SOURCE, sender, key, self.sign_raw)

    def sign_raw(self, text: bytes) -> bytes:
        """SM2 as r and s of 32 bytes each."""
        r, s = decode_dss_signature(sm2.sign(self.private, text))
        return r.to_bytes(32) + s.to_bytes(32)


@dataclass
class Serving:
    world: World
    context: Context
    client: TestClient

    def post(self, body: bytes, key: str, what: str = "records", by: Pusher | None = None, **headers: str) -> Any:
        """One request, signed by ``by``; ``headers`` replace those (underscores for dashes)."""
        path = f"/inbox/v1/{SOURCE}/{what}"
        signed = (by or self.world.pusher()).headers("POST", path, body, key)
        return self.client.post(path, content=body, headers=signed | named(headers))

    def ask(self, receipt: str, by: Pusher | None = None) -> Any:
        path = f"/inbox/v1/{SOURCE}/receipts/{receipt}"
        return self.client.get(path, headers=(by or self.world.pusher()).headers("GET", path, b""))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.context.store.read() as transaction:
            return [tuple(row) for row in transaction.execute(text(query))]

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT COUNT(*) FROM {table}")[0][0])


def named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
