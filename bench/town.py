"""The world around the gateway: the generator's portal data, the portal's and the platform's doubles as processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from gateway.bootstrap import initialise
from gateway.crypto.keys import KeyFolder, Use
from gateway.settings import Settings, load
from sandbox import processes
from sandbox.connections import connections
from sandbox.generator.model import SHANGHAI, Json
from sandbox.generator.stream import stream
from sandbox.items import MASTER, read_items
from sandbox.secrets import make_secrets
from sandbox.town import _regions

SEED = 11
USES: tuple[Use, ...] = ("sig", "enc")


@dataclass(frozen=True, slots=True)
class Town:
    """Running doubles, what connects to them, and the keys of all runs."""

    folder: Path
    connections: dict[str, Any]
    platform: str
    record_bytes: int

    def settings(self, run: str, database_url: str) -> Settings:
        """Settings of one run, on its own database."""
        return load({}, **self.job(run, database_url))

    def job(self, run: str, database_url: str) -> dict[str, Any]:
        """What :meth:`settings` is made of, fit for JSON."""
        return {
            "var": str(self.folder / run),
            "keys_dir": str(self.folder / "keys"),
            "database_url": database_url,
            "connections": self.connections,
        }

    def forget(self) -> None:
        """The platform knows nothing of earlier runs after this."""
        requests.post(f"{self.platform}/sandbox/reset", timeout=60).raise_for_status()


@contextmanager
def running_town(folder: Path, records: int) -> Iterator[Town]:
    """The doubles of portal and national platform, with ``records`` at the portal, while the block lasts."""
    make_secrets(folder)
    size = _write_portal(folder / "data" / "portal.jsonl", records)
    keys = folder / "keys"
    initialise(load({}, var=str(folder / "first"), keys_dir=str(keys)))
    plan = processes.Plan(folder=folder, sender_keys=keys, regions=_regions(folder), items=MASTER)
    doubles = processes.start(["portal", "national"], plan)
    try:
        pinned = KeyFolder(keys)
        for path in map(Path, doubles["national"].about["keys"].values()):
            for use in USES:
                if f"-sm2-{use}-" in path.name:
                    pinned.pin(path.read_bytes(), use)
        made = connections(doubles, make_secrets(folder))
        yield Town(folder, made, doubles["national"].url, size)
    finally:
        processes.stop(doubles.values())


def _write_portal(path: Path, records: int) -> int:
    """Mean bytes of a record."""
    base = datetime.now(SHANGHAI).replace(microsecond=0)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for piece in stream("portal", records, SEED, base, read_items()):
            file.write(_line(piece.record))
        return file.tell() // records


def _line(record: Json) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
