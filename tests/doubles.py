"""The platform's double for one test: forked, with keys that were made once for all of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.platform.own_keys import OwnKeys
from sandbox.platform.running import RunningPlatform, running_platform
from sandbox.platform.settings import PlatformSettings
from tests.forkserver import forked


@cache
def _made_once() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="gateway-keys-")
    OwnKeys(Path(folder.name))
    return folder


def give_keys(folder: Path) -> None:
    """To a platform that will be started in ``folder``: to make a pair of RSA takes longer than most tests."""
    shutil.copytree(_made_once().name, PlatformSettings(folder).keys_folder)


@contextmanager
def forked_platform(folder: Path, **options: Any) -> Iterator[RunningPlatform]:
    """See :func:`sandbox.platform.running.running_platform`."""
    give_keys(folder)
    with running_platform(folder, launch=forked, **options) as running:
        try:
            yield running
        finally:
            running.kill()  # at once: asked to stop it takes its time
