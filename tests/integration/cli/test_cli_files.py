"""``gw source files``: what became of every file, in both languages."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.integration.cli.conftest import Operator

KIOSK = "kiosk_guangan"


def test_the_ledger_of_files_tells_what_was_refused_and_why(gw: Operator, tmp_path: Path) -> None:
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    file = gw.home / "mappings" / "511602" / "kiosk.yaml"
    source = yaml.safe_load(file.read_text("utf-8"))
    source["options"] = {"transport": "local", "folder": str(outbox), "pattern": "kiosk_*"}
    file.write_text(yaml.safe_dump(source, allow_unicode=True), "utf-8")
    for name, content in (("kiosk_1.csv", "流水号\r\n1\r\n"), ("kiosk_2.zip", "no archive")):
        (outbox / name).write_text(content, "utf-8")
        (outbox / f"{name}.ok").touch()
    gw("pull", KIOSK, GW_CONN_KIOSK="{}")
    told = gw("source", "files", KIOSK, "--json")
    assert told.code == 0
    assert {line["name"]: (line["outcome"], line["refused_code"]) for line in told.json} == {
        "kiosk_1.csv": ("landed", None),
        "kiosk_2.zip": ("refused", "file.broken"),
    }
    refused = gw("source", "files", KIOSK, "--outcome", "refused")
    assert "不完整或已损坏" in refused.out
    assert "kiosk_1.csv" not in refused.out
    assert "damaged" in gw("--lang", "en", "source", "files", KIOSK).out
