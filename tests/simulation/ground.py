"""What every simulated world is copied from: a prepared deployment and a platform that know each other's keys."""

from __future__ import annotations

import gc
import random
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import event

from gateway.crypto import sm2
from gateway.national import client
from gateway.stages import delivery
from gateway.stages.context import Context
from sandbox.platform.own_keys import OwnKeys
from sandbox.platform.settings import PlatformSettings
from tests.integration.delivery import world as deployment
from tests.simulation.patches import Patches
from tests.simulation.receiver import Receiver
from tests.simulation.wire import Wire, client_over
from tests.simulation.workers import watched

BATCH_RECORDS = 4
BEGINS = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
TOKEN = "simulated"
READ_ONCE = ((sm2, "load_public"), (sm2, "load_private"), (delivery, "load_target"))


@dataclass(frozen=True)
class _Introduction:
    """What a gateway is told of a platform (:func:`tests.integration.delivery.world.introduce`)."""

    key_files: dict[str, Path]
    url: str = "http://127.0.0.1:9"
    paasid: str = "gw-sandbox"
    token: str = TOKEN


class Ground:
    """``folder`` holds the templates; ``context`` a gateway opened once, whose keys and vault all worlds share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.worlds = 0
        self.wire: Wire | None = None
        home = folder / "home"
        url = f"sqlite:///{folder / 'gateway.db'}"
        deployment.prepare(home, url, BATCH_RECORDS)
        self.own_keys = OwnKeys(folder / "platform-keys")
        public = self.own_keys.export(folder / "public")
        deployment.introduce(home, _Introduction({path.name: path for path in public}))  # type: ignore[arg-type]
        self.context: Context = deployment.open_world(home, url, retry_base_seconds=60.0, lease_seconds=60)
        self.context.store.close()  # folds the log into the file that is copied
        self.database = folder / "gateway.db"
        event.listen(self.context.store.engine, "do_connect", self._redirect)
        first = Receiver(self.platform_settings(folder / "platform"), self.own_keys, lambda: BEGINS)
        first.close()

    def platform_settings(self, folder: Path) -> PlatformSettings:
        """A platform whose state is in ``folder``; it takes the senders' keys from there as well."""
        if not folder.exists():
            folder.mkdir()
            shutil.copytree(self.folder / "home" / "sender", folder / "sender")
        return PlatformSettings(folder, [deployment.SENDER], folder / "sender", token=TOKEN)

    def _redirect(self, _dialect: Any, _record: Any, arguments: list[Any], _parameters: Any) -> None:
        """One engine for all worlds, since it remembers compiled statements; the file is the present world's."""
        arguments[0] = str(self.database)

    def place(self) -> Path:
        """A folder with a database, keys and a platform of its own, for one world."""
        self.worlds += 1
        place = self.folder / f"world-{self.worlds}"
        place.mkdir()
        shutil.copyfile(self.folder / "gateway.db", place / "gateway.db")
        shutil.copytree(self.folder / "home" / "var" / "keys", place / "keys")
        shutil.copytree(self.folder / "platform", place / "platform")
        return place


@contextmanager
def prepared() -> Iterator[Ground]:
    """The ground, and within the block a gateway whose calls go over the wire of the world that is being played."""
    with tempfile.TemporaryDirectory(prefix="simulation-", ignore_cleanup_errors=True) as folder, watched():
        ground = Ground(Path(folder))
        patches = Patches()
        patches.put(client, "HttpClient", client_over(lambda: _there(ground.wire)))
        patches.put(uuid, "uuid4", drawn_uuid)
        for owner, name in READ_ONCE:  # they are the same in every world
            patches.put(owner, name, lru_cache(getattr(owner, name)))
        gc.freeze()
        try:
            yield ground
        finally:
            gc.unfreeze()
            patches.put_back()


def drawn_uuid() -> uuid.UUID:
    """From the world's seed, so that a schedule plays alike each time."""
    return uuid.UUID(int=random.getrandbits(128), version=4)


def _there(wire: Wire | None) -> Wire:
    assert wire is not None, "no world is being played"
    return wire
