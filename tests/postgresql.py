"""A private PostgreSQL server for tests and benchmarks, from the system's own binaries, gone when the block ends."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

GONE_SECONDS = 15.0
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


class PrivateServer:
    """A running server of our own, that may be killed and started again."""

    def __init__(self, home: Path, options: Sequence[str]) -> None:
        self._folder, self._user = binaries(), account()
        self._home, self._data = home, home / "data"
        if os.geteuid() == 0:
            shutil.chown(home, self._user)
        self._port = _free_port()
        self._options = [f"-p {self._port}", "-c listen_addresses=127.0.0.1", "-c unix_socket_directories=", *options]
        self._run("initdb", "-D", self._data, "-U", "gateway", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        self.start()

    @property
    def url(self) -> str:
        """``postgresql://…/postgres``."""
        return f"postgresql://gateway@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Wait until it answers; after a death it puts its log right first."""
        log, options = self._home / "log", " ".join(self._options)
        self._run("pg_ctl", "-D", self._data, "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """At once, without a checkpoint: what was committed is in its log alone."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def kill(self) -> None:
        """SIGKILL to its first process, and wait until the others have noticed."""
        lines = (self._data / "postmaster.pid").read_text(encoding="ascii").splitlines()
        children = _children(int(lines[0]))
        os.kill(int(lines[0]), signal.SIGKILL)
        deadline = time.monotonic() + GONE_SECONDS
        while any(Path(f"/proc/{child}").exists() for child in children):
            if time.monotonic() > deadline:
                raise TimeoutError("PostgreSQL's processes outlive the first of them")
            time.sleep(0.02)

    def _run(self, name: str, *arguments: object) -> None:
        words = [str(self._folder / name), *map(str, arguments)]
        if os.geteuid() == 0:
            words = [str(RUNUSER), "-u", self._user, "--", *words]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/")


@contextmanager
def private_server(*options: str) -> Iterator[PrivateServer]:
    """A fresh server on a free loopback port; ``options`` are command-line options like ``-c a=b``.

    Raises :class:`NoPostgresql`.
    """
    home = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
    try:
        server = PrivateServer(home, options)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def private_postgresql(*, fsync: bool = False, settings: tuple[str, ...] = ()) -> Iterator[str]:
    """``postgresql://…/postgres`` of a fresh server that nobody kills; ``settings`` are lines like ``a=b``.

    Raises :class:`NoPostgresql`.
    """
    options = ["-c fsync=on"] if fsync else ["-c fsync=off", "-c synchronous_commit=off", "-c full_page_writes=off"]
    with private_server(*options, *(f"-c {line}" for line in settings)) as server:
        yield server.url


def _children(process: int) -> list[int]:
    threads = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for file in threads for child in file.read_text(encoding="ascii").split()]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
