"""The four source files of mappings/511602 against the sandbox's doubles: every record that the truth names arrives."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import requests
import yaml
from lxml import etree

import connectors
from gateway.connector import Page
from gateway.errors import Misconfigured, Transient
from gateway.settings import Connection
from sandbox.generator.files import generate
from sandbox.secrets import make_secrets
from schemas.source import SourceFile
from tests.contract.rigs import Landing

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("portal", "app", "kiosk", "hotline")
RECORDS = 1500


class Live:
    """One running double with its source file; a rig as far as :class:`Landing` needs one."""

    def __init__(self, name: str, folder: Path, announced: dict[str, Any]) -> None:
        self.name, self.folder, self.announced = name, folder, announced
        self.source = SourceFile.model_validate(
            yaml.safe_load((ROOT / "mappings" / "511602" / f"{name}.yaml").read_text(encoding="utf-8"))
        )

    def connection(self, password: str = "right") -> Connection:
        secret, address = make_secrets(self.folder)[self.name], urlsplit(self.announced["url"])
        return Connection.model_validate(
            {
                "schema": address.scheme,
                "host": address.hostname,
                "port": address.port,
                "login": secret.login,
                "password": secret.password if password == "right" else password,
                "extra": {"host_key": self.announced.get("host_key", "")},
            }
        )

    def truth(self) -> list[str]:
        lines = map(json.loads, (self.folder / "truth.jsonl").read_text(encoding="utf-8").splitlines())
        return [line["upstream_id"] for line in lines if line["source"] == self.source.source]

    def ids(self, page: Page) -> list[str]:
        if self.name == "portal":
            return [each["id"] for each in msgspec.json.decode(page.body)["data"]["list"]]
        if self.name == "app":
            return [each["evalId"] for each in msgspec.json.decode(page.body)["result"]["items"]]
        if self.name == "hotline":
            text = etree.fromstring(page.body).xpath("string(//return)")
            return [str(each.text) for each in etree.fromstring(text.encode()).iter("ratingId")]
        return [f"{page.origin} {row}" for row in range(page.declared or 0)]

    def fault(self, **what: Any) -> None:
        requests.post(f"{self.announced['admin']}/sandbox/faults", json=what, timeout=5).raise_for_status()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sandbox")
    make_secrets(made)
    generate(made, RECORDS, 7, None)
    return made


@pytest.fixture(params=NAMES)
def live(request: pytest.FixtureRequest, folder: Path) -> Iterator[Live]:
    with ExitStack() as stack:
        command = [sys.executable, "-m", "sandbox.leash", "sandbox.doubles", request.param, "--folder", str(folder)]
        process = stack.enter_context(
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(process.terminate)
        assert process.stdout is not None
        yield Live(request.param, folder, json.loads(process.stdout.readline()))


def test_every_record_arrives_through_faults_and_nothing_comes_twice(live: Live) -> None:
    findings = connectors.check(live.source, live.connection(), "127.0.0.1")
    assert all(finding.ok for finding in findings), findings
    with pytest.raises(Misconfigured):
        list(connectors.build(live.source, live.connection("wrong"), "127.0.0.1").pages(None, lambda _: False))
    for kind in ("cut", "garbage", "down"):
        live.fault(kind=kind, times=1)
    landing = Landing(live)  # type: ignore[arg-type]
    for _ in range(8):
        try:
            if landing.pull() == 0:
                break
        except Transient:
            continue
    truth = live.truth()
    if live.name == "kiosk":
        assert len(landing.ids) == len(set(landing.ids)) == len(truth)
    else:
        assert set(landing.ids) == set(truth)
        assert len(landing.ids) < len(truth) * 1.02 + 10  # moments shared by two pages, and nothing else
    assert (landing.pull(), landing.pull()) == (0, 0)
