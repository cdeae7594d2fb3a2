"""One rig per kind of source: a strict double, the connector on it, and the faults that its transport can have."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import asyncssh
import yaml

import connectors
from connectors.rest.auth import x_tif_signature
from gateway.connector import Connector, Page
from gateway.settings import Connection
from schemas.source import SourceFile
from tests.contract.wire import HttpDouble, Reply, Request, as_json

HERE = Path(__file__).parent
LOOPBACK = "127.0.0.1"
PAGE = 3


def source_file(name: str, **options: Any) -> SourceFile:
    data = yaml.safe_load((HERE / "sources" / f"{name}.yaml").read_text(encoding="utf-8"))
    data["options"] |= options
    return SourceFile.model_validate(data)


def record(number: int, second: int | None = None) -> dict[str, str]:
    return {
        "id": f"r{number:03}",
        "updatedAt": f"2026-11-20 08:00:{number if second is None else second:02}",
        "text": f"满意，“{number}”",
    }


class Rig(Protocol):
    """``spoil(fault, after)``: data answers from number ``after`` (0-based) on are spoilt."""

    faults: frozenset[str]
    connections: int
    source: SourceFile

    def add(self, *records: dict[str, str]) -> None: ...
    def spoil(self, fault: str | None, after: int = 0) -> None: ...
    def connection(self, password: str = "right") -> Connection: ...
    def ids(self, page: Page) -> list[str]: ...
    def close(self) -> None: ...


def connector(rig: Rig, *, password: str = "right", hosts: str = LOOPBACK) -> Connector:
    return connectors.build(rig.source, rig.connection(password), hosts)


HUGE = 200_000
DEEP = {
    "json": b'{"code":0,"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "xml": b"<a>" * 100_000 + b"</a>" * 100_000,
    "csv": b"id,updatedAt,text\r\n" + b'"' * 100_001,
}
SPOILT: dict[str, Callable[[Reply], Reply]] = {
    "throttled": lambda _: Reply(429, b"{}", headers={"Retry-After": "600"}),
    "cut": lambda good: Reply(good.status, good.body, good.media_type, cut=len(good.body) // 2),
    "garbage": lambda _: Reply(502, b"<html>Bad Gateway</html>", "text/html"),
    "html": lambda _: Reply(200, b"<html>login page</html>", "text/html"),
    "reset": lambda _: Reply(reset=True),
    "drip": lambda good: Reply(good.status, good.body * 50, good.media_type, drip=0.02),
    "huge": lambda good: Reply(good.status, good.body + b" " * HUGE, good.media_type),
    "deep": lambda good: Reply(good.status, DEEP[kind_of(good)], good.media_type),
}


def kind_of(reply: Reply) -> str:
    return next(kind for kind in DEEP if kind in reply.media_type)


class HttpRig:
    """What the REST and SOAP doubles share: a list ordered by (updatedAt, id), and spoilt answers."""

    faults = frozenset(SPOILT)

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.records: list[dict[str, str]] = []
        self.data_requests = 0
        self.token = "t1"
        self._spoilt: tuple[str, int] | None = None
        self.double = HttpDouble(self._handle)

    @property
    def connections(self) -> int:
        return self.double.connections

    def add(self, *records: dict[str, str]) -> None:
        known = {new["id"] for new in records}
        self.records = [old for old in self.records if old["id"] not in known] + list(records)
        self.records.sort(key=lambda each: (each["updatedAt"], each["id"]))

    def spoil(self, fault: str | None, after: int = 0) -> None:
        self._spoilt = None if fault is None else (fault, self.data_requests + after)

    def connection(self, password: str = "right") -> Connection:
        return Connection(schema="http", host=LOOPBACK, port=self.double.port, login="gw", password=password)  # type: ignore[arg-type,call-arg]

    def close(self) -> None:
        self.double.close()

    def window(self, since: str, page: int, size: int) -> tuple[int, list[dict[str, str]]]:
        found = [each for each in self.records if each["updatedAt"] >= since]
        return len(found), found[(page - 1) * size : page * size]

    def spoilt(self, good: Reply) -> Reply:
        self.data_requests += 1
        if self._spoilt is None or self.data_requests <= self._spoilt[1]:
            return good
        return SPOILT[self._spoilt[0]](good)

    def _handle(self, request: Request) -> Reply:
        raise NotImplementedError


BRISK = {"connect": 5, "read": 5, "total": 2.5, "max_bytes": 65_536}  # a drip is cut by the total


class PortalRig(HttpRig):
    def __init__(self) -> None:
        paging = {"by": "since", "since_param": "updatedAfter", "size": PAGE, "moment": "updatedAt"}
        super().__init__(source_file("portal", paging=paging, limits=BRISK))
        self.logins = 0

    def ids(self, page: Page) -> list[str]:
        return [each["id"] for each in json.loads(page.body)["data"]["list"]]

    def _handle(self, request: Request) -> Reply:
        if (request.method, request.path) == ("POST", "/api/login"):
            self.logins += 1
            if json.loads(request.body) != {"username": "gw", "password": "right"}:
                return as_json({"code": 1001, "message": "refused"})
            return as_json({"code": 0, "message": "ok", "data": {"token": self.token, "expiresIn": 60}})
        assert (request.method, request.path) == ("GET", "/api/evaluations")
        assert set(request.query) == {"updatedAfter", "page", "pageSize"}
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return as_json({"code": 401}, 401)
        total, found = self.window(
            request.query["updatedAfter"], int(request.query["page"]), int(request.query["pageSize"])
        )
        return self.spoilt(as_json({"code": 0, "message": "ok", "data": {"total": total, "list": found}}))


class AppRig(HttpRig):
    def __init__(self) -> None:
        paging = {"by": "cursor", "size": PAGE, "next": "result.nextCursor", "more": "result.hasMore"}
        super().__init__(source_file("app", paging=paging, limits=BRISK))
        self.nonces: set[str] = set()

    def add(self, *records: dict[str, str]) -> None:
        self.records += records  # an opaque cursor counts what was appended

    def ids(self, page: Page) -> list[str]:
        return [each["id"] for each in json.loads(page.body)["result"]["items"]]

    def _handle(self, request: Request) -> Reply:
        assert (request.method, request.path) == ("GET", "/openapi/v2/evaluations")
        moment, nonce = request.headers["x-tif-timestamp"], request.headers["x-tif-nonce"]
        assert nonce not in self.nonces
        self.nonces.add(nonce)
        signed = (request.headers["x-tif-paasid"], request.headers["x-tif-signature"])
        if signed != ("gw", x_tif_signature(moment, "right", nonce)):
            return as_json({"success": False, "code": "401"}, 401)
        at = int(request.query["cursor"] or 0)
        found = self.records[at : at + int(request.query["limit"])]
        onward = at + len(found)
        result = {"items": found, "nextCursor": str(onward), "hasMore": onward < len(self.records)}
        return self.spoilt(as_json({"success": True, "code": "200", "result": result}))


class FilesRig:
    """A folder of this machine: each call of ``add`` drops one file of at most PAGE rows a slice, with its flag."""

    faults: frozenset[str] = frozenset()
    connections = 0

    def __init__(self, root: Path, **options: Any) -> None:
        self.root = root
        self.outbox, self.archive = root / "outbox", root / "archive"
        self.outbox.mkdir()
        self.archive.mkdir()
        places = {"folder": str(self.outbox), "archive": str(self.archive), "transport": "local"}
        self.source = source_file("kiosk", **{**places, "slice_rows": PAGE, "seconds": 1.0, **options})
        self.dropped = 0

    def add(self, *records: dict[str, str]) -> None:
        for at in range(0, len(records), PAGE * 2):
            self.dropped += 1
            self.drop(f"kiosk_20261120_{self.dropped}.csv", records[at : at + PAGE * 2])

    def drop(self, name: str, records: Any, flag: str | None = None) -> None:
        rows = ["流水号,时间,文字", *(f'{each["id"]},{each["updatedAt"]},"{each["text"]}\n第二行"' for each in records)]
        path = self.outbox / name
        path.write_bytes("".join(row + "\r\n" for row in rows).encode("gb18030"))
        os.utime(path, (1_760_000_000 + self.dropped, 1_760_000_000 + self.dropped))
        (self.outbox / f"{name}.ok").write_text(flag or str(len(records)))

    def spoil(self, fault: str | None, after: int = 0) -> None:
        raise NotImplementedError

    def connection(self, password: str = "right") -> Connection:
        return Connection()

    def ids(self, page: Page) -> list[str]:
        lines = page.body.decode("gb18030").replace("\n第二行", "").splitlines()
        assert lines[0] == "流水号,时间,文字"
        return [line.split(",")[0] for line in lines[1:]]

    def close(self) -> None:
        pass


class SftpRig(FilesRig):
    """The same folder behind a real SFTP server, in a thread of its own."""

    faults = frozenset({"cut", "drip", "garbage"})

    def __init__(self, root: Path) -> None:
        super().__init__(root, transport="sftp", folder="/outbox", archive="/archive")
        self.reads = 0
        self.guests: list[Any] = []
        self.opened: list[Any] = []
        self.fault: tuple[str, int] | None = None
        self.connections = 0
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port: int = self._server.get_port()

    def spoil(self, fault: str | None, after: int = 0) -> None:
        self.fault = None if fault is None else (fault, self.reads + after)

    def connection(self, password: str = "right") -> Connection:
        if self.fault is not None and self.fault[0] == "garbage":
            self.close()
            self._web = HttpDouble(lambda _: Reply(502))
            self.port = self._web.port
        key = self.host_key.export_public_key().decode()
        extra = {"host_key": " ".join(key.split()[:2])}
        return Connection(host=LOOPBACK, port=self.port, login="gw", password=password, extra=extra)  # type: ignore[arg-type,call-arg]

    def close(self) -> None:
        if self._loop.is_closed():
            self._web.close()
            return
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> Any:
        rig = self

        class Door(asyncssh.SSHServer):
            def connection_made(self, conn: Any) -> None:
                rig.connections += 1
                rig.guests.append(conn)

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == ("gw", "right")

        class Files(asyncssh.SFTPServer):
            def __init__(self, chan: Any) -> None:
                super().__init__(chan, chroot=str(rig.root).encode())

            def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
                self.name = path
                opened = super().open(path, pflags, attrs)
                rig.opened.append(opened)
                return opened

            async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
                if self.name.endswith(b".ok"):
                    return bytes(super().read(file_obj, offset, size))
                if offset == 0:
                    rig.reads += 1
                if rig.fault is None or rig.reads <= rig.fault[1]:
                    return bytes(super().read(file_obj, offset, size))
                if rig.fault[0] == "cut":
                    self.channel.get_connection().abort()
                await asyncio.sleep(0.2)
                return bytes(super().read(file_obj, offset, 1))

        return await asyncssh.listen(
            LOOPBACK, 0, server_host_keys=[self.host_key], server_factory=Door, sftp_factory=Files
        )

    async def _hang_up(self) -> None:
        self._server.close()
        await self._server.wait_closed()
        for guest in self.guests:
            guest.abort()
            await guest.wait_closed()
        for opened in self.opened:
            opened.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Landing:
    """What the pull stage does: land each page once, with its cursor."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.cursor: str | None = None
        self.origins: set[str] = set()
        self.pages: set[tuple[str, str]] = set()
        self.ids: list[str] = []

    def pull(self, stop_after: int | None = None, tell: bool = True) -> int:
        """Land what is new, at most ``stop_after`` pages; ``tell``: call ``landed`` (a kill would skip it)."""
        source, count = connector(self.rig), 0
        try:
            for page in source.pages(self.cursor, self.origins.__contains__):
                once = (page.origin, hashlib.sha256(page.body).hexdigest())
                if once not in self.pages:
                    self.pages.add(once)
                    found = self.rig.ids(page)
                    assert page.declared == len(found)
                    self.ids += found
                    count += 1
                self.origins.add(page.origin)
                self.cursor = page.cursor
                if tell:
                    source.landed(page)
                    source.landed(page)
                if count == stop_after:
                    break
        finally:
            source.close()
        return count
