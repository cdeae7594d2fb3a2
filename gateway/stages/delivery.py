"""What every part of the push stage works with: one target, one worker, one connection to the platform."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from gateway.crypto.envelope import SenderKeys
from gateway.crypto.suites import SUITES
from gateway.domain import backoff
from gateway.national.client import PlatformClient
from gateway.national.target import TargetFile, load_target
from gateway.stages.context import Context

SEND_SHARE = 0.75  # of the lease: the deadline of a call ends before the lease does, so that no heartbeat is needed


@dataclass(frozen=True)
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

    @cached_property
    def sender_keys(self) -> SenderKeys:
        """Our signature key and the receiver's key for the suite, read once a run.

        Raises ``Misconfigured``: ``crypto.key_missing``, ``crypto.key_ambiguous`` (name one in the target file).
        """
        keys, suite = self.context.keys, SUITES[self.target.suite]
        recipient = keys.wrapper(self.target.recipient_key, suite.key_wrap)
        return SenderKeys(keys.signer_for(suite.signature_algorithm), recipient)

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
