"""A private MariaDB server for tests, from the system's own binaries (Debian: mariadb-server), gone with the block."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
from sqlalchemy import URL

from tests.postgresql import SYSTEM_PATH, _free_port

PATIENCE = 30.0
PASSWORD = "right'\";%"


class NoMariadb(RuntimeError):
    """The server's binaries, or an account to run them under, are missing on this machine."""


@contextmanager
def private_mariadb() -> Iterator[URL]:
    """The URL of database ``front`` on a fresh server on a free loopback port. Raises :class:`NoMariadb`."""
    server = shutil.which("mariadbd", path=SYSTEM_PATH)
    install = shutil.which("mariadb-install-db", path=SYSTEM_PATH)
    if server is None or install is None:
        raise NoMariadb("no mariadbd and mariadb-install-db (Debian: apt-get install mariadb-server)")
    user = _account()
    home = Path(tempfile.mkdtemp(prefix="gateway-maria-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(home, user)
        data, port = home / "data", _free_port()
        common = ["--no-defaults", f"--datadir={data}", f"--user={user}"]
        made = [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(made, check=True, capture_output=True, cwd="/")
        places = [f"--socket={home}/socket", f"--pid-file={home}/pid", "--bind-address=127.0.0.1", f"--port={port}"]
        easy = ["--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve", "--innodb-buffer-pool-size=16M"]
        with (home / "log").open("wb") as log:
            running = subprocess.Popen([server, *common, *places, *easy], stdout=log, stderr=log, cwd="/")
        try:
            _prepare(str(home / "socket"), running)
            query = {"charset": "utf8mb4"}
            yield URL.create("mariadb+pymysql", "gateway", PASSWORD, "127.0.0.1", port, "front", query)
        finally:
            running.kill()  # nobody will read its files again
            running.wait(PATIENCE)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _account() -> str:
    if os.geteuid() != 0:
        return getpass.getuser()
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("mysql", "nobody"):
        if name in known:
            return name
    raise NoMariadb("no account mysql or nobody to run it under")


def _prepare(socket: str, running: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not Path(socket).exists():
        if running.poll() is not None or time.monotonic() > deadline:
            raise NoMariadb("mariadbd did not start")
        time.sleep(0.05)
    with pymysql.connect(user="root", unix_socket=socket) as plug, plug.cursor() as cursor:
        cursor.execute("CREATE DATABASE front CHARACTER SET utf8mb4")
        cursor.execute("CREATE USER gateway@'127.0.0.1' IDENTIFIED BY %s", (PASSWORD,))
        cursor.execute("GRANT ALL ON front.* TO gateway@'127.0.0.1'")
