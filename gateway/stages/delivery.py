"""What every part of the push stage works with: one target, one worker, one connection to the platform."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain import backoff
from gateway.national.client import PlatformClient
from gateway.national.target import TargetFile, load_target
from gateway.stages.context import Context

SEND_SHARE = 0.75  # of the lease: the deadline of a call ends before the lease does, so that no heartbeat is needed


@dataclass(frozen=True, slots=True)
class Delivery:
    """One run towards one target."""

    context: Context
    target: TargetFile
    client: PlatformClient
    worker: str

    def now(self) -> datetime:
        return self.context.clock()

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.context.settings.lease_seconds)

    def later(self, failures: int, floor_seconds: float | None = None) -> datetime:
        """When to try again after ``failures`` failures."""
        base = self.context.settings.retry_base_seconds
        return self.now() + backoff.delay(failures, base, random.random(), floor_seconds)  # noqa: S311


@contextmanager
def open_delivery(context: Context, target_id: str) -> Iterator[Delivery]:
    """Raises ``Misconfigured``: ``target.unknown``, ``target.invalid``, ``config.connection_missing``."""
    settings = context.settings
    target = load_target(settings.targets_dir, target_id)
    seconds = settings.lease_seconds * SEND_SHARE
    connection = settings.connection(target.connection)
    with PlatformClient(connection, settings.allowed_hosts, settings.sender, context.clock, seconds) as client:
        yield Delivery(context, target, client, f"{socket.gethostname()}:{os.getpid()}"[:64])
