"""A gateway that knows a platform that runs, with its keys in files or in an HSM of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.bootstrap import initialise
from gateway.settings import Settings
from gateway.stages.context import Context
from gateway.stages.own_keys import public_halves
from sandbox.platform.running import RunningPlatform
from schemas import code_lists
from tests.doubles import forked_platform
from tests.integration.delivery import world

HSM_STORE = "tests.integration.keys.hsm_store:open_key_store"


@dataclass
class Site:
    """One deployment; ``shift`` moves its clock. What it opened is closed with it."""

    home: Path
    url: str
    overrides: dict[str, Any]
    opened: ExitStack
    platform: RunningPlatform
    shift: timedelta = field(default_factory=timedelta)

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def later(self, shift: timedelta) -> None:
        """Both sides' clocks."""
        self.shift = shift
        self.platform.admin.clock(shift=shift.total_seconds())

    def settings(self) -> Settings:
        return world.settings_of(self.home, self.url, **self.overrides)

    def open(self) -> Context:
        """As a new process would."""
        context = world.open_world(self.home, self.url, self.clock, **self.overrides)
        self.opened.callback(context.store.close)
        return context

    def register(self, context: Context) -> None:
        """Tell the platform our public keys."""
        for half in public_halves(context.keys):
            (self.home / "sender" / f"{half.key_id}.pub.pem").write_text(half.pem, encoding="ascii")

    def suite(self, name: str) -> None:
        """What batches are sealed with from now on."""
        file = self.home / "targets" / "national.yaml"
        file.write_text(re.sub(r"suite: \S+", f"suite: {name}", file.read_text(encoding="utf-8")), encoding="utf-8")


Build = Callable[..., Site]


@pytest.fixture
def build(tmp_path: Path, store_url: str) -> Iterator[Build]:
    """Makes the site; settings as given."""
    with ExitStack() as opened:

        def make(**overrides: Any) -> Site:
            home = tmp_path / "home"
            (home / "targets").mkdir(parents=True, exist_ok=True)
            (home / "mappings").mkdir()
            (home / "sender").mkdir()
            shipped = (world.REPOSITORY / "targets" / "national.yaml").read_text(encoding="utf-8")
            (home / "targets" / "national.yaml").write_text(shipped, encoding="utf-8")
            (home / "connection.json").write_text("{}")
            initialise(world.settings_of(home, store_url, **overrides))
            running = forked_platform(tmp_path / "platform", senders=(world.SENDER,), sender_keys=home / "sender")
            platform = opened.enter_context(running)
            world.introduce(home, platform)
            site = Site(home, store_url, overrides, opened, platform)
            site.register(site.open())
            return site

        yield make
    code_lists.put_in_force(())


@pytest.fixture
def site(build: Build) -> Site:
    return build()


class Hsm:
    """The device as a process."""

    def __init__(self, socket: Path, folder: Path) -> None:
        self.socket, self.folder = socket, folder
        self.start()

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        command = [sys.executable, "-m", "sandbox.hsm", str(self.socket), str(self.folder)]
        self._process = subprocess.Popen(command, cwd=world.REPOSITORY)
        while not self.socket.exists():
            assert self._process.poll() is None
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self.socket.unlink(missing_ok=True)


@pytest.fixture
def hsm(tmp_path: Path) -> Iterator[Hsm]:
    var = tmp_path / "home" / "var"
    var.mkdir(parents=True)
    device = Hsm(var / "hsm.sock", tmp_path / "device")
    yield device
    device.stop()
