"""``python -m sandbox up`` and ``down``: what stands, what is written, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gateway import settings
from sandbox.generator.files import generate
from sandbox.processes import CannotStart
from sandbox.town import AlreadyUp, Sandbox, running_sandbox


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_gone(pids: list[int]) -> list[int]:
    deadline = time.monotonic() + 20
    while (left := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def up(folder: Path) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    command = [sys.executable, "-m", "sandbox", "up", "--folder", str(folder), "--records", "60", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def test_the_gateway_reads_its_connections(town: Sandbox) -> None:
    assert town.env.stat().st_mode & 0o777 == 0o600
    home = town.env.parent / "home"
    (home / "var").mkdir(parents=True)
    (home / "var" / "sandbox.env").write_bytes(town.env.read_bytes())
    read = settings.load({}, home=home)
    for name, url in town.urls.items():
        connection = read.connection(name)
        assert connection.url == url
        assert connection.password.get_secret_value() == town.connections[name]["password"]
        assert url.partition("//")[2] in read.allowed_hosts.split(",")
    assert read.connection("kiosk").extra["host_key"].startswith("ssh-ed25519 ")


def test_same_seed_uses_the_same_data_again(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    folder.mkdir()
    generate(folder, 60, 5)
    before = (folder / "truth.jsonl").stat()
    with running_sandbox(folder, records=60, seed=5, national=False):
        assert (folder / "truth.jsonl").stat().st_mtime_ns == before.st_mtime_ns


def test_a_second_town_in_the_same_folder_is_refused(town: Sandbox) -> None:
    with pytest.raises(AlreadyUp), running_sandbox(town.folder):
        pass


def test_a_used_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(CannotStart, match=f"portal: port {port} "),
            running_sandbox(tmp_path / "sandbox", records=40, port_base=port, national=False),
        ):
            pass


def test_down_ends_everything(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    process, state = up(folder)
    pids = [double["pid"] for double in state["doubles"].values()]
    assert len(pids) >= 4
    subprocess.run([sys.executable, "-m", "sandbox", "down", "--folder", str(folder)], check=True, capture_output=True)
    assert process.wait(20) == 0
    assert wait_gone(pids) == []
    assert not folder.with_name("sandbox.env").exists()
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.kill
def test_a_killed_town_leaves_no_process(tmp_path: Path) -> None:
    process, state = up(tmp_path / "sandbox")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(20)
    assert wait_gone([double["pid"] for double in state["doubles"].values()]) == []
    assert process.stdout is not None
    process.stdout.close()
