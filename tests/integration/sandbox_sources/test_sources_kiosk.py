"""The kiosk's drop, read by paramiko (an independent SFTP client)."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import paramiko
import pytest
from python_calamine import CalamineWorkbook

from sandbox.town import Sandbox


def connect(town: Sandbox, password: str | None = None) -> paramiko.Transport:
    connection = town.connections["kiosk"]
    transport = paramiko.Transport((connection["host"], connection["port"]))
    try:
        transport.connect(username=connection["login"], password=password or connection["password"])
    except BaseException:
        transport.close()
        raise
    return transport


@pytest.fixture
def drop(town: Sandbox) -> Iterator[paramiko.SFTPClient]:
    transport = connect(town)
    client = paramiko.SFTPClient.from_transport(transport)
    assert client is not None
    yield client
    client.close()
    transport.close()


def read(drop: paramiko.SFTPClient, name: str) -> bytes:
    with drop.open(f"/outbox/{name}") as file:
        return file.read()


def test_the_pinned_key_is_the_servers(town: Sandbox) -> None:
    transport = connect(town)
    key = transport.get_remote_server_key()
    transport.close()
    assert f"{key.get_name()} {key.get_base64()}" == town.connections["kiosk"]["extra"]["host_key"]


def test_files_hold_every_row_and_flags_count_them(town: Sandbox, drop: paramiko.SFTPClient) -> None:
    names = sorted(name for name in drop.listdir("/outbox") if not name.endswith(".ok"))
    rows = []
    for name in names:
        body = read(drop, name)
        if name.endswith(".csv"):
            ids = [line.split(",")[0] for line in body.decode("gb18030").split("\r\n")[1:] if line]
        else:
            ids = [
                str(row[0]) for row in CalamineWorkbook.from_filelike(BytesIO(body)).get_sheet_by_index(0).to_python()
            ]
            ids = ids[1:]
        assert read(drop, f"{name}.ok").decode() == str(len(ids))
        rows += ids
    assert {name.rpartition(".")[2] for name in names} == {"csv", "xlsx"}
    sent = [line["upstream_id"] for line in town.truth if line["source"] == "kiosk_guangan"]
    assert sorted(rows) == sorted(sent)


def test_wrong_password_is_refused(town: Sandbox) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        connect(town, "wrong")


def test_only_taking_away_is_allowed(town: Sandbox, drop: paramiko.SFTPClient) -> None:
    town.desks["kiosk"].put("/sandbox/files/评价_补报.csv?rows=0", b"x")
    for forbidden in (
        lambda: drop.open("/outbox/new.csv", "w"),
        lambda: drop.remove("/outbox/评价_补报.csv"),
        lambda: drop.mkdir("/outbox/folder"),
        lambda: drop.rename("/outbox/评价_补报.csv", "/outbox/other.csv"),
        lambda: drop.symlink("/etc/passwd", "/archive/link"),
    ):
        with pytest.raises(OSError, match=r".") as refused:
            forbidden()
        assert "Errno 2]" not in str(refused.value)
    drop.rename("/outbox/评价_补报.csv", "/archive/评价_补报.csv")
    drop.rename("/outbox/评价_补报.csv.ok", "/archive/评价_补报.csv.ok")
    assert "评价_补报.csv" in town.desks["kiosk"].oracle()["archive"]


def test_nothing_above_the_root_is_seen(drop: paramiko.SFTPClient) -> None:
    assert sorted(drop.listdir("/../..")) == ["archive", "outbox"]


def test_a_half_written_file_has_no_flag_until_it_is_whole(town: Sandbox, drop: paramiko.SFTPClient) -> None:
    name = town.desks["kiosk"].post("/sandbox/half")["name"]
    half = read(drop, name)
    assert f"{name}.ok" not in drop.listdir("/outbox")
    assert town.desks["kiosk"].post("/sandbox/complete") == {"names": [name]}
    whole = read(drop, name)
    assert len(half) == len(whole) // 2
    assert whole.startswith(half)
    assert f"{name}.ok" in drop.listdir("/outbox")


def test_sftp_faults(town: Sandbox, drop: paramiko.SFTPClient) -> None:
    name = next(name for name in drop.listdir("/outbox") if name.endswith(".csv"))
    desk = town.desks["kiosk"]
    whole = read(drop, name)
    desk.fault("garbage", times=1, match="read")
    assert read(drop, name) != whole
    desk.fault("401", times=1, match="login")
    with pytest.raises(paramiko.AuthenticationException):
        connect(town)
    desk.fault("down", times=1, match="connect")
    with pytest.raises((paramiko.SSHException, EOFError, OSError)):
        connect(town)
    desk.fault("cut", times=1, match="read")
    with pytest.raises((paramiko.SSHException, EOFError, OSError)):
        read(drop, name)
