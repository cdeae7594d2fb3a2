"""Answers recorded byte for byte from services that are not ours, read again. ``recorded/<name>/``: ``source.yaml``,
the answers in order (``1.http``, …: status line, headers, body). ``tests/foreign`` has made them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import connectors
from gateway.mapping.decode import decode
from gateway.mapping.spec import Reading
from gateway.settings import Connection
from schemas.source import SourceFile
from tests.contract.proof import proved
from tests.contract.rigs import HERE, LOOPBACK
from tests.contract.wire import HttpDouble, Reply

ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
RECORDED = sorted(path.parent for path in (HERE / "recorded").glob("*/source.yaml"))
for _folder in RECORDED:
    proved({yaml.safe_load((_folder / "source.yaml").read_text())["connector"]}, "recorded")


def reply(path: Path, port: int) -> Reply:
    """As received, but that it names the address where it is played now."""
    head, _, body = path.read_bytes().partition(b"\r\n\r\n")
    status, *lines = ADDRESS.sub(f"{LOOPBACK}:{port}", head.decode()).split("\r\n")
    headers = {name: text for name, _, text in (line.partition(": ") for line in lines)}
    media_type = headers.pop("Content-Type", headers.pop("content-type", ""))
    return Reply(int(status.split()[1]), body, media_type, headers)


@pytest.mark.parametrize("folder", RECORDED, ids=lambda folder: folder.name)
def test_a_recorded_service_is_read_whole(folder: Path) -> None:
    answers = iter(sorted(folder.glob("*.http"), key=lambda path: int(path.stem)))
    double = HttpDouble(lambda _: reply(next(answers), double.port))
    source = SourceFile.model_validate(yaml.safe_load((folder / "source.yaml").read_text(encoding="utf-8")))
    if "wsdl_file" in source.options:
        source.options["wsdl_file"] = str(folder / source.options["wsdl_file"])
    at = Connection(schema="http", host=LOOPBACK, port=double.port, login="gw", password="right")  # type: ignore[arg-type,call-arg]
    made = connectors.build(source, at, LOOPBACK)
    reading = Reading.model_validate(source.mapping["read"])
    key = source.mapping["evaluation"]["id"]["path"]
    try:
        pages = list(made.pages(None, lambda _: False))
        found = [item[key] for page in pages for item in decode(page.body, page.media_type, reading)]
    finally:
        made.close()
        double.close()
    assert list(dict.fromkeys(found)) == [f"r{number:03}" for number in range(10)]
    assert next(answers, None) is None
