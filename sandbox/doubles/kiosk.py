"""The kiosk's drop and its small HTTP desk beside it: faults, the oracle, files half written on demand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncssh
import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.doubles.drop import files_factory, server_factory
from sandbox.doubles.faults import SFTP_KINDS, FaultDesk
from sandbox.doubles.places import ARCHIVE, OUTBOX
from sandbox.doubles.stage import RequestLog, Stage

HOST_KEY = "kiosk_host_key"
PARKED = "half_written"


class Kiosk:
    """Serves ``root`` (with ``outbox`` and ``archive``); keys and parked files lie in ``folder``, out of reach."""

    def __init__(self, root: Path, folder: Path, login: str, password: str) -> None:
        self._root, self._folder = root, folder
        self._login, self._password = login, password
        self._desk, self._log = FaultDesk(SFTP_KINDS), RequestLog()
        self._host_key = _host_key(folder / HOST_KEY)

    @property
    def host_key(self) -> str:
        """The public host key, ``ssh-ed25519 AAAA…``, to be pinned."""
        return " ".join(self._host_key.export_public_key().decode().split()[:2])

    async def listen(self, sock: Any) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            sock=sock,
            server_factory=server_factory(self._login, self._password, self._desk, self._log),
            server_host_keys=[self._host_key],
            sftp_factory=files_factory(self._root, self._desk, self._log),
            allow_scp=False,
            public_key_auth=False,
            kbdint_auth=False,
        )

    def stage(self) -> Stage:
        admin = [
            Route("/sandbox/half", self.halve, methods=["POST"]),
            Route("/sandbox/complete", self.complete, methods=["POST"]),
            Route("/sandbox/files/{name}", self.add_file, methods=["PUT"]),
        ]
        return Stage(_nothing_here, self._desk, self._log, self._facts, admin)

    async def halve(self, request: Request) -> Response:
        """Admin: ``{"name"}`` (default: the newest) stands half written and without its flag until ``complete``."""
        asked = orjson.loads(await request.body() or b"{}")
        names = sorted(path.name.removesuffix(".ok") for path in self._outbox.glob("*.ok"))
        name = asked.get("name") or (names[-1] if names else "")
        if name not in names:
            return JSONResponse({"error": "no such complete file in the outbox"}, 404)
        file, parked = self._outbox / name, self._folder / PARKED
        parked.mkdir(exist_ok=True)
        whole = file.read_bytes()
        (parked / name).write_bytes(whole)
        (self._outbox / f"{name}.ok").replace(parked / f"{name}.ok")
        file.write_bytes(whole[: len(whole) // 2])
        return JSONResponse({"name": name})

    async def complete(self, request: Request) -> Response:
        """Admin: the writer of every half file comes to its end: content first, flag last."""
        done = []
        for flag in sorted((self._folder / PARKED).glob("*.ok")):
            name = flag.name.removesuffix(".ok")
            (flag.parent / name).replace(self._outbox / name)
            flag.replace(self._outbox / flag.name)
            done.append(name)
        return JSONResponse({"names": done})

    async def add_file(self, request: Request) -> Response:
        """Admin: a further file; ``?rows=n`` goes into its flag, without it there is no flag."""
        name = Path(request.path_params["name"]).name
        (self._outbox / name).write_bytes(await request.body())
        if rows := request.query_params.get("rows"):
            (self._outbox / f"{name}.ok").write_text(rows, encoding="ascii")
        return JSONResponse({"name": name})

    @property
    def _outbox(self) -> Path:
        return self._root / OUTBOX

    def _facts(self) -> dict[str, Any]:
        folders = {
            folder: sorted(path.name for path in (self._root / folder).iterdir()) for folder in (OUTBOX, ARCHIVE)
        }
        return {**folders, "host_key": self.host_key}


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("only /sandbox/", 404)(scope, receive, send)


def _host_key(path: Path) -> asyncssh.SSHKey:
    if path.exists():
        return asyncssh.read_private_key(path)
    key = asyncssh.generate_private_key("ssh-ed25519")
    path.touch(mode=0o600)
    key.write_private_key(path)
    return key
