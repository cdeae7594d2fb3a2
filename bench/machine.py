"""What a figure depends on besides the code: processor, cores, versions."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path
from typing import Any

import psycopg


def machine(server: str | None) -> dict[str, Any]:
    """Names and versions; nothing that tells whose machine it is."""
    about: dict[str, Any] = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postgresql": None,
    }
    if server is not None:
        with psycopg.connect(server) as connection:
            about["postgresql"] = ".".join(map(str, divmod(connection.info.server_version, 10_000)))
    return about


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
