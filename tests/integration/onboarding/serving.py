"""``gw serve`` as a process of its own, while a block lasts."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.cli.conftest import Operator


@contextmanager
def served(gw: Operator) -> Iterator[str]:
    process = gw.popen("serve", "--port", "0", "--json", stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.rstrip() == b"}":
                break
        yield str(json.loads(b"".join(lines))["url"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stdout.close()
