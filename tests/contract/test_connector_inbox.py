"""What every kind must do, for the one that is pushed to: over a real socket, with senders that fail in every way."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

import connectors
from gateway.bootstrap import open_context
from gateway.inbox.app import make_app
from gateway.inbox.desk import Desk
from gateway.inbox.doors import open_doors
from gateway.stages.context import Context
from tests.contract.proof import proves
from tests.contract.rigs import LOOPBACK
from tests.integration.inbox.world import NAME, SOURCE, World, batch, record

PATH = f"/inbox/v1/{SOURCE}/records"
TABLES = ("raw_page", "inbox_request", "ledger_record")


class Inbox:
    """The service in a thread of this process."""

    def __init__(self, world: World) -> None:
        self.world, self.context = world, open_context(world.settings())
        desk = Desk(self.context, open_doors(self.context.settings, self.context.sources))
        self._server = uvicorn.Server(uvicorn.Config(make_app(desk), http="h11", log_config=None, lifespan="on"))
        listening = socket.create_server((LOOPBACK, 0))
        self.port: int = listening.getsockname()[1]
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self.context.store.close()

    def count(self) -> dict[str, int]:
        from sqlalchemy import text

        with self.context.store.read() as transaction:
            return {
                table: int(transaction.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar() or 0) for table in TABLES
            }

    def push(self, body: bytes, key: str, **changes: str) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of one attempt."""
        headers = self.world.pusher().headers("POST", PATH, body, key) | changes
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=20)
        connection.request("POST", PATH, body, headers)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        connection.close()
        return answer.status, {name.lower(): text for name, text in answer.getheaders()}, said

    def raw(self, body: bytes, key: str, declared: int | None = None) -> socket.socket:
        """A socket on which the request's head has gone, and that many bytes of body are said to come."""
        headers = self.world.pusher().headers("POST", PATH, body, key)
        headers |= {"Host": LOOPBACK, "Content-Length": str(len(body) if declared is None else declared)}
        sending = socket.create_connection((LOOPBACK, self.port), 20)
        lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
        sending.sendall(f"POST {PATH} HTTP/1.1\r\n{lines}\r\n".encode())
        return sending


@pytest.fixture
def inbox(tmp_path: Path, sqlite_template: Path) -> Iterator[Inbox]:
    shutil.copyfile(sqlite_template, tmp_path / "gateway.db")
    world = World(tmp_path, f"sqlite:///{tmp_path / 'gateway.db'}")
    sender = {"id": "hall-01", "name": "大厅", "per_second": 0.5, "burst": 6}
    keys = [{"id": "2026a", "algorithm": "hmac_sm3", "secret": "hall_01_2026a"}]
    world.write(senders=[{**sender, "keys": keys}], max_bytes=65_536)
    made = Inbox(world)
    yield made
    made.close()


@pytest.fixture
def context(inbox: Inbox) -> Context:
    return inbox.context


@proves("inbox", "connection_test", "empty")
def test_check_names_the_keys_and_a_pull_or_an_empty_batch_brings_nothing(inbox: Inbox) -> None:
    source = inbox.context.source(SOURCE)
    connection = inbox.context.settings.connection(source.connection)
    findings = connectors.check(source, connection, "")
    assert [(finding.ok, finding.step) for finding in findings] == [(True, "options"), (True, "keys")]
    assert inbox.world.secrets["hall_01_2026a"] not in str(findings)
    assert connectors.first_page(source, connection, "") is None
    assert inbox.push(batch(), "batch-0000")[2]["landed"] == 0
    assert inbox.count()["ledger_record"] == 0


@proves("inbox", "resumes", "nothing_twice", "cut", "heals")
@pytest.mark.parametrize("sent", [0, 100, -1])
def test_what_is_cut_leaves_nothing_and_comes_whole_and_once_with_the_next_attempt(inbox: Inbox, sent: int) -> None:
    body = batch(record(1), record(2))
    sending = inbox.raw(body, "batch-0001")
    sending.sendall(body[:sent])
    sending.close()
    assert inbox.push(body, "batch-0001")[2]["stored"] == 2
    held = inbox.count()
    assert held == dict(zip(TABLES, (1, 1, 4), strict=True))
    for _ in range(2):  # an answer that never arrived
        status, headers, said = inbox.push(body, "batch-0001")
        assert (status, headers["idempotency-replayed"], said["stored"]) == (200, "true", 2)
    assert inbox.count() == held


@proves("inbox", "late")
def test_what_comes_late_with_an_earlier_moment_is_taken(inbox: Inbox) -> None:
    assert inbox.push(batch(record(2)), "batch-0002")[2]["stored"] == 1
    early = record(1, serviceTime="2026-10-01 09:00:00", applydate="2026-10-01 08:00:00")
    early |= {"acceptDate": "2026-10-01 08:30:00", "resultDate": "2026-10-01 09:00:00"}
    assert inbox.push(batch(early | {"assessTime": "2026-10-01 10:00:00"}), "batch-0001")[2]["stored"] == 1


@proves("inbox", "wrong_credentials")
def test_a_wrong_key_leaves_nothing(inbox: Inbox) -> None:
    inbox.world.secrets["hall_01_2026a"] = "00" * 32
    status, _, said = inbox.push(batch(record(1)), "batch-0001")
    assert (status, said["code"]) == (401, "inbox.signature_wrong")
    assert set(inbox.count().values()) == {0}


@proves("inbox", "throttled")
def test_who_comes_too_often_is_told_when_to_come_back(inbox: Inbox) -> None:
    said = [inbox.push(batch(record(number)), f"batch-{number:04}") for number in range(7)]
    assert [status for status, _, _ in said] == [200] * 6 + [429]
    assert int(said[-1][1]["retry-after"]) >= 1


@proves("inbox", "slow")
def test_a_body_that_drips_is_left(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.inbox.body.READ_SECONDS", 0.3)
    body = batch(record(1))
    sending = inbox.raw(body, "batch-0001")
    answered = b""
    for byte in body:
        sending.sendall(bytes([byte]))
        sending.settimeout(0.02)
        try:
            answered = sending.recv(4096)
            break
        except TimeoutError:
            continue
    sending.close()
    assert b" 408 " in answered.splitlines()[0]
    assert inbox.count()["raw_page"] == 0


@proves("inbox", "huge")
def test_what_is_too_large_is_refused_by_its_word_and_by_its_bytes(inbox: Inbox) -> None:
    sending = inbox.raw(b"", "batch-0001", declared=1_000_000_000)
    assert b" 413 " in sending.recv(4096).splitlines()[0]
    sending.close()
    status, _, said = inbox.push(b"x" * 70_000, "batch-0002")
    assert (status, said["code"]) == (413, "inbox.too_large")
    assert inbox.count()["raw_page"] == 0


@proves("inbox", "garbage", "deep")
@pytest.mark.parametrize("body", [b"\xff\xfe garbage", b'{"records": [', b"[" * 60_000, b'{"records":' + b"[" * 60_000])
def test_what_cannot_be_read_is_kept_whole_and_the_next_one_is_taken(inbox: Inbox, body: bytes) -> None:
    status, _, said = inbox.push(body, "batch-0001")
    assert (status, said["landed"], said["quarantined"]) == (422, 1, 1)
    assert inbox.push(batch(record(1)), "batch-0002")[2]["stored"] == 1
    assert inbox.count()["raw_page"] == 2


@proves("inbox", "hostile")
def test_who_means_harm_gets_nothing_in_and_learns_nothing(inbox: Inbox, capfd: pytest.CaptureFixture[str]) -> None:
    body = batch(record(1))
    captured = inbox.world.pusher().headers("POST", PATH, body, "batch-0001")
    assert inbox.push(body, "batch-0001", **captured)[0] == 200
    for changes, code in (
        (captured, "inbox.replayed"),
        ({"Content-Encoding": "gzip"}, "inbox.encoding"),
        ({"X-Inbox-Sender": "' OR 1=1 --"}, "inbox.header_invalid"),
    ):
        assert inbox.push(body, "batch-0001", **changes)[2]["code"] == code
    flood = socket.create_connection((LOOPBACK, inbox.port), 20)
    flood.sendall(f"POST {PATH} HTTP/1.1\r\n".encode() + b"X-A: " + b"a" * 100_000)
    assert b" 400 " in flood.recv(4096).splitlines()[0]
    flood.close()
    both = inbox.raw(body, "batch-0002")
    both.sendall(
        body + b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    )  # a second request behind the first is one of its own
    both.close()
    assert NAME not in "".join(capfd.readouterr())
    assert inbox.count()["raw_page"] <= 2
