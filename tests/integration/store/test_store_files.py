"""The ledger of files, written with the last page of each: what was taken, repeated, changed, refused."""

from __future__ import annotations

import os
from pathlib import Path

from connectors import build
from gateway.settings import Connection
from gateway.stages.context import Context
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.store import files, sources
from schemas.source import SourceFile
from tests.integration.store.portal_data import context_of

SOURCE = "kiosk_guangan"
ROW = "流水号,评价\r\n{},满意\r\n"


def deployment(url: str, root: Path) -> Context:
    """A context whose kiosk is a folder of this machine."""
    context = context_of(url, root / "var")
    for name in ("outbox", "archive", "error"):
        (root / name).mkdir()
    places = {"transport": "local", **{key: str(root / key) for key in ("archive", "error")}}
    options = {"folder": str(root / "outbox"), **places, "max_bytes": 4096}
    known = context.source(SOURCE)
    made = SourceFile.model_validate({**known.model_dump(), "options": options})
    object.__setattr__(context, "sources", {SOURCE: made})
    object.__setattr__(context, "build_connector", lambda source: build(source, Connection(), ""))
    return context


def drop(root: Path, name: str, content: bytes) -> None:
    (root / "outbox" / name).write_bytes(content)
    (root / "outbox" / f"{name}.ok").touch()


def told(context: Context) -> list[tuple[str, str, str | None]]:
    with context.store.read() as transaction:
        lines = files.lines(transaction, SOURCE)
    return sorted((line.name, line.outcome, line.refused_code) for line in lines)


def test_every_file_has_its_line_and_a_bad_one_stops_no_other(store_url: str, tmp_path: Path) -> None:
    context = deployment(store_url, tmp_path)
    drop(tmp_path, "a.csv", ROW.format(1).encode())
    drop(tmp_path, "b.xls", b"<html>")
    drop(tmp_path, "c.csv", b"0" * 5000)
    drop(tmp_path, "d.csv", ROW.format(4).encode())
    assert pull(context, SOURCE).pages == 4
    assert told(context) == [
        ("a.csv", "landed", None),
        ("b.xls", "refused", "file.broken"),
        ("c.csv", "refused", "file.too_large"),
        ("d.csv", "landed", None),
    ]
    report = normalise(context, SOURCE)
    assert (report.undecodable_pages, report.quarantined) == (2, 4)
    with context.store.read() as transaction:
        state = sources.state(transaction, SOURCE)
    assert state is not None
    assert state.suspended_code is None
    assert sorted(path.name for path in (tmp_path / "error").iterdir()) == ["b.xls", "b.xls.ok", "c.csv", "c.csv.ok"]
    context.store.close()


def test_the_same_content_is_read_once_and_a_changed_one_is_told(store_url: str, tmp_path: Path) -> None:
    context = deployment(store_url, tmp_path)
    for number, pages in ((1, 1), (1, 0), (22, 1)):
        drop(tmp_path, "a.csv", ROW.format(number).encode())
        moment = 1_760_000_000 + len(told(context))
        os.utime(tmp_path / "outbox" / "a.csv", (moment, moment))
        assert pull(context, SOURCE).pages == pages
    assert [outcome for _, outcome, _ in told(context)] == ["changed", "landed", "repeated"]
    assert not list((tmp_path / "outbox").iterdir())
    context.store.close()


def test_a_file_that_stays_is_not_read_again(store_url: str, tmp_path: Path) -> None:
    context = deployment(store_url, tmp_path)
    staying = context.sources[SOURCE].model_copy(
        update={"options": {"transport": "local", "folder": str(tmp_path / "outbox")}}
    )
    object.__setattr__(context, "sources", {SOURCE: staying})
    drop(tmp_path, "a.csv", ROW.format(1).encode())
    assert pull(context, SOURCE).pages == 1
    again = pull(context, SOURCE)
    assert (again.pages, again.repeated) == (0, 0)
    context.store.close()
