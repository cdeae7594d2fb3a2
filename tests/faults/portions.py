"""A town whose sources show their records bit by bit, so that every run has something of everything to do."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.generator.files import generate
from tests.deployment import Deployment

SERVED = ("portal", "app", "hotline")


class Portions:
    """Made before the town is: what the generator wrote is taken away, and shown again in ``number`` portions."""

    def __init__(self, var: Path, *, records: int, seed: int, base: datetime, number: int) -> None:
        folder = var / "sandbox"
        folder.mkdir(parents=True)
        generate(folder, records, seed, base)
        self._number, self._shown = number, 0
        self._records = {name: _taken(folder / "data" / f"{name}.jsonl") for name in SERVED}
        outbox = folder / "data" / "kiosk" / "outbox"
        self._files = [
            (flag.name.removesuffix(".ok"), flag.with_suffix("").read_bytes(), flag.read_text(encoding="ascii"))
            for flag in sorted(outbox.glob("*.ok"))
        ]
        for file in outbox.iterdir():
            file.unlink()

    @property
    def left(self) -> int:
        return self._number - self._shown

    def show(self, town: Deployment, portions: int = 1) -> None:
        """The next portions appear at the sources; nothing when all have."""
        for _ in range(min(portions, self.left)):
            for name, records in self._records.items():
                town.sandbox.desks[name].post("/sandbox/records", self._part(records))
            self._drop(town, self._part(self._files))
            self._shown += 1

    def drop_again(self, town: Deployment, portions: int) -> None:
        """The files of the last ``portions`` lie in their folder once more."""
        self._drop(town, self._part(self._files, self._shown - portions))

    def _drop(self, town: Deployment, files: list[tuple[str, bytes, str]]) -> None:
        for name, body, rows in files:
            town.sandbox.desks["kiosk"].put(f"/sandbox/files/{name}?rows={rows}", body)

    def _part(self, everything: list[Any], since: int | None = None) -> list[Any]:
        """The next portion, or all from portion ``since`` up to now."""
        steps = (self._shown, self._shown + 1) if since is None else (since, self._shown)
        start, end = (len(everything) * step // self._number for step in steps)
        return everything[start:end]


def _taken(file: Path) -> list[Any]:
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    file.write_text("", encoding="utf-8")
    return records
