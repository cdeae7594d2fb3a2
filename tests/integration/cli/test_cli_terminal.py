"""On a terminal: nothing wider than it is, a moving line on stderr while a step works, help in both languages."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest
from rich.cells import cell_len

from tests.integration.cli.conftest import Operator, Town

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


def on_terminal(gw: Operator, columns: int, *arguments: str) -> list[str]:
    """The lines of ``gw …`` on a terminal of so many columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = gw.popen(*arguments, stdin=slave, stdout=slave, stderr=subprocess.DEVNULL)
    os.close(slave)
    said = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other end is closed: all is read
            break
        if not part:
            break
        said += part
    os.close(master)
    process.wait(60)
    return ESCAPE.sub("", said.decode()).split("\n")


@pytest.mark.parametrize("columns", [50, 80, 130])
def test_tables_keep_within_the_terminal(town: Town, columns: int) -> None:
    lines = on_terminal(town.gw, columns, "order", "list", "--limit", "3")
    assert any("GA2026" in line for line in lines)
    assert max(cell_len(line) for line in lines) <= columns


def test_ids_are_never_broken(town: Town) -> None:
    orders = town.gw("order", "list", "--limit", "3", "--json").json
    for columns in (60, 130):
        text = "\n".join(on_terminal(town.gw, columns, "order", "list", "--limit", "3"))
        assert all(order["external_id"] in text for order in orders)


def test_help_speaks_one_language(town: Town) -> None:
    chinese, english = town.gw("-h").out, town.gw("--lang", "en", "batch", "retry", "-h").out
    assert "退出码" in chinese
    assert "Exit codes" not in chinese
    assert not re.search("[\u4e00-\u9fff]", english)
    assert "Exit codes: 0 done" in town.gw("--lang", "en", "--help").out
