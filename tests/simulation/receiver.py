"""The national platform inside this process: the double's own code, strict as ever, without a server around it.

A call is one turn of its application. It may die at its crash points like the process that it is elsewhere: what it
has not committed is gone, and the next start finishes what was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette

from sandbox.platform.api import Api
from sandbox.platform.assembly import Platform, assemble
from sandbox.platform.crash import CrashPoints
from sandbox.platform.own_keys import OwnKey, OwnKeys
from sandbox.platform.settings import PlatformSettings


class PlatformDied(BaseException):
    """The platform was killed in the middle of a call; nobody gets an answer."""


class _DyingPoints(CrashPoints):
    """Crash points that end the call instead of the process."""

    def __init__(self) -> None:
        super().__init__({})

    def die(self, name: str) -> None:
        raise PlatformDied(name)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class Receiver:
    """One platform in ``settings.folder``, which survives its deaths. ``clock``: its time, aware."""

    def __init__(self, settings: PlatformSettings, own_keys: OwnKeys, clock: Callable[[], datetime]) -> None:
        self._settings, self._own_keys, self._clock = settings, own_keys, clock
        self.deaths = 0
        self.start()

    def start(self) -> None:
        """Up, again: a former process's unfinished batches are finished first."""
        self.platform: Platform = assemble(self._settings, self._own_keys, _DyingPoints())
        for ledger in (self.platform.ledger, self.platform.oracle._ledger):
            ledger.db.execute("PRAGMA synchronous = OFF")  # it dies by our word alone, never with the machine
        self._app = Starlette(routes=Api(self.platform).routes())

    def restart(self) -> None:
        """Killed and started again; what was ordered to go wrong goes with it."""
        self.deaths += 1
        self.platform.close()
        self.start()

    def close(self) -> None:
        self.platform.close()

    def sign_with(self, key: OwnKey) -> None:
        """Receipts bear this key from now on; the old ones verify with the old one still."""
        self._own_keys = _Rotated(self._own_keys, key)  # type: ignore[assignment]
        self.restart()

    def order(self, fault: str, **wish: Any) -> None:
        """As over the test bench."""
        self.platform.faults.order({"fault": fault, **wish})

    def call(self, method: str, path: str, params: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Heard:
        """One call and its answer. Raises :class:`PlatformDied`; the platform is up again then."""
        self.platform.clock.freeze(self._clock())
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": urlencode(params).encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
        }
        try:
            return _turn(self._app, scope, body)
        except PlatformDied:
            self.restart()
            raise

    def effects(self) -> dict[tuple[str, str, int], tuple[int, set[str]]]:
        """(kind, key, version) → how many times it took effect, and by which batches: by the oracle's own books."""
        found: dict[tuple[str, str, int], tuple[int, set[str]]] = {}
        rows = self.platform.oracle._ledger.db.execute("SELECT kind, key, version, batch_id FROM effect")
        for kind, key, version, batch_id in rows:
            times, batches = found.get((kind, key, version), (0, set()))
            found[kind, key, version] = times + 1, batches | {batch_id}
        return found

    def digests(self) -> list[tuple[str, str, bytes]]:
        """(kind, key, digest) of every first version that took effect."""
        return self.platform.oracle._ledger.db.execute(
            "SELECT kind, key, digest FROM effect WHERE version = 1"
        ).fetchall()

    def holes(self) -> list[int]:
        """Numbers of the sequence that neither a batch nor a notice holds."""
        held = {row[0] for row in self.platform.ledger.db.execute("SELECT seq FROM hold")}
        return sorted(set(range(1, max(held, default=0) + 1)) - held)

    def batches(self) -> list[dict[str, Any]]:
        """Every batch id that was ever posted."""
        return self.platform.oracle.batches()


class _Rotated:
    """A platform's keys with a new one to sign with."""

    def __init__(self, keys: OwnKeys, newest: OwnKey) -> None:
        self._keys, self._newest = keys, newest

    def signing(self, _suite: str) -> OwnKey:
        return self._newest

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keys, name)


def _turn(app: Starlette, scope: dict[str, Any], body: bytes) -> Heard:
    """The application's answer, without an event loop: nothing that it awaits here ever waits."""
    said: dict[str, Any] = {}
    pieces: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            said.update(message)
        else:
            pieces.append(message.get("body", b""))

    work = app(scope, receive, send)
    try:
        work.__await__().send(None)
    except StopIteration:
        headers = {name.decode(): value.decode() for name, value in said["headers"]}
        return Heard(said["status"], headers, b"".join(pieces))
    raise AssertionError("the platform waits for something that is not there")
