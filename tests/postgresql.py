"""A private PostgreSQL server for tests and benchmarks, from the system's own binaries, gone when the block ends."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNPRIVILEGED = ("postgres", "nobody")  # PostgreSQL refuses to run as root
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])  # where a bare PATH doesn't look
RUNUSER = shutil.which("runuser", path=SYSTEM_PATH)


class NoPostgresql(RuntimeError):
    """The server's binaries, or an account to run them under, are missing on this machine."""


def binaries() -> Path:
    """The folder of ``initdb`` and ``pg_ctl``: the newest of the system's, or what ``pg_config`` names."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    if shutil.which("pg_config"):
        said = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        folders.insert(0, Path(said))
    for folder in reversed(folders):
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise NoPostgresql("no initdb and pg_ctl in /usr/lib/postgresql/*/bin or `pg_config --bindir`")


def account() -> str:
    """Who runs the server: ourselves, or as root an account without privileges."""
    if os.geteuid() != 0:
        return getpass.getuser()
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in UNPRIVILEGED:
        if name in known and RUNUSER:
            return name
    raise NoPostgresql(f"root can't run PostgreSQL, and there is no runuser with one of {', '.join(UNPRIVILEGED)}")


@contextmanager
def private_postgresql(*, fsync: bool = False, settings: tuple[str, ...] = ()) -> Iterator[str]:
    """``postgresql://…/postgres`` of a fresh server on a free loopback port; ``settings`` are lines like ``a=b``.

    Raises :class:`NoPostgresql`.
    """
    folder, user = binaries(), account()
    home = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(home, user)
        data, port = home / "data", _free_port()
        options = [
            f"-p {port}",
            "-c listen_addresses=127.0.0.1",
            "-c unix_socket_directories=",
            f"-c fsync={'on' if fsync else 'off'}",
            *(["-c synchronous_commit=off", "-c full_page_writes=off"] if not fsync else []),
            *(f"-c {line}" for line in settings),
        ]
        _run(user, folder / "initdb", "-D", data, "-U", "gateway", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        _run(user, folder / "pg_ctl", "-D", data, "-w", "-l", home / "log", "-o", " ".join(options), "start")
        try:
            yield f"postgresql://gateway@127.0.0.1:{port}/postgres"
        finally:
            _run(user, folder / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _run(user: str, *command: object) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = [str(RUNUSER), "-u", user, "--", *words]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
