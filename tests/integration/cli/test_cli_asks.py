"""``gw source new`` at a terminal: what no option says is asked for."""

from __future__ import annotations

import os
import pty
import subprocess

from tests.integration.cli.conftest import Operator

ANSWERS = ("qu_asked", "某区12345评价", "hotline", "某区热线中心", "511602")


def test_a_person_at_a_terminal_is_asked_and_the_connection_is_named_like_the_source(gw: Operator) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, "".join(f"{answer}\n" for answer in ANSWERS).encode())
    process = gw.popen("source", "new", stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    told, _ = process.communicate(timeout=120)
    os.close(keyboard)
    os.close(terminal)
    assert process.returncode == 0, told.decode()
    written = (gw.home / "mappings" / "511602" / "qu_asked.yaml").read_text(encoding="utf-8")
    assert 'connector: hotline\nconnection: qu_asked\nowner: 某区热线中心\nregion: "511602000000"\n' in written
