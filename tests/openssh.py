"""A private OpenSSH server (Debian: openssh-server) for tests: SFTP only, one key, gone with the block."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.settings import Connection
from tests.postgresql import SYSTEM_PATH, _free_port

PATIENCE = 15.0


class NoOpenssh(RuntimeError):
    """The server's binary is missing on this machine."""


@contextmanager
def private_openssh() -> Iterator[Connection]:
    """A connection to a fresh server on a free loopback port, logging in as ourselves. Raises :class:`NoOpenssh`."""
    server, keygen = (shutil.which(name, path=SYSTEM_PATH) for name in ("sshd", "ssh-keygen"))
    if server is None or keygen is None:
        raise NoOpenssh("no sshd and ssh-keygen (Debian: apt-get install openssh-server)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it insists on shutting itself in
    home = Path(tempfile.mkdtemp(prefix="gateway-ssh-"))
    try:
        for name in ("host", "own"):
            command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(home / name)]
            subprocess.run(command, check=True, capture_output=True)
        port = _free_port()
        settings = {
            "HostKey": home / "host",
            "AuthorizedKeysFile": home / "own.pub",
            "ListenAddress": "127.0.0.1",
            "PidFile": home / "pid",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "PermitRootLogin": "yes",
            "Subsystem": "sftp internal-sftp",
            "ForceCommand": "internal-sftp",
        }
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        command = [server, "-D", "-e", "-f", "/dev/null", "-p", str(port), *options]
        with (home / "log").open("wb") as log:
            running = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        try:
            _wait(port, running)
            host_key = " ".join((home / "host.pub").read_text().split()[:2])
            extra = {"host_key": host_key, "private_key": (home / "own").read_text()}
            yield Connection(host="127.0.0.1", port=port, login=getpass.getuser(), extra=extra)  # type: ignore[call-arg]
        finally:
            running.terminate()
            running.wait(PATIENCE)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _wait(port: int, running: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while running.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise NoOpenssh("sshd did not start")
