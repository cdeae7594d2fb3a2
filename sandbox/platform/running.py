"""A running platform for tests and the demonstration: a process of its own, killed and started again at will."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from sandbox.launch import Launch, interpreter, let_go

_PATIENCE = 30.0


class Bench:
    """The platform's ``/sandbox`` face."""

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        self.url = ""

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(method, self.url + path, json=body, timeout=_PATIENCE)
        answer.raise_for_status()
        return answer.json()

    def fault(self, fault: str, **wish: Any) -> dict[str, Any]:
        """Order one fault; parameters: :mod:`sandbox.platform.faults`."""
        return dict(self._json("POST", "/sandbox/faults", {"fault": fault, **wish}))

    def clear(self) -> None:
        self._json("DELETE", "/sandbox/faults")

    def clock(self, **wish: Any) -> str:
        """``now=`` freezes, ``shift=`` shifts, nothing gives real time back; the platform's time afterwards."""
        return str(self._json("POST", "/sandbox/clock", wish)["now"])

    def rotate(self, alg: str) -> dict[str, Any]:
        return dict(self._json("POST", "/sandbox/keys", {"alg": alg}))

    def publish_indicators(self, version: str, items: list[dict[str, Any]]) -> None:
        """Another indicator dictionary."""
        self._json("POST", "/sandbox/indicators", {"version": version, "items": items})

    def reset(self) -> None:
        """Ledger, oracle, faults and clock as if newly installed; clients and keys stay."""
        self._json("POST", "/sandbox/reset")

    def oracle(self) -> dict[str, Any]:
        return dict(self._json("GET", "/sandbox/oracle"))

    def batches(self) -> list[dict[str, Any]]:
        return list(self._json("GET", "/sandbox/oracle/batches"))

    def voids(self) -> list[dict[str, Any]]:
        return list(self._json("GET", "/sandbox/oracle/voids"))

    def effects(self, kind: str) -> list[dict[str, Any]]:
        """Every record version that took effect: key, version, digest, times, batchId, data."""
        answer = self._session.get(f"{self.url}/sandbox/oracle/effects", params={"kind": kind}, timeout=_PATIENCE)
        answer.raise_for_status()
        return [json.loads(line) for line in answer.iter_lines()]


class RunningPlatform:
    """``url``, ``recipient``, ``paasid``, ``token``, ``key_files`` (key id → public PEM) and ``admin``.

    A restart keeps folder and port.
    """

    def __init__(self, folder: Path, arguments: list[str], launch: Launch = interpreter) -> None:
        self.folder = folder
        self._arguments, self._launch = arguments, launch
        self._port = 0
        self._session = requests.Session()
        self._session.trust_env = False
        self.admin = Bench(self._session)

    def start(self, **environment: str) -> None:
        """Wait until it takes connections. ``GATEWAY_CRASH_AT="r2:1"`` arms a crash point."""
        places = ["--folder", str(self.folder), "--port", str(self._port)]
        words = ["sandbox.platform", *places, *self._arguments]
        self._process = self._launch(words, {**os.environ, **environment}, None)
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise RuntimeError(f"the platform did not start: exit {self.wait()}")
        about = json.loads(line)
        self.url: str = about["url"]
        self.admin.url = self.url
        self._port = int(self.url.rpartition(":")[2])
        self.recipient: str = about["recipient"]
        client = json.loads(Path(about["clients"]).read_text(encoding="utf-8"))[0]
        self.paasid: str = client["paasid"]
        self.token: str = client["token"]

    def wait(self) -> int:
        """Until the process has ended, by itself or by a crash point; its exit code (-9 after SIGKILL)."""
        code = self._process.wait(_PATIENCE)
        let_go(self._process)
        return code

    @property
    def key_files(self) -> dict[str, Path]:
        """Key id → public key as PEM, of every key that the platform has."""
        paths = (self.folder / "public").glob("*.pub.pem")
        return {path.name.removesuffix(".pub.pem").rpartition("-")[2]: path for path in paths}

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self.wait()

    def stop(self) -> None:
        """SIGTERM, if it still runs."""
        if self.runs:
            self._process.terminate()
        self.wait()

    def restart(self, **environment: str) -> None:
        self.stop()
        self.start(**environment)

    def close(self) -> None:
        self.stop()
        self._session.close()


@contextmanager
def running_platform(
    folder: Path,
    *,
    senders: tuple[str, ...] = ("510000000000",),
    sender_keys: Path | None = None,
    regions: Path | None = None,
    items: Path | None = None,
    arguments: tuple[str, ...] = (),
    launch: Launch = interpreter,
) -> Iterator[RunningPlatform]:
    """A platform that lives as long as the block; its folder outlives it."""
    given = [*arguments, *(part for sender in senders for part in ("--sender", sender))]
    for option, path in (("--sender-keys", sender_keys), ("--regions", regions), ("--items", items)):
        if path is not None:
            given += [option, str(path)]
    platform = RunningPlatform(folder, given, launch)
    platform.start()
    try:
        yield platform
    finally:
        platform.close()
