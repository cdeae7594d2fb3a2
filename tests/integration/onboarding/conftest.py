"""A county's day: a sandbox, an empty deployment beside it, and the guide's own commands and decisions."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.county import hand_over
from tests.integration.cli.conftest import ROOT, Operator, running

GUIDE = (ROOT / "docs" / "县区接入指南.md").read_text(encoding="utf-8")
SOURCES = ("qu_portal", "qu_hotline", "qu_kiosk", "qu_front", "qu_push")
HALL = bytes(range(32)).hex()


def command(source: str) -> list[str]:
    """The guide's ``gw source new`` of this source."""
    found = re.search(rf"^gw (source new {source} .+)$", GUIDE, re.M)
    assert found is not None
    return found[1].split()


def decisions(source: str) -> list[tuple[str, str]]:
    """What the guide says to write in place of what."""
    table = GUIDE.partition(f"<!-- {source} -->")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(.+?)` \| `(.+?)` \|$", table, re.M)


@dataclass(frozen=True)
class County:
    gw: Operator
    samples: Path

    def file(self, source: str) -> Path:
        return self.gw.home / "mappings" / "511602" / f"{source}.yaml"

    def scaffold(self, source: str) -> dict[str, int]:
        """``gw source new``, as the guide writes it."""
        given = [
            str(self.samples / word.removeprefix("samples/")) if word.startswith("samples/") else word
            for word in command(source)
        ]
        ran = self.gw(*(str(ROOT / word) if word.startswith("targets/") else word for word in given), "--json")
        assert ran.code == 0, ran.out + ran.err
        made: dict[str, int] = ran.json
        return made

    def decide(self, source: str) -> None:
        text = self.file(source).read_text(encoding="utf-8")
        for mark, decided in decisions(source):
            assert mark in text, (source, mark)
            if mark.endswith(":"):  # the whole line
                text = re.sub(rf"(?m)^( +){mark.strip()} .*$", rf"\g<1>{decided.strip()}", text)
            else:
                text = text.replace(mark, decided)
        self.file(source).write_text(text, encoding="utf-8")

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(f"file:{self.gw.var / 'gateway.db'}?mode=ro", uri=True) as database:
            found = database.execute(query).fetchall()
        database.close()
        return found


@pytest.fixture(scope="package")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    folder = tmp_path_factory.mktemp("county")
    home = folder / "home"
    shutil.copytree(ROOT / "targets", home / "targets")
    shutil.copytree(ROOT / "mappings" / "tables", home / "mappings" / "tables")
    (home / "mappings" / "511602").mkdir()
    shutil.copyfile(ROOT / "mappings" / "511602" / "items.csv", home / "mappings" / "511602" / "items.csv")
    samples = folder / "samples"
    connections = {
        "GW_CONN_FRONT": json.dumps({"conn_type": "sqlite", "schema": str(samples / "front.db"), "password": "sqlite"}),
        "GW_CONN_PUSH": json.dumps({"extra": {"keys": {"hall_01_2026a": HALL}}}),
    }
    operator = Operator(folder / "var", home, **connections)
    assert operator("init").code == 0
    with running(operator, "--records", "400", "--seed", "3"):
        hand_over(operator.var / "sandbox", samples)
        yield County(operator, samples)
