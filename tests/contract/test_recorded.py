"""Answers recorded byte for byte from services that are not ours, read again. ``recorded/<name>/``: ``source.yaml``,
the answers in order (``1.http``, …: status line, headers, body), ``ids.txt``."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import connectors
from gateway.mapping.decode import decode
from gateway.mapping.spec import Reading
from gateway.settings import Connection
from schemas.source import SourceFile
from tests.contract.rigs import HERE, LOOPBACK
from tests.contract.test_connectors import PROVED
from tests.contract.wire import HttpDouble, Reply, Request

RECORDED = sorted(path.parent for path in (HERE / "recorded").glob("*/source.yaml"))
for _folder in RECORDED:
    PROVED.setdefault("recorded", set()).add(yaml.safe_load((_folder / "source.yaml").read_text())["connector"])


def reply(path: Path) -> Reply:
    head, _, body = path.read_bytes().partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name: text for name, _, text in (line.partition(": ") for line in lines)}
    media_type = next((text for name, text in headers.items() if name.lower() == "content-type"), "")
    return Reply(int(status.split()[1]), body, media_type)


@pytest.mark.parametrize("folder", RECORDED, ids=lambda folder: folder.name)
def test_a_recorded_service_is_read_whole(folder: Path) -> None:
    answers = iter(sorted(folder.glob("*.http"), key=lambda path: int(path.stem)))
    double = HttpDouble(lambda request: _checked(request, next(answers)))
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
    assert found == (folder / "ids.txt").read_text(encoding="utf-8").split()
    assert next(answers, None) is None


def _checked(request: Request, path: Path) -> Reply:
    assert request.method in ("GET", "POST")
    return reply(path)
